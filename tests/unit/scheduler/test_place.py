"""The fast way of pouring groups agrees with the slow and obvious one: the best node for one task after the other."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from swarmlite.model.constraint import parse
from swarmlite.model.load import Loads
from swarmlite.model.objects import Node, NodeDescription, NodeState, NodeStatus, Task, TaskExtension, TaskStatus
from swarmlite.model.spec import (
    Availability,
    NodeSpec,
    PortConfig,
    Reservations,
    Resources,
    TaskTemplate,
)
from swarmlite.model.states import TaskState
from swarmlite.scheduler.demand import Demand
from swarmlite.scheduler.filters import refusal
from swarmlite.scheduler.fleet import Fleet
from swarmlite.scheduler.place import failing_nodes, place

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ZONE, RACK = "node.labels.zone", "node.labels.rack"
PORT = ("tcp", 80)


def node(name: str, labels: dict[str, str], cpus: int = 0, memory: int = 0, open: bool = True) -> Node:
    return Node(
        id=name,
        created_at=NOW,
        updated_at=NOW,
        spec=NodeSpec(labels=labels, availability=Availability.ACTIVE if open else Availability.PAUSE),
        description=NodeDescription(hostname=name, resources=Reservations(nano_cpus=cpus, memory_bytes=memory)),
        status=NodeStatus(state=NodeState.READY),
    )


def task(id: str, service: str, node_id: str, demand: Demand, state: TaskState = TaskState.RUNNING) -> Task:
    reservations = Reservations(nano_cpus=demand.nano_cpus, memory_bytes=demand.memory_bytes)
    ports = tuple(PortConfig(protocol=protocol, published_port=port) for protocol, port in demand.ports)
    return Task(
        id=id,
        created_at=NOW,
        updated_at=NOW,
        spec=TaskTemplate(resources=Resources(reservations=reservations)),
        service_id=service,
        node_id=node_id,
        status=TaskStatus(timestamp=NOW, state=state),
        desired_state=TaskState.RUNNING,
        swarmlite=TaskExtension(ports=ports),
    )


# --- the oracle -----------------------------------------------------------------------------------------------------


@dataclass
class Host:
    """A node as the oracle keeps it."""

    node: Node
    cpus: int
    memory: int
    ports: set[tuple[str, int]] = field(default_factory=set)
    services: list[str] = field(default_factory=list)

    def fits(self, demand: Demand) -> bool:
        zone = self.node.spec.labels.get("zone", "")
        return (
            self.node.spec.availability is Availability.ACTIVE
            and all((zone == wanted.value) is wanted.equal for wanted in demand.constraints)
            and (not demand.nano_cpus or self.cpus >= demand.nano_cpus)
            and (not demand.memory_bytes or self.memory >= demand.memory_bytes)
            and not self.ports & set(demand.ports)
            and not (demand.max_replicas and self.services.count(demand.service_id) >= demand.max_replicas)
        )

    def take(self, demand: Demand) -> None:
        self.cpus -= demand.nano_cpus
        self.memory -= demand.memory_bytes
        self.ports |= set(demand.ports)
        self.services.append(demand.service_id)

    def path(self, demand: Demand, depth: int) -> tuple[str, ...]:
        return tuple(self.node.spec.labels.get(key.rpartition(".")[2], "") for key in demand.spread[:depth])


def obvious(hosts: list[Host], demand: Demand, number: int, failing: set[str]) -> list[str]:
    chosen: list[str] = []
    for _ in range(number):
        fitting = [host for host in hosts if host.fits(demand)]
        if not fitting:
            break
        best = min(fitting, key=lambda host: badness(hosts, host, demand, failing))
        best.take(demand)
        chosen.append(best.node.id)
    return chosen


def badness(hosts: list[Host], host: Host, demand: Demand, failing: set[str]) -> tuple[object, ...]:
    branches = tuple(
        sum(h.services.count(demand.service_id) for h in hosts if h.path(demand, depth) == host.path(demand, depth))
        for depth in range(1, len(demand.spread) + 1)
    )
    own = host.services.count(demand.service_id)
    return *branches, host.node.id in failing, own, len(host.services), host.node.id


# --- random clusters ------------------------------------------------------------------------------------------------

labels = st.fixed_dictionaries({}, optional={"zone": st.sampled_from("abc"), "rack": st.sampled_from("12")})
constraints = st.sampled_from(["", f"{ZONE} == a", f"{ZONE} != a"]).map(lambda text: (parse(text),) if text else ())
demands = st.builds(
    Demand,
    service_id=st.sampled_from(["s1", "s2"]),
    constraints=constraints,
    nano_cpus=st.sampled_from([0, 0, 1, 2]),
    memory_bytes=st.sampled_from([0, 0, 1, 3]),
    ports=st.sampled_from([(), (), (PORT,)]),
    max_replicas=st.sampled_from([0, 0, 1, 2]),
    spread=st.sampled_from([(), (), (ZONE,), (ZONE, RACK)]),
)


@st.composite
def clusters(draw: st.DrawFn) -> tuple[list[Node], list[Task]]:
    numbers = range(draw(st.integers(1, 12)))
    amount = st.integers(0, 8)
    nodes = [
        node(f"n{number:02}", draw(labels), draw(amount), draw(amount), draw(st.integers(0, 9)) > 0)
        for number in numbers
    ]
    held = draw(st.lists(st.tuples(st.sampled_from(nodes), demands), max_size=20))
    tasks = [task(f"t{number}", demand.service_id, host.id, demand) for number, (host, demand) in enumerate(held)]
    return nodes, tasks


def loads_of(tasks: list[Task]) -> Loads:
    loads = Loads()
    for held in tasks:
        loads.replace(None, held)
    return loads


def hosts_of(nodes: list[Node], tasks: list[Task]) -> list[Host]:
    resources = {n.id: n.description.resources for n in nodes}
    hosts = {n.id: Host(n, resources[n.id].nano_cpus, resources[n.id].memory_bytes) for n in nodes}
    for held in tasks:
        wants = held.spec.resources.reservations if held.spec.resources else None
        assert wants is not None
        ports = tuple((port.protocol, port.published_port) for port in held.swarmlite.ports)
        hosts[held.node_id].take(
            Demand(
                service_id=held.service_id,
                nano_cpus=wants.nano_cpus,
                memory_bytes=wants.memory_bytes,
                ports=ports,
            )
        )
    return list(hosts.values())


groups = st.lists(
    st.tuples(demands, st.integers(1, 20), st.sets(st.integers(0, 11), max_size=3)), min_size=1, max_size=5
)


@settings(max_examples=600, deadline=None)
@given(clusters(), groups)
def test_groups_land_where_one_task_after_the_other_would(
    cluster: tuple[list[Node], list[Task]], groups: list[tuple[Demand, int, set[int]]]
) -> None:
    nodes, tasks = cluster
    fleet, hosts = Fleet(nodes, loads_of(tasks)), hosts_of(nodes, tasks)
    for demand, number, shunned in groups:
        failing = frozenset(rank for rank in shunned if rank < len(nodes))
        places = place(fleet, demand, number, failing)
        expected = obvious(hosts, demand, number, {fleet.nodes[rank].id for rank in failing})
        assert sorted(fleet.nodes[rank].id for rank in places) == sorted(expected)


@settings(max_examples=200, deadline=None)
@given(clusters(), groups)
def test_a_node_refuses_exactly_when_it_does_not_fit(
    cluster: tuple[list[Node], list[Task]], groups: list[tuple[Demand, int, set[int]]]
) -> None:
    nodes, tasks = cluster
    fleet, hosts = Fleet(nodes, loads_of(tasks)), hosts_of(nodes, tasks)
    for demand, number, _ in groups:
        place(fleet, demand, number)
        obvious(hosts, demand, number, set())
        for rank, host in enumerate(sorted(hosts, key=lambda host: host.node.id)):
            assert (refusal(fleet, rank, demand) is None) == host.fits(demand)


def test_giving_a_place_back_makes_room_again() -> None:
    demand = Demand(service_id="s1", nano_cpus=1, ports=(PORT,), max_replicas=1)
    fleet = Fleet([node("n1", {}, cpus=1)], Loads())
    assert place(fleet, demand, 1) == [0]
    assert place(fleet, demand, 1) == []
    fleet.give_back(0, demand)
    assert place(fleet, demand, 1) == [0]


def test_only_recent_failures_of_the_service_make_a_node_the_last_choice() -> None:
    fleet = Fleet([node("n1", {}), node("n2", {})], Loads())
    demand = Demand(service_id="s1")
    failures = {f"t{number}": task(f"t{number}", "s1", "n1", demand, TaskState.FAILED) for number in range(5)}
    assert failing_nodes(fleet, failures, NOW + timedelta(minutes=4)) == {0}
    assert failing_nodes(fleet, failures, NOW + timedelta(minutes=6)) == frozenset()
    assert failing_nodes(fleet, dict(list(failures.items())[:4]), NOW) == frozenset()
