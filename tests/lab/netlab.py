"""Hosts of a lab with one network driver in each (`network_host`), for tests that build networks without a manager."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from swarmlite.lab.layout import DIRECTORY_VARIABLE, Layout, Node
from swarmlite.lab.nodes import enter, entered_environment, running_pid

REPOSITORY = Path(__file__).parents[2]
IMAGE = "busybox:latest"
SLEEP = ("busybox", "sleep", "100000")


class Host:
    """One host. `index` counts from 1."""

    def __init__(self, node: Node, index: int) -> None:
        self.node = node
        self.index = index
        self.address = node.address
        self.url = f"unix://{node.socket}"
        self._driver: subprocess.Popen[str] | None = None

    def do(self, what: str, **arguments: Any) -> Any:
        """A command of `network_host`; raises its error as `Refused`."""
        driver = self._driver or self._start()
        assert driver.stdin is not None
        assert driver.stdout is not None
        driver.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        driver.stdin.flush()
        answer = json.loads(driver.stdout.readline())["answer"]
        if isinstance(answer, dict) and "error" in answer:
            raise Refused(f"{answer['error']}: {answer['message']}")
        return answer

    def restart_driver(self) -> None:
        """As an agent that was killed and starts again."""
        if self._driver is not None:
            self._driver.kill()
            self._driver.communicate()
        self._driver = None

    def start_engine(self) -> None:
        _lab(self.node.directory.parent.parent, "start", str(self.index))

    def shell(self, command: str) -> str:
        """Output of a command in this host's namespaces."""
        return self._checked([*enter(running_pid(self.node)), "sh", "-c", command])

    def docker(self, *arguments: str) -> str:
        return self._checked(["docker", "-H", self.url, *arguments])

    def run(self, name: str, network: str, address: str, *command: str) -> None:
        """A container of that address on a network."""
        self.docker(
            "run", "-d", "--name", name, "--network", network, "--ip", address, "--label", "netlab=yes",
            IMAGE, *(command or SLEEP),
        )  # fmt: skip

    def serve(self, name: str, network: str, address: str) -> None:
        """A container that answers HTTP on port 80 with its name."""
        page = f"mkdir -p /www; echo {name} > /www/index.html; exec busybox httpd -f -p 80 -h /www"
        self.run(name, network, address, "sh", "-c", page)

    def works(self, container: str, *command: str) -> bool:
        """Whether the command succeeds in a container."""
        done = self._run(["docker", "-H", self.url, "exec", container, "busybox", *command])
        return done.returncode == 0

    def reaches(self, container: str, address: str) -> bool:
        return self.works(container, "ping", "-c", "1", "-W", "1", address)

    def clear(self) -> None:
        """Without containers and cluster networks."""
        containers = self.docker("ps", "-aq", "--filter", "label=netlab").split()
        if containers:
            self.docker("rm", "-f", *containers)
        for network in self.do("present"):
            self.do("drop", id=network)

    def _start(self) -> subprocess.Popen[str]:
        self._driver = subprocess.Popen(
            [
                *enter(running_pid(self.node)),
                *(sys.executable, "-m", "tests.lab.network_host", self.url, self.address),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**entered_environment(self.node, Path(sys.executable).parent), "PYTHONPATH": str(REPOSITORY)},
        )
        return self._driver

    def _checked(self, argv: Sequence[str]) -> str:
        done = self._run(argv)
        assert done.returncode == 0, f"{argv}: {done.stderr}"
        return done.stdout.strip()

    def _run(self, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


class Refused(Exception):
    """The host's answer was an error."""


def clear(hosts: Sequence[Host]) -> None:
    """All hosts without containers and cluster networks."""
    with ThreadPoolExecutor(len(hosts)) as pool:
        list(pool.map(Host.clear, hosts))


@contextmanager
def lab_hosts(count: int) -> Iterator[tuple[Host, ...]]:
    """A lab of its own, gone afterwards."""
    directory = Path(os.path.realpath(tempfile.mkdtemp(prefix="swl-")))
    layout = Layout(directory)
    _lab(directory, "up", "--hosts", str(count))
    hosts = tuple(Host(layout.host(index), index) for index in range(1, count + 1))
    try:
        for host in hosts:  # as Docker leaves a host on which it was the one to turn forwarding on
            host.shell("iptables -P FORWARD DROP")
        yield hosts
    finally:
        for host in hosts:
            host.restart_driver()
        _lab(directory, "down")
        shutil.rmtree(directory, ignore_errors=True)


def _lab(directory: Path, *command: str) -> None:
    """`swarmlite lab …`, in a process of its own: a lab outlives the one that started it."""
    program = Path(sys.executable).parent / "swarmlite"
    environment = {**os.environ, DIRECTORY_VARIABLE: str(directory)}
    done = subprocess.run(
        [program, "lab", *command], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
