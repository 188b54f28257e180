"""Which nodes may hold a service's tasks, and which may go on holding what they have."""

from swarmlite.model.objects import Node, NodeState, Task
from swarmlite.model.spec import Availability
from swarmlite.model.view import View
from swarmlite.scheduler.constraints import refusal


def why_lost(view: View, task: Task) -> str | None:
    """Why a task can no longer stay where it is; None where it can. A paused node keeps what it has."""
    if not task.node_id:
        return None
    node = view.nodes.get(task.node_id)
    if node is None:
        return f"node {task.node_id} has left the cluster"
    if node.status.state is NodeState.DOWN:
        return f"node {node.name} is down"
    if node.spec.availability is Availability.DRAIN:
        return f"node {node.name} is drained"
    return why_unsuited(node, task)


def why_unsuited(node: Node, task: Task) -> str | None:
    """A node's labels or role may have changed since the task was placed."""
    placement = task.spec.placement
    if placement is None or not placement.constraints:
        return None
    return refusal(node, placement.constraints)


def is_out_of_reach(view: View, task: Task) -> bool:
    """No report of its end will come now. When its host returns it finds what became of the task, and stops it."""
    node = view.nodes.get(task.node_id)
    return node is None or node.status.state is NodeState.DOWN
