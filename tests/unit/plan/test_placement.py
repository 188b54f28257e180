"""Waiting tasks get a node and addresses, or a reason."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from swarmlite.model.objects import (
    Network,
    NetworkExtension,
    Node,
    NodeDescription,
    NodeState,
    NodeStatus,
    Object,
    Service,
    Task,
    TaskStatus,
)
from swarmlite.model.spec import (
    Availability,
    ContainerSpec,
    Dependency,
    EndpointSpec,
    GlobalMode,
    Healthcheck,
    NetworkAttachmentConfig,
    NetworkSpec,
    NodeSpec,
    Placement,
    PortConfig,
    Preference,
    PublishMode,
    ReplicatedMode,
    Reservations,
    Resources,
    ServiceExtension,
    ServiceMode,
    ServiceSpec,
    SpreadOver,
    TaskTemplate,
)
from swarmlite.model.states import TaskState
from swarmlite.model.view import Put, View
from swarmlite.plan.actions import CreateTask, Explain
from swarmlite.plan.apply import changes
from swarmlite.plan.placement import place

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CPU = 10**9


def node(name: str, cpus: int = 8, availability: Availability = Availability.ACTIVE, **labels: str) -> Node:
    return Node(
        id=name,
        created_at=NOW,
        updated_at=NOW,
        spec=NodeSpec(labels=labels, availability=availability),
        description=NodeDescription(hostname=name, resources=Reservations(nano_cpus=cpus * CPU, memory_bytes=1 << 34)),
        status=NodeStatus(state=NodeState.READY),
    )


def service(
    name: str, template: TaskTemplate | None = None, mode: ServiceMode | None = None, **fields: object
) -> Service:
    spec = ServiceSpec(name=name, task_template=template or TaskTemplate(), mode=mode or ServiceMode(), **fields)
    return Service(id=name, created_at=NOW, updated_at=NOW, spec=spec)


def network(id: str = "net1", subnet: str = "10.1.0.0/24", **ours: object) -> Network:
    return Network(
        id=id,
        created_at=NOW,
        updated_at=NOW,
        spec=NetworkSpec(name=f"shop_{id}"),
        subnet=subnet,
        swarmlite=NetworkExtension(**ours),
    )


def on(*networks: str) -> TaskTemplate:
    return TaskTemplate(networks=tuple(NetworkAttachmentConfig(target=id) for id in networks))


class World:
    """A view, and what a manager would do to it."""

    def __init__(self, *objects: Object) -> None:
        self.view = View(objects)
        self._ids = count(1)

    def ask(self, service_id: str, *slots: int, node_id: str = "") -> None:
        wanted = [CreateTask(service_id=service_id, slot=slot, node_id=node_id, why="") for slot in slots]
        made = changes(self.view, wanted, NOW, lambda: f"{service_id}-{next(self._ids):03}")
        self.view.apply(made, self.view.version + 1)

    def place(self, now: datetime = NOW) -> None:
        self.view.apply(changes(self.view, place(self.view, "cluster", now).actions, now, str), self.view.version + 1)

    def report(self, task: Task, state: TaskState) -> None:
        status = TaskStatus(timestamp=NOW, state=state)
        self.view.apply([Put(replace(task, status=status))], self.view.version + 1)

    def put(self, item: Object) -> None:
        self.view.apply([Put(item)], self.view.version + 1)

    def tasks(self, service_id: str) -> list[Task]:
        return list(self.view.tasks_of_service(service_id).values())

    def nodes_of(self, service_id: str) -> Counter[str]:
        return Counter(task.node_id for task in self.tasks(service_id))

    def reason(self, service_id: str) -> str:
        reasons = {task.status.err for task in self.tasks(service_id) if not is_assigned(task)}
        assert len(reasons) == 1, reasons
        return reasons.pop()


def is_assigned(task: Task) -> bool:
    return task.status.state is TaskState.ASSIGNED


def test_replicas_are_spread_evenly() -> None:
    world = World(node("n1"), node("n2"), node("n3"), service("web"), service("api"))
    world.ask("web", *range(1, 8))
    world.ask("api", 1, 2)
    world.place()
    assert world.nodes_of("web") == {"n1": 3, "n2": 2, "n3": 2}
    assert world.nodes_of("api") == {"n2": 1, "n3": 1}


def test_nothing_waits_nothing_is_planned() -> None:
    assert place(View([node("n1")]), "cluster", NOW).actions == ()


def test_nodes_that_are_paused_drained_or_down_get_nothing() -> None:
    down = replace(node("n3"), status=NodeStatus(state=NodeState.DOWN))
    world = World(node("n1", availability=Availability.PAUSE), down, node("n4"), service("web"))
    world.put(node("n2", availability=Availability.DRAIN))
    world.ask("web", 1, 2)
    world.place()
    assert world.nodes_of("web") == {"n4": 2}


def test_a_task_that_fits_nowhere_says_why_and_is_placed_once_something_changes() -> None:
    template = TaskTemplate(resources=Resources(reservations=Reservations(nano_cpus=4 * CPU)))
    world = World(node("n1", cpus=5), service("web", template))
    world.ask("web", 1, 2)
    world.place()
    assert world.reason("web") == ("no suitable node (insufficient resources on 1 node): n1: needs 4 CPUs, 1 free")
    assert place(world.view, "cluster", NOW).actions == ()
    world.put(node("n2", cpus=4))
    world.place()
    assert world.nodes_of("web") == {"n1": 1, "n2": 1}
    assert not world.view.unplaced


def test_services_with_one_spec_are_one_group_also_when_read_back_from_disk() -> None:
    world = World(node("n1"), node("n2"), service("web"))
    world.ask("web", 1, 2, 3, 4)
    for task in world.tasks("web"):
        world.put(replace(task, spec=TaskTemplate()))
    world.place()
    assert world.nodes_of("web") == {"n1": 2, "n2": 2}


def test_a_host_port_is_had_once_on_each_node_and_freed_only_when_its_task_has_ended() -> None:
    port = PortConfig(target_port=80, published_port=80, publish_mode=PublishMode.HOST)
    world = World(node("n1"), node("n2"), service("web", endpoint_spec=EndpointSpec(ports=(port,))))
    world.ask("web", 1, 2, 3)
    world.place()
    assert world.nodes_of("web") == {"n1": 1, "n2": 1, "": 1}
    assert "port 80/tcp is taken" in world.reason("web")
    first = world.tasks("web")[0]
    world.put(replace(first, desired_state=TaskState.SHUTDOWN))
    world.place()
    assert "port 80/tcp is taken" in world.reason("web")
    world.report(world.view.tasks[first.id], TaskState.SHUTDOWN)
    world.place()
    assert not world.view.unplaced


def test_spread_preferences_balance_zones_before_nodes() -> None:
    placement = Placement(preferences=(Preference(spread=SpreadOver(spread_descriptor="node.labels.zone")),))
    world = World(
        node("n1", zone="a"),
        node("n2", zone="b"),
        node("n3", zone="b"),
        node("n4", zone="b"),
        service("web", TaskTemplate(placement=placement)),
    )
    world.ask("web", *range(1, 7))
    world.place()
    assert world.nodes_of("web") == {"n1": 3, "n2": 1, "n3": 1, "n4": 1}


def test_a_node_where_the_service_keeps_failing_comes_last_for_five_minutes() -> None:
    world = World(node("n1"), node("n2"), service("web"))
    world.ask("web", *range(1, 6))
    for task in world.tasks("web"):
        failed = TaskStatus(timestamp=NOW, state=TaskState.FAILED)
        world.put(replace(task, node_id="n1", status=failed, desired_state=TaskState.SHUTDOWN))
    world.ask("web", 1, 2, 3)
    world.place(NOW + timedelta(minutes=1))
    assert Counter(task.node_id for task in world.tasks("web") if is_assigned(task)) == {"n2": 3}


# --- global services ------------------------------------------------------------------------------------------------

GLOBAL = ServiceMode(global_=GlobalMode())


def test_a_global_services_task_stays_on_its_node_and_gets_addresses_there() -> None:
    world = World(node("n1"), node("n2"), network(), service("agent", on("net1"), GLOBAL))
    world.ask("agent", 0, node_id="n2")
    world.place()
    (task,) = world.tasks("agent")
    assert (task.node_id, task.status.state) == ("n2", TaskState.ASSIGNED)
    assert len(task.networks_attachments) == 1


def test_a_global_services_task_that_does_not_fit_its_node_says_why_of_that_node_alone() -> None:
    template = TaskTemplate(resources=Resources(reservations=Reservations(nano_cpus=9 * CPU)))
    world = World(node("n1"), node("n2", cpus=16), service("agent", template, GLOBAL))
    world.ask("agent", 0, node_id="n1")
    world.place()
    assert world.reason("agent") == "no suitable node (insufficient resources on 1 node): n1: needs 9 CPUs, 8 free"


def test_tasks_with_a_settled_node_come_before_those_that_can_go_elsewhere() -> None:
    template = TaskTemplate(resources=Resources(reservations=Reservations(nano_cpus=8 * CPU)))
    world = World(node("n1"), node("n2"), service("web", template), service("agent", template, GLOBAL))
    world.ask("web", 1)
    world.ask("agent", 0, node_id="n1")
    world.place()
    assert world.nodes_of("agent") == {"n1": 1}
    assert world.nodes_of("web") == {"n2": 1}


# --- addresses ------------------------------------------------------------------------------------------------------


def test_every_task_has_an_address_on_each_network_and_every_host_a_gateway() -> None:
    world = World(
        node("n1"), node("n2"), network("net1"), network("net2", "10.2.0.0/24"), service("web", on("net1", "net2"))
    )
    world.ask("web", 1, 2, 3)
    world.place()
    for id, start in (("net1", "10.1.0."), ("net2", "10.2.0.")):
        gateways = world.view.networks[id].swarmlite.gateways
        addresses = [a.addresses[0] for t in world.tasks("web") for a in t.networks_attachments if a.network.id == id]
        assert set(gateways) == {"n1", "n2"}
        assert len({*gateways.values(), *(address.removesuffix("/24") for address in addresses)}) == 5
        assert all(address.startswith(start) and address.endswith("/24") for address in addresses)


def test_a_hosts_gateway_stays_and_addresses_move_on() -> None:
    world = World(node("n1"), network(), service("web", on("net1")))
    world.ask("web", 1)
    world.place()
    before = world.view.networks["net1"].swarmlite
    world.ask("web", 2)
    world.place()
    after = world.view.networks["net1"].swarmlite
    assert before.gateways == after.gateways
    assert (before.last_address, after.last_address) == ("10.1.0.2", "10.1.0.3")


def test_the_last_address_goes_to_a_host_that_needs_no_gateway() -> None:
    world = World(node("n1"), node("n2"), network(subnet="10.1.0.0/29"), service("web", on("net1")))
    world.ask("web", 1, 2, 3, 4, node_id="n1")
    world.place()
    world.put(service("late", on("net1")))
    world.ask("late", 1)
    world.place()
    assert world.nodes_of("late") == {"n1": 1}


def test_a_full_network_says_so_and_takes_no_room_on_any_node() -> None:
    template = TaskTemplate(
        networks=on("net1").networks, resources=Resources(reservations=Reservations(nano_cpus=2 * CPU))
    )
    world = World(node("n1"), network(subnet="10.1.0.0/30"), service("web", template))
    world.put(service("free", TaskTemplate(resources=Resources(reservations=Reservations(nano_cpus=6 * CPU)))))
    world.ask("web", 1, 2)
    world.place()
    assert world.reason("web") == "network shop_net1 has no free address (2 of 2 in use)"
    world.ask("free", 1)
    world.place()
    assert world.nodes_of("free") == {"n1": 1}
    assert place(world.view, "cluster", NOW).actions == ()


def test_a_host_without_tasks_on_a_network_keeps_its_gateway_until_addresses_run_short() -> None:
    idle = {"n2": "10.1.0.1", "n3": "10.1.0.2"}
    world = World(node("n1"), node("n2"), node("n3"), network(subnet="10.1.0.0/29", gateways=idle))
    only = Placement(constraints=("node.id == n1",))
    world.put(service("web", TaskTemplate(networks=on("net1").networks, placement=only)))
    world.ask("web", 1, 2, 3)
    world.place()
    assert set(world.view.networks["net1"].swarmlite.gateways) == {"n1", "n2", "n3"}
    world.ask("web", 4)
    world.place()
    assert set(world.view.networks["net1"].swarmlite.gateways) == {"n1"}
    assert not world.view.unplaced


def test_a_gateway_of_a_node_that_left_is_free_again() -> None:
    gone = {"gone": "10.1.0.1"}
    world = World(node("n1"), network(subnet="10.1.0.0/30", gateways=gone), service("web", on("net1")))
    world.ask("web", 1)
    world.place()
    assert set(world.view.networks["net1"].swarmlite.gateways) == {"n1"}


def test_a_network_that_is_missing_or_going_away_is_waited_for() -> None:
    world = World(node("n1"), network("net2", pending_delete=True), service("a", on("net1")), service("b", on("net2")))
    world.ask("a", 1)
    world.ask("b", 1)
    world.place()
    assert world.reason("a") == "network net1 does not exist"
    assert world.reason("b") == "network shop_net2 is being removed"


def test_a_constraint_that_cannot_be_read_is_explained() -> None:
    world = World(node("n1"), service("web", TaskTemplate(placement=Placement(constraints=("zone=a",)))))
    world.ask("web", 1)
    world.place()
    assert "zone=a" in world.reason("web")


# --- start order ----------------------------------------------------------------------------------------------------


def shop(
    condition: str = "service_started", required: bool = True, replicas: int = 1, db: TaskTemplate | None = None
) -> World:
    needs = ServiceExtension(depends_on=(Dependency(service="db", condition=condition, required=required),))
    mode = ServiceMode(replicated=ReplicatedMode(replicas=replicas))
    world = World(node("n1"), service("db", db, mode=mode), service("web", swarmlite=needs))
    world.ask("web", 1)
    return world


def test_first_tasks_wait_for_a_dependency_to_run() -> None:
    world = shop()
    world.ask("db", 1)
    world.place()
    assert world.reason("web") == "waits for db: 0 of 1 running"
    world.report(world.tasks("db")[0], TaskState.RUNNING)
    world.place()
    assert world.nodes_of("web") == {"n1": 1}


@pytest.mark.parametrize(("condition", "nodes"), [("service_started", {"n1": 1}), ("service_healthy", {"": 1})])
def test_a_dependency_that_starts_and_is_not_yet_healthy_holds_back_who_asks_for_its_health(
    condition: str, nodes: dict[str, int]
) -> None:
    checked = ContainerSpec(healthcheck=Healthcheck(test=("CMD", "true")))
    world = shop(condition, db=TaskTemplate(container_spec=checked))
    world.ask("db", 1)
    world.place()
    assert world.nodes_of("web") == {"": 1}
    world.report(world.tasks("db")[0], TaskState.STARTING)
    world.place()
    assert world.nodes_of("web") == nodes


def test_once_started_a_service_no_longer_waits() -> None:
    world = shop()
    world.ask("db", 1)
    world.place()
    world.report(world.tasks("db")[0], TaskState.RUNNING)
    world.place()
    world.report(world.tasks("db")[0], TaskState.FAILED)
    world.ask("web", 2)
    world.place()
    assert world.nodes_of("web") == {"n1": 2}


def test_a_job_must_have_completed() -> None:
    world = shop("service_completed_successfully")
    world.ask("db", 1)
    world.place()
    world.report(world.tasks("db")[0], TaskState.RUNNING)
    world.place()
    assert world.reason("web") == "waits for db to complete"
    world.report(world.tasks("db")[0], TaskState.COMPLETE)
    world.place()
    assert world.nodes_of("web") == {"n1": 1}


@pytest.mark.parametrize(("required", "nodes"), [(True, {"": 1}), (False, {"n1": 1})])
def test_a_dependency_that_does_not_exist_holds_back_only_where_it_is_required(
    required: bool, nodes: dict[str, int]
) -> None:
    needs = ServiceExtension(depends_on=(Dependency(service="gone", required=required),))
    world = World(node("n1"), service("web", swarmlite=needs))
    world.ask("web", 1)
    world.place()
    assert world.nodes_of("web") == nodes


def test_a_dependency_scaled_to_nothing_is_not_waited_for() -> None:
    world = shop(replicas=0)
    world.place()
    assert world.nodes_of("web") == {"n1": 1}


# --- properties -----------------------------------------------------------------------------------------------------

PORT = PortConfig(published_port=80, publish_mode=PublishMode.HOST)
templates = st.builds(
    TaskTemplate,
    networks=st.sampled_from([(), on("net1").networks]),
    resources=st.sampled_from([None, Resources(reservations=Reservations(nano_cpus=3 * CPU))]),
    placement=st.sampled_from([None, Placement(max_replicas=1), Placement(constraints=("node.labels.zone == a",))]),
)
requests = st.lists(
    st.tuples(templates, st.integers(1, 6), st.booleans(), st.sampled_from(["", "n1"])), min_size=1, max_size=5
)


def world_of(wanted: list[tuple[TaskTemplate, int, bool, str]]) -> World:
    world = World(node("n1", zone="a"), node("n2", cpus=4), network(subnet="10.1.0.0/28"))
    for number, (template, replicas, published, bound) in enumerate(wanted):
        endpoint = EndpointSpec(ports=(PORT,)) if published else None
        world.put(service(f"s{number}", template, endpoint_spec=endpoint))
        world.ask(f"s{number}", *range(1, replicas + 1), node_id=bound)
    return world


@settings(deadline=None)
@given(requests)
def test_a_plan_has_one_action_a_key_and_planning_again_changes_nothing(
    wanted: list[tuple[TaskTemplate, int, bool, str]],
) -> None:
    world = world_of(wanted)
    keys = [action.key for action in place(world.view, "cluster", NOW).actions]
    assert len(keys) == len(set(keys))
    world.place()
    assert place(world.view, "cluster", NOW).actions == ()
    assert all(task.status.err for task in world.view.unplaced.values())


@settings(deadline=None)
@given(requests, st.integers(0, 40))
def test_a_plan_cut_short_never_gives_one_address_or_port_twice(
    wanted: list[tuple[TaskTemplate, int, bool, str]], cut: int
) -> None:
    world = world_of(wanted)
    actions = place(world.view, "cluster", NOW).actions[:cut]
    world.view.apply(changes(world.view, actions, NOW, str), world.view.version + 1)
    world.place()
    tasks = [task for task in world.view.tasks.values() if is_assigned(task)]
    addresses = [address for task in tasks for a in task.networks_attachments for address in a.addresses]
    gateways = world.view.networks["net1"].swarmlite.gateways
    assert len(addresses) == len(set(addresses))
    assert not {address.partition("/")[0] for address in addresses} & set(gateways.values())
    assert all(a.network.id == "net1" and task.node_id in gateways for task in tasks for a in task.networks_attachments)
    assert all(count == 1 for count in Counter(task.node_id for task in tasks if task.swarmlite.ports).values())


def test_an_unchanged_reason_is_not_written_again() -> None:
    world = World(service("web"))
    world.ask("web", 1)
    (action,) = place(world.view, "cluster", NOW).actions
    assert action == Explain(task_id="web-001", why="no suitable node")
    world.place()
    assert place(world.view, "cluster", NOW).actions == ()
