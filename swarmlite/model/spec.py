"""What users ask for: the Engine API's swarm specs, plus our extensions under `Swarmlite`.

A spec is the user's: the system honours it and never edits it. Durations are integer nanoseconds, CPUs integer
billionths, sizes bytes, as in the Engine API.
"""

from enum import StrEnum

import msgspec

from swarmlite.model.base import Extension, Record, named

Labels = dict[str, str]


class Role(StrEnum):
    MANAGER = "manager"
    WORKER = "worker"


class Availability(StrEnum):
    ACTIVE = "active"
    PAUSE = "pause"
    DRAIN = "drain"


class PullPolicy(StrEnum):
    """When an agent asks a registry. MISSING is the default: an image that is on the host is used as it is."""

    ALWAYS = "always"
    MISSING = "missing"
    NEVER = "never"


class NodeSpec(Record, frozen=True, kw_only=True):
    name: str = ""
    labels: Labels = {}
    role: Role = Role.WORKER
    availability: Availability = Availability.ACTIVE


# --- a task's container ---------------------------------------------------------------------------------------------


class BindOptions(Record, frozen=True, kw_only=True):
    propagation: str = ""
    non_recursive: bool = False
    create_mountpoint: bool = False


class VolumeDriver(Record, frozen=True, kw_only=True):
    name: str = ""
    options: dict[str, str] = {}


class VolumeOptions(Record, frozen=True, kw_only=True):
    no_copy: bool = False
    labels: Labels = {}
    driver_config: VolumeDriver | None = None
    subpath: str = ""


class TmpfsOptions(Record, frozen=True, kw_only=True):
    size_bytes: int = 0
    mode: int = 0


class Mount(Record, frozen=True, kw_only=True):
    """`type`: bind, volume or tmpfs. An anonymous volume has no source."""

    type: str = "bind"
    source: str = ""
    target: str = ""
    read_only: bool = False
    consistency: str = ""
    bind_options: BindOptions | None = None
    volume_options: VolumeOptions | None = None
    tmpfs_options: TmpfsOptions | None = None


class Healthcheck(Record, frozen=True, kw_only=True):
    """`test`: empty inherits the image's; ("NONE",) disables; ("CMD", …) or ("CMD-SHELL", …)."""

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    retries: int = 0
    start_period: int = 0
    start_interval: int = 0


class DNSConfig(Record, frozen=True, kw_only=True):
    nameservers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


class Ulimit(Record, frozen=True, kw_only=True):
    name: str
    hard: int
    soft: int


class FileTarget(Record, frozen=True, kw_only=True):
    name: str = ""
    uid: str = named("UID", "0")
    gid: str = named("GID", "0")
    mode: int = 0o444


class SecretReference(Record, frozen=True, kw_only=True):
    file: FileTarget | None = None
    secret_id: str = named("SecretID", "")
    secret_name: str = ""


class ConfigReference(Record, frozen=True, kw_only=True):
    file: FileTarget | None = None
    config_id: str = named("ConfigID", "")
    config_name: str = ""


class ContainerExtension(Extension, frozen=True, kw_only=True):
    """What a plain container can do and Swarm's ContainerSpec cannot say.

    Later Compose keys (privileged, devices, shm_size …) are added here, each with a default that changes nothing.
    """

    pull_policy: PullPolicy = PullPolicy.MISSING


