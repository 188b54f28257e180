"""What the cluster holds: identity + version + spec (the user's) + status (ours).

Changed by `msgspec.structs.replace`, never in place.
"""

from datetime import datetime
from enum import StrEnum

from swarmlite.model.base import Extension, Record, named
from swarmlite.model.spec import (
    EndpointSpec,
    NetworkSpec,
    NodeSpec,
    Platform,
    PortConfig,
    Reservations,
    Role,
    ServiceSpec,
    TaskTemplate,
)
from swarmlite.model.states import TaskState


class Version(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Moves only when the spec is written through the API, so `?version=` conflicts only with other users."""

    index: int = 0


# --- nodes ----------------------------------------------------------------------------------------------------------


class NodeState(StrEnum):
    UNKNOWN = "unknown"
    DOWN = "down"
    READY = "ready"


class EngineDescription(Record, frozen=True, kw_only=True):
    engine_version: str = ""
    labels: dict[str, str] = {}


class NodeDescription(Record, frozen=True, kw_only=True):
    """What the agent says its host is. CPU in billionths, memory in bytes."""

    hostname: str = ""
    platform: Platform = Platform()
    resources: Reservations = Reservations()
    engine: EngineDescription = EngineDescription()


class NodeStatus(Record, frozen=True, kw_only=True, omit_defaults=False):
    state: NodeState = NodeState.UNKNOWN
    message: str = ""
    addr: str = ""


class ManagerStatus(Record, frozen=True, kw_only=True, omit_defaults=False):
    leader: bool = True
    reachability: str = "reachable"
    addr: str = ""


class NodeExtension(Extension, frozen=True, kw_only=True):
    """`engine_error`: why the host's engine cannot run tasks now; empty where it can."""

    engine_error: str = ""


class Node(Record, frozen=True, kw_only=True):
    id: str = named("ID")
    version: Version = Version()
    created_at: datetime
    updated_at: datetime
    spec: NodeSpec = NodeSpec()
    description: NodeDescription = NodeDescription()
    status: NodeStatus = NodeStatus()
    manager_status: ManagerStatus | None = None
    swarmlite: NodeExtension | None = None

    @property
    def engine_error(self) -> str:
        return self.swarmlite.engine_error if self.swarmlite else ""

    @property
    def name(self) -> str:
        return self.spec.name or self.description.hostname


# --- services and tasks ---------------------------------------------------------------------------------------------


class Endpoint(Record, frozen=True, kw_only=True):
    spec: EndpointSpec | None = None
    ports: tuple[PortConfig, ...] = ()


class UpdateStatus(Record, frozen=True, kw_only=True):
    state: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    message: str = ""


class Service(Record, frozen=True, kw_only=True):
    id: str = named("ID")
    version: Version = Version()
    created_at: datetime
    updated_at: datetime
    spec: ServiceSpec
    previous_spec: ServiceSpec | None = None
    endpoint: Endpoint = Endpoint()
    update_status: UpdateStatus | None = None

    @property
    def name(self) -> str:
        return self.spec.name


class ContainerStatus(Record, frozen=True, kw_only=True):
    container_id: str = named("ContainerID", "")
    pid: int = named("PID", 0)
    exit_code: int | None = None


class PortStatus(Record, frozen=True, kw_only=True):
    ports: tuple[PortConfig, ...] = ()


class TaskStatus(Record, frozen=True, kw_only=True):
    """`message` says in words what was done last; `err` why it failed or what it waits for."""

    timestamp: datetime
    state: TaskState
    message: str = ""
    err: str = ""
    container_status: ContainerStatus | None = None
    port_status: PortStatus | None = None


class AttachedNetwork(Record, frozen=True, kw_only=True):
    id: str = named("ID")


class NetworkAttachment(Record, frozen=True, kw_only=True):
    """A task's address on one network, as `ip/prefix`."""

    network: AttachedNetwork
    addresses: tuple[str, ...] = ()


class TaskExtension(Extension, frozen=True, kw_only=True):
    """`restarts`: how many tasks of this slot ended before this one and still count (see plan.restart).
    `ran_in_place`: restarts done by the agent while it had no manager. `ports`: the host ports that its host publishes.
    `ingress`: the network on which it serves ports that every host publishes.
    """

    service_name: str = ""
    ports: tuple[PortConfig, ...] = ()
    ingress: str = ""
    restarts: int = 0
    ran_in_place: int = 0


class Task(Record, frozen=True, kw_only=True):
    """One replica's one attempt. `slot` is 0 for global services. A task's state only moves forward."""

    id: str = named("ID")
    version: Version = Version()
    created_at: datetime
    updated_at: datetime
    labels: dict[str, str] = {}
    spec: TaskTemplate
    service_id: str = named("ServiceID", "")
    slot: int = 0
    node_id: str = named("NodeID", "")
    status: TaskStatus
    desired_state: TaskState
    networks_attachments: tuple[NetworkAttachment, ...] = ()
    swarmlite: TaskExtension = TaskExtension()

    @property
    def name(self) -> str:
        """Swarm's container name: `shop_web.1.TASKID`, or `agent.NODEID.TASKID` for a global service."""
        return f"{self.swarmlite.service_name}.{self.slot or self.node_id}.{self.id}"


# --- networks -------------------------------------------------------------------------------------------------------


class NetworkExtension(Extension, frozen=True, kw_only=True):
    """Ours: the VXLAN id, each host's gateway address in the subnet, and the last address given, so that a freed one
    rests until the whole subnet has been round. `pending_delete`: goes when its last task has gone.
    """

    vni: int = 0
    gateways: dict[str, str] = {}
    last_address: str = ""
    pending_delete: bool = False


class Network(Record, frozen=True, kw_only=True):
    """`subnet` is settled at creation, from the spec or from the cluster's pool."""

    id: str = named("ID")
    version: Version = Version()
    created_at: datetime
    updated_at: datetime
    spec: NetworkSpec
    subnet: str
    swarmlite: NetworkExtension = NetworkExtension()

    @property
    def name(self) -> str:
        return self.spec.name


# --- the cluster itself ---------------------------------------------------------------------------------------------


class Token(Record, frozen=True, kw_only=True):
    """A join token without its secret: only the secret's SHA-256 is kept. `uses_left` None: any number."""

    id: str = named("ID")
    version: Version = Version()
    created_at: datetime
    updated_at: datetime
    role: Role
    digest: str
    expires_at: datetime | None = None
    uses_left: int | None = None
    revoked: bool = False
    description: str = ""


class Cluster(Record, frozen=True, kw_only=True):
    """The one object of its kind. `pools`: address pools of new networks; `subnet_size`: their prefix length."""

    id: str = named("ID")
    version: Version = Version()
    created_at: datetime
    updated_at: datetime
    domain: str = "swarmlite.internal"
    pools: tuple[str, ...] = ("10.128.0.0/9",)
    subnet_size: int = 24
    next_vni: int = 4097


Object = Node | Service | Task | Network | Token | Cluster
