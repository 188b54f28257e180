"""The networks' side of a placement: each task's addresses, and a gateway for a host's first task on a network."""

from msgspec.structs import replace

from swarmlite.model.objects import AttachedNetwork, Network, NetworkAttachment, Task
from swarmlite.model.view import View
from swarmlite.plan import ingress
from swarmlite.plan.actions import Settle
from swarmlite.plan.addresses import Addresses


class _Book:
    """What one plan gives on one network. A gateway of a node that has left the cluster is free again."""

    def __init__(self, view: View, network: Network) -> None:
        known = network.swarmlite.gateways
        self.gateways = {node: address for node, address in known.items() if node in view.nodes}
        self.network = replace(network, swarmlite=replace(network.swarmlite, gateways=self.gateways))
        self._tasks = view.tasks_of_network(network.id)
        self.addresses = Addresses(self.network, self._tasks.values())
        self._hosts: set[str] = set()
        self.attached = AttachedNetwork(id=network.id)

    def why_full(self, node_id: str) -> str | None:
        if self._has_for(node_id):
            return None
        self._free_idle_gateways(node_id)
        if self._has_for(node_id):
            return None
        addresses = self.addresses
        return f"network {self.network.name} has no free address ({addresses.used} of {addresses.size} in use)"

    def attach(self, node_id: str) -> NetworkAttachment:
        self._hosts.add(node_id)
        if node_id not in self.gateways:
            self.gateways[node_id] = self.addresses.take()
        address = self.addresses.with_prefix(self.addresses.take())
        return NetworkAttachment(network=self.attached, addresses=(address,))

    def has_address(self) -> bool:
        return self.addresses.size > self.addresses.used

    def _has_for(self, node_id: str) -> bool:
        return self.addresses.size - self.addresses.used >= (1 if node_id in self.gateways else 2)

    def _free_idle_gateways(self, asking: str) -> None:
        """A host keeps its gateway when its last task there has gone, until addresses run short. On the ingress network
        every host needs its own.
        """
        if self.network.name == ingress.INGRESS:
            return
        needed = {asking, *self._hosts, *(task.node_id for task in self._tasks.values())}
        for node_id in [node_id for node_id in self.gateways if node_id not in needed]:
            self.addresses.give_back(self.gateways.pop(node_id))


def targets(task: Task) -> list[str]:
    """The ids of the networks that a task is on: those of its spec, and ingress where it serves published ports."""
    found = [config.target for config in task.spec.networks]
    return list(dict.fromkeys([*found, task.swarmlite.ingress] if task.swarmlite.ingress else found))


class Attacher:
    """Hands out addresses for one plan; `settled` is what the networks are to remember of it."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._books: dict[str, _Book] = {}

    def why_not(self, task: Task) -> str | None:
        """Why no such task can be attached, on whatever node; None where it may be."""
        for id in targets(task):
            network = self._view.networks.get(id)
            if network is None:
                return f"network {id} does not exist"
            if network.swarmlite.pending_delete:
                return f"network {network.name} is being removed"
        return None

    def why_full(self, task: Task, node_id: str) -> str | None:
        """Why the task cannot have all its addresses on that node; None where it can."""
        return next((why for book in self._of(task) if (why := book.why_full(node_id))), None)

    def has_any(self, task: Task) -> bool:
        """Whether each of its networks has an address left, for a host that needs no gateway."""
        return all(book.has_address() for book in self._of(task))

    def attach(self, task: Task, node_id: str) -> tuple[NetworkAttachment, ...]:
        """An address on each of the task's networks. Ask `why_full` first."""
        return tuple([book.attach(node_id) for book in self._of(task)])

    def settled(self) -> tuple[Settle, ...]:
        settles: list[Settle] = []
        for id, book in self._books.items():
            known = self._view.networks[id]
            extension = replace(known.swarmlite, gateways=book.gateways, last_address=book.addresses.last)
            if extension != known.swarmlite:
                settles.append(Settle(network=replace(known, swarmlite=extension), why="addresses were given"))
        return tuple(settles)

    def _of(self, task: Task) -> list[_Book]:
        return [self._book(target) for target in targets(task)]

    def _book(self, id: str) -> _Book:
        book = self._books.get(id)
        if book is None:
            book = self._books[id] = _Book(self._view, self._view.networks[id])
        return book
