"""One node against the constraints as a spec writes them: for tasks that are placed already, one at a time."""

from collections.abc import Iterable
from functools import lru_cache

from swarmlite.errors import InvalidArgument
from swarmlite.model import constraint
from swarmlite.model.constraint import Constraint
from swarmlite.model.objects import Node
from swarmlite.scheduler.attributes import meets, value

_parse = lru_cache(maxsize=1024)(constraint.parse)


def refusal(node: Node, constraints: Iterable[str]) -> str | None:
    """The first constraint that the node does not meet, in words; None where it meets all."""
    for text in constraints:
        try:
            parsed: Constraint = _parse(text)
        except InvalidArgument as error:
            return error.message
        found = value(node, parsed.key)
        if not meets(parsed, found):
            return f"node {node.name} does not meet constraint {text}: {parsed.key} is {found or 'not set'}"
    return None
