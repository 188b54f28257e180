"""`/tasks`: Docker's paths and JSON, answered from memory, since clients ask five times a second."""

from collections.abc import Iterable

from aiohttp import web

from swarmlite.api import filters, render
from swarmlite.api.http import BACKEND, Route, answer
from swarmlite.control import lookup
from swarmlite.errors import InvalidArgument
from swarmlite.model.objects import Task
from swarmlite.model.states import ORDER, TaskState
from swarmlite.model.view import View

_FILTERS = ("id", "name", "label", "service", "node", "desired-state", "_up-to-date", "runtime")


async def listing(request: web.Request) -> web.Response:
    view = request.app[BACKEND].view
    wanted = filters.parse(request.query.get("filters", ""), _FILTERS)
    show = render.TaskRenderer(view)
    return answer([show(task) for task in select(view, wanted)])


async def inspect(request: web.Request) -> web.Response:
    view = request.app[BACKEND].view
    return answer(render.TaskRenderer(view)(lookup.task(view, request.match_info["ref"])))


ROUTES = (
    Route("GET", "/tasks", listing),
    Route("GET", "/tasks/{ref}", inspect),
)


def select(view: View, wanted: filters.Filters) -> list[Task]:
    """The tasks that filters ask for. An unknown service or node is an error, as in Docker."""
    nodes = {lookup.node(view, ref).id for ref in wanted.get("node", ())}
    states = _desired(wanted.get("desired-state"))
    current = {value.lower() in ("1", "true") for value in wanted.get("_up-to-date", ())}
    return [
        task
        for task in _of_services(view, wanted.get("service"))
        if (not nodes or task.node_id in nodes)
        and (states is None or task.desired_state in states)
        and (not current or is_current(view, task) in current)
        and filters.has_prefix(wanted, "id", task.id)
        and filters.has_prefix(wanted, "name", task.name)
        and filters.has_labels(wanted, "label", render.labels_of(view, task))
        and filters.equals(wanted, "runtime", "container")
    ]


def is_current(view: View, task: Task) -> bool:
    """Whether the task was made from the spec that its service has now."""
    owner = view.services.get(task.service_id)
    return owner is not None and owner.spec.task_template == task.spec


def _of_services(view: View, references: tuple[str, ...] | None) -> Iterable[Task]:
    if references is None:
        return view.tasks.values()
    ids = dict.fromkeys(lookup.service(view, ref).id for ref in references)
    return [task for id in ids for task in view.tasks_of_service(id).values()]


def _desired(values: tuple[str, ...] | None) -> set[TaskState] | None:
    """`running` is all that is meant to run, `shutdown` all that is not, `accepted` what waits its turn."""
    if values is None:
        return None
    groups = {
        "running": {TaskState.RUNNING},
        "accepted": {TaskState.ACCEPTED, TaskState.READY},
        "shutdown": {state for state, rank in ORDER.items() if rank > ORDER[TaskState.RUNNING]},
    }
    for value in values:
        if value not in groups:
            raise InvalidArgument(f"invalid filter 'desired-state={value}': say running, shutdown or accepted")
    return {state for value in values for state in groups[value]}
