"""Ports that every host publishes, wherever the tasks run."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from swarmlite.lab.nodes import enter, running_pid
from tests.lab.netlab import Host, lab_hosts

pytestmark = pytest.mark.lab

Hosts = tuple[Host, ...]
PORT = 8080
ONE, TWO = "10.60.0.11:80", "10.60.0.12:80"


@pytest.fixture(scope="module")
def lab() -> Iterator[Hosts]:
    with lab_hosts(3) as hosts:
        yield hosts


@pytest.fixture
def hosts(lab: Hosts) -> Iterator[Hosts]:
    """The ingress network on three hosts, one task each on the first two; the third has none."""
    for host in lab:
        host.do("ensure", network=ingress(host, lab))
    lab[0].serve("one", "ingress", "10.60.0.11")
    lab[1].serve("two", "ingress", "10.60.0.12")
    yield lab
    for host in lab:
        host.do("unpublish")
        host.clear()


def ingress(host: Host, hosts: Hosts) -> dict[str, Any]:
    return {
        "id": "ingress",
        "name": "ingress",
        "subnet": "10.60.0.0/24",
        "gateway": f"10.60.0.{250 + host.index}",
        "vni": 4999,
        "peers": [other.address for other in hosts],
    }


def publish(hosts: Hosts, *backends: str) -> None:
    for host in hosts:
        host.do("publish", network="ingress", ports=[["tcp", PORT, backends]])


def get(client: Host, address: str, times: int = 1) -> Counter[str]:
    url = f"http://{address}:{PORT}/"
    script = f"for i in $(seq {times}); do busybox wget -q -T 2 -O - {url} || echo none; done"
    return Counter(client.shell(script).split())


def test_a_port_of_a_host_without_a_replica_reaches_one_elsewhere(hosts: Hosts) -> None:
    first, _, third = hosts
    publish(hosts, ONE, TWO)
    assert get(first, third.address, 40).keys() == {"one", "two"}


def test_every_host_answers_itself_and_on_localhost(hosts: Hosts) -> None:
    publish(hosts, ONE, TWO)
    for host in hosts:
        assert get(host, host.address, 20).keys() == {"one", "two"}
        assert get(host, "127.0.0.1", 20).keys() == {"one", "two"}


def test_replicas_get_even_shares(hosts: Hosts) -> None:
    first, _, third = hosts
    publish(hosts, ONE, TWO)
    shares = get(first, third.address, 200)
    assert sum(shares.values()) == 200
    assert 60 <= shares["one"] <= 140


def test_containers_reach_a_published_port_also_of_their_own_service(hosts: Hosts) -> None:
    first, second, _ = hosts
    publish(hosts, ONE, TWO)
    url = f"http://{second.address}:{PORT}/"
    for _ in range(10):
        assert first.works("one", "wget", "-q", "-T", "2", "-O", "-", url)


def test_only_new_connections_follow_a_change(hosts: Hosts) -> None:
    first, _, third = hosts
    publish(hosts, ONE)
    stream = subprocess.Popen(
        [*enter(running_pid(first.node)), "busybox", "nc", third.address, str(PORT)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with stream:
        assert stream.stdin is not None
        stream.stdin.write("GET / HTTP/1.0\r\n")
        stream.stdin.flush()
        assert get(first, third.address) == {"one": 1}
        publish(hosts, TWO)
        assert get(first, third.address, 5) == {"two": 5}
        answer, _ = stream.communicate("\r\n", timeout=10)
    assert answer.endswith("one\n")


def test_what_is_not_published_is_shut_and_nothing_is_left(hosts: Hosts) -> None:
    first, _, third = hosts

    def rules() -> str:
        return third.shell("nft list tables; iptables -S DOCKER-USER; iptables -S FORWARD")

    before = rules()
    publish(hosts, ONE)
    assert get(first, third.address) == {"one": 1}
    publish(hosts)
    assert get(first, third.address) == {"none": 1}
    for host in hosts:
        host.do("unpublish")
        host.do("unpublish")
    assert rules() == before
