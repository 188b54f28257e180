"""Plans of services from any state: no two actions on one key, and the same end however often they are interrupted."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from swarmlite.model.objects import (
    Node,
    NodeDescription,
    NodeState,
    NodeStatus,
    Service,
    Task,
    TaskExtension,
    TaskStatus,
)
from swarmlite.model.spec import (
    Availability,
    ContainerSpec,
    GlobalMode,
    NodeSpec,
    ReplicatedMode,
    ServiceMode,
    ServiceSpec,
    TaskTemplate,
)
from swarmlite.model.states import TaskState, is_terminal
from swarmlite.model.view import Put, View
from swarmlite.plan import everywhere, replicas
from swarmlite.plan.actions import Plan
from swarmlite.plan.apply import changes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OLD = TaskTemplate(container_spec=ContainerSpec(image="old"))
NEW = TaskTemplate(container_spec=ContainerSpec(image="new"))
NODES = ("n1", "n2", "n3")

states = st.sampled_from(
    [TaskState.PENDING, TaskState.ASSIGNED, TaskState.RUNNING, TaskState.FAILED, TaskState.COMPLETE, TaskState.SHUTDOWN]
)
desires = st.sampled_from([TaskState.RUNNING, TaskState.RUNNING, TaskState.SHUTDOWN, TaskState.REMOVE])


@st.composite
def nodes(draw: st.DrawFn) -> list[Node]:
    return [
        Node(
            id=id,
            created_at=NOW,
            updated_at=NOW,
            spec=NodeSpec(name=id, availability=draw(st.sampled_from(list(Availability)))),
            description=NodeDescription(hostname=id),
            status=NodeStatus(state=draw(st.sampled_from([NodeState.READY, NodeState.READY, NodeState.DOWN]))),
        )
        for id in NODES
    ]


@st.composite
def tasks(draw: st.DrawFn, is_global: bool) -> list[Task]:
    made = []
    for number in range(draw(st.integers(0, 10))):
        state = draw(states)
        node = draw(st.sampled_from(NODES)) if is_global or state is not TaskState.PENDING else ""
        made.append(
            Task(
                id=f"t{number}",
                created_at=NOW - timedelta(minutes=10 - number),
                updated_at=NOW,
                spec=draw(st.sampled_from([OLD, NEW])),
                service_id="s",
                slot=0 if is_global else draw(st.integers(1, 5)),
                node_id=node,
                status=TaskStatus(timestamp=NOW - timedelta(minutes=2), state=state),
                desired_state=draw(desires),
                swarmlite=TaskExtension(service_name="web", restarts=draw(st.integers(0, 3))),
            )
        )
    return made


@st.composite
def worlds(draw: st.DrawFn) -> View:
    is_global = draw(st.booleans())
    wanted = draw(st.integers(0, 4))
    mode = ServiceMode(global_=GlobalMode()) if is_global else ServiceMode(replicated=ReplicatedMode(replicas=wanted))
    spec = ServiceSpec(name="web", task_template=NEW, mode=mode)
    service = Service(id="s", created_at=NOW, updated_at=NOW, spec=spec)
    return View([service, *draw(nodes()), *draw(tasks(is_global))], 1)


def plan(view: View, now: datetime) -> Plan:
    service = view.services["s"]
    return everywhere.plan(view, service, now) if service.spec.is_global else replicas.plan(view, service, now)


def settle(view: View, limit: int | None) -> View:
    """Plan and let the hosts obey until nothing moves; of each plan only the first `limit` actions are done."""
    ids = count()
    now = NOW
    for _ in range(200):
        now += timedelta(seconds=120)
        made = plan(view, now)
        assert len({action.key for action in made.actions}) == len(made.actions), "two actions on one key"
        wanted = made.actions if limit is None else made.actions[:limit]
        done = changes(view, wanted, now, lambda: f"new{next(ids)}")
        view.apply(done, view.version + 1)
        moved = _hosts_obey(view, now)
        if not done and not moved:
            return view
    raise AssertionError("does not come to rest")


def _hosts_obey(view: View, now: datetime) -> bool:
    """Placement gives nodes, hosts start and stop; a host that is down does nothing."""
    ready = [node.id for node in view.nodes.values() if node.status.state is NodeState.READY]
    moved = False
    for number, task in enumerate(list(view.tasks.values())):
        updated = _obey(view, task, ready, number, now)
        if updated is not task:
            moved = True
            view.apply(changes_of(updated), view.version + 1)
    return moved


def _obey(view: View, task: Task, ready: list[str], number: int, now: datetime) -> Task:
    if is_terminal(task.status.state):
        return task
    if task.desired_state is not TaskState.RUNNING:
        return (
            replace(task, status=TaskStatus(timestamp=now, state=TaskState.SHUTDOWN)) if task.node_id in ready else task
        )
    if task.node_id:
        is_up = task.node_id in ready
        if is_up and task.status.state is not TaskState.RUNNING:
            return replace(task, status=TaskStatus(timestamp=now, state=TaskState.RUNNING))
        return task
    usable = [id for id in ready if _is_usable(view.nodes[id])]
    return replace(task, node_id=usable[number % len(usable)]) if usable else task


def _is_usable(node: Node) -> bool:
    return node.status.state is NodeState.READY and node.spec.availability is Availability.ACTIVE


def changes_of(task: Task) -> tuple[Put, ...]:
    return (Put(task),)


def shape(view: View) -> Counter[tuple[object, ...]]:
    """What of a world matters: which slots hold what, not the ids."""
    return Counter(
        (task.slot or task.node_id, task.spec.container_spec.image, task.status.state)
        for task in view.tasks.values()
        if task.desired_state is TaskState.RUNNING
    )


def copy(view: View) -> View:
    return View([*view.services.values(), *view.nodes.values(), *view.tasks.values()], view.version)


@given(worlds())
@settings(max_examples=300, deadline=None)
def test_any_state_comes_to_rest_with_one_task_in_each_slot_that_is_wanted(view: View) -> None:
    rested = settle(view, None)
    service = rested.services["s"]
    held = Counter(
        task.slot or task.node_id for task in rested.tasks.values() if task.desired_state is TaskState.RUNNING
    )
    usable = {node.id for node in rested.nodes.values() if _is_usable(node)}
    if service.spec.is_global:
        assert usable <= held.keys()
        assert all(held[id] == 1 for id in usable)
    else:
        assert len(held) == service.spec.replicas
        assert not usable or set(held.values()) <= {1}


@given(worlds(), st.integers(1, 3))
@settings(max_examples=300, deadline=None)
def test_a_plan_interrupted_after_any_action_comes_to_the_same_end(view: View, limit: int) -> None:
    assume(any(_is_usable(node) for node in view.nodes.values()))  # else an update waits for what cannot start
    whole, broken = settle(copy(view), None), settle(copy(view), limit)
    assert len(shape(whole)) == len(shape(broken))
    assert _images(whole) == _images(broken)


def _images(view: View) -> Counter[str]:
    """What the slots' newest tasks run; without a usable host, older ones may stay beside them."""
    newest: dict[int | str, Task] = {}
    for task in sorted(view.tasks.values(), key=lambda task: task.created_at):
        if task.desired_state is TaskState.RUNNING:
            newest[task.slot or task.node_id] = task
    return Counter(task.spec.container_spec.image for task in newest.values())
