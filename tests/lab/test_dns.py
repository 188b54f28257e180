"""Names as containers see them: all of them, only theirs, in rotation, with every libc's resolver."""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster, Task, cluster_of
from tests.lab.dns_client import DOMAIN, REPOSITORY, ask, ask_from, last_seen, server_of, watching
from tests.lab.waiting import until

pytestmark = pytest.mark.lab

SHOP = """
services:
  web:
    image: swarmlite/whoami:latest
    deploy: {replicas: 5}
  busybox: &client
    image: busybox:latest
    init: true
    command: sleep 3600
  glibc:
    <<: *client
    image: glibc:lab
  musl:
    <<: *client
    image: musl:lab
"""
CLIENT = """
  client:
    image: busybox:latest
    init: true
    command: sleep 3600
"""
WEB = (
    """
services:
  web:
    image: swarmlite/whoami:latest
    deploy: {replicas: 3}
"""
    + CLIENT
)

FIRSTS = """
import collections, json, socket, sys
family = {"4": socket.AF_INET, "any": socket.AF_UNSPEC}[sys.argv[1]]
found = collections.Counter(socket.getaddrinfo("web", 80, family, socket.SOCK_STREAM)[0][4][0] for _ in range(300))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def shop(_shared_cluster: Cluster) -> Iterator[Cluster]:
    """A stack with one container for each libc, for the tests that only ask."""
    cluster = _shared_cluster
    for image in ("glibc:lab", "musl:lab"):
        cluster.lab.load(image)
    cluster.deploy(SHOP, "shop")
    yield cluster
    cluster.clear()


def addresses(tasks: list[Task]) -> set[str]:
    return {task.address for task in tasks}


# --- every libc -----------------------------------------------------------------------------------------------------


def by_busybox(cluster: Cluster, name: str) -> set[str]:
    lines = cluster.exec("shop_busybox", "nslookup", name).stdout.split("Name:", 1)[1].splitlines()
    return {line.split()[-1] for line in lines if line.startswith("Address")}


def by_glibc(cluster: Cluster, name: str) -> set[str]:
    return {line.split()[0] for line in cluster.exec("shop_glibc", "getent", "ahosts", name).stdout.splitlines()}


def by_musl(cluster: Cluster, name: str) -> set[str]:
    return set(cluster.exec("shop_musl", "lookup", name).stdout.split())


@pytest.mark.parametrize("look_up", [by_busybox, by_glibc, by_musl])
@pytest.mark.parametrize("name", ["web", "web.shop", "shop_web", "tasks.web", f"web.shop.{DOMAIN}"])
def test_every_resolver_finds_the_replicas(
    shop: Cluster, look_up: Callable[[Cluster, str], set[str]], name: str
) -> None:
    assert look_up(shop, name) == addresses(shop.running("shop_web"))


@pytest.mark.parametrize("service", ["shop_glibc", "shop_musl"])
def test_a_name_that_is_not_there_is_an_error_to_every_resolver(shop: Cluster, service: str) -> None:
    command = ("getent", "ahosts", "nothing") if service == "shop_glibc" else ("lookup", "nothing")
    (task,) = shop.running(service)
    started = time.monotonic()
    assert shop.exec(task, *command, check=False).returncode == 2
    assert time.monotonic() - started < 4.5, "the resolver waited in vain, which takes five seconds"


@pytest.mark.parametrize("family", ["4", "any"])
def test_look_ups_of_a_glibc_container_are_shared_out_evenly(shop: Cluster, family: str) -> None:
    shares = json.loads(shop.exec("shop_glibc", "python3", "-c", FIRSTS, family).stdout)
    assert shares.keys() == addresses(shop.running("shop_web"))
    assert all(40 <= share <= 80 for share in shares.values()), shares


@pytest.mark.parametrize("family", ["4", "any"])
def test_look_ups_of_a_replica_itself_are_shared_out_evenly(cluster: Cluster, family: str) -> None:
    cluster.lab.load("glibc:lab")
    cluster.deploy(
        "services: {web: {image: 'glibc:lab', init: true, command: sleep 3600, deploy: {replicas: 5}}}", "self"
    )
    replicas = cluster.running("self_web")
    for replica in replicas[:2]:
        shares = json.loads(cluster.exec(replica, "python3", "-c", FIRSTS, family).stdout)
        assert shares.keys() == addresses(replicas)
        assert all(40 <= share <= 80 for share in shares.values()), shares


def test_an_http_client_reaches_every_replica_by_name(shop: Cluster) -> None:
    script = "for i in $(seq 20); do timeout 5 wget -q -O - http://web/; done"
    answers = shop.exec("shop_busybox", "sh", "-c", script).stdout
    assert {line.split()[1] for line in answers.splitlines() if line.startswith("Address")} == addresses(
        shop.running("shop_web")
    )


# --- on the wire ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tcp", [(), ("--tcp",)])
@pytest.mark.parametrize("direct", [True, False])
def test_answers_rotate_and_live_for_seconds(shop: Cluster, tcp: tuple[str, ...], direct: bool) -> None:
    (client,) = shop.running("shop_busybox")
    server = ("--server", server_of(shop, client)) if direct else ()
    answers = ask(shop, client, "web", "--times", "50", *tcp, *server)
    expected = addresses(shop.running("shop_web"))
    assert {answer.code for answer in answers} == {"NOERROR"}
    assert all(set(answer.addresses) == expected for answer in answers)
    assert {ttl for answer in answers for ttl in answer.ttls if not 0 <= ttl <= 5} == set()
    assert all(9 <= share <= 11 for share in Counter(answer.addresses[0] for answer in answers).values())


def test_a_name_without_an_ipv6_address_exists_all_the_same(shop: Cluster) -> None:
    (client,) = shop.running("shop_busybox")
    for name in ("web", "web.shop", f"web.{DOMAIN}"):
        (answer,) = ask(shop, client, name, "--type", "AAAA")
        assert (answer.code, answer.addresses, answer.authority) == ("NOERROR", (), ("SOA",))


@pytest.mark.parametrize("kind", ["A", "AAAA"])
def test_unknown_names_of_the_domain_do_not_exist(shop: Cluster, kind: str) -> None:
    (client,) = shop.running("shop_busybox")
    (answer,) = ask(shop, client, f"nothing.{DOMAIN}", "--type", kind)
    assert (answer.code, answer.authority) == ("NXDOMAIN", ("SOA",))


def test_a_malformed_packet_harms_nobody(shop: Cluster) -> None:
    (client,) = shop.running("shop_busybox")
    server = server_of(shop, client)
    script = (
        f"import os, socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        f"for n in range(400): s.sendto(os.urandom(n % 600), ('{server}', 53))\n"
        f"s.sendto(b'\\0' * 65000, ('{server}', 53))\n"
        f"for n in range(20):\n"
        f"  t = socket.create_connection(('{server}', 53)); t.sendall(b'\\xff\\xff' + os.urandom(50)); t.close()\n"
    )
    (glibc,) = shop.running("shop_glibc")
    with watching(shop, client, "web") as watch:
        shop.exec(glibc, "python3", "-c", script.replace(server, server_of(shop, glibc)))
        answers = watch.stop()
    answers += ask(shop, glibc, "web", "--times", "20", "--server", server_of(shop, glibc))
    assert {answer.code for answer in answers} == {"NOERROR"}


# --- who sees what --------------------------------------------------------------------------------------------------


def test_two_stacks_do_not_see_each_other(cluster: Cluster) -> None:
    cluster.deploy(WEB, "one")
    cluster.deploy(WEB, "two")
    for own, other in (("one", "two"), ("two", "one")):
        (client,) = cluster.running(f"{own}_client")
        for name in ("web", f"web.{own}", f"{own}_web", "tasks.web"):
            (answer,) = ask(cluster, client, name)
            assert set(answer.addresses) == addresses(cluster.running(f"{own}_web"))
        for name in (f"web.{other}", f"{other}_web", f"{other}_web.{DOMAIN}"):
            (answer,) = ask(cluster, client, name)
            assert answer.addresses == ()


def test_a_container_sees_the_names_of_its_own_networks_only(cluster: Cluster) -> None:
    cluster.deploy(
        """
