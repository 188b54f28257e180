"""A task as the JSON of the engine's create call. Pure: what the engine must be told follows from the arguments alone.

To add a container option: add its field to the model, then one entry to the table of the part it belongs to; a part
leaves out what is empty, so that the image's and the engine's own defaults hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swarmlite.agent.template import expand, placeholders
from swarmlite.model.objects import Task
from swarmlite.model.spec import Healthcheck, Mount, PortConfig, Resources

Json = dict[str, Any]

LABEL_NODE = "io.swarmlite.node"
LABEL_TASK = "io.swarmlite.task"
LABEL_NETWORKS = "io.swarmlite.networks"
STACK = "com.docker.stack.namespace"

MANY_ENDPOINTS_API = (1, 44)
"""From here on one create call may name several networks; older engines want a `connect` for each beyond the first."""

SECOND = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class HostNetwork:
    """A cluster network as this host's engine has it."""

    engine_id: str
    gateway: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a container will stand: its host, the cluster's DNS domain, what its engine can do."""

    node_id: str
    hostname: str
    domain: str
    api_version: tuple[int, int]


def create_body(task: Task, place: Place, networks: Mapping[str, HostNetwork]) -> Json:
    """The body of `POST /containers/create`. `networks`: by cluster network id, all that the task is on."""
    spec = task.spec.container_spec
    values = placeholders(task, place.hostname)
    return _filled(
        {
            "Image": spec.image,
            "Entrypoint": list(spec.command),
            "Cmd": list(spec.args),
            "Env": [expand(item, values) for item in spec.env],
            "Labels": labels(task, place.node_id),
            "Hostname": expand(spec.hostname, values),
            "User": spec.user,
            "WorkingDir": spec.dir,
            "Tty": spec.tty,
            "OpenStdin": spec.open_stdin,
            "StopSignal": spec.stop_signal,
            "StopTimeout": None if spec.stop_grace_period is None else -(-spec.stop_grace_period // SECOND),
            "Healthcheck": _healthcheck(spec.healthcheck),
            "ExposedPorts": {_port_key(port): {} for port in task.swarmlite.ports},
            "HostConfig": _host_config(task, place, networks, values),
            "NetworkingConfig": _networking(task, place, networks),
        }
    )


def later_networks(task: Task, place: Place, networks: Mapping[str, HostNetwork]) -> list[tuple[str, str]]:
    """The `(engine network id, address)` pairs to connect after a create call that could take only the first."""
    if place.api_version >= MANY_ENDPOINTS_API:
        return []
    return [(networks[id].engine_id, address) for id, address in addresses(task)[1:]]


def addresses(task: Task) -> list[tuple[str, str]]:
    """`(cluster network id, address without prefix)` for each network of the task, in the task's order."""
    return [
        (attachment.network.id, attachment.addresses[0].partition("/")[0] if attachment.addresses else "")
        for attachment in task.networks_attachments
    ]


def labels(task: Task, node_id: str) -> dict[str, str]:
    """The user's labels, and those that tools know from Swarm and from Compose beside our own."""
    spec = task.spec.container_spec
    found = dict(spec.labels)
    service = task.swarmlite.service_name
    stack = spec.labels.get(STACK, "")
    if stack:
        found |= {
            "com.docker.compose.project": stack,
            "com.docker.compose.service": service.removeprefix(stack + "_"),
            "com.docker.compose.container-number": str(task.slot or 1),
            "com.docker.compose.oneoff": "False",
        }
    return found | {
        "com.docker.swarm.node.id": task.node_id,
        "com.docker.swarm.service.id": task.service_id,
        "com.docker.swarm.service.name": service,
        "com.docker.swarm.task": "",
        "com.docker.swarm.task.id": task.id,
        "com.docker.swarm.task.name": task.name,
        LABEL_NODE: node_id,
        LABEL_TASK: task.id,
        LABEL_NETWORKS: ",".join(id for id, _ in addresses(task)),
    }


# --- the parts ------------------------------------------------------------------------------------------------------


def _host_config(task: Task, place: Place, networks: Mapping[str, HostNetwork], values: dict[str, str]) -> Json:
    spec = task.spec.container_spec
    driver = task.spec.log_driver
    mounts = [_expanded(mount, values) for mount in spec.mounts]
    return _filled(
        {
            "Binds": [_bind(mount) for mount in mounts if _creates_source(mount)],
            "Mounts": [mount for mount in mounts if not _creates_source(mount)],
            "ReadonlyRootfs": spec.read_only,
            "Init": spec.init,
            "CapAdd": list(spec.capability_add),
            "CapDrop": list(spec.capability_drop),
            "ExtraHosts": [line for entry in spec.hosts for line in _extra_hosts(entry)],
            "GroupAdd": list(spec.groups),
            "Sysctls": dict(spec.sysctls),
            "Ulimits": [{"Name": u.name, "Hard": u.hard, "Soft": u.soft} for u in spec.ulimits],
            "OomScoreAdj": spec.oom_score_adj,
            "Isolation": spec.isolation,
            "PortBindings": _port_bindings(task.swarmlite.ports),
            "RestartPolicy": {"Name": "no"},
            "LogConfig": None if driver is None else {"Type": driver.name, "Config": dict(driver.options)},
        }
        | _resources(task.spec.resources)
        | _resolver(task, place, networks)
    )


def _resources(resources: Resources | None) -> Json:
    limits = resources.limits if resources else None
    reservations = resources.reservations if resources else None
    return {
        "Memory": limits.memory_bytes if limits else 0,
        "NanoCpus": limits.nano_cpus if limits else 0,
        "PidsLimit": limits.pids if limits and limits.pids else None,
        "MemoryReservation": reservations.memory_bytes if reservations else 0,
    }


def _resolver(task: Task, place: Place, networks: Mapping[str, HostNetwork]) -> Json:
    """Our server first. The user's own nameservers come after it, where the engine's resolver asks on a failure.

    Some option must stand: without any, the engine copies the host's, and an `ndots:0` among those makes musl ask for
    bare names only; `attempts:2` is what every libc does anyway.
    """
    own = task.spec.container_spec.dns_config
    found: Json = {}
    servers, search = (list(own.nameservers), list(own.search)) if own else ([], [])
    attached = addresses(task)
    if attached:
        first = networks[attached[0][0]]
        found["NetworkMode"] = first.engine_id
        servers = [first.gateway, *servers]
        search = [place.domain, *search]
    options = [option for option in own.options if option != "ndots:0"] if own else []
    if attached and not options:
        options = ["attempts:2"]
    return found | {"Dns": servers, "DnsSearch": search, "DnsOptions": options}


def _networking(task: Task, place: Place, networks: Mapping[str, HostNetwork]) -> Json:
    """No aliases: the engine's resolver would answer them itself, from this host's containers only."""
    attached = addresses(task)
    if place.api_version < MANY_ENDPOINTS_API:
        attached = attached[:1]
    endpoints = {
        networks[id].engine_id: {"IPAMConfig": {"IPv4Address": address}} if address else {} for id, address in attached
    }
    return {"EndpointsConfig": endpoints} if endpoints else {}


def _healthcheck(check: Healthcheck | None) -> Json | None:
    if check is None:
        return None
    return _filled(
        {
            "Test": list(check.test),
            "Interval": check.interval,
            "Timeout": check.timeout,
            "Retries": check.retries,
            "StartPeriod": check.start_period,
            "StartInterval": check.start_interval,
        }
    )


def _port_key(port: PortConfig) -> str:
    return f"{port.target_port}/{port.protocol}"


def _port_bindings(ports: tuple[PortConfig, ...]) -> Json:
    bindings: dict[str, list[Json]] = {}
    for port in ports:
        host_port = str(port.published_port) if port.published_port else ""
        bindings.setdefault(_port_key(port), []).append({"HostPort": host_port})
    return bindings


def _extra_hosts(entry: str) -> list[str]:
    """Swarm writes `IP name alias…`, a plain container wants `name:IP`, one a name."""
    words = entry.split()
    if len(words) < 2:
        return words
    return [f"{name}:{words[0]}" for name in words[1:]]


# --- mounts ---------------------------------------------------------------------------------------------------------


def _expanded(mount: Mount, values: dict[str, str]) -> Json:
    """The mount as JSON in the Engine API's spelling, placeholders replaced."""
    bind, volume, tmpfs = mount.bind_options, mount.volume_options, mount.tmpfs_options
    driver = volume.driver_config if volume else None
    return _filled(
        {
            "Type": mount.type,
            "Source": expand(mount.source, values),
            "Target": expand(mount.target, values),
            "ReadOnly": mount.read_only,
            "Consistency": mount.consistency,
            "BindOptions": bind
            and _filled(
                {
                    "Propagation": bind.propagation,
                    "NonRecursive": bind.non_recursive,
                    "CreateMountpoint": bind.create_mountpoint,
                }
            ),
            "VolumeOptions": volume
            and _filled(
                {
                    "NoCopy": volume.no_copy,
                    "Labels": {key: expand(value, values) for key, value in volume.labels.items()},
                    "DriverConfig": driver and _filled({"Name": driver.name, "Options": dict(driver.options)}),
                    "Subpath": volume.subpath,
                }
            ),
            "TmpfsOptions": tmpfs and _filled({"SizeBytes": tmpfs.size_bytes, "Mode": tmpfs.mode}),
        }
    )


def _creates_source(mount: Json) -> bool:
    """Engines before API 1.44 create a missing source only for the older `Binds` form, so every such mount takes it."""
    return mount["Type"] == "bind" and bool(mount.get("BindOptions", {}).get("CreateMountpoint"))


def _bind(mount: Json) -> str:
    options = ["ro"] if mount.get("ReadOnly") else []
    propagation = mount["BindOptions"].get("Propagation", "")
    if propagation:
        options.append(propagation)
    return ":".join([mount["Source"], mount["Target"], *([",".join(options)] if options else [])])


def _filled(fields: Mapping[str, Any]) -> Json:
    """Only what says something: no None, no "", no 0, no False, no empty list. `Init: False` is said all the same."""
    return {key: value for key, value in fields.items() if value or (key == "Init" and value is False)}
