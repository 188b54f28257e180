"""Names and what stands behind them: running, wanted, on a host that was heard."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from swarmlite.model.objects import (
    AttachedNetwork,
    Endpoint,
    Network,
    NetworkAttachment,
    Node,
    NodeState,
    NodeStatus,
    Service,
    Task,
    TaskExtension,
    TaskStatus,
)
from swarmlite.model.spec import (
    NetworkAttachmentConfig,
    NetworkSpec,
    NodeSpec,
    PortConfig,
    ServiceSpec,
    TaskTemplate,
)
from swarmlite.model.states import TaskState
from swarmlite.model.view import Put, View
from swarmlite.plan import endpoints, ingress

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NET = Network(id="n1", created_at=NOW, updated_at=NOW, spec=NetworkSpec(name="shop_default"), subnet="10.128.0.0/24")
TEMPLATE = TaskTemplate(networks=(NetworkAttachmentConfig(target="n1", aliases=("web", "www")),))
WEB = Service(
    id="s1",
    created_at=NOW,
    updated_at=NOW,
    spec=ServiceSpec(name="shop_web", labels={endpoints.STACK_LABEL: "shop"}, task_template=TEMPLATE),
)


def node(id: str, state: NodeState = NodeState.READY) -> Node:
    return Node(id=id, created_at=NOW, updated_at=NOW, spec=NodeSpec(name=id), status=NodeStatus(state=state))


def task(number: int, state: TaskState = TaskState.RUNNING, on: str = "h1") -> Task:
    return Task(
        id=f"t{number}",
        created_at=NOW,
        updated_at=NOW,
        spec=TEMPLATE,
        service_id="s1",
        slot=number,
        node_id=on,
        status=TaskStatus(timestamp=NOW, state=state),
        desired_state=TaskState.RUNNING,
        networks_attachments=(
            NetworkAttachment(network=AttachedNetwork(id="n1"), addresses=(f"10.128.0.{number}/24",)),
        ),
        swarmlite=TaskExtension(service_name="shop_web"),
    )


def view(*tasks: Task) -> View:
    return View([NET, WEB, node("h1"), node("h2"), *tasks], 1)


@pytest.mark.parametrize(
    "name",
    ["web", "www", "web.shop", "shop_web", "tasks.web", "tasks.web.shop", "tasks.shop_web", "tasks.www"],
)
def test_a_service_of_a_stack_has_all_its_names(name: str) -> None:
    table = endpoints.names(view(task(2), task(3)), NET, ())
    assert table.names[name] == ("10.128.0.2", "10.128.0.3")


def test_a_task_is_known_by_its_own_name_both_ways() -> None:
    table = endpoints.names(view(task(2)), NET, ())
    assert table.names["shop_web.2.t2"] == ("10.128.0.2",)
    assert table.pointers == {"10.128.0.2": "shop_web.2.t2"}


@pytest.mark.parametrize("state", [TaskState.STARTING, TaskState.FAILED, TaskState.SHUTDOWN, TaskState.PENDING])
def test_only_running_tasks_answer(state: TaskState) -> None:
    assert endpoints.names(view(task(2), task(3, state)), NET, ()).names["web"] == ("10.128.0.2",)


def test_a_task_that_is_told_to_stop_is_out_at_once() -> None:
    leaving = replace(task(3), desired_state=TaskState.SHUTDOWN)
    assert endpoints.names(view(task(2), leaving), NET, ()).names["web"] == ("10.128.0.2",)


def test_a_host_that_missed_beats_or_is_down_is_out() -> None:
    known = view(task(2), task(3, on="h2"))
    assert endpoints.names(known, NET, ("h2",)).names["web"] == ("10.128.0.2",)
    known.apply([Put(node("h1", NodeState.DOWN))], 2)
    assert endpoints.names(known, NET, ()).names["web"] == ("10.128.0.3",)


def test_a_service_without_replicas_is_a_known_name() -> None:
    assert endpoints.names(view(), NET, ()).names["web"] == ()


def test_published_ports_lead_to_the_tasks_that_serve() -> None:
    known = view(task(2), task(3, TaskState.STARTING))
    port = PortConfig(target_port=80, published_port=8080)
    known.apply([Put(replace(WEB, endpoint=Endpoint(ports=(port,))))], 2)
    (found,) = ingress.published(known, NET, ())
    assert (found.port, found.backends) == (8080, ("10.128.0.2:80",))


def test_ports_that_nobody_numbered_get_free_ones() -> None:
    asked = (PortConfig(target_port=80), PortConfig(target_port=81), PortConfig(target_port=82, published_port=30001))
    settled = ingress.settle(asked, {("tcp", 30000)})
    assert [port.published_port for port in settled] == [30002, 30003, 30001]
