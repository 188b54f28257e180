"""Ports that every host publishes, wherever the tasks run."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from swarmlite.lab.nodes import enter, running_pid
from tests.lab.netlab import Host, clear, lab_hosts

pytestmark = pytest.mark.lab

Hosts = tuple[Host, ...]
PORT = 8080
FETCH = """
import sys, urllib.request
for _ in range(int(sys.argv[2])):
    try:
        print(urllib.request.urlopen(sys.argv[1], timeout=2).read().decode().strip())
    except OSError:
        print("none")
"""
ONE, TWO = "10.60.0.11:80", "10.60.0.12:80"


@pytest.fixture(scope="module")
def lab() -> Iterator[Hosts]:
    with lab_hosts(3) as hosts:
        yield hosts


@pytest.fixture
def hosts(lab: Hosts) -> Iterator[Hosts]:
    """The ingress network on three hosts, one task each on the first two; the third has none. The tasks are on a
    network of their stack as well, as all are.
    """
    for host in lab:
        host.do("ensure", network=ingress(host, lab))
        host.do("ensure", network=application(host))
    for host, name, last in ((lab[0], "one", 11), (lab[1], "two", 12)):
        host.serve(name, "app", f"10.61.0.{last}")
        host.docker("network", "connect", "--ip", f"10.60.0.{last}", "ingress", name)
    yield lab
    for host in lab:
        host.do("unpublish")
    clear(lab)


def application(host: Host) -> dict[str, Any]:
    subnet = {"subnet": "10.61.0.0/24", "gateway": f"10.61.0.{250 + host.index}"}
    return {"id": "app", "name": "app", **subnet, "vni": 4998}


def ingress(host: Host, hosts: Hosts) -> dict[str, Any]:
    """Internal: else its containers might have their default route here, and one that asks its own host and is sent to
    itself would have to be answered on the port of the bridge that it asked on, which bridges do not do.
    """
    return {
        "internal": True,
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
    """Who answers, request by request, a new connection each."""
    return Counter(client.shell(f"{sys.executable} -c '{FETCH}' http://{address}:{PORT}/ {times}").split())


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
    request = f"busybox printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 2 {{}} {PORT} | busybox grep -e one -e two"
    for host in (first, second):
        for _ in range(10):
            assert first.works("one", "sh", "-c", request.format(host.address))


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
