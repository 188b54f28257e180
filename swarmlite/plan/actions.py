"""What planners may ask for. Each action says why; whoever applies them decides nothing.

A plan never has two actions on one key, and can be interrupted after any action and planned anew to the same end.
"""

from datetime import datetime

import msgspec

from swarmlite.model.objects import Network, NetworkAttachment, NodeState, UpdateStatus
from swarmlite.model.states import TaskState


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """`why`: one clause for users and logs."""

    why: str


class CreateTask(Action, frozen=True, kw_only=True):
    """A new task of a service, from the spec that the service has now. `node_id` is given for global services only."""

    service_id: str
    slot: int = 0
    node_id: str = ""
    restarts: int = 0

    @property
    def key(self) -> tuple[str, str]:
        return "slot", f"{self.service_id}/{self.slot or self.node_id}"


class Desire(Action, frozen=True, kw_only=True):
    """Move a task's desired state forward: to shutdown, or to remove."""

    task_id: str
    state: TaskState

    @property
    def key(self) -> tuple[str, str]:
        return "task", self.task_id


class Assign(Action, frozen=True, kw_only=True):
    """Give a task its node and its addresses."""

    task_id: str
    node_id: str
    attachments: tuple[NetworkAttachment, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        return "task", self.task_id


class Explain(Action, frozen=True, kw_only=True):
    """A task stays pending; `why` says for users what it waits for."""

    task_id: str

    @property
    def key(self) -> tuple[str, str]:
        return "task", self.task_id


class Forget(Action, frozen=True, kw_only=True):
    """Delete an object whose time is over."""

    kind: str
    id: str

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.id


class Mark(Action, frozen=True, kw_only=True):
    """A node's observed state."""

    node_id: str
    state: NodeState

    @property
    def key(self) -> tuple[str, str]:
        return "node", self.node_id


class Settle(Action, frozen=True, kw_only=True):
    """A network's own bookkeeping (gateways, last address given), whole."""

    network: Network

    @property
    def key(self) -> tuple[str, str]:
        return "network", self.network.id


class Progress(Action, frozen=True, kw_only=True):
    """How a service's update goes."""

    service_id: str
    status: UpdateStatus | None

    @property
    def key(self) -> tuple[str, str]:
        return "service", self.service_id


AnyAction = CreateTask | Desire | Assign | Explain | Forget | Mark | Settle | Progress


class Plan(msgspec.Struct, frozen=True):
    """`again_at`: when to look again though nothing changes."""

    actions: tuple[AnyAction, ...] = ()
    again_at: datetime | None = None
