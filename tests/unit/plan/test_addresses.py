"""Addresses are given once, in turn, and a freed one rests."""

from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmlite.errors import FailedPrecondition
from swarmlite.model.objects import (
    AttachedNetwork,
    Network,
    NetworkAttachment,
    NetworkExtension,
    Task,
    TaskStatus,
)
from swarmlite.model.spec import IPAM, IPAMConfig, NetworkSpec, TaskTemplate
from swarmlite.model.states import TaskState
from swarmlite.plan.addresses import Addresses, free_subnet

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def network(subnet: str = "10.0.0.0/29", last: str = "", gateway: str = "", **gateways: str) -> Network:
    spec = NetworkSpec(name="n", ipam=IPAM(config=(IPAMConfig(gateway=gateway),)))
    ours = NetworkExtension(gateways=gateways, last_address=last)
    return Network(id="net1", created_at=NOW, updated_at=NOW, spec=spec, subnet=subnet, swarmlite=ours)


def holder(address: str, state: TaskState = TaskState.RUNNING, network_id: str = "net1") -> Task:
    return Task(
        id=address,
        created_at=NOW,
        updated_at=NOW,
        spec=TaskTemplate(),
        node_id="n1",
        status=TaskStatus(timestamp=NOW, state=state),
        desired_state=TaskState.RUNNING,
        networks_attachments=(NetworkAttachment(network=AttachedNetwork(id=network_id), addresses=(address,)),),
    )


def test_neither_the_networks_own_address_nor_its_broadcast_is_given() -> None:
    addresses = Addresses(network(), ())
    assert [addresses.take() for _ in range(addresses.size)] == [f"10.0.0.{number}" for number in range(1, 7)]
    with pytest.raises(FailedPrecondition):
        addresses.take()


def test_gateways_and_held_addresses_are_skipped() -> None:
    addresses = Addresses(network(gateway="10.0.0.2", node1="10.0.0.1"), [holder("10.0.0.3/29")])
    assert (addresses.take(), addresses.used, addresses.size) == ("10.0.0.4", 4, 6)


def test_another_networks_addresses_do_not_count() -> None:
    assert Addresses(network(), [holder("10.0.0.1/29", network_id="net2")]).take() == "10.0.0.1"


def test_a_freed_address_rests_until_all_others_had_their_turn() -> None:
    addresses = Addresses(network(last="10.0.0.5"), ())
    assert [addresses.take() for _ in range(3)] == ["10.0.0.6", "10.0.0.1", "10.0.0.2"]
    assert addresses.last == "10.0.0.2"


def test_an_ended_tasks_address_is_given_only_when_no_other_is_left() -> None:
    ended = [holder("10.0.0.1/29", TaskState.FAILED), holder("10.0.0.3/29", TaskState.SHUTDOWN)]
    addresses = Addresses(network(), ended)
    taken = [addresses.take() for _ in range(6)]
    assert taken[:4] == ["10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.6"]
    assert taken[4:] == ["10.0.0.1", "10.0.0.3"]


def test_addresses_carry_the_subnets_prefix() -> None:
    assert Addresses(network("10.1.0.0/16"), ()).with_prefix("10.1.2.3") == "10.1.2.3/16"


def test_the_first_free_subnet_of_the_pools() -> None:
    assert free_subnet(["10.128.0.0/9"], 24, []) == "10.128.0.0/24"
    assert free_subnet(["10.128.0.0/9"], 24, ["10.128.0.0/24", "10.128.1.0/25"]) == "10.128.2.0/24"
    assert free_subnet(["10.0.0.0/24", "10.9.0.0/16"], 24, ["10.0.0.0/8", "10.1.0.0/24"][1:]) == "10.0.0.0/24"
    assert free_subnet(["10.0.0.0/24", "10.9.0.0/16"], 24, ["10.0.0.64/26"]) == "10.9.0.0/24"


def test_pools_that_are_used_up_say_what_to_do() -> None:
    with pytest.raises(FailedPrecondition, match="no free /24 subnet is left in the address pools"):
        free_subnet(["10.0.0.0/23"], 24, ["10.0.0.0/24", "10.0.1.0/24"])


subnets = st.tuples(st.integers(0, 1023), st.integers(24, 28)).map(
    lambda pair: str(ip_network((0x0A000000 + (pair[0] << 4), pair[1]), strict=False))
)


@given(st.lists(subnets, max_size=30), st.integers(24, 28))
def test_a_new_subnet_overlaps_none_and_is_the_lowest(taken: list[str], size: int) -> None:
    pool = ip_network("10.0.0.0/18")
    known = [ip_network(text) for text in taken]
    free = [net for net in pool.subnets(new_prefix=size) if not any(net.overlaps(other) for other in known)]
    if free:
        assert free_subnet([str(pool)], size, taken) == str(free[0])
    else:
        with pytest.raises(FailedPrecondition):
            free_subnet([str(pool)], size, taken)
