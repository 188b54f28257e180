"""swarmlite and Docker Swarm as a benchmark sees them: the same questions in Docker's own API, to two managers.

Both run on the same three hosts of one lab at the same time, Swarm on ports beside ours, so that they can be measured
in turn. Its services take `dnsrr`, since virtual addresses there need IPVS, which many kernels lack.
"""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from swarmlite.lab.engine import answers
from tests.bench import engine
from tests.lab.handle import COMMAND, Lab
from tests.lab.waiting import until

STACK = "bench"
MANAGER = 1
LOST = 3
POLL, START_POLL = 0.03, 0.1
"""Seconds between questions to a manager: where tenths count, and where the asking itself would slow it down."""

COMPOSE = """\
version: "3.8"
services:
  web:
    image: swarmlite/whoami:latest
    command: ["sleep", "1000000"]
    init: true
    stop_grace_period: 1s
    deploy:
      replicas: {replicas}{extra}
"""
SWARM_PORT, SWARM_DATA_PORT = 2477, 4790


@dataclass(frozen=True)
class Replica:
    host: int
    container: str
    address: str


class Peer(Protocol):
    """An orchestrator on the lab's hosts. Times are in seconds."""

    @property
    def lab(self) -> Lab: ...
    @property
    def name(self) -> str: ...
    def start(self) -> None: ...
    def deploy(self, replicas: int) -> float:
        """From the call until all run."""
        ...

    def running(self) -> int: ...
    def replicas(self) -> list[Replica]:
        """Those that run, and are meant to."""
        ...

    def remove(self) -> None: ...
    def revive(self) -> None:
        """After the lost host has been started again: wait until it is a node again."""
        ...


@dataclass(frozen=True)
class Swarmlite:
    lab: Lab
    name: str = "swarmlite"
    service: str = f"{STACK}_web"

    @property
    def manager(self) -> Path:
        return self.lab.data_dir(MANAGER) / "docker.sock"

    def start(self) -> None:
        self.lab.swarmlite(MANAGER, "init")
        token = self.lab.swarmlite(MANAGER, "token", "create", "-q").stdout.strip()
        for host in range(2, self.lab.hosts + 1):
            self.lab.swarmlite(host, "join", "--token", token, self.lab.address(MANAGER))
        wait_ready(self.manager, self.lab.hosts)

    def deploy(self, replicas: int) -> float:
        text = COMPOSE.format(replicas=replicas, extra="")
        data_dir = str(self.lab.data_dir(MANAGER))
        command = [COMMAND, "deploy", "--detach", "--data-dir", data_dir, "-c", "-", STACK]
        return time_until_running(self, command, text, replicas)

    def running(self) -> int:
        return len(running_tasks(self.manager, self.service))

    def replicas(self) -> list[Replica]:
        return replicas_of(self.manager, self.service)

    def remove(self) -> None:
        self.lab.swarmlite(MANAGER, "stack", "rm", STACK)
        wait_gone(self.lab, self.service)

    def revive(self) -> None:
        wait_ready(self.manager, self.lab.hosts)


@dataclass(frozen=True)
class Swarm:
    lab: Lab
    name: str = "Docker Swarm"
    service: str = f"{STACK}sw_web"

    @property
    def manager(self) -> Path:
        return self.lab.socket(MANAGER)

    def start(self) -> None:
        here = f"{self.lab.address(MANAGER)}:{SWARM_PORT}"
        self.lab.docker(
            MANAGER, "swarm", "init", "--listen-addr", here, "--advertise-addr", here,
            "--data-path-port", str(SWARM_DATA_PORT), "--task-history-limit", "1",
        )  # fmt: skip
        token = self.lab.docker(MANAGER, "swarm", "join-token", "-q", "worker").stdout.strip()
        for host in range(2, self.lab.hosts + 1):
            there = f"{self.lab.address(host)}:{SWARM_PORT}"
            self.lab.docker(host, "swarm", "join", "--token", token, "--listen-addr", there, here)
        self.revive()

    def deploy(self, replicas: int) -> float:
        text = COMPOSE.format(replicas=replicas, extra="\n      endpoint_mode: dnsrr")
        command = ["docker", "-H", f"unix://{self.manager}", "stack", "deploy", "--resolve-image", "never"]
        return time_until_running(self, [*command, "-c", "-", f"{STACK}sw"], text, replicas)

    def running(self) -> int:
        return len(running_tasks(self.manager, self.service))

    def replicas(self) -> list[Replica]:
        return replicas_of(self.manager, self.service)

    def remove(self) -> None:
        self.lab.docker(MANAGER, "stack", "rm", f"{STACK}sw")
        wait_gone(self.lab, self.service)
        until("its network is gone", lambda: not self._networks(), timeout=60, pause=0.2)

    def revive(self) -> None:
        wait_ready(self.manager, self.lab.hosts)

    def _networks(self) -> list[Any]:
        wanted = engine.filtered(name=f"{STACK}sw_default")
        return [
            found
            for host in running_hosts(self.lab)
            for found in engine.call(self.lab.socket(host), "GET", "/networks", filters=wanted)
        ]


def time_until_running(peer: Peer, command: Sequence[str], text: str, replicas: int) -> float:
    """Seconds from the command's start until the manager says that all run."""
    started = time.monotonic()
    subprocess.run(command, input=text, text=True, check=True, capture_output=True)
    until("all replicas run", lambda: peer.running() == replicas, timeout=180, pause=START_POLL)
    return time.monotonic() - started


def running_hosts(lab: Lab) -> list[int]:
    return [host for host in range(1, lab.hosts + 1) if answers(lab.socket(host))]


def wait_ready(manager: Path, count: int) -> None:
    """Until so many nodes are ready, in a manager's own word."""

    def ready() -> bool:
        states = [node["Status"]["State"] for node in engine.call(manager, "GET", "/nodes")]
        return states.count("ready") == count

    until("all nodes ready", ready, timeout=90, pause=0.2)


def replicas_of(manager: Path, service: str) -> list[Replica]:
    """By the manager's own word, in Docker's API, which both speak."""
    hosts = {node["ID"]: int(node["Description"]["Hostname"][4:]) for node in engine.call(manager, "GET", "/nodes")}
    return [
        Replica(
            host=hosts[task["NodeID"]],
            container=task["Status"]["ContainerStatus"]["ContainerID"],
            address=task["NetworksAttachments"][0]["Addresses"][0].partition("/")[0],
        )
        for task in running_tasks(manager, service)
    ]


def running_tasks(manager: Path, service: str) -> list[dict[str, Any]]:
    wanted = engine.filtered(service=service, desired_state="running")
    tasks: list[dict[str, Any]] = engine.call(manager, "GET", "/tasks", filters=wanted)
    return [task for task in tasks if task["Status"]["State"] == "running"]


def wait_gone(lab: Lab, service: str) -> None:
    """Until no container of a service is on any host."""
    label = {"com.docker.swarm.service.name": service}
    until(
        f"containers of {service} gone",
        lambda: not any(engine.containers(lab.socket(host), label, everything=True) for host in running_hosts(lab)),
        timeout=90,
        pause=0.2,
    )