x-sleep: &sleep {image: "busybox:latest", init: true, command: sleep 3600}
services:
  front: {<<: *sleep, networks: [a]}
  both: {<<: *sleep, networks: {a: , b: {aliases: [bridge]}}}
  back: {<<: *sleep, networks: [b]}
networks: {a: , b: }
""",
        "two",
    )
    tasks = {task.service.removeprefix("two_"): task for task in cluster.running() if task.service.startswith("two_")}

    def seen(client: str, name: str) -> set[str]:
        (answer,) = ask(cluster, tasks[client], name)
        return set(answer.addresses)

    both = set(tasks["both"].addresses)
    assert len(both) == 2
    assert seen("front", "back") == seen("back", "front") == set()
    assert seen("both", "front") == {tasks["front"].address}
    assert seen("both", "back") == {tasks["back"].address}
    assert seen("both", "both") == both
    assert seen("front", "both") | seen("back", "both") == both
    assert len(seen("front", "both")) == len(seen("back", "both")) == 1
    assert seen("back", "bridge") == seen("back", "both")
    assert seen("front", "bridge") == set()


# --- other names ----------------------------------------------------------------------------------------------------


@pytest.fixture
def upstream(cluster: Cluster) -> Iterator[str]:
    """A name server on host 3 that all hosts ask; what it knows is in `upstream_server`."""
    lab = cluster.lab
    process = lab.popen(3, "env", f"PYTHONPATH={REPOSITORY}", sys.executable, "-P", "-m", "tests.lab.upstream_server",
                        lab.address(3))  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    before = {host: lab.run(host, "cat", "/etc/resolv.conf").stdout for host in cluster.hosts}
    for host in cluster.hosts:
        write_resolv_conf(cluster, host, f"nameserver {lab.address(3)}\n")
    yield lab.address(3)
    for host, text in before.items():
        write_resolv_conf(cluster, host, text)
    process.terminate()
    process.communicate()


def write_resolv_conf(cluster: Cluster, host: int, text: str) -> None:
    cluster.lab.run(host, "sh", "-c", "cat > /etc/resolv.conf", stdin=text)


def test_other_names_go_upstream(cluster: Cluster, upstream: str) -> None:
    cluster.deploy(WEB, "up")
    (client,) = cluster.running("up_client")

    def answered() -> bool:
        return ask(cluster, client, "www.example.org")[0].addresses == ("192.0.2.80",)

    until("a changed resolv.conf is followed", answered, timeout=15)
    assert "192.0.2.80" in cluster.exec(client, "nslookup", "www.example.org").stdout
    assert ask(cluster, client, "alias.example.org")[0].addresses == ("192.0.2.80",)
    assert ask(cluster, client, "www.example.org", "--type", "AAAA")[0].addresses == ("2001:db8::80",)
    assert ask(cluster, client, "nothing.example.org")[0].code == "NXDOMAIN"
    assert len(ask(cluster, client, "many.example.org", "--tcp")[0].addresses) == 100
    assert ask(cluster, client, "www.example.org", "--tcp")[0].addresses == ("192.0.2.80",)
    (own,) = ask(cluster, client, "web")
    assert set(own.addresses) == addresses(cluster.running("up_web"))


def test_names_of_the_cluster_do_not_leak_upstream(cluster: Cluster, upstream: str) -> None:
    cluster.deploy(WEB, "leak")
    (client,) = cluster.running("leak_client")
    until("upstream is asked", lambda: ask(cluster, client, "www.example.org")[0].addresses, timeout=15)
    for name in ("web", "nothing", "web.leak", f"nothing.{DOMAIN}"):
        ask(cluster, client, name)
    (asked,) = ask(cluster, client, "count.example.org")
    ask(cluster, client, "web")
    ask(cluster, client, f"nothing.{DOMAIN}")
    (again,) = ask(cluster, client, "count.example.org")
    assert int(again.addresses[0].rpartition(".")[2]) == int(asked.addresses[0].rpartition(".")[2]) + 1


# --- out of the answers ---------------------------------------------------------------------------------------------


def test_an_unhealthy_replica_leaves_the_answers_and_is_replaced(cluster: Cluster) -> None:
    cluster.deploy(
        """
