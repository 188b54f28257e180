"""A global service: one task on every node that may have one.

A node that is down keeps its task in the books: if it comes back soon, the container that ran on goes on. A paused one
is left as it is.
"""

from datetime import datetime

from swarmlite.model.objects import Node, NodeState, Service, Task
from swarmlite.model.spec import Availability
from swarmlite.model.states import TaskState
from swarmlite.model.view import View
from swarmlite.plan import rollout, upkeep
from swarmlite.plan.actions import AnyAction, Desire, Plan
from swarmlite.plan.slots import Slot, SlotKey, group
from swarmlite.scheduler.constraints import refusal


def plan(view: View, service: Service, now: datetime) -> Plan:
    slots = group(view.tasks_of_service(service.id).values(), _node_of)
    kept: list[Slot] = []
    gone: list[AnyAction] = []
    for node in view.nodes.values():
        slot = slots.get(node.id, Slot(node.id))
        why = why_not(node, service)
        if why is not None:
            gone.extend(Desire(task_id=task.id, state=TaskState.SHUTDOWN, why=why) for task in slot.wanted)
        elif node.status.state is NodeState.READY and node.spec.availability is Availability.ACTIVE:
            kept.append(slot)
    upkeeps = upkeep.merge(upkeep.keep(view, service, slot, now) for slot in kept)
    updates = () if upkeeps.actions else rollout.update(service, kept)
    history = upkeep.forget_old(slots.values())
    return Plan((*upkeeps.actions, *gone, *updates, *history), upkeeps.again_at)


def why_not(node: Node, service: Service) -> str | None:
    """Why a node must not have a task of the service; None where it may."""
    if node.spec.availability is Availability.DRAIN:
        return f"node {node.name} is drained"
    placement = service.spec.task_template.placement
    return refusal(node, placement.constraints) if placement else None


def _node_of(task: Task) -> SlotKey:
    return task.node_id
