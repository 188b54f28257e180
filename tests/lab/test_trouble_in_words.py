"""What a host cannot do is said in words where users look, and the daemons live on."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.cluster import Cluster, Task, join
from tests.lab.handle import Lab, lab_of
from tests.lab.waiting import until

pytestmark = pytest.mark.lab


def compose(image: str = "busybox:latest", more: str = "", host: str = "host3") -> str:
    return f"""
services:
  web:
    image: {image}
    init: true
    command: sleep 3600
    deploy:
      placement: {{constraints: ["node.hostname == {host}"]}}
      restart_policy: {{condition: none}}
    {more}
"""


@pytest.fixture
def alive(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, whose daemons are afterwards the same as before and still work."""
    before = daemons(cluster)
    yield cluster
    assert daemons(cluster) == before
    cluster.deploy(compose(), "after")


def daemons(cluster: Cluster) -> list[str]:
    return [(cluster.lab.data_dir(host) / "daemon.pid").read_text() for host in cluster.hosts]


def refused(cluster: Cluster, text: str) -> Task:
    """A deployment that fails says so, exits with 1, and names the same trouble as `ps` does afterwards."""
    done = cluster.deploy(text, "bad", "--timeout", "60", check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (task,) = cluster.tasks("bad_web")
    assert task.error
    assert task.error.splitlines()[0] in done.stdout + done.stderr
    assert task.node in done.stdout + done.stderr
    return task


def test_an_image_that_is_nowhere(alive: Cluster) -> None:
    task = refused(alive, compose("nobody/nothing:1"))
    assert task.state == "rejected"
    assert "nobody/nothing:1" in task.error


def test_a_registry_that_is_down(alive: Cluster) -> None:
    image = "10.77.0.2:5999/busybox:1"
    task = refused(alive, compose(image))
    assert image in task.error
    assert "connection refused" in task.error.lower()
    alive.clear()
    alive.lab.docker(3, "tag", "busybox:latest", image)
    task = refused(alive, compose(image, more="pull_policy: always"))
    assert "connection refused" in task.error.lower()
    alive.clear()
    alive.deploy(compose(image), "local")


def test_a_port_that_a_foreign_process_has(alive: Cluster) -> None:
    with foreign_listener(alive.lab, 3, 8085):
        task = refused(alive, compose(more='ports: [{target: 80, published: "8085", mode: host}]'))
        assert task.state in ("failed", "rejected")
        assert "8085" in task.error
        assert "taken on host3 by another program" in task.error


def test_a_task_that_eats_its_memory(alive: Cluster) -> None:
    eater = compose().replace("command: sleep 3600", "command: sh -c 'sleep 1; x=a; while :; do x=$$x$$x; done'")
    eater = eater.replace("deploy:", "deploy:\n      resources: {limits: {memory: 16M}}")
    alive.deploy(eater, "bad", "--detach")
    task = until("it has failed", lambda: next((t for t in alive.tasks("bad_web") if t.state == "failed"), None), 30)
    assert "memory limit 16 MiB" in task.error


def test_a_command_that_is_not_in_the_image(alive: Cluster) -> None:
    task = refused(alive, compose().replace("sleep 3600", "/no/such/program").replace("init: true", "init: false"))
    assert "/no/such/program" in task.error
    assert task.state == "failed"


def test_a_health_check_that_fails(alive: Cluster) -> None:
    check = '{test: "echo the words of the check; false", interval: 300ms, retries: 1}'
    task = refused(alive, compose(more=f"stop_signal: KILL\n    healthcheck: {check}"))
    assert task.state == "failed"
    assert "unhealthy: the words of the check" in task.error


def test_a_directory_that_is_not_on_the_host(alive: Cluster) -> None:
    mount = "{type: bind, source: /no/such/directory, target: /data, bind: {create_host_path: false}}"
    task = refused(alive, compose(more=f"volumes: [{mount}]"))
    assert "/no/such/directory" in task.error


def test_a_full_disk_under_the_engine(alive: Cluster) -> None:
    lab = alive.lab
    data = lab.data_dir(3).parent / "docker"
    lab.engine("stop", 3)
    lab.run(3, "mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(data))
    lab.engine("start", 3)
    try:
        until("host 3 is ready", lambda: alive.nodes()["host3"] == "ready", timeout=30)
        lab.load("busybox")
        full = data / "full"
        lab.run(3, "dd", "if=/dev/zero", f"of={full}", "bs=1M", check=False)
        task = refused(alive, compose())
        assert "no space left on device" in task.error
        lab.run(3, "rm", str(full))
        alive.clear()
        alive.deploy(compose(), "good")
        alive.clear()
    finally:
        lab.engine("stop", 3)
        lab.run(3, "umount", str(data))
        lab.engine("start", 3)
    until("host 3 is ready", lambda: alive.nodes()["host3"] == "ready", timeout=30)


@pytest.mark.usefixtures("_unwinds_when_ended")
def test_a_full_disk_under_the_manager() -> None:
    """What cannot be written is refused and not half done; what runs goes on; with space again all is well."""
    with lab_of(1) as lab:
        data = lab.data_dir(1)
        lab.run(1, "mkdir", "-p", str(data))
        lab.run(1, "mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(data))
        cluster = join(lab, [1])
        cluster.deploy(compose(host="host1"), "before")
        pid = lab.run(1, "cat", str(data / "daemon.pid")).stdout
        lab.run(1, "dd", "if=/dev/zero", f"of={data}/full", "bs=4k", check=False)
        done = cluster.deploy(compose(host="host1"), "during", "--timeout", "30", check=False)
        assert done.returncode == 1
        assert "full" in done.stderr.lower(), done.stderr
        assert cluster.stacks() == ["before"]
        (victim,) = cluster.running("before_web")
        lab.run(1, "rm", f"{data}/full")
        cluster.deploy(compose(host="host1"), "later")
        assert victim.id in {task.id for task in cluster.running("before_web")}
        assert lab.run(1, "cat", str(data / "daemon.pid")).stdout == pid


@contextmanager
def foreign_listener(lab: Lab, host: int, port: int) -> Iterator[None]:
    process = lab.popen(host, sys.executable, "-m", "http.server", str(port))
    try:
        until("it listens", lambda: f":{port} " in lab.run(host, "ss", "-ltn").stdout)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()
