"""A cluster on the lab's hosts, made and used through the command line, as a user types it."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from tests.lab.handle import Done, Lab, lab_of
from tests.lab.waiting import until

T = TypeVar("T")
MANAGER = 1


@dataclass(frozen=True, kw_only=True)
class Task:
    """A row of `swarmlite ps --format json`."""

    id: str
    name: str
    service: str
    slot: int | None
    node: str
    state: str
    desired_state: str
    since: datetime
    error: str
    exit_code: int | None
    container_id: str
    addresses: tuple[str, ...]

    @property
    def host(self) -> int:
        """The lab's number of the host that it is on; 0 while it is on none."""
        return int(self.node.removeprefix("host") or 0)

    @property
    def address(self) -> str:
        """Its first address."""
        return self.addresses[0]

    @property
    def runs(self) -> bool:
        return self.state == self.desired_state == "running"


@dataclass(frozen=True)
class Cluster:
    """Host 1 is the manager, the others are workers. Methods raise AssertionError when a command fails."""

    lab: Lab

    @property
    def hosts(self) -> range:
        return range(1, self.lab.hosts + 1)

    def cli(self, host: int, *arguments: str, timeout: float = 120.0, check: bool = True, stdin: str = "") -> Done:
        """`swarmlite ARGUMENTS…` on a host."""
        return self.lab.swarmlite(host, *arguments, timeout=timeout, check=check, stdin=stdin)

    def deploy(self, text: str, stack: str, *options: str, check: bool = True) -> Done:
        """Deploy a Compose file and wait until it runs, unless `--detach` is among the options."""
        return self.cli(MANAGER, "deploy", "-c", "-", *options, stack, stdin=text, check=check)

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """What a list command prints with `--format json`."""
        found: list[dict[str, Any]] = json.loads(self.cli(MANAGER, *arguments, "--format", "json").stdout)
        return found

    def tasks(self, service: str = "") -> list[Task]:
        """All tasks of a service (STACK_SERVICE), or of all, also those that ended."""
        return [_task(row) for row in self.rows(*(("service", "ps", service) if service else ("ps",)))]

    def running(self, service: str = "") -> list[Task]:
        return [task for task in self.tasks(service) if task.runs]

    def wait_running(self, service: str, count: int, timeout: float = 30.0) -> list[Task]:
        """The tasks of a service, once `count` of them and no others are there."""

        def look() -> list[Task] | None:
            found = [task for task in self.tasks(service) if task.desired_state == "running"]
            return found if len(found) == count and all(task.runs for task in found) else None

        return self.until(f"{count} tasks of {service} running", look, timeout)

    def exec(self, where: Task | str, *argv: str, check: bool = True, timeout: float = 60.0) -> Done:
        """A command in the container of a task, or of the first running task of a service."""
        task = where if isinstance(where, Task) else self.running(where)[0]
        return self.lab.docker(task.host, "exec", task.container_id, *argv, check=check, timeout=timeout)

    def nodes(self) -> dict[str, str]:
        """The state of each node by its name."""
        return {row["name"]: row["state"] for row in self.rows("node", "ls")}

    def until(self, what: str, look: Callable[[], T | None], timeout: float = 10.0) -> T:
        return until(what, look, timeout)

    def stacks(self) -> list[str]:
        return [row["name"] for row in self.rows("stack", "ls")]

    def clear(self, keep: Sequence[str] = ()) -> None:
        """Remove all stacks but these, and wait until nothing of them is on any host."""
        stacks = [name for name in self.stacks() if name not in keep]
        if stacks:
            self.cli(MANAGER, "stack", "rm", *stacks)
        kept = tuple(f"{name}_" for name in keep)
        self.until("no task is left", lambda: all(task.service.startswith(kept) for task in self.tasks()), timeout=60)


def join(lab: Lab, hosts: Sequence[int], *init: str) -> Cluster:
    """Make the first of the hosts a manager, and the others workers."""
    manager, *workers = hosts
    lab.swarmlite(manager, "init", *init)
    token = lab.swarmlite(manager, "token", "create", "-q").stdout.strip()
    for host in workers:
        lab.swarmlite(host, "join", "--token", token, lab.address(manager))
    cluster = Cluster(lab)
    until("all nodes ready", lambda: list(cluster.nodes().values()) == ["ready"] * len(hosts))
    return cluster


@contextmanager
def cluster_of(hosts: int, *init: str) -> Iterator[Cluster]:
    """A cluster in a lab of its own; `init` are options of `swarmlite init`."""
    with lab_of(hosts) as lab:
        yield join(lab, range(1, hosts + 1), *init)


def _task(row: dict[str, Any]) -> Task:
    known = {name: row[name] for name in Task.__dataclass_fields__}
    addresses = tuple(address.partition("/")[0] for address in row["addresses"])
    return Task(**known | {"since": datetime.fromisoformat(row["since"]), "addresses": addresses})