services:
  web:
    image: busybox:latest
    init: true
    command: sh -c 'touch /healthy; sleep 3600'
    healthcheck: {test: test -e /healthy, interval: 1s, timeout: 2s, retries: 2}
    deploy: {replicas: 3}
"""
        + CLIENT,
        "ill",
    )
    (client,) = cluster.running("ill_client")
    ill = cluster.running("ill_web")[0]
    with watching(cluster, client, "web") as watch:
        cluster.exec(ill, "rm", "/healthy")
        replaced = until(
            "a replacement runs",
            lambda: [
                task for task in cluster.wait_running("ill_web", 3) if task.id != ill.id and task.slot == ill.slot
            ],
            timeout=20,
        )
        answers = watch.stop()
    (gone,) = [task for task in cluster.tasks("ill_web") if task.id == ill.id]
    assert gone.state == "failed"
    assert gone.error.startswith("unhealthy")
    assert {answer.code for answer in answers} == {"NOERROR"}
    if replaced[0].address != ill.address:
        out = last_seen(answers, {ill.address})
        assert out < gone.since.timestamp() + 0.5, "the ill replica was answered after it was known to be ill"


def test_a_stopping_replica_is_out_of_the_answers_at_once(cluster: Cluster) -> None:
    cluster.deploy(
        """
