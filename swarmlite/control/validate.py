"""What a spec must satisfy before it becomes desired state. Messages name what was found and what is allowed."""

import re
from collections import Counter
from ipaddress import IPv4Network

from swarmlite.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotImplementedHere
from swarmlite.model import constraint
from swarmlite.model.spec import NetworkSpec, NodeSpec, PortConfig, PublishMode, ServiceSpec
from swarmlite.model.view import View

_NAME = re.compile(r"[a-zA-Z0-9](?:[-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")
_SPREADS = ("node.labels.", "engine.labels.")


def service_spec(spec: ServiceSpec) -> None:
    _name("service", spec.name)
    where = f"service {spec.name}"
    if not spec.task_template.container_spec.image:
        raise InvalidArgument(f"{where}: no image; give one")
    _mode(spec, where)
    _placement(spec, where)
    _numbers(spec, where)
    if spec.endpoint_spec is not None:
        _ports(spec.endpoint_spec.ports, where)


def network_spec(spec: NetworkSpec) -> None:
    _name("network", spec.name)
    if spec.driver not in ("", "overlay"):
        raise InvalidArgument(
            f"network {spec.name}: driver {spec.driver!r}; cluster networks span hosts, so it is overlay or nothing"
        )
    if spec.enable_ipv6:
        raise NotImplementedHere(f"network {spec.name}: IPv6 is not there yet; leave enable_ipv6 out")
    for config in spec.ipam.config if spec.ipam else ():
        if config.subnet:
            _subnet(spec.name, config.subnet)


def node_spec(spec: NodeSpec, old: NodeSpec) -> None:
    if spec.role != old.role:
        raise NotImplementedHere("a node's role cannot be changed yet: this cluster has one manager, made by init")


def free_ports(view: View, spec: ServiceSpec, own_id: str = "") -> None:
    """Two services cannot publish one port on every host."""
    wanted = _ingress(spec)
    for other in view.services.values():
        clash = wanted & _ingress(other.spec) if other.id != own_id else None
        if clash:
            port, protocol = min(clash)
            raise FailedPrecondition(
                f"port '{port}' is already in use by service '{other.name}' ({other.id}) as a {protocol} ingress port"
            )


def free_name(view: View, name: str) -> None:
    if view.service_named(name) is not None:
        raise AlreadyExists(
            f"rpc error: code = AlreadyExists desc = name conflicts with an existing object: service {name}"
        )


def _ingress(spec: ServiceSpec) -> set[tuple[int, str]]:
    ports = spec.endpoint_spec.ports if spec.endpoint_spec else ()
    return {
        (port.published_port, port.protocol)
        for port in ports
        if port.published_port and port.publish_mode is PublishMode.INGRESS
    }


def _name(kind: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            f"{kind} name {name!r}: give 1 to 63 letters, digits, '-', '_' and '.', first and last a letter or digit"
        )


def _mode(spec: ServiceSpec, where: str) -> None:
    mode = spec.mode
    if mode.replicated_job is not None or mode.global_job is not None:
        raise NotImplementedHere(f"{where}: jobs are not there yet; allowed modes are replicated and global")
    if mode.replicated is not None and mode.global_ is not None:
        raise InvalidArgument(f"{where}: mode is both replicated and global; give one")
    if mode.replicated is not None and (mode.replicated.replicas or 0) < 0:
        raise InvalidArgument(f"{where}: {mode.replicated.replicas} replicas; give 0 or more")


def _placement(spec: ServiceSpec, where: str) -> None:
    placement = spec.task_template.placement
    if placement is None:
        return
    for text in placement.constraints:
        try:
            constraint.parse(text)
        except InvalidArgument as error:
            raise InvalidArgument(f"{where}: {error}") from None
    for preference in placement.preferences:
        descriptor = preference.spread.spread_descriptor if preference.spread else ""
        if not descriptor.startswith(_SPREADS):
            raise InvalidArgument(f"{where}: spread over {descriptor!r}; allowed are node.labels.X and engine.labels.X")
    if placement.max_replicas < 0:
        raise InvalidArgument(f"{where}: at most {placement.max_replicas} replicas per node; give 0 (no limit) or more")


def _numbers(spec: ServiceSpec, where: str) -> None:
    resources = spec.task_template.resources
    for part in (resources.limits, resources.reservations) if resources else ():
        if part is not None and (part.nano_cpus < 0 or part.memory_bytes < 0):
            raise InvalidArgument(f"{where}: cpus and memory cannot be negative")
    limits = resources.limits if resources else None
    if limits is not None and 0 < limits.memory_bytes < 6 * 1024 * 1024:
        raise InvalidArgument(f"{where}: memory limit {limits.memory_bytes} bytes; engines allow 6 MiB and more")


def _ports(ports: tuple[PortConfig, ...], where: str) -> None:
    for port in ports:
        if not 0 < port.target_port < 65536 or not 0 <= port.published_port < 65536:
            raise InvalidArgument(f"{where}: port {port.published_port}:{port.target_port}; ports are 1 to 65535")
        if port.protocol not in ("tcp", "udp"):
            raise InvalidArgument(f"{where}: port protocol {port.protocol!r}; allowed are tcp and udp")
    published = Counter((port.published_port, port.protocol) for port in ports if port.published_port)
    for (number, protocol), count in published.items():
        if count > 1:
            raise InvalidArgument(f"{where}: port {number}/{protocol} is published {count} times; once is enough")


def _subnet(name: str, subnet: str) -> None:
    try:
        parsed = IPv4Network(subnet)
    except ValueError as error:
        raise InvalidArgument(f"network {name}: subnet {subnet!r}: {error}; give IPv4 like 10.20.0.0/24") from None
    if parsed.prefixlen > 29:
        raise InvalidArgument(f"network {name}: subnet {subnet} is too small; /29 is the smallest")
