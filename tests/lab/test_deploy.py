"""`swarmlite deploy`: it waits, says why not, changes only what differs, and reads files as users write them."""

import json
import os
import re
import shlex
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster, Task
from tests.lab.handle import COMMAND, Done

pytestmark = pytest.mark.lab

LIVES = 'command: ["sh", "-c", "trap \'exit 0\' TERM; while :; do sleep 3600 & wait $$!; done"]'
TWO = f"""
services:
  one:
    image: busybox
    {LIVES}
  two:
    image: swarmlite/whoami
    deploy: {{replicas: 2}}
"""


def test_it_waits_with_progress_until_all_runs_and_is_healthy(cluster: Cluster) -> None:
    done = cluster.deploy(
        f"""
services:
  web:
    image: swarmlite/whoami
    deploy: {{replicas: 3}}
  sound:
    image: busybox
    {LIVES}
    healthcheck: {{test: "test -e /tmp/ok || (sleep 1; touch /tmp/ok)", interval: 1s, timeout: 5s}}
""",
        "waits",
    )
    lines = done.stdout.splitlines()
    assert {"network waits_default created", "service waits_web created", "service waits_sound created"} <= set(lines)
    assert any(line.startswith("waits_sound: 0/1 waiting (1 ") for line in lines), done.stdout
    assert {"waits_web: 3/3 running", "waits_sound: 1/1 running"} <= set(lines)
    assert lines[-1] == "stack waits runs"
    assert done.stderr == ""
    [sound] = cluster.running("waits_sound")
    health = cluster.lab.docker(sound.host, "inspect", "-f", "{{.State.Health.Status}}", sound.container_id)
    assert health.stdout.strip() == "healthy"
    assert len(cluster.running("waits_web")) == 3


