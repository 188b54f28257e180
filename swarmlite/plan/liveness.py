"""From heartbeats to node states: two missed beats make a host suspect, four make it down."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from swarmlite.model.objects import NodeState
from swarmlite.model.view import View
from swarmlite.plan.actions import Mark, Plan
from swarmlite.settings import AGENT_GONE_AFTER, DOWN_AFTER, SUSPECT_AFTER


class Pulse(msgspec.Struct, frozen=True):
    """When a host was last well. `closed`: why it is not now though the machine lives: its agent hung up, or its engine
    does not answer. Then it gets more time, and one that is `awaited` more still while the machine answers.
    """

    heard: datetime
    closed: str = ""
    awaited: datetime | None = None


def down_at(pulse: Pulse) -> datetime:
    return pulse.heard + timedelta(seconds=AGENT_GONE_AFTER if pulse.closed else DOWN_AFTER)


def suspect_at(pulse: Pulse) -> datetime:
    """A host that hung up still serves: its addresses stay until it is down."""
    return down_at(pulse) if pulse.closed else pulse.heard + timedelta(seconds=SUSPECT_AFTER)


def plan(view: View, pulses: Mapping[str, Pulse], now: datetime) -> Plan:
    """Mark nodes ready or down; `again_at` is when the next one would change without another beat."""
    marks: list[Mark] = []
    again: list[datetime] = []
    for node in view.nodes.values():
        pulse = pulses.get(node.id)
        if pulse is None:
            continue
        limit = down_at(pulse)
        if now < limit:
            again.append(limit)
            if node.status.state is not NodeState.READY and not pulse.closed:
                marks.append(Mark(node_id=node.id, state=NodeState.READY, why=""))
        elif node.status.state is not NodeState.DOWN:
            silence = (now - pulse.heard).total_seconds()
            why = pulse.closed or f"not heard for {silence:.1f} s"
            marks.append(Mark(node_id=node.id, state=NodeState.DOWN, why=why))
    return Plan(tuple(marks), min(again, default=None))


def suspects(pulses: Mapping[str, Pulse], now: datetime) -> frozenset[str]:
    """Hosts whose addresses must leave every answer."""
    return frozenset(node for node, pulse in pulses.items() if now >= suspect_at(pulse))
