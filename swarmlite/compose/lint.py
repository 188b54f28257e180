"""What will not happen: every key that the cluster does not honour is named, by the table's word on it."""

from swarmlite.compose.keys import Rule, Support
from swarmlite.compose.keytable import RULES
from swarmlite.compose.report import Report
from swarmlite.compose.tree import Json, Node, Path, find


def lint(model: dict[str, Json], tree: Node, report: Report) -> None:
    """Warn of each WARNED key and report each REFUSED one. Keys whose value changes nothing are not in the model."""
    for section in ("services", "networks", "volumes"):
        _walk(model.get(section), RULES.step(section), (section,), (tree, report))


def _walk(value: Json, rule: Rule, path: Path, to: tuple[Node, Report]) -> None:
    tree, report = to
    key = rule.key
    if key is not None and key.support in (Support.WARNED, Support.REFUSED) and not _is_harmless(value, key.harmless):
        node = find(tree, path)
        if _is_implied(node, path):
            return
        say = report.fault if key.support is Support.REFUSED else report.warn
        say(node, path, key.effect)
        return
    if isinstance(value, dict):
        for name, child in value.items():
            _walk(child, rule.step(name), (*path, name), to)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _walk(child, rule.step(index), (*path, index), to)


def _is_harmless(value: Json, harmless: tuple[str, ...]) -> bool:
    return value in ("", None, [], {}) or value in harmless


def _is_implied(node: Node, path: Path) -> bool:
    """Dependencies that links imply say `restart`, though no one wrote it."""
    return path[2:3] == ("depends_on",) and node.key is None
