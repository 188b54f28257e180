"""When a network goes, and what of it each host must build."""

from swarmlite.model.objects import Network, Task
from swarmlite.model.states import is_terminal
from swarmlite.model.view import View
from swarmlite.plan.actions import Forget, Plan
from swarmlite.protocol.link import AssignedNetwork


def plan(view: View, network: Network) -> Plan:
    """A network that was removed goes when the last task on it has gone."""
    if not network.swarmlite.pending_delete or view.tasks_of_network(network.id):
        return Plan()
    return Plan((Forget(kind="network", id=network.id, why="removed, and no task is on it any more"),))


def hosts(view: View, network_id: str) -> frozenset[str]:
    """The nodes that need the network: those with a task on it that has not ended."""
    return frozenset(task.node_id for task in view.tasks_of_network(network_id).values() if _needs(task))


def assigned(view: View, network: Network, node_id: str, members: frozenset[str]) -> AssignedNetwork:
    """The network as `node_id` must build it; `members` are all nodes that need it."""
    peers = (view.nodes[member].status.addr for member in members if member != node_id and member in view.nodes)
    return AssignedNetwork(
        id=network.id,
        name=network.name,
        subnet=network.subnet,
        gateway=network.swarmlite.gateways.get(node_id, ""),
        vni=network.swarmlite.vni,
        internal=network.spec.internal,
        labels=network.spec.labels,
        peers=tuple(sorted(peer for peer in peers if peer)),
    )


def _needs(task: Task) -> bool:
    return bool(task.node_id) and not is_terminal(task.status.state)
