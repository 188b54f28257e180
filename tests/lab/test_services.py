"""Where tasks run, how many, and what follows when they end: through the command line, on real engines."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from tests.lab.cluster import Cluster, Task

pytestmark = pytest.mark.lab

WHOAMI = "image: swarmlite/whoami"


def _web(deploy: str, more: str = "") -> str:
    return f"services: {{web: {{{WHOAMI}, {more} deploy: {{{deploy}}}}}}}"


def _hosts(tasks: list[Task]) -> list[str]:
    return sorted(task.node for task in tasks)


@contextmanager
def _labels(cluster: Cluster, **labels: str) -> Iterator[None]:
    """`host1="zone=a"`, and so on, for a while."""
    for host, label in labels.items():
        cluster.cli(1, "node", "update", "--label-add", label, host)
    try:
        yield
    finally:
        for host, label in labels.items():
            cluster.cli(1, "node", "update", "--label-rm", label.partition("=")[0], host)


# --- scale ---


def test_services_scale_up_and_down_several_at_once(cluster: Cluster) -> None:
    cluster.deploy(f"services: {{web: {{{WHOAMI}}}, api: {{{WHOAMI}}}}}", "scale")
    [first] = cluster.running("scale_web")
    done = cluster.cli(1, "service", "scale", "scale_web=5", "scale_api=2")
    assert "scale_web: 5/5 running" in done.stdout
    assert (len(cluster.running("scale_web")), len(cluster.running("scale_api"))) == (5, 2)
    assert max(Counter(_hosts(cluster.running("scale_web"))).values()) == 2, "spread evenly"
    assert first.container_id in {task.container_id for task in cluster.running("scale_web")}
    cluster.cli(1, "service", "scale", "scale_web=1", "scale_api=0")
    cluster.wait_running("scale_web", 1)
    cluster.until("the api is gone", lambda: not cluster.running("scale_api"), timeout=30)


def test_a_service_can_be_named_without_its_stack_where_only_one_is_so_called(cluster: Cluster) -> None:
    cluster.deploy(_web("replicas: 1"), "short")
    cluster.cli(1, "service", "scale", "web=2")
    assert len(cluster.running("short_web")) == 2
    cluster.deploy(_web("replicas: 1"), "other")
    done = cluster.cli(1, "service", "scale", "web=3", check=False)
    assert done.returncode == 2
    assert "other_web, short_web" in done.stderr


def test_a_scale_that_names_one_wrongly_changes_none(cluster: Cluster) -> None:
    cluster.deploy(f"services: {{web: {{{WHOAMI}}}, all: {{{WHOAMI}, deploy: {{mode: global}}}}}}", "wrong")
    for other, says in (("nosuch=3", "service nosuch not found"), ("wrong_all=3", "is global")):
        done = cluster.cli(1, "service", "scale", "wrong_web=4", other, check=False)
        assert done.returncode != 0
        assert says in done.stderr
    for words in (["wrong_web"], ["wrong_web=-1"], ["wrong_web=x"], []):
        assert cluster.cli(1, "service", "scale", *words, check=False).returncode == 2
    [service] = [row for row in cluster.rows("service", "ls") if row["name"] == "wrong_web"]
    assert len([task for task in cluster.tasks("wrong_web") if task.desired_state == "running"]) == 1, service


def test_a_global_service_runs_once_on_every_host(cluster: Cluster) -> None:
    cluster.deploy(_web("mode: global"), "glob")
    assert _hosts(cluster.running("glob_web")) == ["host1", "host2", "host3"]
    cluster.deploy(_web("mode: global, placement: {constraints: [node.role == worker]}"), "glob")
    cluster.wait_running("glob_web", 2)
    assert _hosts(cluster.running("glob_web")) == ["host2", "host3"]


# --- restart ---


def test_a_crashing_task_restarts_at_once_and_then_ever_later(cluster: Cluster) -> None:
    crash = "services: {web: {image: busybox, command: sh -c 'exit 3'}}"
    cluster.deploy(crash, "crash", "--detach")
    tasks = cluster.until("six attempts", lambda: _ended(cluster, "crash_web", 6), timeout=40)
    assert all(task.error == "task: non-zero exit (3)" and task.exit_code == 3 for task in tasks)
    ends = sorted(task.since for task in tasks)
    gaps = [(later - sooner).total_seconds() for sooner, later in pairwise(ends)]
    assert gaps[-1] > 0.8, "0.1 s doubles with each restart"
    assert gaps[-1] > min(gaps)


def _ended(cluster: Cluster, service: str, count: int) -> list[Task] | None:
    tasks = [task for task in cluster.tasks(service) if task.state in ("failed", "complete")]
    return tasks if len(tasks) >= count else None


def test_max_attempts_ends_it_and_the_deployment_says_so(cluster: Cluster) -> None:
    text = (
        "services: {web: {image: busybox, command: sh -c 'echo dying; exit 4', "
        "deploy: {restart_policy: {condition: any, delay: 100ms, max_attempts: 2}}}}"
    )
    done = cluster.deploy(text, "max", check=False)
    assert done.returncode == 1
    assert "non-zero exit (4)" in done.stderr
    assert "2 restarts" in done.stderr
    assert "| dying" in done.stderr
    assert [task.state for task in cluster.tasks("max_web")] == ["failed"] * 3


@pytest.mark.parametrize(
    ("condition", "code", "attempts"), [("none", 1, 1), ("on-failure", 0, 1), ("on-failure", 1, 3)]
)
def test_the_condition_says_which_end_is_followed_by_a_restart(
    cluster: Cluster, condition: str, code: int, attempts: int
) -> None:
    policy = f"restart_policy: {{condition: {condition}, delay: 100ms, max_attempts: 2}}"
    text = f"services: {{web: {{image: busybox, command: sh -c 'exit {code}', deploy: {{{policy}}}}}}}"
    done = cluster.deploy(text, "cond", check=False)
    assert done.returncode == code
    assert len(cluster.tasks("cond_web")) == attempts
    assert {task.state for task in cluster.tasks("cond_web")} == {"failed" if code else "complete"}


# --- placement ---


def test_every_key_of_constraints_places_tasks(cluster: Cluster) -> None:
    [own] = [row for row in cluster.rows("node", "ls") if row["name"] == "host2"]
    arch = cluster.cli(1, "node", "inspect", "host2").stdout.partition('"Architecture": "')[2].partition('"')[0]
    everywhere, one, others = ["host1", "host2", "host3"], ["host2"], ["host1", "host3"]
    cases = {
        f"node.id == {own['id']}": one,
        f"node.id != {own['id']}": others,
        "node.hostname == host2": one,
        "node.hostname != host2": others,
        f"node.ip == {cluster.lab.address(2)}": one,
        f"node.ip != {cluster.lab.address(2)}": others,
        "node.role == worker": ["host2", "host3"],
        "node.role != worker": ["host1"],
        "node.platform.os == linux": everywhere,
        f"node.platform.arch == {arch}": everywhere,
        "node.labels.disk == ssd": one,
        "node.labels.disk != ssd": others,
        "node.labels.disk==ssd": one,
        "engine.labels.none != x": everywhere,
    }
    services = "\n".join(
        f'  s{i}: {{{WHOAMI}, deploy: {{mode: global, placement: {{constraints: ["{text}"]}}}}}}'
        for i, text in enumerate(cases)
    )
    with _labels(cluster, host2="disk=ssd"):
        cluster.deploy(f"services:\n{services}\n", "cons")
        found = {text: _hosts(cluster.running(f"cons_s{i}")) for i, text in enumerate(cases)}
    assert found == cases


def test_what_fits_nowhere_says_why_for_each_host_and_runs_once_a_label_changes(cluster: Cluster) -> None:
    text = _web("replicas: 2, placement: {constraints: [node.labels.disk == ssd, node.platform.os != windows]}")
    cluster.deploy(text, "pend", "--detach")
    [first, second] = cluster.until("both pending with a reason", lambda: _pending(cluster, "pend_web", 2))
    for host in ("host1", "host2", "host3"):
        assert f"{host}: constraint node.labels.disk == ssd: disk is not set" in first.error
    assert second.error == first.error
    with _labels(cluster, host3="disk=ssd"):
        assert _hosts(cluster.wait_running("pend_web", 2, timeout=10)) == ["host3", "host3"]
    cluster.clear()


def _pending(cluster: Cluster, service: str, count: int) -> list[Task] | None:
    tasks = [task for task in cluster.tasks(service) if task.state == "pending" and task.error]
    return tasks if len(tasks) == count else None


def test_tasks_are_spread_over_the_values_of_a_label(cluster: Cluster) -> None:
    with _labels(cluster, host1="zone=a", host2="zone=b", host3="zone=b"):
        cluster.deploy(_web("replicas: 4, placement: {preferences: [{spread: node.labels.zone}]}"), "spread")
        assert Counter(_hosts(cluster.running("spread_web"))) == {"host1": 2, "host2": 1, "host3": 1}


def test_no_host_has_more_than_the_maximum_per_node(cluster: Cluster) -> None:
    cluster.deploy(_web("replicas: 4, placement: {max_replicas_per_node: 1}"), "most", "--detach")
    [waits] = cluster.until("one pending", lambda: _pending(cluster, "most_web", 1))
    assert "max replicas per node" in waits.error
    assert all(f"{host}: " in waits.error for host in ("host1", "host2", "host3"))
    cluster.until("three run", lambda: len(cluster.running("most_web")) == 3, timeout=30)
    assert _hosts(cluster.running("most_web")) == ["host1", "host2", "host3"]


def test_a_reservation_that_no_host_has_left_waits_until_one_has(cluster: Cluster) -> None:
    memory = int(cluster.rows("node", "ls")[0]["memory_bytes"]) * 6 // 10
    reserve = f"resources: {{reservations: {{memory: {memory}b}}}}"
    cluster.deploy(_web(f"replicas: 3, {reserve}"), "big")
    cluster.deploy(_web(reserve), "late", "--detach")
    [waits] = cluster.until("one pending", lambda: _pending(cluster, "late_web", 1))
    assert "insufficient resources on 3 nodes" in waits.error
    assert "host3: needs" in waits.error
    cluster.cli(1, "service", "scale", "--detach", "big_web=2")
    cluster.wait_running("late_web", 1, timeout=30)


def test_a_host_port_is_taken_once_a_host_and_given_on_when_it_is_free(cluster: Cluster) -> None:
    port = "ports: [{target: 80, published: 8181, mode: host}],"
    cluster.deploy(_web("replicas: 3", port), "first")
    assert _hosts(cluster.running("first_web")) == ["host1", "host2", "host3"]
    for host in cluster.hosts:
        assert "Hostname:" in _fetch(cluster, host, f"{cluster.lab.address(host)}:8181")
    cluster.deploy(_web("replicas: 1", port), "second", "--detach")
    [waits] = cluster.until("one pending", lambda: _pending(cluster, "second_web", 1))
    assert "host2: port 8181/tcp is taken by another task" in waits.error
    cluster.cli(1, "service", "scale", "--detach", "first_web=2")
    [placed] = cluster.wait_running("second_web", 1, timeout=30)
    assert "Hostname:" in _fetch(cluster, placed.host, f"{cluster.lab.address(placed.host)}:8181")


def _fetch(cluster: Cluster, host: int, where: str) -> str:
    return cluster.lab.run(host, "busybox", "wget", "-q", "-O", "-", f"http://{where}/cgi-bin/index.cgi").stdout


def test_draining_a_host_moves_its_tasks_and_pausing_it_does_not(cluster: Cluster) -> None:
    cluster.deploy(_web("replicas: 3"), "drain")
    with _available(cluster, "pause", "host2"):
        assert "host2" in _hosts(cluster.running("drain_web"))
        cluster.cli(1, "service", "scale", "drain_web=5")
        assert Counter(_hosts(cluster.running("drain_web")))["host2"] == 1
    with _available(cluster, "drain", "host2"):
        tasks = cluster.until("five elsewhere", _five_without(cluster, "host2"), timeout=30)
        assert len(tasks) == 5
        gone = lambda: not cluster.lab.docker(2, "ps", "-q", "--filter", "name=drain_web").stdout.strip()  # noqa: E731
        cluster.until("its containers are stopped", gone, timeout=30)


def _five_without(cluster: Cluster, host: str) -> Callable[[], list[Task] | None]:
    def look() -> list[Task] | None:
        tasks = cluster.running("drain_web")
        return tasks if len(tasks) == 5 and host not in _hosts(tasks) else None

    return look


@contextmanager
def _available(cluster: Cluster, availability: str, host: str) -> Iterator[None]:
    cluster.cli(1, "node", "update", "--availability", availability, host)
    try:
        yield
    finally:
        cluster.cli(1, "node", "update", "--availability", "active", host)


# --- images ---


def test_an_image_that_is_there_needs_no_registry(cluster: Cluster) -> None:
    """Nobody answers at the registry that its name speaks of."""
    image = "10.77.0.99:5000/busybox:1"
    for host in cluster.hosts:
        cluster.lab.docker(host, "tag", "busybox", image)
    there = f"services: {{web: {{image: '{image}', init: true, command: sleep 3600, deploy: {{mode: global}}}}}}"
    cluster.deploy(there, "there", "--timeout", "20")
    asked = there.replace("init:", "pull_policy: always, init:")
    done = cluster.deploy(asked, "asked", "--timeout", "20", check=False)
    assert done.returncode == 1
    assert "registry 10.77.0.99:5000 cannot be reached" in done.stderr or "pulling image" in done.stderr
    for host in cluster.hosts:
        cluster.lab.docker(host, "rmi", "-f", image, check=False)


def test_an_image_that_is_always_pulled_comes_from_the_registry(cluster: Cluster) -> None:
    registry = cluster.lab.registry
    cluster.lab.command("push", "busybox")
    image = f"{registry}/busybox:latest"
    sleeper = "command: [sh, -c, \"trap 'exit 0' TERM; while :; do sleep 3600 & wait $$!; done\"]"
    for host in cluster.hosts:
        cluster.lab.docker(host, "rmi", "-f", image, check=False)
    text = f"services: {{web: {{image: '{image}', pull_policy: always, {sleeper}, deploy: {{mode: global}}}}}}"
    cluster.deploy(text, "pull")
    for host in cluster.hosts:
        assert cluster.lab.docker(host, "images", "-q", image).stdout.strip(), "each host pulled for itself"
    unknown = f"services: {{web: {{image: '{registry}/nosuch:1', {sleeper}}}}}"
    done = cluster.deploy(unknown, "unknown", check=False)
    assert done.returncode == 1
    assert f"{registry}/nosuch:1" in done.stderr
