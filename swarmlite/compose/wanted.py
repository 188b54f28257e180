"""The part of the normalised model that a cluster honours, typed: what `convert` reads.

Durations and sizes are the texts that the model has; a key that is not here is one that `lint` names.
"""

import msgspec

Labels = dict[str, str]


class Port(msgspec.Struct, frozen=True):
    target: int = 0
    published: str = ""
    protocol: str = "tcp"
    mode: str = "ingress"
    host_ip: str = ""
    name: str = ""


class Bind(msgspec.Struct, frozen=True):
    propagation: str = ""
    create_host_path: bool = True
    recursive: str = ""


class VolumeMount(msgspec.Struct, frozen=True):
    labels: Labels = {}
    nocopy: bool = False
    subpath: str = ""


class TmpfsMount(msgspec.Struct, frozen=True):
    size: str = "0"
    mode: int = 0


class Mount(msgspec.Struct, frozen=True):
    type: str
    target: str = ""
    source: str = ""
    read_only: bool = False
    consistency: str = ""
    bind: Bind | None = None
    volume: VolumeMount | None = None
    tmpfs: TmpfsMount | None = None


class Healthcheck(msgspec.Struct, frozen=True):
    test: list[str] = []
    interval: str = "0s"
    timeout: str = "0s"
    start_period: str = "0s"
    start_interval: str = "0s"
    retries: int = 0
    disable: bool = False


class Attachment(msgspec.Struct, frozen=True):
    aliases: list[str] = []


class Dependency(msgspec.Struct, frozen=True):
    condition: str = "service_started"
    required: bool = True


class Update(msgspec.Struct, frozen=True):
    parallelism: int = 1
    delay: str = "0s"
    failure_action: str = "pause"
    monitor: str = "0s"
    max_failure_ratio: float = 0
    order: str = "stop-first"


class Resource(msgspec.Struct, frozen=True):
    cpus: float = 0
    memory: str = "0"
    pids: int = 0


class Resources(msgspec.Struct, frozen=True):
    limits: Resource = Resource()
    reservations: Resource = Resource()


class RestartPolicy(msgspec.Struct, frozen=True):
    condition: str = "any"
    delay: str | None = None
    max_attempts: int = 0
    window: str = "0s"


class Preference(msgspec.Struct, frozen=True):
    spread: str = ""


class Placement(msgspec.Struct, frozen=True):
    constraints: list[str] = []
    preferences: list[Preference] = []
    max_replicas_per_node: int = 0


class Deploy(msgspec.Struct, frozen=True):
    mode: str = "replicated"
    replicas: int | None = None
    endpoint_mode: str = "vip"
    labels: Labels = {}
    placement: Placement = Placement()
    resources: Resources = Resources()
    restart_policy: RestartPolicy | None = None
    update_config: Update | None = None
    rollback_config: Update | None = None


class Logging(msgspec.Struct, frozen=True):
    driver: str = ""
    options: dict[str, str] = {}


class Ulimit(msgspec.Struct, frozen=True):
    soft: int = 0
    hard: int = 0


class Service(msgspec.Struct, frozen=True):
    image: str = ""
    command: list[str] | None = None
    entrypoint: list[str] | None = None
    environment: dict[str, str | None] = {}
    labels: Labels = {}
    ports: list[Port] = []
    networks: dict[str, Attachment | None] = {}
    volumes: list[Mount] = []
    tmpfs: list[str] = []
    shm_size: str = "0"
    healthcheck: Healthcheck | None = None
    hostname: str = ""
    container_name: str = ""
    user: str = ""
    group_add: list[str] = []
    working_dir: str = ""
    stop_signal: str = ""
    stop_grace_period: str | None = None
    init: bool | None = None
    read_only: bool = False
    tty: bool = False
    stdin_open: bool = False
    cap_add: list[str] = []
    cap_drop: list[str] = []
    sysctls: dict[str, str] = {}
    ulimits: dict[str, Ulimit | int] = {}
    oom_score_adj: int = 0
    extra_hosts: list[str] = []
    dns: list[str] = []
    dns_opt: list[str] = []
    dns_search: list[str] = []
    logging: Logging | None = None
    restart: str = ""
    depends_on: dict[str, Dependency] = {}
    pull_policy: str = ""
    platform: str = ""
    scale: int | None = None
    cpus: float = 0
    mem_limit: str = "0"
    mem_reservation: str = "0"
    pids_limit: int = 0
    deploy: Deploy = Deploy()


class Pool(msgspec.Struct, frozen=True):
    subnet: str = ""
    ip_range: str = ""
    gateway: str = ""


class IPAM(msgspec.Struct, frozen=True):
    driver: str = "default"
    config: list[Pool] = []


class Network(msgspec.Struct, frozen=True):
    name: str = ""
    driver: str = ""
    driver_opts: dict[str, str] = {}
    external: bool = False
    internal: bool = False
    attachable: bool = False
    enable_ipv4: bool = True
    enable_ipv6: bool = False
    labels: Labels = {}
    ipam: IPAM = IPAM()


class Volume(msgspec.Struct, frozen=True):
    name: str = ""
    driver: str = ""
    driver_opts: dict[str, str] = {}
    external: bool = False
    labels: Labels = {}


class Model(msgspec.Struct, frozen=True):
    name: str
    services: dict[str, Service] = {}
    networks: dict[str, Network] = {}
    volumes: dict[str, Volume] = {}
