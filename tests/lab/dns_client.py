"""Asks a DNS server from inside a container's network, with nothing in between that could hide what is on the wire.

Run as a program it prints one JSON object for each look-up: when it was asked, and the answer.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dnslib

from tests.lab.cluster import Cluster, Task

REPOSITORY = Path(__file__).parents[2]
DOMAIN = "swarmlite.internal"
DOCKERS_OWN = "127.0.0.11"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`at`: Unix time of the question; `code`: NOERROR, NXDOMAIN …, or why there was no answer."""

    at: float
    code: str
    addresses: tuple[str, ...] = ()
    ttls: tuple[int, ...] = ()
    authority: tuple[str, ...] = ()
    authoritative: bool = False


def pid_of(cluster: Cluster, task: Task) -> int:
    """The first process of the task's container."""
    return int(cluster.lab.docker(task.host, "inspect", "--format", "{{.State.Pid}}", task.container_id).stdout)


def server_of(cluster: Cluster, task: Task) -> str:
    """The address of our server for this task's container, which Docker's own resolver asks."""
    servers = cluster.lab.docker(task.host, "inspect", "--format", "{{json .HostConfig.Dns}}", task.container_id)
    found: list[str] = json.loads(servers.stdout)
    return found[0]


def ask(cluster: Cluster, task: Task, name: str, *options: str) -> list[Answer]:
    """Look a name up from the task's container; options as of the program, such as `--tcp` and `--times 10`."""
    done = subprocess.run(
        _command(pid_of(cluster, task), name, *options), capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    return [_answer(line) for line in done.stdout.splitlines()]


def ask_from(cluster: Cluster, host: int, name: str, *options: str) -> list[Answer]:
    """Look a name up from a host itself."""
    program = [sys.executable, "-P", "-m", "tests.lab.dns_client"]
    done = cluster.lab.run(host, "env", f"PYTHONPATH={REPOSITORY}", *program, name, *options)
    return [_answer(line) for line in done.stdout.splitlines()]


class Watch:
    """Answers that arrived while something else happened."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def stop(self) -> list[Answer]:
        self._process.send_signal(signal.SIGTERM)
        out, _ = self._process.communicate(timeout=20)
        return [_answer(line) for line in out.splitlines()]


@contextlib.contextmanager
def watching(cluster: Cluster, task: Task, name: str, *options: str) -> Iterator[Watch]:
    """Look a name up every 20 ms until stopped; it has begun when this is entered."""
    command = _command(pid_of(cluster, task), name, "--times", "0", *options)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield Watch(process)
        finally:
            process.kill()


def last_seen(answers: list[Answer], addresses: set[str]) -> float:
    """When one of these addresses was last in an answer."""
    return max((answer.at for answer in answers if addresses.intersection(answer.addresses)), default=0.0)


def _command(pid: int, name: str, *options: str) -> list[str]:
    return [
        "nsenter",
        "--target",
        str(pid),
        "--net",
        "--",
        sys.executable,
        "-m",
        "tests.lab.dns_client",
        name,
        *options,
    ]


def _answer(line: str) -> Answer:
    found: dict[str, Any] = json.loads(line)
    return Answer(**{name: tuple(value) if isinstance(value, list) else value for name, value in found.items()})


def _look_up(name: str, kind: str, server: str, port: int, tcp: bool) -> dict[str, Any]:
    at = time.time()
    question = dnslib.DNSRecord.question(name, kind)
    try:
        reply = dnslib.DNSRecord.parse(question.send(server, port, tcp=tcp, timeout=4))
    except OSError as error:
        return {"at": at, "code": str(error) or type(error).__name__}
    records = [record for record in reply.rr if record.rtype in (dnslib.QTYPE.A, dnslib.QTYPE.AAAA)]
    return {
        "at": at,
        "code": dnslib.RCODE[reply.header.rcode],
        "addresses": [str(record.rdata) for record in records],
        "ttls": [record.ttl for record in records],
        "authority": [dnslib.QTYPE[record.rtype] for record in reply.auth],
        "authoritative": bool(reply.header.aa),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--type", default="A")
    parser.add_argument("--server", default=DOCKERS_OWN)
    parser.add_argument("--port", type=int, default=53)
    parser.add_argument("--tcp", action="store_true")
    parser.add_argument("--times", type=int, default=1, help="0: for ever")
    asked = parser.parse_args()
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    count = 0
    while not ended and (count < asked.times or not asked.times) and os.getppid() != 1:
        if count and not asked.times:
            time.sleep(0.02)
        found = _look_up(asked.name, asked.type, asked.server, asked.port, asked.tcp)
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()
        count += 1


if __name__ == "__main__":
    main()