services:
  web:
    image: busybox:latest
    command: sh -c 'trap "sleep 6; exit 0" TERM; while :; do sleep 1 & wait $$!; done'
    stop_grace_period: 30s
    deploy: {replicas: 3}
"""
        + CLIENT,
        "slow",
    )
    (client,) = cluster.running("slow_client")
    before = cluster.running("slow_web")
    with watching(cluster, client, "web") as watch:
        asked = time.time()
        cluster.cli(1, "service", "scale", "slow_web=2", "--detach")
        (stopping,) = [
            task for task in before if task.id not in {kept.id for kept in cluster.wait_running("slow_web", 2)}
        ]
        running = cluster.lab.docker(stopping.host, "ps", "-q", "--no-trunc").stdout.split()
        answers = watch.stop()
    assert stopping.container_id in running, "it had no time to be gentle"
    assert last_seen(answers, {stopping.address}) < asked + 1.5
    assert set(answers[-1].addresses) == addresses(before) - {stopping.address}
    assert {answer.code for answer in answers} == {"NOERROR"}


def test_killing_the_answering_process_loses_no_look_up(cluster: Cluster) -> None:
    cluster.deploy(WEB, "kill")
    (client,) = cluster.running("kill_client")
    with watching(cluster, client, "web") as watch:
        for _ in range(3):
            (pid,) = dns_processes(cluster, client.host)
            os.kill(pid, signal.SIGKILL)
            until(
                "another process answers",
                lambda pid=pid: (found := dns_processes(cluster, client.host)) and pid not in found,
            )
        ask(cluster, client, "web", "--times", "20")
        answers = watch.stop()
    assert {answer.code for answer in answers} == {"NOERROR"}
    assert all(len(answer.addresses) == 3 for answer in answers)


def dns_processes(cluster: Cluster, host: int) -> list[int]:
    """The processes that answer on a host, by its mark in their environment."""
    mark = f"SWARMLITE_DATA_DIR={cluster.lab.data_dir(host)}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"swarmlite.dns" in (entry / "cmdline").read_bytes():
                found += [int(entry.name)] if mark in (entry / "environ").read_bytes().split(b"\0") else []
        except OSError:
            continue
    return found


# --- askers outside -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def open_cluster(_unwinds_when_ended: None) -> Iterator[Cluster]:
    with cluster_of(2, "--dns-listen", "10.77.0.11:5353") as found:
        yield found


def test_the_manager_answers_outside(open_cluster: Cluster) -> None:
    """Also for stacks of which nothing runs on the manager's own host."""
    cluster = open_cluster
    cluster.deploy(
        """
services:
  web:
    image: swarmlite/whoami:latest
    deploy: {replicas: 3, placement: {constraints: ["node.hostname == host2"]}}
""",
        "out",
    )
    expected = addresses(cluster.running("out_web"))
    options = ("--server", "10.77.0.11", "--port", "5353")
    for name in ("web.out", f"web.out.{DOMAIN}", f"out_web.{DOMAIN}", f"tasks.web.out.{DOMAIN}"):
        for tcp in ((), ("--tcp",)):
            (answer,) = ask_from(cluster, 2, name, *options, *tcp)
            assert (answer.code, set(answer.addresses)) == ("NOERROR", expected), name
    firsts = [answer.addresses[0] for answer in ask_from(cluster, 2, f"web.out.{DOMAIN}", *options, "--times", "30")]
    assert all(9 <= share <= 11 for share in Counter(firsts).values())
    assert ask_from(cluster, 2, f"no.{DOMAIN}", *options)[0].code == "NXDOMAIN"
    cluster.clear()
    assert ask_from(cluster, 2, f"web.out.{DOMAIN}", *options)[0].code == "NXDOMAIN"


def test_the_daemon_takes_another_address_to_answer_outside(open_cluster: Cluster) -> None:
    lab = open_cluster.lab
    pid = int((lab.data_dir(1) / "daemon.pid").read_text())
    os.kill(pid, signal.SIGTERM)
    until("the daemon has ended", lambda: not Path("/proc", str(pid)).exists(), timeout=20)
    process = lab.popen(1, "swarmlite", "daemon", "--dns-listen", "10.77.0.11:5454")
    try:
        options = ("--server", "10.77.0.11", "--port", "5454")
        until(
            "it answers there",
            lambda: ask_from(open_cluster, 2, f"no.{DOMAIN}", *options)[0].code == "NXDOMAIN",
            timeout=20,
        )
    finally:
        process.terminate()
        process.communicate()
