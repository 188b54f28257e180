"""From actions to changes of the store: a table, and no decisions.

An action that no longer applies (its task has gone, or is further already) yields no change. It surprises that a task
which no host was ever given ends as soon as it is told to: nobody else would report it.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec.structs import replace

from swarmlite.model.objects import NodeStatus, Service, Task, TaskExtension, TaskStatus, Version
from swarmlite.model.spec import PortConfig, PublishMode
from swarmlite.model.states import ORDER, TaskState
from swarmlite.model.view import Change, Delete, Put, View
from swarmlite.plan import ingress
from swarmlite.plan.actions import (
    AnyAction,
    Assign,
    CreateTask,
    Desire,
    Explain,
    Forget,
    Mark,
    Progress,
    Settle,
)

PENDING_MESSAGE = "pending task scheduling"

_UNASSIGNED = (TaskState.NEW, TaskState.PENDING)


def changes(view: View, actions: Iterable[AnyAction], now: datetime, new_id: Callable[[], str]) -> tuple[Change, ...]:
    """What to commit so that the actions come true. `new_id` is called once for each task created."""
    made: list[Change] = []
    for action in actions:
        if isinstance(action, CreateTask):
            change = _create(view, action, now, new_id)
        else:
            change = _APPLY[type(action)](view, action, now)
        if change is not None:
            made.append(change)
    return tuple(made)


def _create(view: View, action: CreateTask, now: datetime, new_id: Callable[[], str]) -> Change | None:
    service = view.services.get(action.service_id)
    if service is None or (action.node_id and action.node_id not in view.nodes):
        return None
    return Put(
        Task(
            id=new_id(),
            version=Version(index=view.version + 1),
            created_at=now,
            updated_at=now,
            spec=service.spec.task_template,
            service_id=service.id,
            slot=action.slot,
            node_id=action.node_id,
            status=TaskStatus(timestamp=now, state=TaskState.PENDING, message=PENDING_MESSAGE),
            desired_state=TaskState.RUNNING,
            swarmlite=TaskExtension(
                service_name=service.spec.name,
                ports=host_ports(service),
                ingress=_ingress(view, service),
                restarts=action.restarts,
            ),
        )
    )


def _ingress(view: View, service: Service) -> str:
    network = ingress.network_of(view) if ingress.wanted(service.spec) else None
    return network.id if network else ""


def host_ports(service: Service) -> tuple[PortConfig, ...]:
    """What each task of the service publishes on its own host."""
    endpoint = service.spec.endpoint_spec
    if endpoint is None:
        return ()
    return tuple(port for port in endpoint.ports if port.publish_mode is PublishMode.HOST)


def _assign(view: View, action: Assign, now: datetime) -> Change | None:
    task = view.tasks.get(action.task_id)
    if (
        task is None
        or task.desired_state is not TaskState.RUNNING
        or task.status.state not in _UNASSIGNED
        or (task.node_id and task.node_id != action.node_id)
        or action.node_id not in view.nodes
    ):
        return None
    return Put(
        replace(
            task,
            node_id=action.node_id,
            networks_attachments=action.attachments,
            status=TaskStatus(timestamp=now, state=TaskState.ASSIGNED, message="assigned"),
            updated_at=now,
        )
    )


def _explain(view: View, action: Explain, now: datetime) -> Change | None:
    task = view.tasks.get(action.task_id)
    if task is None or task.status.state not in _UNASSIGNED or task.status.err == action.why:
        return None
    status = TaskStatus(timestamp=now, state=TaskState.PENDING, message=PENDING_MESSAGE, err=action.why)
    return Put(replace(task, status=status, updated_at=now))


def _desire(view: View, action: Desire, now: datetime) -> Change | None:
    task = view.tasks.get(action.task_id)
    if task is None or ORDER[action.state] <= ORDER[task.desired_state]:
        return None
    status = task.status
    if status.state in _UNASSIGNED:
        status = TaskStatus(timestamp=now, state=TaskState.SHUTDOWN, message=action.why)
    return Put(replace(task, desired_state=action.state, status=status, updated_at=now))


def _forget(view: View, action: Forget, now: datetime) -> Change | None:
    return None if view.get(action.kind, action.id) is None else Delete(action.kind, action.id)


def _mark(view: View, action: Mark, now: datetime) -> Change | None:
    node = view.nodes.get(action.node_id)
    if node is None:
        return None
    status = NodeStatus(state=action.state, message=action.why, addr=node.status.addr)
    return None if status == node.status else Put(replace(node, status=status, updated_at=now))


def _settle(view: View, action: Settle, now: datetime) -> Change | None:
    known = view.networks.get(action.network.id)
    return None if known is None or known == action.network else Put(action.network)


def _progress(view: View, action: Progress, now: datetime) -> Change | None:
    service = view.services.get(action.service_id)
    if service is None or service.update_status == action.status:
        return None
    return Put(replace(service, update_status=action.status))


_APPLY: dict[type, Callable[..., Change | None]] = {  # each function takes its own kind of action
    Assign: _assign,
    Explain: _explain,
    Desire: _desire,
    Forget: _forget,
    Mark: _mark,
    Settle: _settle,
    Progress: _progress,
}
