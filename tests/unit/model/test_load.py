"""Loads that are kept task by task equal loads counted from nothing."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from swarmlite.model.objects import Task, TaskExtension, TaskStatus
from swarmlite.model.spec import PortConfig, Reservations, Resources, TaskTemplate
from swarmlite.model.states import TaskState
from swarmlite.model.view import Change, Delete, Put, View

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NODES, SERVICES = ("n1", "n2"), ("s1", "s2")


def task(
    id: str, node_id: str, service_id: str, state: TaskState, desired: TaskState, wants: tuple[int, int, int]
) -> Task:
    cpus, memory, port = wants
    resources = Resources(reservations=Reservations(nano_cpus=cpus, memory_bytes=memory))
    ports = (PortConfig(published_port=port),)
    return Task(
        id=id,
        created_at=NOW,
        updated_at=NOW,
        spec=TaskTemplate(resources=resources),
        service_id=service_id,
        node_id=node_id,
        status=TaskStatus(timestamp=NOW, state=state),
        desired_state=desired,
        swarmlite=TaskExtension(ports=ports),
    )


small = st.integers(0, 2)
ids = st.sampled_from(["t1", "t2", "t3", "t4"])
tasks = st.builds(
    task,
    ids,
    st.sampled_from(["", *NODES]),
    st.sampled_from(SERVICES),
    st.sampled_from(TaskState),
    st.sampled_from([TaskState.RUNNING, TaskState.SHUTDOWN]),
    st.tuples(small, small, small),
)
changes = st.lists(st.one_of(tasks.map(Put), ids.map(lambda id: Delete("task", id))), max_size=30)


def books(view: View) -> object:
    nodes = {id: view.loads.of_node(id) for id in NODES}
    return (
        {id: (load.tasks, load.held, load.nano_cpus, load.memory_bytes, load.ports) for id, load in nodes.items()},
        {id: dict(view.loads.active(id)) for id in SERVICES},
        {id: set(view.failures_of_service(id)) for id in SERVICES},
        {id: set(view.tasks_of_service(id)) for id in SERVICES},
        {id: set(view.tasks_of_node(id)) for id in NODES},
        set(view.unplaced),
    )


@given(changes)
def test_the_index_is_that_of_the_same_tasks_read_anew(history: list[Change]) -> None:
    view = View()
    view.apply(history, 1)
    assert books(view) == books(View(view.tasks.values()))


def test_a_task_takes_its_nodes_room_until_it_has_ended_but_counts_only_while_it_should_run() -> None:
    view = View([task("t1", "n1", "s1", TaskState.RUNNING, TaskState.SHUTDOWN, (1, 2, 80))])
    load = view.loads.of_node("n1")
    assert (load.nano_cpus, load.memory_bytes, load.ports) == (1, 2, {("tcp", 80): 1})
    assert load.tasks == 0
    assert not view.loads.active("s1")
    view.apply([Put(task("t1", "n1", "s1", TaskState.SHUTDOWN, TaskState.SHUTDOWN, (1, 2, 80)))], 1)
    assert view.loads.of_node("n1").ports == {}


def test_a_task_that_waits_for_its_own_node_takes_nothing_of_it_yet() -> None:
    view = View([task("t1", "n1", "s1", TaskState.PENDING, TaskState.RUNNING, (1, 2, 80))])
    assert view.loads.of_node("n1").nano_cpus == 0
    assert "t1" in view.unplaced
