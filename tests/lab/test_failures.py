"""When things break: containers, hosts, cables, engines, agents and the manager, and what is whole again when."""

import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster
from tests.lab.dns_client import ask, last_seen, pid_of, watching
from tests.lab.waiting import until

pytestmark = pytest.mark.lab

WEB = """
services:
  web:
    image: swarmlite/whoami:latest
    stop_grace_period: 2s
    deploy: {replicas: 6}
  client:
    image: busybox:latest
    init: true
    command: sleep 3600
    deploy: {placement: {constraints: ["node.hostname == host1"]}}
"""
ENGINES_SHARE = 0.5
"""Seconds in which an engine of an idle machine like the one that the figures are for runs a container."""


def slowness(cluster: Cluster, host: int) -> float:
    """How much slower than an idle one this machine is now, by what its engine takes for a container; at least 1."""
    started = time.monotonic()
    cluster.lab.docker(host, "run", "--rm", "busybox", "true")
    return max(1.0, (time.monotonic() - started) / (2 * ENGINES_SHARE))


def containers(cluster: Cluster, *hosts: int) -> dict[str, str]:
    """When each running container of the cluster was started, by its id."""
    found = {}
    for host in hosts or cluster.hosts:
        label = ("--filter", "label=com.docker.swarm.task.id")
        ids = cluster.lab.docker(host, "ps", "--no-trunc", "--quiet", *label).stdout.split()
        if ids:
            shown = cluster.lab.docker(host, "inspect", "--format", "{{.Id}} {{.State.StartedAt}}", *ids).stdout
            found |= dict(line.split() for line in shown.splitlines())
    return found


def services(cluster: Cluster, *hosts: int) -> Counter[str]:
    """How many containers of each service run, as the engines say."""
    form = '{{.Label "com.docker.swarm.service.name"}}'
    lines = [cluster.lab.docker(host, "ps", "--format", form).stdout.split() for host in hosts or cluster.hosts]
    return Counter(name for names in lines for name in names)


def daemon_pid(cluster: Cluster, host: int) -> int:
    return int((cluster.lab.data_dir(host) / "daemon.pid").read_text())


def kill_daemon(cluster: Cluster, host: int) -> None:
    pid = daemon_pid(cluster, host)
    os.kill(pid, signal.SIGKILL)
    gone_at(pid)


def start_daemon(cluster: Cluster, host: int) -> None:
    cluster.cli(host, "daemon", "--detach")
    until("the daemon answers", lambda: cluster.cli(host, "status", check=False).returncode == 0, timeout=30)


