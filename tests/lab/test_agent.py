"""What a host does with its tasks on a real engine: failures in words, and life without a manager."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.lab.cluster import MANAGER, Cluster, Task

pytestmark = pytest.mark.lab

BROKEN = """
services:
  nosuch: {{image: "{registry}/nosuch:1", deploy: &once {{restart_policy: {{condition: none}}}}}}
  unreachable: {{image: "10.77.0.250:5000/x:1", deploy: *once}}
  nocommand: {{image: busybox, command: [nosuchcommand], deploy: *once}}
  nopath: {{image: busybox, volumes: [{{type: bind, source: /nosuch, target: /x}}], deploy: *once}}
  greedy:
    image: busybox
    command: [sh, -c, "busybox tail /dev/zero"]
    deploy: {{restart_policy: {{condition: none}}, resources: {{limits: {{memory: 32M}}}}}}
  sick:
    image: busybox
    command: [sleep, "1000"]
    stop_signal: KILL
    healthcheck: {{test: "echo the words of the check; false", interval: 300ms, retries: 1}}
    deploy: *once
"""

WORDS = {
    "nosuch": "nosuch:1 is not on host",
    "unreachable": "registry 10.77.0.250:5000 cannot be reached",
    "nocommand": "command 'nosuchcommand' is not in the image",
    "nopath": "bind mount: /nosuch does not exist on host",
    "greedy": "task: non-zero exit (137): killed for exceeding its memory limit 32 MiB",
    "sick": "unhealthy: the words of the check",
}

WEB = """
services:
  web:
    image: busybox
    command: [busybox, httpd, -f, -p, "80"]
    stop_signal: KILL
    deploy: {replicas: 3}
"""


def ended(cluster: Cluster, service: str) -> Callable[[], Task | None]:
    return lambda: next((task for task in cluster.tasks(service) if task.state in ("failed", "rejected")), None)


def test_a_task_that_cannot_run_says_why_in_words(cluster: Cluster) -> None:
    cluster.deploy(BROKEN.format(registry=cluster.lab.registry), "broken", "--detach")
    found = {name: cluster.until(f"{name} ends", ended(cluster, f"broken_{name}"), 60).error for name in WORDS}
    assert {name: words for name, words in WORDS.items() if words not in found[name]} == {}, found


def test_a_port_that_another_program_has_is_named(cluster: Cluster) -> None:
    host = 2
    other = cluster.lab.popen(host, sys.executable, "-m", "http.server", "8099")
    try:
        cluster.until("the port is taken", lambda: ":8099" in cluster.lab.run(host, "ss", "-lnt").stdout or None)
        ports = "[{target: 80, published: 8099, mode: host}]"
        placed = "{restart_policy: {condition: none}, placement: {constraints: [node.hostname==host2]}}"
        text = f"services: {{web: {{image: busybox, command: [sleep, '9'], ports: {ports}, deploy: {placed}}}}}"
        cluster.deploy(text, "taken", "--detach")
        failed = cluster.until("the task fails", ended(cluster, "taken_web"), 30)
        assert failed.error == "port 8099/tcp is taken on host2 by another program"
    finally:
        other.terminate()
        other.communicate(timeout=10)


def test_a_killed_container_is_replaced_at_once(cluster: Cluster) -> None:
    cluster.deploy(WEB, "quick")
    victim = cluster.wait_running("quick_web", 3)[0]
    cluster.lab.docker(victim.host, "kill", victim.container_id)
    cluster.until("the task failed", lambda: victim.id not in {it.id for it in cluster.running("quick_web")} or None)
    assert victim.id not in {task.id for task in cluster.wait_running("quick_web", 3, 10)}


@contextmanager
def manager_away(cluster: Cluster) -> Iterator[None]:
    """The manager's daemon killed, and started again afterwards."""
    pid = int((cluster.lab.data_dir(MANAGER) / "daemon.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    try:
        yield
    finally:
        cluster.lab.swarmlite(MANAGER, "daemon", "--detach")


def test_without_a_manager_names_are_answered_and_crashed_containers_restart(cluster: Cluster) -> None:
    cluster.deploy(WEB, "alone")
    tasks = cluster.wait_running("alone_web", 3)
    victim, asker = [task for task in tasks if task.host != MANAGER][:2]
    started = "{{.State.Running}} {{.State.StartedAt}}"

    def look() -> str:
        return cluster.lab.docker(victim.host, "inspect", "-f", started, victim.container_id).stdout.strip()

    before = look()
    with manager_away(cluster):
        assert cluster.exec(asker, "busybox", "nslookup", "web").returncode == 0
        cluster.lab.docker(victim.host, "kill", victim.container_id)
        cluster.until("it runs again", lambda: (look() != before and look().startswith("true")) or None, 15)
    after = cluster.wait_running("alone_web", 3, 30)
    assert {task.id for task in after} == {task.id for task in tasks}
    assert look().startswith("true")