def test_on_a_terminal_progress_is_drawn_in_place(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(TWO)
    line = f"stty cols 100; swarmlite deploy -c {tmp_path}/compose.yaml tty"
    done = cluster.lab.run(1, "script", "-qec", line, "/dev/null")
    assert "\x1b[2K" in done.stdout, "lines are rewritten"
    assert "✓" in done.stdout
    assert "tty_two" in done.stdout
    assert "2/2" in done.stdout
    assert done.stdout.rstrip().endswith("stack tty runs")


def test_the_stacks_name_is_as_given_else_the_files_else_the_directorys(cluster: Cluster, tmp_path: Path) -> None:
    plain, named = tmp_path / "My Shop.d", tmp_path / "other"
    for directory, first in ((plain, ""), (named, "name: fromfile\n")):
        directory.mkdir()
        (directory / "compose.yaml").write_text(f"{first}services: {{web: {{image: swarmlite/whoami}}}}\n")
    assert "stack fromfile runs" in _in(cluster, named, "deploy").stdout
    assert "stack given runs" in _in(cluster, named, "deploy", "given").stdout
    assert "stack myshopd runs" in _in(cluster, plain, "deploy").stdout
    assert {row["name"] for row in cluster.rows("stack", "ls")} == {"fromfile", "given", "myshopd"}


def test_deploying_again_changes_only_what_differs(cluster: Cluster) -> None:
    cluster.deploy(TWO, "again")
    before = _containers(cluster)
    same = cluster.deploy(TWO, "again")
    assert "unchanged: again_one, again_two" in same.stdout
    assert _containers(cluster) == before

    changed = cluster.deploy(TWO.replace("swarmlite/whoami", "swarmlite/whoami\n    environment: {A: b}"), "again")
    assert "service again_two updated" in changed.stdout
    assert "unchanged: again_one" in changed.stdout
    after = _containers(cluster)
    assert after["again_one"] == before["again_one"]
    assert not after["again_two"] & before["again_two"]
    for task in cluster.running("again_two"):
        assert cluster.exec(task, "sh", "-c", "echo $A").stdout == "b\n"


def test_services_that_the_file_no_longer_names_stay_unless_pruned(cluster: Cluster) -> None:
    cluster.deploy(TWO, "orphans")
    fewer = "services: {one: {image: busybox, " + LIVES + "}}"
    kept = cluster.deploy(fewer, "orphans")
    assert "no longer names orphans_two" in kept.stderr
    assert "--prune" in kept.stderr
    assert len(cluster.running("orphans_two")) == 2
    pruned = cluster.deploy(fewer, "orphans", "--prune")
    assert "service orphans_two removed" in pruned.stdout
    assert [row["name"] for row in cluster.rows("service", "ls")] == ["orphans_one"]
    cluster.until("its tasks are gone", lambda: {task.service for task in cluster.tasks()} == {"orphans_one"})


def test_a_stack_can_be_deployed_again_right_after_its_removal(cluster: Cluster) -> None:
    cluster.deploy(TWO, "phoenix")
    cluster.cli(1, "stack", "rm", "phoenix")
    cluster.deploy(TWO, "phoenix")
    assert len(cluster.running("phoenix_two")) == 2


def test_detached_it_returns_at_once(cluster: Cluster) -> None:
    done = cluster.deploy("services: {web: {image: 'nosuch/image:1', pull_policy: never}}", "later", "--detach")
    assert done.stdout.splitlines() == ["network later_default created", "service later_web created"]


def test_what_fails_for_good_is_told_with_task_node_reason_and_last_lines(cluster: Cluster) -> None:
    done = cluster.deploy(
        "services: {crash: {image: busybox, restart: 'no', command: sh -c 'echo first; echo second >&2; exit 3'}}",
        "fails",
        check=False,
    )
    assert done.returncode == 1
    [task] = cluster.tasks("fails_crash")
    first, *log, last = done.stderr.splitlines()
    assert f"task fails_crash.1 ({task.id[:12]}) on {task.node}, failed: task: non-zero exit (3)" in first
    assert sorted(log) == ["    | first", "    | second"]
    assert "swarmlite stack ps fails" in last


@pytest.mark.parametrize(
    ("service", "says"),
    [
        ("image: 'nosuch/image:1', pull_policy: never", r"image nosuch/image:1.*not on host\d.*pull policy is never"),
        (
            f"image: busybox, init: true, {LIVES}, restart: 'no', "
            "healthcheck: {test: 'echo much too sick; exit 1', interval: 1s, retries: 1}",
            "unhealthy: much too sick",
        ),
        ("image: busybox, restart: 'no', command: /no/such/program", "/no/such/program"),
    ],
    ids=["no image", "unhealthy", "no program"],
)  # fmt: skip
def test_each_failure_has_its_reason(cluster: Cluster, service: str, says: str) -> None:
    done = cluster.deploy("services: {web: {" + service + "}}", "why", check=False)
    assert done.returncode == 1
    first = done.stderr.splitlines()[0]
    assert "task why_web.1" in first
    assert _matches(says, first), done.stderr


def test_after_the_timeout_it_says_what_is_in_the_way(cluster: Cluster) -> None:
    text = f"""
services:
  fine: {{image: swarmlite/whoami}}
  ssd:
    image: busybox
    {LIVES}
    deploy: {{placement: {{constraints: [node.labels.disk == ssd]}}}}
  big:
    image: busybox
    {LIVES}
    deploy: {{resources: {{reservations: {{memory: 4000G}}}}}}
"""
    done = cluster.deploy(text, "slow", "--timeout", "3", check=False)
    assert done.returncode == 1
    assert "not there after 3 s" in done.stderr
    for host in ("host1", "host2", "host3"):
        assert f"{host}: constraint node.labels.disk == ssd: disk is not set" in done.stderr
        assert f"{host}: needs 3.91 TiB of memory" in done.stderr or f"{host}: needs 4000 GiB of memory" in done.stderr
    assert "slow_fine:" not in done.stderr
    assert len(cluster.running("slow_fine")) == 1, "what runs is left as it is"


def test_services_start_in_the_order_of_their_dependencies(cluster: Cluster) -> None:
    done = cluster.deploy(
        f"""
services:
  web:
    image: swarmlite/whoami
    depends_on:
      db: {{condition: service_healthy}}
      setup: {{condition: service_completed_successfully}}
  setup:
    image: busybox
    command: sleep 1
    restart: on-failure
  db:
    image: busybox
    {LIVES}
    healthcheck: {{test: "test -e /tmp/ok || (sleep 2; touch /tmp/ok)", interval: 1s, timeout: 5s}}
  after:
    image: swarmlite/whoami
    depends_on: [web]
""",
        "order",
    )
    assert "waits for" in done.stdout
    web, db, after = (_started(cluster, f"order_{name}") for name in ("web", "db", "after"))
    [setup] = cluster.tasks("order_setup")
    assert setup.state == "complete"
    assert web > db
    assert web > setup.since.timestamp() - 0.5
    assert after > web


def test_a_dependency_need_only_be_started_where_that_is_asked(cluster: Cluster) -> None:
    """Each waits for the other in its own way: `first` is healthy only once `second`, which depends on it, runs."""
    cluster.deploy(
        f"""
services:
  first:
    image: busybox
    {LIVES}
    healthcheck: {{test: "timeout 2 wget -q -O /dev/null http://second/", interval: 1s, retries: 60}}
  second:
    image: swarmlite/whoami
    depends_on: [first]
""",
        "loop",
        "--timeout",
        "30",
    )


def test_variables_come_from_env_files_and_the_environment_wins(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("IMAGE=busybox\nWORD=file\nMANY=2\n")
    (tmp_path / "other.env").write_text("IMAGE=busybox\nWORD=other\n")
    (tmp_path / "compose.yaml").write_text(f"""
services:
  web:
    image: ${{IMAGE}}
    {LIVES}
    environment: ["W=${{WORD}}-${{MISSING:-default}}", "P=$$5"]
    deploy: {{replicas: "${{MANY:-1}}"}}
""")
    assert _told(cluster, tmp_path, "deploy", "vars") == ["W=file-default", "P=$5"]
    assert len(cluster.running("vars_web")) == 2
    assert _told(cluster, tmp_path, "deploy", "--env-file", "other.env", "vars") == ["W=other-default", "P=$5"]
    assert _told(cluster, tmp_path, "deploy", "vars", word="shell") == ["W=shell-default", "P=$5"]


def test_several_files_are_merged_and_relative_paths_are_of_the_first(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "web.env").write_text("E=env_file\n")
    (tmp_path / "base.yaml").write_text(f"""
services:
  web:
    image: nosuch
    {LIVES}
    env_file: web.env
    environment: {{A: base, B: base}}
""")
    (tmp_path / "prod.yaml").write_text("services: {web: {image: busybox, environment: {B: prod}}}\n")
    (tmp_path / "more.yaml").write_text("services: {more: {image: swarmlite/whoami}}\n")
    files = ("-c", f"{tmp_path}/base.yaml", "-c", f"{tmp_path}/prod.yaml", "-c", f"{tmp_path}/more.yaml")
    cluster.cli(1, "deploy", *files, "merged")
    environment = _environment(cluster, cluster.running("merged_web")[0])
    assert {"A=base", "B=prod", "E=env_file"} <= set(environment)
    assert len(cluster.running("merged_more")) == 1


_A = "services:\n  web:\n    image: a\n"
FAULTS = {
    "wrong type": ("services:\n  web:\n    image: 5\n", "f.yaml:3:5: services.web.image: 5 is a whole number"),
    "unknown key": (f"{_A}    enviroment:\n", "f.yaml:4:5: .*did you mean 'environment'"),
    "unknown top key": ("servics: {}\n", "f.yaml:1:1: .*did you mean 'services'"),
    "bad constraint": (
        f"{_A}    deploy:\n      placement:\n        constraints: [node.lables.a == b]\n",
        "f.yaml:6:23: .*unknown key 'node.lables.a'",
    ),
    "undefined network": (f"{_A}    networks: [x]\n", "f.yaml:4:16: .*'x' is not defined"),
    "undefined volume": (f"{_A}    volumes: ['xy:/x']\n", "f.yaml:4:15: .*'xy' is not defined"),
    "undefined service": (f"{_A}    depends_on: [x]\n", "f.yaml:4:18: .*'x' is not defined"),
    "not YAML": ("services:\n  web:\n    image: a\n   b: [\n", "f.yaml:4:4: this is not YAML"),
    "empty": ("", "f.yaml:1:1: the file is empty"),
    "binary": ("\x7fELF\0\1", "f.yaml:1:1: .*"),
    "refused key": (f"{_A}    devices: [/dev/a]\n", "f.yaml:4:5: services.web.devices: .*"),
    "no image": ("services:\n  web: {command: ls}\n", "f.yaml:2:3: .*neither image nor build"),
    "a variable that must be set": ("services: {web: {image: 'a:${T:?which?}'}}\n", "f.yaml:1:.*T is required.*which?"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_file_is_told_with_its_line_before_any_cluster_is_asked(tmp_path: Path, name: str) -> None:
    text, says = FAULTS[name]
    (tmp_path / "f.yaml").write_text(text)
    done = _alone(tmp_path, "deploy", "-c", "f.yaml", "faulty")
    assert done.returncode == 2
    assert _matches(says, done.stderr), done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_or_is_a_directory_is_told(tmp_path: Path) -> None:
    missing = _alone(tmp_path, "deploy", "-c", "none.yaml", "x")
    assert (missing.returncode, "no such file" in missing.stderr) == (2, True)
    directory = _alone(tmp_path, "deploy", "-c", ".", "x")
    assert (directory.returncode, "is a directory" in directory.stderr) == (2, True)
    nothing = _alone(tmp_path, "deploy")
    assert (nothing.returncode, "there is no compose file" in nothing.stderr) == (2, True)


def test_keys_that_are_not_honoured_are_warned_of_by_line(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("""services:
  web:
    image: swarmlite/whoami
    privileged: true
    container_name: mine
    cpuset: "0"
    volumes: ["./src:/src", "data:/data"]
    ports: ["8085:80"]
volumes: {data: {}}
""")
    done = cluster.cli(1, "deploy", "-c", str(tmp_path / "f.yaml"), "warned")
    warnings = done.stderr.splitlines()
    assert all(line.startswith("warning: ") for line in warnings), done.stderr
    for line, key in ((4, "privileged"), (5, "container_name"), (6, "cpuset"), (7, "volumes[0]"), (7, "volumes[1]")):
        assert any(f"f.yaml:{line}:" in one and f"services.web.{key}:" in one for one in warnings), (key, done.stderr)
    assert str(tmp_path / "src") in done.stderr, "a relative path is told as the node will see it"


def _alone(directory: Path, *arguments: str) -> Done:
    """Our command line where there is no daemon."""
    where = {"SWARMLITE_DATA_DIR": str(directory / "none")}
    return subprocess.run(
        [COMMAND, *arguments], cwd=directory, env=dict(os.environ) | where, capture_output=True, text=True, check=False
    )


def _in(cluster: Cluster, directory: Path, *arguments: str, word: str = "") -> Done:
    """Our command line in a directory; `word` is WORD in its environment."""
    setting = f"WORD={word} " if word else ""
    line = f"cd {shlex.quote(str(directory))} && {setting}swarmlite {shlex.join(arguments)}"
    return cluster.lab.run(1, "sh", "-c", line)


def _told(cluster: Cluster, directory: Path, *arguments: str, word: str = "") -> list[str]:
    """What a task of vars_web is told in W and P, after a deployment."""
    _in(cluster, directory, *arguments, word=word)
    values = _environment(cluster, cluster.running("vars_web")[0])
    return [value for name in ("W=", "P=") for value in values if value.startswith(name)]


def _environment(cluster: Cluster, task: Task) -> list[str]:
    found = cluster.lab.docker(task.host, "inspect", "-f", "{{json .Config.Env}}", task.container_id)
    values: list[str] = json.loads(found.stdout)
    return values


def _containers(cluster: Cluster) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for task in cluster.running():
        found.setdefault(task.service, set()).add(task.container_id)
    return found


def _started(cluster: Cluster, service: str) -> float:
    [task] = cluster.running(service)
    told = cluster.lab.docker(task.host, "inspect", "-f", "{{.State.StartedAt}}", task.container_id).stdout.strip()
    return datetime.fromisoformat(told[:26]).timestamp()


def _matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None