def gone_at(pid: int) -> float:
    """When a process has ended, as Unix time."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                break
        except OSError:
            break
        time.sleep(0.002)
    return time.time()


def all_ready(cluster: Cluster) -> bool:
    return set(cluster.nodes().values()) == {"ready"}


def settle(cluster: Cluster, timeout: float = 60.0) -> None:
    until("all nodes ready", lambda: all_ready(cluster), timeout)


def assert_one_of_each(cluster: Cluster, web: int, timeout: float = 10.0) -> None:
    """The engines run what is asked for, and nothing twice."""
    expected = Counter({"shop_web": web, "shop_client": 1})
    until(f"exactly {expected} run", lambda: services(cluster) == expected, timeout)
    known = {task.container_id for task in cluster.running()}
    assert set(containers(cluster)) == known


# --- containers -----------------------------------------------------------------------------------------------------


def test_a_killed_container_is_replaced_within_a_second(fresh_cluster: Cluster) -> None:
    cluster = fresh_cluster
    cluster.deploy(WEB, "shop")
    for host in cluster.hosts:
        factor = slowness(cluster, host)
        victim = next(task for task in cluster.running("shop_web") if task.host == host)
        pid = pid_of(cluster, victim)
        killed = time.time()
        os.kill(pid, signal.SIGKILL)
        tasks = cluster.wait_running("shop_web", 6)
        (successor,) = [task for task in tasks if task.slot == victim.slot]
        if successor.id == victim.id:  # the list was older than the kill
            until("the kill is seen", lambda v=victim: v.id not in {task.id for task in cluster.running("shop_web")})
            (successor,) = [task for task in cluster.wait_running("shop_web", 6) if task.slot == victim.slot]
        took = successor.since.timestamp() - killed
        assert took < 1.0 * factor, f"replaced after {took:.2f} s, on a machine {factor:.1f} times slower than idle"
        (ended,) = [task for task in cluster.tasks("shop_web") if task.id == victim.id]
        assert (ended.state, ended.exit_code) == ("failed", 137)


# --- hosts ----------------------------------------------------------------------------------------------------------


def test_a_lost_host_leaves_the_answers_and_its_tasks_run_elsewhere(fresh_cluster: Cluster) -> None:
    cluster = fresh_cluster
    cluster.deploy(WEB, "shop")
    (client,) = cluster.running("shop_client")
    lost = [task for task in cluster.running("shop_web") if task.host == 3]
    assert lost
    factor = slowness(cluster, 2)
    try:
        with watching(cluster, client, "web") as watch, ThreadPoolExecutor(1) as pool:
            pid = daemon_pid(cluster, 3)
            killing = pool.submit(cluster.lab.kill, 3)
            killed = gone_at(pid)
            killing.result()
            until("host 3 is down", lambda: cluster.nodes()["host3"] == "down", timeout=15)
            tasks = cluster.wait_running("shop_web", 6)
            answers = watch.stop()
        assert {task.host for task in tasks} == {1, 2}
        assert {answer.code for answer in answers} == {"NOERROR"}
        out = last_seen(answers, {task.address for task in lost}) - killed
        assert out < 3.0 * factor, f"answered until {out:.2f} s after the loss"
        slots = {task.slot for task in lost}
        took = max(task.since.timestamp() for task in tasks if task.slot in slots) - killed
        assert took < 6.0 * factor, f"replaced after {took:.2f} s, on a machine {factor:.1f} times slower than idle"
        assert [host["Daemon"] for host in cluster.lab.status()["Hosts"]] == ["on", "on", "off"]
    finally:
        cluster.lab.start(3)
    assert [host["Daemon"] for host in cluster.lab.status()["Hosts"]] == ["on", "on", "on"]
    settle(cluster)
    assert_one_of_each(cluster, 6)
    assert not containers(cluster, 3)


def test_a_host_that_comes_back_soon_runs_its_tasks_again(fresh_cluster: Cluster) -> None:
    cluster = fresh_cluster
    cluster.deploy(WEB, "shop")
    cluster.lab.kill(2)
    cluster.lab.start(2)
    settle(cluster)
    cluster.wait_running("shop_web", 6)
    assert_one_of_each(cluster, 6)


def test_the_managers_host_reboots(fresh_cluster: Cluster) -> None:
    cluster = fresh_cluster
    cluster.deploy(WEB, "shop")
    elsewhere = containers(cluster, 2, 3)
    cluster.lab.kill(1)
    cluster.lab.start(1)
    until("the manager answers", lambda: cluster.cli(1, "status", check=False).returncode == 0, timeout=30)
    settle(cluster)
    cluster.wait_running("shop_web", 6)
    cluster.wait_running("shop_client", 1)
    assert_one_of_each(cluster, 6)
    assert elsewhere.items() <= containers(cluster, 2, 3).items(), "a container of another host was restarted"


# --- cables ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [1.0, 8.0, pytest.param(35.0, marks=pytest.mark.slow)])
def test_a_cut_heals(fresh_cluster: Cluster, seconds: float) -> None:
    """A blink changes nothing; what lasts is as a lost host, and after it nothing runs twice."""
    cluster = fresh_cluster
    cluster.deploy(WEB, "shop")
    before = containers(cluster)
    (client,) = cluster.running("shop_client")
    factor = slowness(cluster, 3)
    cut_off = {task.address for task in cluster.running("shop_web") if task.host == 3}
    with watching(cluster, client, "web") as watch:
        cluster.lab.cut(3)
        cut = time.time()
        time.sleep(seconds)
        if seconds > 6:
            until("host 3 is down", lambda: cluster.nodes()["host3"] == "down", timeout=15)
            assert {task.host for task in cluster.wait_running("shop_web", 6)} == {1, 2}
        cluster.lab.heal(3)
        healed = time.time()
        answers = watch.stop() if seconds > 6 else []
    until("host 3 is ready", lambda: cluster.nodes()["host3"] == "ready", timeout=20)
    took = time.time() - healed
    assert took < 6.0 * factor, f"ready again {took:.1f} s after healing"
    if seconds > 6:
        assert {answer.code for answer in answers} == {"NOERROR"}
        assert last_seen(answers, cut_off) - cut < 3.0 * factor
        until("the surplus is gone", lambda: not containers(cluster, 3), timeout=10 * factor)
    elif factor < 2:
        assert containers(cluster) == before, "a short cut restarted containers"
    assert_one_of_each(cluster, 6)
    for task in cluster.running("shop_web"):
        cluster.exec(client, "timeout", "3", "wget", "-q", "-O", "-", f"http://{task.address}/")


def test_a_host_that_is_cut_off_serves_itself(fresh_cluster: Cluster) -> None:
    """Its names are answered, and a container that crashes there is restarted in place."""
    cluster = fresh_cluster
    cluster.deploy(WEB.replace("host1", "host3"), "shop")
    (client,) = cluster.running("shop_client")
    local = next(task for task in cluster.running("shop_web") if task.host == 3)
    cluster.lab.cut(3)
    try:
        (answer,) = ask(cluster, client, "web")
        assert local.address in answer.addresses
        os.kill(pid_of(cluster, local), signal.SIGKILL)
        until("it runs again", lambda: local.container_id in containers(cluster, 3), timeout=10)
        until("it is answered again", lambda: local.address in ask(cluster, client, "web")[0].addresses)
        cluster.exec(client, "timeout", "3", "wget", "-q", "-O", "-", f"http://{local.address}/")
    finally:
        cluster.lab.heal(3)
    settle(cluster)
    cluster.wait_running("shop_client", 1)
    assert_one_of_each(cluster, 6)


# --- agents ---------------------------------------------------------------------------------------------------------


def test_a_killed_agent_comes_back_and_no_container_restarts(fresh_cluster: Cluster) -> None:
    cluster = fresh_cluster
    cluster.deploy(WEB, "shop")
    before = containers(cluster)
    client = WEB.replace("host1", "host3").replace("  web:", "  other:")
    cluster.deploy(client, "near")
    (asker,) = cluster.running("near_client")
    with watching(cluster, asker, "other") as watch:
        kill_daemon(cluster, 3)
        start_daemon(cluster, 3)
        settle(cluster)
        answers = watch.stop()
    assert before.items() <= containers(cluster).items()
    assert {answer.code for answer in answers} == {"NOERROR"}
    assert min(len(answer.addresses) for answer in answers) == 6


def test_what_crashed_while_the_agent_was_away_is_replaced(fresh_cluster: Cluster) -> None:
    cluster = fresh_cluster
    cluster.deploy(WEB, "shop")
    victim = next(task for task in cluster.running("shop_web") if task.host == 2)
    kill_daemon(cluster, 2)
    os.kill(pid_of(cluster, victim), signal.SIGKILL)
    start_daemon(cluster, 2)
    settle(cluster)
    until("it is replaced", lambda: victim.id not in {task.id for task in cluster.wait_running("shop_web", 6)})
    assert_one_of_each(cluster, 6)


# --- the manager ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0.0, 0.1, 0.3, 0.8, 1.6])
def test_a_manager_killed_in_the_middle_of_a_deployment_completes_it(fresh_cluster: Cluster, after: float) -> None:
    cluster = fresh_cluster
    cluster.deploy(WEB.replace("replicas: 6", "replicas: 3"), "shop")
    before = containers(cluster)
    cluster.deploy(WEB, "shop", "--detach")
    time.sleep(after)
    kill_daemon(cluster, 1)
    start_daemon(cluster, 1)
    settle(cluster)
    cluster.wait_running("shop_web", 6)
    assert_one_of_each(cluster, 6)
    assert before.items() <= containers(cluster).items(), "a running container was restarted"


def test_without_a_manager_names_are_answered_and_crashed_containers_restart(fresh_cluster: Cluster) -> None:
    cluster = fresh_cluster
    cluster.deploy(WEB, "shop")
    (client,) = cluster.running("shop_client")  # on the manager's own host
    before = containers(cluster)
    victim = next(task for task in cluster.running("shop_web") if task.host == 2)
    with watching(cluster, client, "web") as watch:
        kill_daemon(cluster, 1)
        killed = time.time()
        os.kill(pid_of(cluster, victim), signal.SIGKILL)
        until(
            "the crashed container runs again",
            lambda: (
                containers(cluster, 2).get(victim.container_id, before[victim.container_id])
                != before[victim.container_id]
            ),
            timeout=15,
        )
        time.sleep(max(0.0, killed + 6 - time.time()))
        start_daemon(cluster, 1)
        settle(cluster)
        answers = watch.stop()
    assert {answer.code for answer in answers} == {"NOERROR"}
    assert all(answer.addresses for answer in answers)
    now = containers(cluster)
    assert {id: at for id, at in before.items() if id != victim.container_id}.items() <= now.items()
    assert victim.container_id in now, "what was restarted in place was replaced afterwards"
    assert_one_of_each(cluster, 6)


# --- engines --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [1, 3])
@pytest.mark.parametrize("action", ["restart", "kill"])
def test_an_engine_restarts_under_its_agent(fresh_cluster: Cluster, action: str, host: int) -> None:
    cluster = fresh_cluster
    cluster.deploy(WEB, "shop")
    others = containers(cluster, *(set(cluster.hosts) - {host}))
    pid = daemon_pid(cluster, host)
    cluster.lab.engine(action, host)
    if action == "kill":
        cluster.lab.engine("start", host)
    settle(cluster)
    cluster.wait_running("shop_web", 6)
    (client,) = cluster.wait_running("shop_client", 1)
    assert_one_of_each(cluster, 6)
    assert others.items() <= containers(cluster).items()
    assert daemon_pid(cluster, host) == pid
    for task in cluster.running("shop_web"):
        cluster.exec(client, "timeout", "3", "wget", "-q", "-O", "-", f"http://{task.address}/")
    cluster.deploy(WEB.replace("replicas: 6", "replicas: 9"), "shop")


def test_a_host_whose_engine_stays_away_is_replaced(fresh_cluster: Cluster) -> None:
    cluster = fresh_cluster
    cluster.deploy(WEB, "shop")
    cluster.lab.engine("stop", 3)
    try:
        until(
            "its tasks run elsewhere",
            lambda: {task.host for task in cluster.wait_running("shop_web", 6)} == {1, 2},
            timeout=40,
        )
    finally:
        cluster.lab.engine("start", 3)
    settle(cluster)
    assert_one_of_each(cluster, 6)
