"""Cluster networks on real engines: who reaches whom, and that nothing is left."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from swarmlite.network.build import bridge_name, vxlan_name
from tests.lab.netlab import Host, Refused, clear, lab_hosts

pytestmark = pytest.mark.lab

Hosts = tuple[Host, ...]


@pytest.fixture(scope="module")
def lab() -> Iterator[Hosts]:
    with lab_hosts(3) as hosts:
        yield hosts


@pytest.fixture
def hosts(lab: Hosts) -> Iterator[Hosts]:
    yield lab
    clear(lab)


def network(host: Host, among: Hosts, number: int = 1, **more: Any) -> dict[str, Any]:
    """Cluster network `number` as `host` gets it: subnet 10.50.NUMBER.0/24, gateways from .251."""
    return {
        "id": f"network{number}",
        "name": f"stack_net{number}",
        "subnet": f"10.50.{number}.0/24",
        "gateway": f"10.50.{number}.{250 + host.index}",
        "vni": 4000 + number,
        "labels": {"com.docker.stack.namespace": "stack"},
        "peers": [other.address for other in among],
        **more,
    }


def ensure(hosts: Hosts, number: int = 1, **more: Any) -> None:
    for host in hosts:
        host.do("ensure", network=network(host, hosts, number, **more))


def address(host: Host, number: int = 1) -> str:
    return f"10.50.{number}.{host.index}"


def populate(hosts: Hosts, number: int = 1) -> None:
    """One container `cNUMBER` on each host."""
    for host in hosts:
        host.run(f"c{number}", f"stack_net{number}", address(host, number))


def test_containers_of_a_network_reach_each_other_on_any_host(hosts: Hosts) -> None:
    ensure(hosts)
    populate(hosts)
    for host in hosts:
        for other in hosts:
            assert host.reaches("c1", address(other)), f"{host.node.name} to {other.node.name}"


def test_large_transfers_pass_between_hosts(hosts: Hosts) -> None:
    ensure(hosts)
    first, second, _ = hosts
    serve = "mkdir /www; busybox head -c 3000000 /dev/zero > /www/zeros; exec busybox httpd -f -p 80 -h /www"
    first.run("server", "stack_net1", "10.50.1.20", "sh", "-c", serve)
    second.run("client", "stack_net1", "10.50.1.21")
    fetch = "busybox printf 'GET /zeros HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 5 10.50.1.20 80 | busybox wc -c"
    assert int(second.docker("exec", "client", "sh", "-c", fetch)) > 3000000


def test_containers_of_different_networks_do_not_reach_each_other(hosts: Hosts) -> None:
    for number in (1, 2):
        ensure(hosts, number)
        populate(hosts, number)
    first = hosts[0]
    for other in hosts:
        assert first.reaches("c1", address(other, 1))
        assert not first.reaches("c1", address(other, 2))
        assert not first.reaches("c2", address(other, 1))


def test_networks_of_hosts_that_share_none_do_not_meet(hosts: Hosts) -> None:
    first, second, _ = hosts
    ensure((first,), 1)
    ensure((second,), 2)
    first.run("c1", "stack_net1", address(first, 1))
    second.run("c2", "stack_net2", address(second, 2))
    assert not first.reaches("c1", address(second, 2))
    assert not second.reaches("c2", address(first, 1))


def test_peers_come_and_go_without_a_break_for_the_others(hosts: Hosts) -> None:
    first, second, third = hosts
    ensure(hosts)
    populate(hosts)
    assert first.reaches("c1", address(third))

    def index() -> str:
        return first.shell(f"ip -o link show {vxlan_name('network1')}").partition(":")[0]

    device = index()
    for host in hosts:
        fewer = (first, second) if host is not third else (third,)
        host.do("ensure", network=network(host, fewer))
    assert not first.reaches("c1", address(third))
    assert first.reaches("c1", address(second))
    assert third.address not in first.shell(f"bridge fdb show dev {vxlan_name('network1')}")
    ensure(hosts)
    assert first.reaches("c1", address(third))
    assert index() == device


def test_a_container_reaches_the_world_but_not_from_an_internal_network(hosts: Hosts) -> None:
    ensure(hosts, 1)
    ensure(hosts, 2, internal=True)
    populate(hosts, 1)
    populate(hosts, 2)
    world, gateway = "10.77.0.2", f"10.50.2.{250 + hosts[0].index}"
    assert hosts[0].reaches("c1", world)
    assert not hosts[0].reaches("c2", world)
    assert hosts[0].reaches("c2", address(hosts[1], 2))
    assert hosts[0].reaches("c2", gateway), "the DNS server listens there"


def test_drop_leaves_nothing(hosts: Hosts) -> None:
    first = hosts[0]
    ensure(hosts, 2)

    def state() -> tuple[str, ...]:
        return tuple(
            first.shell(command)
            for command in (
                "ip -br link",
                "ip route",
                "iptables-save | grep -v -e '^[#:]'",
                "nft list ruleset | grep sl || true",
            )
        )

    before = state()
    ensure(hosts, 1)
    populate(hosts, 1)
    assert first.do("present") == ["network1", "network2"]
    with pytest.raises(Refused, match=r"stack_net1.*containers"):
        first.do("drop", id="network1")
    assert first.reaches("c1", address(hosts[1]))
    first.docker("rm", "-f", "c1")
    first.do("drop", id="network1")
    first.do("drop", id="network1")
    assert state() == before
    assert first.do("present") == ["network2"]
    assert "stack_net1" not in first.docker("network", "ls")


def test_the_engine_hands_out_no_address_of_its_own(hosts: Hosts) -> None:
    ensure(hosts)
    with pytest.raises(AssertionError, match="no available IPv4 addresses"):
        hosts[0].docker("run", "--rm", "--network", "stack_net1", "busybox:latest", "true")


def test_what_was_built_is_found_after_a_restart(hosts: Hosts) -> None:
    first = hosts[0]
    ensure(hosts)
    populate(hosts)
    engine_id = first.do("ensure", network=network(first, hosts))
    first.restart_driver()
    assert first.do("present") == ["network1"]
    assert first.do("ensure", network=network(first, hosts)) == engine_id
    assert first.reaches("c1", address(hosts[1]))


def test_what_was_taken_away_is_mended(hosts: Hosts) -> None:
    first, second, _ = hosts
    ensure(hosts)
    populate(hosts)
    first.shell(f"ip link del {vxlan_name('network1')}")
    assert not first.reaches("c1", address(second))
    ensure(hosts)
    assert first.reaches("c1", address(second))
    first.docker("rm", "-f", "c1")
    first.docker("network", "rm", "stack_net1")
    ensure(hosts)
    first.run("c1", "stack_net1", address(first))
    assert first.reaches("c1", address(second))


def test_a_network_that_the_engine_forgot_is_found_missing(hosts: Hosts) -> None:
    first, second, _ = hosts
    ensure(hosts)
    first.docker("network", "rm", "stack_net1")
    first.shell(f"ip link add {bridge_name('network1')} type bridge")
    assert first.do("present") == []
    ensure(hosts)
    first.run("c1", "stack_net1", address(first))
    second.run("c1", "stack_net1", address(second))
    assert first.reaches("c1", address(second))


def test_a_restarted_engine_is_recovered_from(hosts: Hosts) -> None:
    first, second, _ = hosts
    ensure(hosts)
    populate(hosts)
    first.docker("kill", "c1")
    pid = first.shell("cat /run/docker.pid")
    first.shell(f"kill -9 {pid}; ip link del {bridge_name('network1')}")
    first.start_engine()
    ensure(hosts)
    first.docker("start", "c1")
    assert first.reaches("c1", address(second))


def test_a_stale_device_is_swept(hosts: Hosts) -> None:
    first = hosts[0]
    first.shell("ip link add vx0123456789ab type vxlan id 77 dstport 4789 dev eth0")
    first.restart_driver()
    first.do("present")
    assert "vx0123456789ab" not in first.shell("ip -br link")


def test_a_network_of_that_name_made_by_someone_else_is_an_error(hosts: Hosts) -> None:
    first = hosts[0]
    first.docker("network", "create", "stack_net1")
    try:
        with pytest.raises(Refused, match=r"AlreadyExists: network stack_net1: .*docker network rm stack_net1"):
            first.do("ensure", network=network(first, hosts))
    finally:
        first.docker("network", "rm", "stack_net1")
    assert first.do("present") == []


def test_an_earlier_network_of_that_name_is_waited_for(hosts: Hosts) -> None:
    first = hosts[0]
    first.do("ensure", network=network(first, hosts))
    again = {**network(first, hosts, 2), "name": "stack_net1"}
    with pytest.raises(Refused, match=r"Unavailable: network stack_net1: an earlier network"):
        first.do("ensure", network=again)
    first.do("drop", id="network1")
    first.do("ensure", network=again)
    assert first.do("present") == ["network2"]


def test_a_network_with_other_addresses_than_before_is_made_anew(hosts: Hosts) -> None:
    first = hosts[0]
    first.do("ensure", network=network(first, hosts))
    first.do("ensure", network=network(first, hosts, gateway="10.50.1.99"))
    assert "10.50.1.99/24" in first.shell(f"ip -br address show {bridge_name('network1')}")
    first.run("c1", "stack_net1", address(first))
    with pytest.raises(Refused, match=r"stack_net1 still has containers"):
        first.do("ensure", network=network(first, hosts, gateway="10.50.1.98"))


def test_subnets_that_overlap_are_an_error(hosts: Hosts) -> None:
    first = hosts[0]
    first.do("ensure", network=network(first, hosts))
    with pytest.raises(Refused, match=r"stack_net2 \(10\.50\.1\.0/25\): the subnet overlaps"):
        first.do("ensure", network=network(first, hosts, 2, subnet="10.50.1.0/25", gateway="10.50.1.97"))


def test_a_vxlan_id_in_use_is_an_error(hosts: Hosts) -> None:
    first = hosts[0]
    first.shell("ip link add other0 type vxlan id 4001 dstport 4789 local 10.77.0.11")
    try:
        with pytest.raises(Refused, match=r"same id and port"):
            first.do("ensure", network=network(first, hosts))
    finally:
        first.shell("ip link del other0")
    first.do("ensure", network=network(first, hosts))


def test_many_networks_at_once_all_stand(hosts: Hosts) -> None:
    first = hosts[0]
    wanted = [network(first, hosts, number) for number in range(1, 6)]
    assert first.do("ensure_all", networks=wanted) == [f"network{number}" for number in range(1, 6)]
    shown = first.shell("ip -o link show type vxlan")
    for number in range(1, 6):
        assert f"{vxlan_name(f'network{number}')}: " in shown
        assert f"master {bridge_name(f'network{number}')} " in shown


def test_nothing_to_change_costs_next_to_nothing(hosts: Hosts) -> None:
    first = hosts[0]
    ensure(hosts)
    started = time.monotonic()
    for _ in range(100):
        first.do("ensure", network=network(first, hosts))
    assert (time.monotonic() - started) / 100 < 0.005
