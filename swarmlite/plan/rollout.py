"""From an old spec to the new one, a few slots at a time, and never more of them out at once than was allowed."""

from collections.abc import Sequence

from swarmlite.model.objects import Service, Task, UpdateStatus
from swarmlite.model.spec import UpdateConfig
from swarmlite.model.states import TaskState
from swarmlite.plan.actions import AnyAction, CreateTask, Desire, Progress
from swarmlite.plan.slots import Slot


def is_current(task: Task, service: Service) -> bool:
    """Whether the task runs what the service asks for now."""
    template = service.spec.task_template
    return task.spec is template or task.spec == template


def update(service: Service, slots: Sequence[Slot]) -> tuple[AnyAction, ...]:
    """Replace outdated holders, at most `parallelism` slots in work at a time; those that do not run go at once."""
    limit = _config(service).parallelism
    outdated = [slot for slot in slots if slot.holder is not None and not is_current(slot.holder, service)]
    if not outdated:
        return _finish(service, slots)
    waiting = {slot.key for slot in outdated}
    in_work = sum(1 for slot in slots if slot.key not in waiting and (not slot.is_running or len(slot.wanted) > 1))
    actions: list[AnyAction] = []
    for slot in sorted(outdated, key=lambda slot: slot.is_running):
        if slot.is_running:
            if limit and in_work >= limit:
                break
            in_work += 1
        actions.extend(_replace(service, slot))
    return tuple(actions)


def _config(service: Service) -> UpdateConfig:
    return service.spec.update_config or UpdateConfig()


def _replace(service: Service, slot: Slot) -> tuple[AnyAction, ...]:
    why = f"{service.name} has a new spec"
    if _config(service).order == "start-first" and slot.is_running and isinstance(slot.key, int):
        return (CreateTask(service_id=service.id, slot=slot.key, why=why),)
    return tuple(Desire(task_id=task.id, state=TaskState.SHUTDOWN, why=why) for task in slot.wanted)


def _finish(service: Service, slots: Sequence[Slot]) -> tuple[AnyAction, ...]:
    """Say that the update is complete once every slot runs the new spec."""
    status = service.update_status
    if status is None or status.state != "updating" or not all(slot.is_running for slot in slots):
        return ()
    done = UpdateStatus(state="completed", started_at=status.started_at, message="update completed")
    return (Progress(service_id=service.id, status=done, why="every task runs the new spec"),)
