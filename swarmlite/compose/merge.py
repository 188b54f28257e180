"""How a later file's values meet an earlier one's, and which entries of a list are the same thing."""

from swarmlite.compose import shorts
from swarmlite.compose.keys import Index, Rule
from swarmlite.compose.report import Report
from swarmlite.compose.scalars import show
from swarmlite.compose.tree import OVERRIDE, RESET, Json, Node, Path, graft, strip


def merge(base: Node, over: Node, rule: Rule, path: Path, report: Report) -> Node:
    """`over` laid on `base`. A `!reset` stays in the result as a tombstone until the document is done."""
    if over.tag in (RESET, OVERRIDE):
        return over
    if rule.form.merge is not None:
        return rule.form.merge(base, over, rule, path, report)
    if rule.form.widen is not None:
        base, over = rule.form.widen(_without_reset(base, over)), rule.form.widen(strip(over))
    if over.value is None:
        return base
    if base.value is None or not isinstance(base.value, dict | list):
        return over
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        return members(base, over, rule, path, report)
    if isinstance(base.value, list) and isinstance(over.value, list):
        return over.with_([*base.value, *over.value])
    kind = "a mapping" if isinstance(base.value, dict) else "a list"
    report.fault(over, path, f"cannot be laid over what is {kind} in {base.where}; write {kind} here, too")
    return base


def _without_reset(base: Node, over: Node) -> Node:
    """`base` without what `over` takes away; a list would forget the `!reset` of its members."""
    names = [name for name, child in over.map.items() if child.tag == RESET]
    if names and isinstance(base.value, list):
        return base.with_([entry for entry in base.value if by_name(entry) not in names])
    return base.without(*names) if names and isinstance(base.value, dict) else base


def members(base: Node, over: Node, rule: Rule, path: Path, report: Report) -> Node:
    """Two mappings, member by member."""
    merged = dict(base.map)
    for name, child in over.map.items():
        known = merged.get(name)
        merged[name] = child if known is None else merge(known, child, rule.step(name), (*path, name), report)
    return over.with_(merged)


def unique(node: Node, rule: Rule) -> Node:
    """The tree without entries that a later one of the same key replaces (it takes their place in the list)."""
    if isinstance(node.value, dict) and rule.below:
        return node.with_({name: unique(child, rule.step(name)) for name, child in node.value.items()})
    if not isinstance(node.value, list) or rule.form.unique is None:
        return node
    kept: dict[object, Node] = {}
    for position, entry in enumerate(node.value):
        same = rule.form.unique(entry)
        kept[position if same is None else same] = entry
    return node.with_([*kept.values()])


def warn_repeated(node: Node, rule: Rule, path: Path, report: Report) -> None:
    """Warn of entries of one list that are the same thing: only the last of them counts."""
    if isinstance(node.value, dict) and rule.below:
        for name, child in node.value.items():
            warn_repeated(child, rule.step(name), (*path, name), report)
    if not isinstance(node.value, list) or rule.form.unique is None:
        return
    seen: dict[str, int] = {}
    for index, entry in enumerate(node.value):
        same = rule.form.unique(entry)
        if same is not None and same in seen:
            report.warn(entry, (*path, index), f"takes the place of entry {seen[same]}, which is the same thing")
        if same is not None:
            seen[same] = index


# --- how two values meet --------------------------------------------------------------------------------------------


def replace(base: Node, over: Node, rule: Rule, path: Path, report: Report) -> Node:
    return over


def hosts(base: Node, over: Node, rule: Rule, path: Path, report: Report) -> Node:
    known = as_list(base).items
    return over.with_([*known, *(e for e in as_list(over).items if e.value not in [k.value for k in known])])


def logging(base: Node, over: Node, rule: Rule, path: Path, report: Report) -> Node:
    """Options belong to a driver: another driver starts afresh."""
    drivers = {side.map["driver"].value for side in (base, over) if "driver" in side.map}
    return members(base, over, rule, path, report) if len(drivers) < 2 else over


def subnets(base: Node, over: Node, rule: Rule, path: Path, report: Report) -> Node:
    """Address pools are the same where their subnet is."""
    if not isinstance(base.value, list) or not isinstance(over.value, list):
        return over
    pools: dict[object, Node] = {}
    for right in base.items:
        for left in over.items:
            if _subnet(left) != _subnet(right) and _subnet(left) not in pools:
                pools[_subnet(left)] = left
                continue
            right = members(right, left, rule.step(0), path, report)
            pools[_subnet(right)] = right
    return over.with_([*pools.values()])


def _subnet(pool: Node) -> object:
    subnet = pool.map.get("subnet")
    return None if subnet is None else str(subnet.value)


# --- what both become before they meet ------------------------------------------------------------------------------


def as_list(node: Node) -> Node:
    """Mappings become sorted `name=value` entries, a single text a list of it."""
    if isinstance(node.value, str):
        return node.with_([Node(node.value, node.mark)])
    if not isinstance(node.value, dict):
        return node
    entries: list[Node] = []
    for name, child in node.value.items():
        if isinstance(child.value, list):
            entries += [Node(f"{name}={show(entry.value)}", entry.mark) for entry in child.value]
        else:
            entries.append(Node(name if child.value is None else f"{name}={show(child.value)}", child.where))
    return node.with_(sorted(entries, key=lambda entry: str(entry.value)))


def as_mapping(node: Node, default: Json = None) -> Node:
    """A list of names becomes a mapping of names to nothing."""
    if not isinstance(node.value, list):
        return node
    return node.with_({show(entry.value): graft(default, entry.mark) for entry in node.value})


def as_dependencies(node: Node) -> Node:
    return as_mapping(node, {"condition": "service_started", "required": True})


def as_build(node: Node) -> Node:
    return node.with_({"context": Node(node.value, node.mark)}) if isinstance(node.value, str) else node


# --- which entries are the same -------------------------------------------------------------------------------------


def by_name(entry: Node) -> str | None:
    """`NAME` of `NAME=value`."""
    return entry.value.partition("=")[0] if isinstance(entry.value, str) else None


def by_target(entry: Node) -> str | None:
    """A volume's place in the container."""
    if isinstance(entry.value, str):
        try:
            return str(shorts.volume(entry.value)["target"])
        except ValueError:
            return None
    return _member(entry, "target")


def by_device(entry: Node) -> str | None:
    if isinstance(entry.value, str):
        return (entry.value.split(":") * 2)[1] if ":" in entry.value else entry.value
    return _member(entry, "target")


def by_value(entry: Node) -> str | None:
    return None if isinstance(entry.value, dict | list) else show(entry.value)


def by_path(entry: Node) -> str | None:
    return entry.value if isinstance(entry.value, str) else _member(entry, "path")


def by_port(entry: Node) -> str | None:
    if not isinstance(entry.value, dict):
        return by_value(entry)
    parts = {name: show(child.value) for name, child in entry.map.items()}
    if "target" not in parts:
        return None
    host, protocol = parts.get("host_ip", "0.0.0.0"), parts.get("protocol", "tcp")
    return f"{host}:{parts.get('published')}:{parts['target']}/{protocol}"


def under(folder: str) -> Index:
    """Where a config or secret is seen in the container."""

    def index(entry: Node) -> str | None:
        if isinstance(entry.value, str):
            return f"{folder}/{entry.value}"
        return _member(entry, "target") or f"{folder}/{_member(entry, 'source')}"

    return index


def _member(entry: Node, name: str) -> str | None:
    child = entry.map.get(name)
    return None if child is None else show(child.value)