class ContainerSpec(Record, frozen=True, kw_only=True):
    """Compose's `entrypoint` is `command` here and its `command` is `args`, as in the Engine API."""

    image: str = ""
    labels: Labels = {}
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    hostname: str = ""
    env: tuple[str, ...] = ()
    dir: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()
    tty: bool = named("TTY", False)
    open_stdin: bool = False
    read_only: bool = False
    mounts: tuple[Mount, ...] = ()
    stop_signal: str = ""
    stop_grace_period: int | None = None
    healthcheck: Healthcheck | None = None
    hosts: tuple[str, ...] = ()
    dns_config: DNSConfig | None = named("DNSConfig", None)
    secrets: tuple[SecretReference, ...] = ()
    configs: tuple[ConfigReference, ...] = ()
    isolation: str = ""
    init: bool | None = None
    sysctls: dict[str, str] = {}
    capability_add: tuple[str, ...] = ()
    capability_drop: tuple[str, ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    oom_score_adj: int = 0
    swarmlite: ContainerExtension | None = None


# --- a task ---------------------------------------------------------------------------------------------------------


class Limits(Record, frozen=True, kw_only=True):
    nano_cpus: int = named("NanoCPUs", 0)
    memory_bytes: int = 0
    pids: int = 0


class Reservations(Record, frozen=True, kw_only=True):
    nano_cpus: int = named("NanoCPUs", 0)
    memory_bytes: int = 0


class Resources(Record, frozen=True, kw_only=True):
    limits: Limits | None = None
    reservations: Reservations | None = None


class RestartCondition(StrEnum):
    NONE = "none"
    ON_FAILURE = "on-failure"
    ANY = "any"


class RestartPolicy(Record, frozen=True, kw_only=True):
    """`max_attempts` 0: without limit. `window` 0: attempts are counted for ever."""

    condition: RestartCondition = RestartCondition.ANY
    delay: int | None = None
    max_attempts: int = 0
    window: int = 0


class SpreadOver(Record, frozen=True, kw_only=True):
    """`spread_descriptor`: node.labels.X or engine.labels.X."""

    spread_descriptor: str = ""


class Preference(Record, frozen=True, kw_only=True):
    spread: SpreadOver | None = None


class Platform(Record, frozen=True, kw_only=True):
    architecture: str = ""
    os: str = named("OS", "")


class Placement(Record, frozen=True, kw_only=True):
    constraints: tuple[str, ...] = ()
    preferences: tuple[Preference, ...] = ()
    max_replicas: int = 0
    platforms: tuple[Platform, ...] = ()


class NetworkAttachmentConfig(Record, frozen=True, kw_only=True):
    """`target`: a network's id (a name only on its way in through the API)."""

    target: str = ""
    aliases: tuple[str, ...] = ()
    driver_opts: dict[str, str] = {}


class LogDriver(Record, frozen=True, kw_only=True):
    name: str = ""
    options: dict[str, str] = {}


class TaskTemplate(Record, frozen=True, kw_only=True):
    container_spec: ContainerSpec = ContainerSpec()
    resources: Resources | None = None
    restart_policy: RestartPolicy | None = None
    placement: Placement | None = None
    networks: tuple[NetworkAttachmentConfig, ...] = ()
    log_driver: LogDriver | None = None
    force_update: int = 0
    runtime: str = ""


# --- a service ------------------------------------------------------------------------------------------------------


class ReplicatedMode(Record, frozen=True, kw_only=True):
    replicas: int | None = None


class GlobalMode(Record, frozen=True, kw_only=True):
    pass


class JobMode(Record, frozen=True, kw_only=True):
    max_concurrent: int | None = None
    total_completions: int | None = None


class ServiceMode(Record, frozen=True, kw_only=True):
    """Exactly one is set; none set means one replica."""

    replicated: ReplicatedMode | None = None
    global_: GlobalMode | None = named("Global", None)
    replicated_job: JobMode | None = None
    global_job: GlobalMode | None = None


class UpdateConfig(Record, frozen=True, kw_only=True):
    """`parallelism` 0: all at once."""

    parallelism: int = 1
    delay: int = 0
    failure_action: str = "pause"
    monitor: int = 0
    max_failure_ratio: float = 0.0
    order: str = "stop-first"


class PublishMode(StrEnum):
    INGRESS = "ingress"
    HOST = "host"


class PortConfig(Record, frozen=True, kw_only=True):
    name: str = ""
    protocol: str = "tcp"
    target_port: int = 0
    published_port: int = 0
    publish_mode: PublishMode = PublishMode.INGRESS


class EndpointSpec(Record, frozen=True, kw_only=True):
    mode: str = "vip"
    ports: tuple[PortConfig, ...] = ()


class Dependency(Extension, frozen=True, kw_only=True):
    """Start order: `condition` is service_started, service_healthy or service_completed_successfully."""

    service: str
    condition: str = "service_started"
    required: bool = True


class ServiceExtension(Extension, frozen=True, kw_only=True):
    """`depends_on`: full service names (`shop_db`) that must be up before the first tasks of this one are placed."""

    depends_on: tuple[Dependency, ...] = ()


class ServiceSpec(Record, frozen=True, kw_only=True):
    name: str = ""
    labels: Labels = {}
    task_template: TaskTemplate = TaskTemplate()
    mode: ServiceMode = ServiceMode()
    update_config: UpdateConfig | None = None
    rollback_config: UpdateConfig | None = None
    networks: tuple[NetworkAttachmentConfig, ...] = ()
    endpoint_spec: EndpointSpec | None = None
    swarmlite: ServiceExtension | None = None

    @property
    def replicas(self) -> int:
        """How many replicas are asked for; 1 where nothing is said, as Docker does. Meaningless for global services."""
        mode = self.mode.replicated
        return 1 if mode is None or mode.replicas is None else mode.replicas

    @property
    def is_global(self) -> bool:
        return self.mode.global_ is not None


# --- a network ------------------------------------------------------------------------------------------------------


class IPAMConfig(Record, frozen=True, kw_only=True):
    subnet: str = ""
    ip_range: str = named("IPRange", "")
    gateway: str = ""


class IPAM(Record, frozen=True, kw_only=True):
    driver: str = "default"
    config: tuple[IPAMConfig, ...] = ()


class NetworkSpec(Record, frozen=True, kw_only=True):
    """A network that spans hosts (`driver` overlay)."""

    name: str = ""
    labels: Labels = {}
    driver: str = "overlay"
    internal: bool = False
    attachable: bool = False
    options: dict[str, str] = {}
    enable_ipv6: bool = named("EnableIPv6", False)
    ipam: IPAM | None = named("IPAM", None)


class StackSpec(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", forbid_unknown_fields=True):
    """One deployment's whole wish: what the compose room makes of files and the API's deploy call takes.

    Names are full (`shop_web`); `networks` of services name networks by full name.
    `external_networks` must exist already.
    """

    name: str
    services: tuple[ServiceSpec, ...] = ()
    networks: tuple[NetworkSpec, ...] = ()
    external_networks: tuple[str, ...] = ()
