"""Variables filled in over a whole tree, and texts turned into the types that the table names."""

import re

from swarmlite.compose.decode import FALSE, TRUE
from swarmlite.compose.keys import Cast, Rule
from swarmlite.compose.report import Report
from swarmlite.compose.template import BadTemplate, Lookup, substitute
from swarmlite.compose.tree import Node, Path, Scalar

_INTEGER = re.compile(r"[-+]?[0-9]+")


def interpolate(node: Node, lookup: Lookup, rule: Rule, path: Path, report: Report) -> Node:
    """The tree with its variables filled in. Keys are left as they are, as compose does."""
    if isinstance(node.value, dict):
        members = node.value.items()
        return node.with_({k: interpolate(v, lookup, rule.step(k), (*path, k), report) for k, v in members})
    if isinstance(node.value, list):
        entries = enumerate(node.value)
        return node.with_([interpolate(v, lookup, rule.step(i), (*path, i), report) for i, v in entries])
    if not isinstance(node.value, str):
        return node

    def missing(name: str) -> None:
        report.warn(node, path, f"the variable {name} is not set; an empty text stands in for it")

    try:
        text = substitute(node.value, lookup, missing)
    except BadTemplate as error:
        report.fault(node, path, str(error))
        return node
    if rule.form.cast is None:
        return node if text == node.value else node.with_(text)
    value = cast(text, rule.form.cast)
    if value is None:
        report.fault(node, path, f"only {rule.form.cast} is allowed here, not '{text}'")
        return node
    return node.with_(value)


def cast(text: str, to: Cast) -> Scalar:
    """The value that a text stands for; None where it stands for none."""
    if to is Cast.FLAG:
        return True if text.lower() in TRUE else False if text.lower() in FALSE else None
    if to is Cast.INTEGER:
        return int(text) if _INTEGER.fullmatch(text) else None
    try:
        return float(text)
    except ValueError:
        return None
