"""What a task that fits nowhere says."""

from datetime import UTC, datetime

from msgspec.structs import replace

from swarmlite.model.constraint import parse
from swarmlite.model.load import Loads
from swarmlite.model.objects import Node, NodeDescription, NodeState, NodeStatus
from swarmlite.model.spec import Availability, NodeSpec, Platform, Reservations
from swarmlite.scheduler.demand import Demand
from swarmlite.scheduler.explain import explain
from swarmlite.scheduler.fleet import Fleet
from swarmlite.scheduler.place import place

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CPU, MIB = 10**9, 1 << 20


def host(name: str, zone: str = "a", cpus: float = 4, memory: int = 1024 * MIB) -> Node:
    return Node(
        id=f"id-{name}",
        created_at=NOW,
        updated_at=NOW,
        spec=NodeSpec(labels={"zone": zone} if zone else {}),
        description=NodeDescription(
            hostname=name,
            platform=Platform(architecture="x86_64", os="linux"),
            resources=Reservations(nano_cpus=int(cpus * CPU), memory_bytes=memory),
        ),
        status=NodeStatus(state=NodeState.READY),
    )


def fleet(*nodes: Node) -> Fleet:
    return Fleet(nodes, Loads())


def test_each_node_says_its_own_reason_after_a_summary_in_swarms_words() -> None:
    nodes = fleet(
        host("host1", zone="b", cpus=1.5),
        host("host2"),
        replace(host("host3"), status=NodeStatus(state=NodeState.DOWN)),
    )
    demand = Demand(service_id="s", constraints=(parse("node.labels.zone == b"),), nano_cpus=4 * CPU)
    assert explain(nodes, demand) == (
        "no suitable node (1 node not available for new tasks; scheduling constraints not satisfied on 1 node; "
        "insufficient resources on 1 node): host1: needs 4 CPUs, 1.5 free; "
        "host2: constraint node.labels.zone == b: zone is a; host3: down"
    )


def test_many_nodes_are_counted_by_reason() -> None:
    small = [host(f"small{number}", memory=100 * MIB) for number in range(37)]
    paused = [replace(host(f"paused{number}"), spec=NodeSpec(availability=Availability.PAUSE)) for number in range(2)]
    assert explain(fleet(*small, *paused), Demand(service_id="s", memory_bytes=512 * MIB)) == (
        "no suitable node (2 nodes not available for new tasks; insufficient resources on 37 nodes): "
        "insufficient memory on 37 nodes; paused on 2 nodes"
    )


def test_what_placement_used_up_is_a_reason() -> None:
    nodes = fleet(host("host1"))
    published = Demand(service_id="s", ports=(("tcp", 8080),))
    single = Demand(service_id="s", max_replicas=1)
    place(nodes, published, 1)
    assert explain(nodes, published) == (
        "no suitable node (host-mode port already in use on 1 node): host1: port 8080/tcp is taken by another task"
    )
    assert explain(nodes, single) == (
        "no suitable node (max replicas per node limit exceed on 1 node): "
        "host1: has 1 of at most 1 tasks of this service"
    )


def test_amounts_are_written_as_people_write_them_and_never_rounded_up() -> None:
    nodes = fleet(host("host1", cpus=1.999, memory=2047 * MIB))
    assert explain(nodes, Demand(service_id="s", nano_cpus=2 * CPU)).endswith("needs 2 CPUs, 1.99 free")
    assert explain(nodes, Demand(service_id="s", memory_bytes=2048 * MIB)).endswith(
        "needs 2 GiB of memory, 1.99 GiB free"
    )


def test_a_foreign_platform_is_a_reason() -> None:
    demand = Demand(service_id="s", platforms=(("linux", "arm64"),))
    assert explain(fleet(host("host1")), demand).endswith("host1: needs platform linux/arm64, is linux/x86_64")


def test_one_node_can_be_asked_alone() -> None:
    nodes = fleet(host("host1", cpus=1), host("host2", cpus=2))
    assert explain(nodes, Demand(service_id="s", nano_cpus=3 * CPU), [1]) == (
        "no suitable node (insufficient resources on 1 node): host2: needs 3 CPUs, 2 free"
    )


def test_without_nodes_there_is_just_no_suitable_node() -> None:
    assert explain(fleet(), Demand(service_id="s")) == "no suitable node"
