"""What a task that fits nowhere says: a summary in Swarm's words first, then each node's own reason."""

from collections.abc import Sequence

from swarmlite.model.objects import Node
from swarmlite.scheduler.demand import Demand
from swarmlite.scheduler.filters import Kind, Refusal, refusal
from swarmlite.scheduler.fleet import Fleet

MOST_NODES = 10
"""More nodes than this are not named one by one but counted."""

_MOST_REASONS = 8


def explain(fleet: Fleet, demand: Demand, ranks: Sequence[int] | None = None) -> str:
    """Why none of the nodes (all, unless `ranks` are given) takes such a task, as they are filled now."""
    refusals: list[tuple[Node, Refusal]] = []
    for rank in range(len(fleet.nodes)) if ranks is None else ranks:
        no = refusal(fleet, rank, demand)
        if no is not None:
            refusals.append((fleet.nodes[rank], no))
    if not refusals:
        return "no suitable node"
    summary = "; ".join(_summary(kind, [no for _, no in refusals]) for kind in Kind if _has(kind, refusals))
    details = _by_node(refusals) if len(refusals) <= MOST_NODES else _by_reason(refusals)
    return f"no suitable node ({summary}): {details}"


def _has(kind: Kind, refusals: list[tuple[Node, Refusal]]) -> bool:
    return any(no.kind is kind for _, no in refusals)


def _summary(kind: Kind, refusals: list[Refusal]) -> str:
    number = _nodes(sum(no.kind is kind for no in refusals))
    return f"{number} {kind.value}" if kind is Kind.NOT_OPEN else f"{kind.value} on {number}"


def _by_node(refusals: list[tuple[Node, Refusal]]) -> str:
    return "; ".join(sorted(f"{node.name or node.id}: {no.text}" for node, no in refusals))


def _by_reason(refusals: list[tuple[Node, Refusal]]) -> str:
    counts: dict[str, int] = {}
    for _, no in refusals:
        counts[no.brief] = counts.get(no.brief, 0) + 1
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    texts = [f"{brief} on {_nodes(number)}" for brief, number in most[:_MOST_REASONS]]
    if len(most) > _MOST_REASONS:
        texts.append(f"other reasons on {_nodes(sum(number for _, number in most[_MOST_REASONS:]))}")
    return "; ".join(texts)


def _nodes(number: int) -> str:
    return "1 node" if number == 1 else f"{number} nodes"
