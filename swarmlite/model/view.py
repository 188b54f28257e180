"""The cluster as known: every object in memory, indexed. Planners read it; only the mirror applies changes to it.

A view is not copied for each plan: planning is synchronous and `apply` happens between plans, so a planner sees
one state.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from swarmlite.model.load import Loads
from swarmlite.model.objects import Cluster, Network, Node, Object, Service, Task, Token
from swarmlite.model.states import TaskState

KINDS: dict[str, type[Object]] = {
    "cluster": Cluster,
    "node": Node,
    "service": Service,
    "task": Task,
    "network": Network,
    "token": Token,
}
KIND_OF: dict[type, str] = {cls: kind for kind, cls in KINDS.items()}


class Put(msgspec.Struct, frozen=True):
    """Create or replace one object."""

    object: Object

    @property
    def key(self) -> tuple[str, str]:
        return KIND_OF[type(self.object)], self.object.id


class Delete(msgspec.Struct, frozen=True):
    kind: str
    id: str

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.id


Change = Put | Delete

_NONE: Mapping[str, Task] = {}
_UNPLACED = (TaskState.NEW, TaskState.PENDING)
_FAILED = (TaskState.FAILED, TaskState.REJECTED)


class View:
    """All objects by id, and tasks by what planners ask for. `version`: of the last batch applied."""

    def __init__(self, objects: Iterable[Object] = (), version: int = 0) -> None:
        self.version = version
        self.nodes: dict[str, Node] = {}
        self.services: dict[str, Service] = {}
        self.tasks: dict[str, Task] = {}
        self.networks: dict[str, Network] = {}
        self.tokens: dict[str, Token] = {}
        self.clusters: dict[str, Cluster] = {}
        self._tables: dict[type, dict[str, Any]] = {  # one table a kind; its values are of the key's type
            Node: self.nodes,
            Service: self.services,
            Task: self.tasks,
            Network: self.networks,
            Token: self.tokens,
            Cluster: self.clusters,
        }
        self._by_service: dict[str, dict[str, Task]] = {}
        self._by_node: dict[str, dict[str, Task]] = {}
        self._by_network: dict[str, dict[str, Task]] = {}
        self._failures: dict[str, dict[str, Task]] = {}
        self.unplaced: dict[str, Task] = {}
        self.loads = Loads()
        for item in objects:
            self._put(item)

    # --- reading ---

    @property
    def cluster(self) -> Cluster:
        """The one cluster object, which `init` makes."""
        return next(iter(self.clusters.values()))

    def get(self, kind: str, id: str) -> Object | None:
        item: Object | None = self._tables[KINDS[kind]].get(id)
        return item

    def tasks_of_service(self, service_id: str) -> Mapping[str, Task]:
        return self._by_service.get(service_id, _NONE)

    def tasks_of_node(self, node_id: str) -> Mapping[str, Task]:
        return self._by_node.get(node_id, _NONE)

    def tasks_of_network(self, network_id: str) -> Mapping[str, Task]:
        """Tasks with an address on the network."""
        return self._by_network.get(network_id, _NONE)

    def failures_of_service(self, service_id: str) -> Mapping[str, Task]:
        """Its tasks that failed or were rejected, as far as they are still known."""
        return self._failures.get(service_id, _NONE)

    def service_named(self, name: str) -> Service | None:
        return next((service for service in self.services.values() if service.spec.name == name), None)

    def network_named(self, name: str) -> Network | None:
        """A network that is going away has given its name up already."""
        named = (n for n in self.networks.values() if n.spec.name == name and not n.swarmlite.pending_delete)
        return next(named, None)

    # --- applying (the mirror's alone) ---

    def apply(self, changes: Iterable[Change], version: int) -> None:
        for change in changes:
            if isinstance(change, Put):
                self._put(change.object)
            else:
                self._drop(change.kind, change.id)
        self.version = version

    def _put(self, item: Object) -> None:
        if isinstance(item, Task):
            self._put_task(item)
        else:
            self._tables[type(item)][item.id] = item

    def _put_task(self, task: Task) -> None:
        old = self.tasks.get(task.id)
        if old is not None:
            self._leave(old, task)
        self._index(task)
        self.loads.replace(old, task)
        self.tasks[task.id] = task

    def _drop(self, kind: str, id: str) -> None:
        item = self._tables[KINDS[kind]].pop(id, None)
        if isinstance(item, Task):
            self._unindex(item)
            self.loads.replace(item, None)

    def _index(self, task: Task) -> None:
        id = task.id
        self._by_service.setdefault(task.service_id, {})[id] = task
        if task.node_id:
            self._by_node.setdefault(task.node_id, {})[id] = task
        for attachment in task.networks_attachments:
            self._by_network.setdefault(attachment.network.id, {})[id] = task
        if task.status.state in _FAILED:
            self._failures.setdefault(task.service_id, {})[id] = task
        if is_unplaced(task):
            self.unplaced[id] = task
        else:
            self.unplaced.pop(id, None)

    def _leave(self, old: Task, new: Task) -> None:
        """Take `old` out of where `new` does not belong."""
        id = old.id
        if old.node_id != new.node_id:
            _forget(self._by_node, old.node_id, id)
        if old.networks_attachments != new.networks_attachments:
            for attachment in old.networks_attachments:
                _forget(self._by_network, attachment.network.id, id)
        if old.service_id != new.service_id:
            _forget(self._by_service, old.service_id, id)
        if old.status.state in _FAILED:
            _forget(self._failures, old.service_id, id)

    def _unindex(self, task: Task) -> None:
        id = task.id
        self.unplaced.pop(id, None)
        _forget(self._by_service, task.service_id, id)
        _forget(self._by_node, task.node_id, id)
        for attachment in task.networks_attachments:
            _forget(self._by_network, attachment.network.id, id)
        _forget(self._failures, task.service_id, id)


def is_unplaced(task: Task) -> bool:
    """Wants to run and waits for a node, or, where its node was settled when it was made, for that node's yes."""
    return task.status.state in _UNPLACED and task.desired_state is TaskState.RUNNING


def _forget(index: dict[str, dict[str, Task]], key: str, id: str) -> None:
    group = index.get(key)
    if group is not None:
        group.pop(id, None)
        if not group:
            del index[key]
