"""Figure 6: what an answer costs, and how long it takes while a deployment keeps the host busy."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.bench import bench_dns, engine
from tests.bench.peers import MANAGER, Peer
from tests.bench.recovery import into
from tests.bench.table import Row
from tests.lab.handle import Lab

RATE, SECONDS = 2000, 6.0
BESIDE, REPLICAS = "beside", 30
LIMIT = 1.0
"""Milliseconds."""

ASKED = """\
services:
  web:
    image: swarmlite/whoami:latest
    command: ["sleep", "1000000"]
    init: true
    stop_grace_period: 1s
    deploy: {mode: global}
"""


def alone() -> list[Row]:
    rows = []
    for what, value, limit in asyncio.run(bench_dns.figures()):
        goal, good = (f"≤ {limit}", value <= float(limit)) if limit else ("", None)
        rows.append(Row(f"DNS: {what}", f"{value:.2f}", "", goal, "", good))
    return rows


def during_deployment(lab: Lab, peers: list[Peer], say: Callable[[str], None]) -> list[Row]:
    """A container asks for names at a steady rate while a stack of another name is deployed, and while it is not."""
    ours = peers[0]
    lab.swarmlite(MANAGER, "deploy", "-c", "-", BESIDE, stdin=ASKED)
    rows = []
    for what, busy in (("nothing else going on", False), (f"{REPLICAS} replicas deployed meanwhile", True)):
        pacer = _Pacer(lab)
        if busy:
            ours.deploy(REPLICAS)
        answered, lost, p50, p99, _ = pacer.result()
        if busy:
            ours.remove()
        say(f"{RATE} queries/s, {what}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, {lost:.0f} of {answered + lost:.0f} lost")
        rows.append(Row(f"DNS: p99 at {RATE}/s in a container, {what}", f"{p99:.2f} ms", "", f"≤ {LIMIT:g} ms", "",
                        good=p99 <= LIMIT and not lost))  # fmt: skip
    lab.swarmlite(MANAGER, "stack", "rm", BESIDE)
    return rows


class _Pacer:
    """Asks from a container on the manager's host, which is the busiest."""

    def __init__(self, lab: Lab) -> None:
        socket = lab.socket(MANAGER)
        label = {"com.docker.swarm.service.name": f"{BESIDE}_web"}
        container = engine.containers(socket, label)[0]
        (network,) = container["NetworkSettings"]["Networks"].values()
        command = [*into(socket, container["Id"]), "-m", "tests.bench.pacer", network["Gateway"], str(RATE)]
        self._process = subprocess.Popen(
            ["nice", "-n", "-15", *command, str(SECONDS), "web", f"{BESIDE}_web", "tasks.web"],
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip

    def result(self) -> tuple[float, float, float, float, float]:
        out, _ = self._process.communicate(timeout=60)
        answered, lost, p50, p99, longest = map(float, out.split())
        return answered, lost, p50, p99, longest
