"""What the schema cannot see: keys that exclude each other, references to nothing, cycles."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from swarmlite.compose.normal import is_external
from swarmlite.compose.report import Report, meant
from swarmlite.compose.tree import Json, Node, Path, find, rows, table


def check_forms(root: Node, report: Report) -> None:
    """Faults of single resources, on the tree in long form."""
    for name, volume in _section(root, "volumes"):
        if is_external(volume):
            for key in volume.map:
                if key not in ("name", "external") and not key.startswith("x-"):
                    message = f"an external volume is made elsewhere and cannot have '{key}'; remove one of the two"
                    report.fault(volume.map[key], ("volumes", name, key), message)
    for section, sources in (("configs", ("file", "environment", "content")), ("secrets", ("file", "environment"))):
        for name, resource in _section(root, section):
            _check_source(resource, sources, (section, name), report)
    for name, service in _section(root, "services"):
        _check_service(service, ("services", name), report)


def _check_source(resource: Node, sources: tuple[str, ...], path: Path, report: Report) -> None:
    told = [source for source in sources if source in resource.map]
    if len(told) > 1:
        report.fault(resource, path, f"has {' and '.join(told)}; keep one")
    if not told and not {"driver", "external"} & resource.map.keys():
        report.fault(resource, path, f"says not where its content is; add {', '.join(sources)} or external: true")


def _check_service(service: Node, path: Path, report: Report) -> None:
    for index, port in enumerate(_entries(service, "ports")):
        address = port.map.get("host_ip")
        if address is not None and not _is_address(address.value):
            report.fault(address, (*path, "ports", index, "host_ip"), f"'{address.value}' is no IP address")
    for index, request in enumerate(_entries(service, "gpus")):
        _check_request(request, (*path, "gpus", index), report)
    below = ("deploy", "resources", "reservations", "devices")
    for index, request in enumerate(_at(service, below).items):
        _check_request(request, (*path, *below, index), report)
    for index, watch in enumerate(_at(service, ("develop", "watch")).items):
        if "path" in watch.map and watch.map["path"].value == "":
            report.fault(watch, (*path, "develop", "watch", index, "path"), "the path is empty")
    for index, volume in enumerate(_entries(service, "volumes")):
        kind = volume.map.get("type")
        if kind is not None and kind.value == "bind" and "source" not in volume.map:
            report.fault(volume, (*path, "volumes", index), "a bind mount needs a source: the path on the node")


def _check_request(request: Node, path: Path, report: Report) -> None:
    if "count" in request.map and "device_ids" in request.map:
        report.fault(request, path, "has count and device_ids; keep one")


def _is_address(value: object) -> bool:
    try:
        ip_address(str(value))
    except ValueError:
        return False
    return True


def check_project(model: dict[str, Json], disabled: Mapping[str, Json], root: Node, report: Report) -> None:
    """Faults of the decoded model as a whole. `disabled`: the services that no profile asks for."""
    services = table(model.get("services"))
    for name, service in services.items():
        checker = _Checker(name, table(service), model, disabled, root, report)
        checker.references()
        checker.conflicts()
        checker.mounts()
    for name, secret in table(model.get("secrets")).items():
        told = table(secret)
        if not told.get("external") and not told.get("file") and not told.get("environment"):
            path = ("secrets", name)
            report.fault(
                find(root, path), path, "says not where its content is; add file, environment or external: true"
            )
    _check_cycles(services, root, report)


class _Checker:
    """The checks of one service."""

    def __init__(
        self,
        name: str,
        service: dict[str, Json],
        model: dict[str, Json],
        disabled: Mapping[str, Json],
        root: Node,
        report: Report,
    ) -> None:
        self._service = service
        self._model = model
        self._disabled = disabled
        self._root = root
        self._report = report
        self._path: Path = ("services", name)

    def _fault(self, path: Path, message: str) -> None:
        path = (*self._path, *path)
        self._report.fault(find(self._root, path), path, message)

    def references(self) -> None:
        """Everything that the service names must be there."""
        service = self._service
        for network in table(service.get("networks")):
            self._known("networks", network, ("networks", network))
        for index, volume in enumerate(map(table, rows(service.get("volumes")))):
            if volume.get("type") == "volume" and volume.get("source"):
                self._known("volumes", str(volume["source"]), ("volumes", index))
        for section in ("configs", "secrets"):
            for index, mount in enumerate(map(table, rows(service.get(section)))):
                self._known(section, str(mount.get("source", "")), (section, index))
        for index, mount in enumerate(map(table, rows(table(service.get("build")).get("secrets")))):
            self._known("secrets", str(mount.get("source", "")), ("build", "secrets", index))
        for model in table(service.get("models")):
            self._known("models", model, ("models", model))
        for name, told in table(service.get("depends_on")).items():
            self._dependency(name, table(told))
        mode = str(service.get("network_mode", ""))
        if mode.startswith("service:"):
            self._known("services", mode.removeprefix("service:"), ("network_mode",))
        for context in table(table(service.get("build")).get("additional_contexts")).values():
            if str(context).startswith("service:"):
                self._context(str(context).removeprefix("service:"))

    def _known(self, section: str, name: str, path: Path) -> None:
        known = table(self._model.get(section))
        if name not in known:
            kind = section[:-1]
            declare = "" if section == "services" else f"; declare it in {section}: at the top of the file"
            self._fault(path, f"the {kind} '{name}' is not defined{meant(name, known) or declare}")

    def _context(self, name: str) -> None:
        path = ("build", "additional_contexts")
        self._known("services", name, path)
        service = table(table(self._model.get("services")).get(name))
        if service and "build" not in service:
            self._fault(path, f"the service '{name}' has no build")

    def _dependency(self, name: str, told: dict[str, Json]) -> None:
        if name in table(self._model.get("services")):
            return
        path = ("depends_on", name)
        if name in self._disabled:
            if told.get("required"):
                profiles = ", ".join(map(str, rows(table(self._disabled[name]).get("profiles"))))
                ask = f"ask for one of its profiles ({profiles}) with --profile, or say required: false"
                self._fault(path, f"the service '{name}' is left out by its profiles; {ask}")
        else:
            self._known("services", name, path)

    def conflicts(self) -> None:
        """Keys of the service that say different things, or exclude each other."""
        service = self._service
        if not service.get("image") and "build" not in service and "provider" not in service:
            self._fault((), "has neither image nor build; add image: NAME")
        build = table(service.get("build"))
        if build.get("dockerfile") and build.get("dockerfile_inline"):
            self._fault(("build", "dockerfile"), "is there beside dockerfile_inline; keep one")
        platforms = rows(build.get("platforms"))
        if platforms and service.get("platform") and service["platform"] not in platforms:
            self._fault(("build", "platforms"), f"does not have the service's platform '{service['platform']}'; add it")
        if service.get("network_mode") and service.get("networks"):
            self._fault(("network_mode",), "is there beside networks; keep one")
        test = rows(table(service.get("healthcheck")).get("test"))
        if test and test[0] not in ("CMD", "CMD-SHELL", "NONE"):
            self._fault(("healthcheck", "test"), f"begins with '{test[0]}'; a list begins with CMD, CMD-SHELL or NONE")
        self._scale()
        deploy = table(service.get("deploy"))
        resources = table(deploy.get("resources"))
        limits, reserved = table(resources.get("limits")), table(resources.get("reservations"))
        if "deploy" in service:
            self._same("cpus", "limits", "cpus", limits if "limits" in resources else None)
            self._same("mem_limit", "limits", "memory", limits if "limits" in resources else None)
            self._same("pids_limit", "limits", "pids", limits if "limits" in resources else None)
            self._same("mem_reservation", "reservations", "memory", reserved if "reservations" in resources else None)
        for index, watch in enumerate(map(table, rows(table(service.get("develop")).get("watch")))):
            if not watch.get("target") and watch.get("action") not in ("rebuild", "restart"):
                self._fault(("develop", "watch", index), f"the action '{watch.get('action')}' needs a target")

    def _same(self, key: str, group: str, other: str, told: dict[str, Json] | None) -> None:
        mine = self._service.get(key)
        if mine and told is not None and told.get(other) != mine:
            self._fault((key,), f"differs from deploy.resources.{group}.{other}; keep one")

    def _scale(self) -> None:
        deploy = table(self._service.get("deploy"))
        scale, replicas = self._service.get("scale"), deploy.get("replicas")
        if scale is not None and replicas is not None and scale != replicas:
            self._fault(("scale",), f"{scale} differs from deploy.replicas, {replicas}; keep one")
        for path, value in ((("scale",), scale), (("deploy", "replicas"), replicas)):
            if isinstance(value, int) and value < 0:
                self._fault(path, f"{value} is too small; the smallest allowed is 0")
        count = replicas if scale is None else scale
        if isinstance(count, int) and count > 1 and self._service.get("container_name"):
            self._fault(("container_name",), f"one name cannot be that of {count} containers; remove it")

    def mounts(self) -> None:
        """Two things cannot be at one place of the container."""
        seen: dict[str, str] = {}
        targets: list[tuple[Path, str]] = [
            (("tmpfs", index), str(entry).partition(":")[0])
            for index, entry in enumerate(rows(self._service.get("tmpfs")))
        ]
        for index, volume in enumerate(map(table, rows(self._service.get("volumes")))):
            targets.append((("volumes", index), str(volume.get("target", ""))))
        for path, target in targets:
            if target in seen:
                self._fault(path, f"{seen[target]} is at {target} already; choose another target")
            seen[target] = f"{path[0]}[{path[1]}]"


def _check_cycles(services: dict[str, Json], root: Node, report: Report) -> None:
    """Services that wait for each other in a ring."""
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            ring = " → ".join((*trail[trail.index(name) :], name))
            path = ("services", trail[-1], "depends_on", name)
            report.fault(
                find(root, path), path, f"services wait for each other: {ring}; remove one of the dependencies"
            )
        elif name not in done:
            for other in table(table(services.get(name)).get("depends_on")):
                visit(other, (*trail, name))
            done.add(name)

    for name in services:
        visit(name, ())


def _section(root: Node, name: str) -> Iterator[tuple[str, Node]]:
    found = root.map.get(name)
    if found is not None:
        yield from found.map.items()


def _entries(service: Node, name: str) -> list[Node]:
    found = service.map.get(name)
    return [] if found is None else found.items


def _at(node: Node, path: tuple[str, ...]) -> Node:
    for name in path:
        node = node.map.get(name, Node(None, node.mark))
    return node
