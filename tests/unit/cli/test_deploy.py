"""Deploying a file: what is told while it comes up, and what when it does not."""

import asyncio
from pathlib import Path

import pytest

from swarmlite.model.states import TaskState
from tests.unit.cli.conftest import Served, Swarmlite

FILE = """
services:
  web:
    image: demo:1
    deploy:
      replicas: 2
      restart_policy: {condition: none}
  db:
    image: demo:1
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "compose.yaml"
    path.write_text(FILE)
    return str(path)


async def turn(served: Served, states: dict[str, tuple[TaskState, str]]) -> None:
    """Play the ring: give each service of the stack its tasks, in this state, as soon as it is there."""
    view = served.cluster.view
    async with asyncio.timeout(10):
        for name, (state, err) in states.items():
            while view.service_named(name) is None:
                await served.cluster.control.wait_for_change(view.version, 1)
            for task in await served.cluster.run(name, state, err):
                served.cluster.dispatch.say(task, 1, f"last words of {name}")


def test_it_waits_until_all_runs(swarmlite: Swarmlite, served: Served, file: str) -> None:
    running = (TaskState.RUNNING, "")
    served.soon(turn(served, {"shop_db": running, "shop_web": running}))
    result = swarmlite("deploy", "-c", file, "--timeout", "8", "shop")
    assert result.exit_code == 0, result.output
    out = result.stdout.splitlines()
    assert {"service shop_db created", "service shop_web created", "shop_web: 2/2 running"} <= set(out)
    assert out[-1] == "stack shop runs"
    again = swarmlite("deploy", "-c", file, "--timeout", "8", "shop")
    assert again.exit_code == 0
    assert "unchanged: shop_" in again.stdout


def test_a_task_that_fails_for_good_is_told_with_host_reason_and_last_lines(
    swarmlite: Swarmlite, served: Served, file: str
) -> None:
    served.soon(turn(served, {"shop_db": (TaskState.RUNNING, ""), "shop_web": (TaskState.FAILED, "exit code 3")}))
    result = swarmlite("deploy", "-c", file, "--timeout", "8", "shop")
    assert result.exit_code == 1
    assert "shop_web: task shop_web.1 (" in result.stderr
    assert "on h1, failed: exit code 3; restart policy is none" in result.stderr
    assert "    | last words of shop_web" in result.stderr
    assert "swarmlite stack ps shop" in result.stderr


def test_detached_it_returns_at_once(swarmlite: Swarmlite, served: Served, file: str) -> None:
    result = swarmlite("deploy", "-d", "-c", file, "shop")
    assert result.exit_code == 0
    assert served.cluster.service("shop_web").spec.replicas == 2


def test_services_the_file_no_longer_names_stay_unless_pruned(
    swarmlite: Swarmlite, served: Served, file: str, tmp_path: Path
) -> None:
    swarmlite("deploy", "-d", "-c", file, "shop")
    smaller = tmp_path / "smaller.yaml"
    smaller.write_text("services:\n  db:\n    image: demo:1\n")
    assert "no longer names shop_web" in swarmlite("deploy", "-d", "-c", str(smaller), "shop").stderr
    assert "service shop_web removed" in swarmlite("deploy", "-d", "--prune", "-c", str(smaller), "shop").stdout


def test_a_faulty_file_is_exit_code_2_and_names_the_place(swarmlite: Swarmlite, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("services:\n  web:\n    imag: demo:1\n")
    result = swarmlite("deploy", "-c", str(broken), "shop")
    assert result.exit_code == 2
    assert f"{broken}:3:" in result.stderr


def test_config_shows_the_file_as_understood(swarmlite: Swarmlite, file: str) -> None:
    assert swarmlite("config", "-c", file, "--services").stdout.split() == ["web", "db"]
    assert "condition: none" in swarmlite("config", "-c", file, "shop").stdout
