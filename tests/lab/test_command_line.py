"""What the command line prints and how it ends: lists, logs, help, completion, errors."""

import json
import os
import re
import select
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from swarmlite.cli.main import COMMANDS
from tests.lab.cluster import Cluster
from tests.lab.handle import COMMAND

pytestmark = pytest.mark.lab

TALKS = """
services:
  talk:
    image: busybox
    hostname: "talk-{{.Task.Slot}}"
    command: ["sh", "-c", "trap 'exit 0' TERM; i=0; while :; do i=$$((i+1)); echo word $$i of $$(hostname);
      echo bad $$i >&2; sleep 1 & wait $$!; done"]
    deploy: {replicas: 3}
  once:
    image: busybox
    restart: "no"
    command: sh -c 'echo only once'
"""
LISTS = (
    "node ls", "node ps host1", "service ls", "service ps talks_talk", "stack ls", "stack ps talks",
    "stack services talks", "network ls", "ps", "token ls", "status",
)  # fmt: skip
COLOUR = "\x1b["


def test_every_list_is_a_table_without_colours_in_a_pipe_and_valid_json(cluster: Cluster) -> None:
    cluster.deploy(TALKS, "talks")
    for words in LISTS:
        table = cluster.cli(1, *words.split())
        assert table.stdout.strip(), words
        assert COLOUR not in table.stdout + table.stderr, words
        told = json.loads(cluster.cli(1, *words.split(), "--format", "json").stdout)
        assert told, words
    tasks = cluster.cli(1, "stack", "ps", "talks").stdout.splitlines()
    assert tasks[0].split()[:6] == ["ID", "NAME", "IMAGE", "NODE", "DESIRED", "STATE"]
    assert {line.split()[1] for line in tasks[1:]} == {"talks_once.1", "talks_talk.1", "talks_talk.2", "talks_talk.3"}
    services = cluster.cli(1, "service", "ls").stdout
    assert re.search(r"talks_talk +replicated +3/3 +busybox", services)
    networks = cluster.cli(1, "network", "ls").stdout
    assert re.search(r"talks_default +overlay +swarm +\d+\.\d+\.\d+\.\d+/\d+", networks)
    for words in ("node inspect host2", "service inspect talks_talk", "network inspect talks_default"):
        [one] = json.loads(cluster.cli(1, *words.split()).stdout)
        assert one["ID" if "network" not in words else "Id"]
    ids = cluster.cli(1, "service", "ls", "-q").stdout.split()
    assert len(ids) == 2


def test_logs_of_a_stack_and_of_a_service_are_merged_from_all_hosts(cluster: Cluster) -> None:
    cluster.deploy(TALKS, "talks")
    cluster.until("all have said two words", lambda: cluster.cli(1, "logs", "talks").stdout.count("| word 2 ") == 3)
    tasks = {f"{task.name.rpartition('.')[0]}@{task.node}" for task in cluster.running("talks_talk")}
    hosts = {name.partition("@")[2] for name in tasks}
    assert hosts == {"host1", "host2", "host3"}
    told = cluster.cli(1, "logs", "talks")
    assert {
        name for name in tasks if re.search(rf"(?m)^{re.escape(name)} +\| word 1 of talk-\d$", told.stdout)
    } == tasks
    assert re.search(r"(?m)^talks_once\.1@host\d +\| only once$", told.stdout)
    assert re.search(r"\| bad 1", told.stderr), "standard error stays standard error"
    assert COLOUR not in told.stdout + told.stderr
    service = cluster.cli(1, "service", "logs", "--tail", "1", "talks_talk")
    assert len(service.stdout.splitlines()) + len(service.stderr.splitlines()) == 3
    assert "only once" not in cluster.cli(1, "logs", "talks_talk").stdout
    stamped = cluster.cli(1, "logs", "-t", "talks_once").stdout
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z talks_once\.1@host\d \| only once", stamped)
    assert cluster.cli(1, "logs", "--since", "1h", "talks_once").stdout.count("only once") == 1


def test_followed_logs_take_in_tasks_that_start_later_and_end_with_the_stack(cluster: Cluster) -> None:
    cluster.deploy(TALKS.replace("replicas: 3", "replicas: 1"), "talks")
    with _following(cluster, "talks") as follow:
        _read_until(follow, r"talks_talk\.1@host\d +\| word \d+ of talk-1")
        cluster.cli(1, "service", "scale", "--detach", "talks_talk=3")
        _read_until(follow, r"talks_talk\.3@host\d +\| word 1 of talk-3", r"talks_talk\.2@host\d +\| word 1 of talk-2")


