"""Start order: the first tasks of a service wait for the services that it depends on.

Only the first ones: once a task of the service has had a node, a dependency that fails later stops nothing.
"""

from swarmlite.model.objects import Service, Task
from swarmlite.model.spec import Dependency
from swarmlite.model.states import ORDER, TaskState
from swarmlite.model.view import View

_STARTED = "service_started"
_COMPLETED = "service_completed_successfully"
_FIRST_GIVEN = ORDER[TaskState.ASSIGNED]


def waits_for(view: View, service: Service) -> str | None:
    """What the service's tasks wait for, as users read it; None where they may start."""
    extension = service.spec.swarmlite
    if extension is None or not extension.depends_on:
        return None
    if any(_was_given(task) for task in view.tasks_of_service(service.id).values()):
        return None
    missing = [text for text in (_missing(view, need) for need in extension.depends_on) if text]
    return f"waits for {'; '.join(missing)}" if missing else None


def _was_given(task: Task) -> bool:
    return bool(task.node_id) and ORDER[task.status.state] >= _FIRST_GIVEN


def _missing(view: View, need: Dependency) -> str | None:
    """What the dependency lacks. One that was scaled to nothing is not waited for."""
    other = view.service_named(need.service)
    if other is None:
        return f"{need.service}: there is no such service" if need.required else None
    states = [task.status.state for task in view.tasks_of_service(other.id).values()]
    if TaskState.COMPLETE in states:
        return None
    if need.condition == _COMPLETED:
        return f"{need.service} to complete"
    asked = len(states) if other.spec.is_global else other.spec.replicas
    if TaskState.RUNNING in states or not (asked or other.spec.is_global):
        return None
    if need.condition == _STARTED and TaskState.STARTING in states and _is_checked(other):
        return None
    return f"{need.service}: 0 of {asked} running"


def _is_checked(service: Service) -> bool:
    """Whether its tasks go on starting until a check finds them healthy, which `service_started` does not ask for."""
    check = service.spec.task_template.container_spec.healthcheck
    return check is not None and bool(check.test) and check.test[0] != "NONE"
