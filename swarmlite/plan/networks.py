"""When a network goes, and what of it each host must build."""

from swarmlite.model.objects import Network, Task
from swarmlite.model.states import is_terminal
from swarmlite.model.view import View
from swarmlite.plan import ingress
from swarmlite.plan.actions import Forget, Plan
from swarmlite.protocol.link import AssignedNetwork


def plan(view: View, network: Network) -> Plan:
    """A network that was removed goes when the last task on it has gone; the ingress network is on every host."""
    if network.swarmlite.pending_delete:
        if view.tasks_of_network(network.id):
            return Plan()
        return Plan((Forget(kind="network", id=network.id, why="removed, and no task is on it any more"),))
    settle = ingress.gateways(view, network) if network.name == ingress.INGRESS else None
    return Plan((settle,) if settle else ())


def hosts(view: View, network_id: str) -> frozenset[str]:
    """The nodes that need the network: those with a task on it that has not ended, and for published ports all."""
    members = frozenset(task.node_id for task in view.tasks_of_network(network_id).values() if _needs(task))
    network = view.networks.get(network_id)
    if network is not None and network.name == ingress.INGRESS and ingress.is_needed(view):
        return members | (network.swarmlite.gateways.keys() & view.nodes.keys())
    return members


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
