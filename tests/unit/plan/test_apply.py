"""Actions become changes; those whose time is over become nothing."""

from datetime import UTC, datetime
from itertools import count

import pytest
from msgspec.structs import replace

from swarmlite.model.objects import Network, Node, NodeState, NodeStatus, Service, Task, UpdateStatus
from swarmlite.model.spec import (
    EndpointSpec,
    NetworkSpec,
    PortConfig,
    PublishMode,
    ServiceSpec,
)
from swarmlite.model.states import TaskState
from swarmlite.model.view import Delete, Put, View
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
from swarmlite.plan.apply import changes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOST_PORT = PortConfig(target_port=80, published_port=8080, publish_mode=PublishMode.HOST)
INGRESS_PORT = PortConfig(target_port=80, published_port=80)


def stamped(**fields: object) -> dict[str, object]:
    return {"created_at": NOW, "updated_at": NOW, **fields}


@pytest.fixture
def view() -> View:
    spec = ServiceSpec(name="shop_web", endpoint_spec=EndpointSpec(ports=(HOST_PORT, INGRESS_PORT)))
    return View(
        [
            Node(id="n1", status=NodeStatus(state=NodeState.READY, addr="10.0.0.1"), **stamped()),
            Service(id="s1", spec=spec, **stamped()),
            Network(id="net1", spec=NetworkSpec(name="shop_default"), subnet="10.1.0.0/24", **stamped()),
        ],
        version=7,
    )


def do(view: View, *actions: AnyAction) -> int:
    ids = count(1)
    made = changes(view, actions, NOW, lambda: f"t{next(ids)}")
    view.apply(made, view.version + 1)
    return len(made)


def created(view: View) -> Task:
    do(view, CreateTask(service_id="s1", slot=3, restarts=2, why="too few"))
    return view.tasks["t1"]


def test_a_new_task_is_pending_and_wants_to_run_what_the_service_says_now(view: View) -> None:
    task = created(view)
    assert (task.status.state, task.desired_state, task.slot) == (TaskState.PENDING, TaskState.RUNNING, 3)
    assert task.name == "shop_web.3.t1"
    assert task.swarmlite.restarts == 2
    assert task.spec is view.services["s1"].spec.task_template
    assert task.version.index == 8


def test_a_new_task_publishes_only_its_hosts_own_ports_there(view: View) -> None:
    assert created(view).swarmlite.ports == (HOST_PORT,)


def test_no_task_is_made_for_a_service_or_node_that_has_gone(view: View) -> None:
    assert do(view, CreateTask(service_id="gone", why=""), CreateTask(service_id="s1", node_id="gone", why="")) == 0


def test_an_assigned_task_has_its_node_and_waits_no_longer(view: View) -> None:
    created(view)
    do(view, Explain(task_id="t1", why="no suitable node"))
    do(view, Assign(task_id="t1", node_id="n1", why="least loaded"))
    task = view.tasks["t1"]
    assert (task.node_id, task.status.state, task.status.err) == ("n1", TaskState.ASSIGNED, "")


def test_a_task_is_assigned_only_once_and_only_while_it_should_run(view: View) -> None:
    created(view)
    do(view, Assign(task_id="t1", node_id="n1", why=""))
    assert do(view, Assign(task_id="t1", node_id="n1", why="")) == 0
    assert do(view, Assign(task_id="gone", node_id="n1", why="")) == 0


def test_a_task_told_to_stop_is_not_assigned(view: View) -> None:
    created(view)
    do(view, Desire(task_id="t1", state=TaskState.SHUTDOWN, why=""))
    assert do(view, Assign(task_id="t1", node_id="n1", why="")) == 0


def test_a_pending_task_says_what_it_waits_for_once(view: View) -> None:
    created(view)
    assert do(view, Explain(task_id="t1", why="no suitable node")) == 1
    assert view.tasks["t1"].status.err == "no suitable node"
    assert do(view, Explain(task_id="t1", why="no suitable node")) == 0


def test_desired_state_only_moves_forward(view: View) -> None:
    created(view)
    do(view, Assign(task_id="t1", node_id="n1", why=""))
    assert do(view, Desire(task_id="t1", state=TaskState.REMOVE, why="")) == 1
    assert do(view, Desire(task_id="t1", state=TaskState.SHUTDOWN, why="")) == 0
    assert view.tasks["t1"].desired_state is TaskState.REMOVE
    assert view.tasks["t1"].status.state is TaskState.ASSIGNED


def test_a_task_that_no_host_was_given_ends_at_once(view: View) -> None:
    created(view)
    do(view, Desire(task_id="t1", state=TaskState.SHUTDOWN, why="scaled down"))
    assert view.tasks["t1"].status.state is TaskState.SHUTDOWN
    assert not view.unplaced


def test_forgetting_deletes_what_is_still_there(view: View) -> None:
    created(view)
    made = changes(view, [Forget(kind="task", id="t1", why=""), Forget(kind="task", id="t2", why="")], NOW, str)
    assert made == (Delete("task", "t1"),)


def test_a_marked_node_keeps_its_address(view: View) -> None:
    assert do(view, Mark(node_id="n1", state=NodeState.DOWN, why="no heartbeat")) == 1
    assert view.nodes["n1"].status == NodeStatus(state=NodeState.DOWN, message="no heartbeat", addr="10.0.0.1")
    assert do(view, Mark(node_id="n1", state=NodeState.DOWN, why="no heartbeat")) == 0


def test_networks_and_updates_are_written_when_they_differ(view: View) -> None:
    network = view.networks["net1"]
    moved = replace(network, swarmlite=replace(network.swarmlite, last_address="10.1.0.9"))
    actions = (
        Settle(network=moved, why=""),
        Progress(service_id="s1", status=UpdateStatus(state="updating"), why=""),
    )
    assert changes(view, actions, NOW, str)[0] == Put(moved)
    assert do(view, *actions) == 2
    assert do(view, *actions) == 0