@contextmanager
def _following(cluster: Cluster, *names: str) -> Iterator[subprocess.Popen[str]]:
    process = cluster.lab.popen(1, "swarmlite", "logs", "-f", *names)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _read_until(process: subprocess.Popen[str], *patterns: str, timeout: float = 30.0) -> None:
    assert process.stdout is not None
    missing, seen, deadline = list(patterns), "", time.monotonic() + timeout
    while missing:
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"not within {timeout:g} s: {missing}; seen:\n{seen}"
        more = os.read(process.stdout.fileno(), 65536).decode()
        assert more, f"the log ended; seen:\n{seen}"
        seen += more
        missing = [pattern for pattern in missing if not re.search(pattern, seen)]


def test_errors_are_a_sentence_and_an_exit_code(cluster: Cluster) -> None:
    cases = {
        "service ps nosuch": (1, "service nosuch not found"),
        "service logs nosuch": (1, "not found"),
        "service inspect nosuch": (1, "service nosuch not found"),
        "service rm nosuch": (1, "service nosuch not found"),
        "stack rm nosuch": (1, "nosuch"),
        "stack ps nosuch": (1, "nosuch"),
        "stack services nosuch": (1, "nosuch"),
        "logs nosuch": (1, "nosuch"),
        "node inspect nosuch": (1, "node nosuch not found"),
        "node update --availability away host1": (2, "'away' is not one of"),
        "node update host1": (2, "nothing to change"),
        "network inspect nosuch": (1, "network nosuch not found"),
        "nosuch": (2, "No such command 'nosuch'"),
        "service": (2, "Usage: swarmlite service"),
        "ps --format xml": (2, "'xml' is not one of"),
        "logs --tail many x": (2, "neither a number nor all"),
        "logs --since yesterday x": (2, "yesterday"),
    }
    for words, (code, says) in cases.items():
        done = cluster.cli(1, *words.split(), check=False)
        text = done.stderr + done.stdout
        assert "Traceback" not in text, words
        assert says.lower() in text.lower(), (words, text)
        assert done.returncode == code, (words, done.returncode, text)


def test_a_worker_and_a_host_without_a_daemon_say_what_they_are(cluster: Cluster) -> None:
    for words in ("ps", "service ls", "node ls", "stack rm x", "service scale web=2"):
        worker = cluster.cli(2, *words.split(), check=False)
        assert worker.returncode != 0, words
        assert "manager" in worker.stderr, (words, worker.stderr)
        assert "Traceback" not in worker.stderr
        nobody = cluster.cli(1, *words.split(), "--data-dir", "/tmp/no-such-swarmlite", check=False)
        assert nobody.returncode != 0, words
        assert "in no cluster" in nobody.stderr, words


def _commands() -> list[list[str]]:
    """Every command and subcommand, as the groups' own help lists them."""
    found: list[list[str]] = [[]]
    for name in COMMANDS:
        told = subprocess.run([COMMAND, name, "--help"], capture_output=True, text=True, check=True).stdout
        found.append([name])
        listed = told.partition("Commands:\n")[2]
        found.extend([name, line.split()[0]] for line in listed.splitlines() if re.match(r"  \w", line))
    return found


def test_every_command_has_help_that_fits_a_terminal() -> None:
    for words in _commands():
        done = subprocess.run([COMMAND, *words, "--help"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, words
        assert done.stdout.startswith(f"Usage: {' '.join(['swarmlite', *words])}"), words
        assert all(len(line) <= 80 for line in done.stdout.splitlines()), done.stdout
        assert "..." not in done.stdout.partition("Commands:")[2], f"a summary is cut off: {done.stdout}"


def test_completion_works_in_bash(cluster: Cluster) -> None:
    cluster.deploy("services: {web: {image: swarmlite/whoami}}", "fill")
    assert _completed(cluster, "swarmlite sta") == {"stack", "status"}
    assert _completed(cluster, "swarmlite service sc") == {"scale"}
    assert _completed(cluster, "swarmlite service ps fi") == {"fill_web"}
    assert _completed(cluster, "swarmlite stack rm ") == {"fill"}
    assert _completed(cluster, "swarmlite node inspect host") == {"host1", "host2", "host3"}


def _completed(cluster: Cluster, line: str) -> set[str]:
    words = [*line.split(), ""] if line.endswith(" ") else line.split()
    script = f"""
set -e
eval "$(swarmlite completion bash)"
COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; COMP_LINE={shlex.quote(line)}; COMP_POINT={len(line)}
function=$(complete -p swarmlite | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function swarmlite {shlex.quote(words[-1])} {shlex.quote(words[-2])}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    return set(cluster.lab.run(1, "bash", "-c", script).stdout.split())
