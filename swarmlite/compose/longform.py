"""Short forms to long forms, so that the steps after it know one way of writing each thing.

Runs on values that may not have met the schema yet (the base of an `extends`): what has the wrong type is left as it
is, for the schema to name.
"""

from swarmlite.compose import shorts
from swarmlite.compose.keys import Rule, Step
from swarmlite.compose.report import Report
from swarmlite.compose.scalars import show
from swarmlite.compose.tree import Json, Node, Path, graft


def lengthen(node: Node, rule: Rule, path: Path, report: Report) -> Node:
    """The tree with every short form that the table names written out."""
    if rule.form.long is not None:
        node = rule.form.long(node, path, report)
    if not rule.below:
        return node
    if isinstance(node.value, dict):
        members = node.value.items()
        return node.with_({k: lengthen(v, rule.step(k), (*path, k), report) for k, v in members})
    if isinstance(node.value, list):
        return node.with_([lengthen(v, rule.step(i), (*path, i), report) for i, v in enumerate(node.value)])
    return node


def under(name: str, **defaults: Json) -> Step:
    """A text becomes the mapping `name: text` with these members beside it; a mapping gets those that it lacks."""

    def long(node: Node, path: Path, report: Report) -> Node:
        if isinstance(node.value, str):
            node = node.with_({name: Node(node.value, node.mark)})
        if not isinstance(node.value, dict):
            return node
        missing = {key: graft(value, node.mark) for key, value in defaults.items() if key not in node.map}
        return node.with_({**node.map, **missing})

    return long


def listed(node: Node, path: Path, report: Report) -> Node:
    """One text becomes a list of it."""
    return node.with_([Node(node.value, node.mark)]) if isinstance(node.value, str) else node


def named(node: Node, path: Path, report: Report) -> Node:
    """A list of names becomes a mapping of names to nothing."""
    return node.with_({str(entry.value): Node(None, entry.mark) for entry in node.items}) if _is_texts(node) else node


def depends_on(node: Node, path: Path, report: Report) -> Node:
    defaults: dict[str, Json] = {"condition": "service_started", "required": True}
    if _is_texts(node):
        return node.with_({str(entry.value): graft({**defaults}, entry.mark) for entry in node.items})
    if not isinstance(node.value, dict):
        return node
    entry = under("condition", **defaults)
    return node.with_({name: entry(child, (*path, name), report) for name, child in node.value.items()})


def equals(node: Node, path: Path, report: Report) -> Node:
    """A list of `name=text` becomes a mapping."""
    if not _is_texts(node):
        return node
    members: dict[str, Node] = {}
    for index, entry in enumerate(node.items):
        name, found, value = str(entry.value).partition("=")
        if not found:
            report.fault(entry, (*path, index), f"'{entry.value}' has no value; write name=value")
        members[name] = Node(value, entry.mark)
    return node.with_(members)


def ssh(node: Node, path: Path, report: Report) -> Node:
    if not _is_texts(node):
        return node
    members: dict[str, Node] = {}
    for index, entry in enumerate(node.items):
        name, found, value = str(entry.value).partition("=")
        if not found and name != "default":
            report.fault(entry, (*path, index), f"'{name}' has no key file; write {name}=path, or default")
        members[name] = Node(value if found else None, entry.mark)
    return node.with_(members)


def text(node: Node, path: Path, report: Report) -> Node:
    return node if node.value is None or isinstance(node.value, dict | list) else node.with_(show(node.value))


def gpus(node: Node, path: Path, report: Report) -> Node:
    return node.with_([graft({"count": "all"}, node.mark)]) if isinstance(node.value, str) else node


def device(node: Node, path: Path, report: Report) -> Node:
    if not isinstance(node.value, str):
        return node
    parts = node.value.split(":")
    if len(parts) > 3:
        report.fault(node, path, f"'{node.value}' has too many colons; write source:target:permissions, or a long form")
    source, target, permissions = (*parts, "", "")[:3]
    long: dict[str, Json] = {"source": source, "target": target or source, "permissions": permissions or "rwm"}
    if len(parts) >= 3:
        long["permissions"] = permissions
    return node.with_(graft(long, node.mark).value)


def ports(node: Node, path: Path, report: Report) -> Node:
    """One entry can stand for several: `8000-8001:80-81`."""
    if not isinstance(node.value, list):
        return node
    long: list[Node] = []
    for index, entry in enumerate(node.value):
        if isinstance(entry.value, dict):
            long.append(entry)
        elif isinstance(entry.value, int | str) and not isinstance(entry.value, bool):
            try:
                long += [graft(port, entry.mark) for port in shorts.ports(str(entry.value))]
            except ValueError as error:
                report.fault(entry, (*path, index), str(error))
        else:
            report.fault(entry, (*path, index), f"{show(entry.value)} is no port; write 8080:80 or a long form")
    return node.with_(long)


def volume(node: Node, path: Path, report: Report) -> Node:
    if not isinstance(node.value, str):
        return node
    try:
        long = shorts.volume(node.value)
    except ValueError as error:
        report.fault(node, path, str(error))
        return node.with_(graft({"type": "volume", "target": node.value}, node.mark).value)
    for option in shorts.unknown_options(node.value):
        report.warn(node, path, f"the option '{option}' is unknown and does nothing; allowed are ro, rw, nocopy, z, Z")
    return node.with_(graft(long, node.mark).value)


def external(node: Node, path: Path, report: Report) -> Node:
    """The old `external: {name: x}`."""
    told = node.map.get("external")
    if told is None or not isinstance(told.value, dict):
        return node
    old, new = told.map.get("name"), node.map.get("name")
    if old is not None:
        report.warn(old, (*path, "external", "name"), "is an old spelling; write name: beside external: true")
        if new is not None and new.value != old.value:
            report.fault(old, (*path, "external", "name"), f"differs from name, '{new.value}'; keep only name")
    named_by = {} if old is None or new is not None else {"name": old}
    return node.with_({**node.map, "external": told.with_(True), **named_by})


def _is_texts(node: Node) -> bool:
    return isinstance(node.value, list) and all(isinstance(entry.value, str) for entry in node.value)
