"""What a file leaves unsaid: defaults, the implicit network, dependencies that other keys imply, full names."""

import posixpath
from collections.abc import Callable, Mapping

from swarmlite.compose.longform import under
from swarmlite.compose.report import Report
from swarmlite.compose.tree import Json, Node, graft

_PORT = under("target", protocol="tcp", mode="ingress")
_STARTED: dict[str, Json] = {"condition": "service_started", "required": True}


def fill_in(root: Node) -> Node:
    """The tree with the defaults of long forms."""
    return _each(root, "services", _defaults)


def _defaults(service: Node) -> Node:
    service = _change(service, "build", lambda found: under("context", context=".")(found, (), Report()))
    service = _change(service, "ports", lambda found: _entries(found, lambda port: _PORT(port, (), Report())))
    service = _change(service, "secrets", lambda found: _entries(found, _secret))
    service = _change(service, "gpus", lambda found: _entries(found, _request))
    service = _change(service, "volumes", lambda found: _entries(found, lambda e: _change(e, "bind", _bind)))
    return _change(
        service,
        "deploy",
        lambda deploy: _change(
            deploy,
            "resources",
            lambda found: _change(
                found, "reservations", lambda kept: _change(kept, "devices", lambda all_: _entries(all_, _request))
            ),
        ),
    )


def _secret(secret: Node) -> Node:
    source = secret.map.get("source")
    told = "target" in secret.map or not isinstance(secret.value, dict)
    return secret if told else secret.set(target=f"/run/secrets/{source.value if source else ''}")


def _request(request: Node) -> Node:
    told = "count" in request.map or "device_ids" in request.map or not isinstance(request.value, dict)
    return request if told else request.set(count="all")


def _bind(bind: Node) -> Node:
    return bind if "create_host_path" in bind.map else bind.set(create_host_path=True)


def take_from_shell(root: Node, environment: Mapping[str, str]) -> Node:
    """Variables without a value, with that of the shell where it has one."""

    def entry(found: Node) -> Node:
        told = isinstance(found.value, str) and found.value in environment
        return found.with_(f"{found.value}={environment[str(found.value)]}") if told else found

    def values(found: Node) -> Node:
        if isinstance(found.value, list):
            return _entries(found, entry)
        taken = {
            name: child.with_(environment[name]) if child.value is None and name in environment else child
            for name, child in found.map.items()
        }
        return found.with_(taken)

    return _each(root, "services", lambda service: _change(service, "environment", values))


def normalise(root: Node, name: str, environment: Mapping[str, str]) -> Node:
    """The tree as a whole project: every service on a network, every resource with its full name."""
    root = root.set(name=name)
    root = _each(root, "services", lambda service: _service(service, environment))
    root = _default_network(root)
    for section in ("networks", "volumes", "configs", "secrets"):
        root = _named(root, section, name)
    return root


def _service(service: Node, environment: Mapping[str, str]) -> Node:
    policy = service.map.get("pull_policy")
    if policy is not None and policy.value == "if_not_present":
        service = service.set(pull_policy=policy.with_("missing"))
    service = _change(service, "build", lambda found: _build(found, environment))
    service = _change(service, "volumes", lambda found: _entries(found, lambda e: _change(e, "target", _clean)))
    service = _change(service, "pre_start", lambda found: _entries(found, lambda hook: _hook(hook, service)))
    if not {"networks", "network_mode", "provider"} & service.map.keys() or _empty_networks(service):
        service = service.set(networks=Node({"default": Node(None, service.mark)}, service.mark))
    return _dependencies(service)


def _empty_networks(service: Node) -> bool:
    networks = service.map.get("networks")
    return networks is not None and not networks.map and "network_mode" not in service.map


def _build(build: Node, environment: Mapping[str, str]) -> Node:
    if not {"dockerfile", "dockerfile_inline"} & build.map.keys():
        build = build.set(dockerfile="Dockerfile")

    def arguments(found: Node) -> Node:
        if isinstance(found.value, list):
            pairs = [str(entry.value).partition("=") for entry in found.value]
            told = {k: Node(v if eq else None, found.mark) for k, eq, v in pairs}
        else:
            told = found.map
        taken = {k: v.with_(environment.get(k)) if v.value is None else v for k, v in told.items()}
        return found.with_({k: v for k, v in taken.items() if v.value is not None})

    return _change(build, "args", arguments)


def _clean(target: Node) -> Node:
    if not isinstance(target.value, str) or not target.value:
        return target
    path = posixpath.normpath(target.value)
    return target.with_("/" + path.lstrip("/") if path.startswith("//") else path)


def _hook(hook: Node, service: Node) -> Node:
    image = service.map.get("image")
    return hook if "image" in hook.map or image is None or not image.value else hook.set(image=image)


def _dependencies(service: Node) -> Node:
    """Links, shared namespaces and volumes of another service imply that it is there first."""
    implied: dict[str, Node] = {}
    for link in _texts(service, "links"):
        implied.setdefault(str(link.value).split(":")[0], graft({**_STARTED, "restart": True}, link.mark))
    for name in ("network_mode", "ipc", "pid", "uts", "cgroup"):
        shared = service.map.get(name)
        if shared is not None and str(shared.value).startswith("service:"):
            owner = str(shared.value).removeprefix("service:")
            implied.setdefault(owner, graft({**_STARTED, "restart": True}, shared.mark))
    for source in _texts(service, "volumes_from"):
        if not str(source.value).startswith("container:"):
            owner = str(source.value).split(":")[0]
            implied.setdefault(owner, graft({**_STARTED, "restart": False}, source.mark))
    told = service.map.get("depends_on")
    known = told.map if told is not None else {}
    added = {name: node for name, node in implied.items() if name not in known}
    if not known and not added:
        return service
    return service.set(depends_on=Node({**known, **added}, (told or service).mark, told.key if told else None))


def _texts(service: Node, name: str) -> list[Node]:
    found = service.map.get(name)
    return [] if found is None else found.items


def _default_network(root: Node) -> Node:
    """`default` exists where a service is on it."""
    services = root.map["services"].map.values() if "services" in root.map else ()
    used = any("default" in service.map["networks"].map for service in services if "networks" in service.map)
    networks = root.map.get("networks")
    known = networks.map if networks is not None else {}
    if not used or "default" in known:
        return root
    return root.set(networks=Node({**known, "default": Node({}, root.mark)}, (networks or root).mark))


def _named(root: Node, section: str, project: str) -> Node:
    found = root.map.get(section)
    if found is None or not isinstance(found.value, dict):
        return root
    members: dict[str, Node] = {}
    for key, resource in found.value.items():
        told = resource if isinstance(resource.value, dict) else resource.with_({})
        name = told.map.get("name")
        if name is None or name.value is None:
            told = told.set(name=key if is_external(told) else f"{project}_{key}")
        members[key] = told
    return root.set(**{section: found.with_({**members})})


def is_external(resource: Node) -> bool:
    external = resource.map.get("external")
    return external is not None and external.value is True


def _change(node: Node, name: str, change: Callable[[Node], Node]) -> Node:
    child = node.map.get(name)
    told = child is not None and child.value is not None
    return node.with_({**node.map, name: change(child)}) if told and child is not None else node


def _entries(node: Node, change: Callable[[Node], Node]) -> Node:
    return node.with_([change(child) for child in node.value]) if isinstance(node.value, list) else node


def _each(root: Node, section: str, change: Callable[[Node], Node]) -> Node:
    found = root.map.get(section)
    if found is None or not isinstance(found.value, dict):
        return root
    return root.with_({**root.map, section: found.with_({k: change(v) for k, v in found.value.items()})})
