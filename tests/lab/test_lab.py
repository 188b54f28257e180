"""`swarmlite lab`, seen from outside."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.lab.handle import COMMAND, Lab, empty_lab, lab_of
from tests.lab.waiting import until

pytestmark = pytest.mark.lab

MAY_READ = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
"""For a user who is not root in a clone that lies in root's home."""


def test_each_host_is_a_machine_of_its_own(lab: Lab) -> None:
    for i in (1, 2, 3):
        assert lab.docker(i, "info", "--format", "{{.Name}}").stdout == f"host{i}\n"
        assert lab.run(i, "hostname").stdout == f"host{i}\n"
        assert f"{lab.address(i)}/24" in lab.run(i, "ip", "-4", "address", "show", "eth0").stdout
    assert len({_engine_id(lab, i) for i in (1, 2, 3)}) == 3


def test_hosts_reach_each_other_by_name(lab: Lab) -> None:
    for i, j in ((1, 2), (2, 3), (3, 1)):
        assert _pings(lab, i, f"host{j}")


def test_status_shows_every_host(lab: Lab) -> None:
    hosts = lab.status()["Hosts"]
    assert [(host["Name"], host["Address"], host["Power"], host["Link"]) for host in hosts] == [
        (f"host{i}", lab.address(i), "on", "up") for i in (1, 2, 3)
    ]
    assert all(host["Engine"] for host in hosts)
    assert "10.77.0.11" in lab.command("status").stdout


def test_run_keeps_exit_code_input_and_directory(lab: Lab, tmp_path: Path) -> None:
    assert lab.run(1, "sh", "-c", "exit 42", check=False).returncode == 42
    assert lab.run(1, "cat", stdin="as it came\n").stdout == "as it came\n"
    assert lab.run(1, "no-such-program", check=False).returncode == 127
    done = subprocess.run(
        [COMMAND, "lab", "run", "2", "--", "pwd"], cwd=tmp_path, env=lab.environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout == f"{tmp_path}\n"


def test_run_finds_this_hosts_engine_and_data_directory(lab: Lab) -> None:
    for i in (1, 3):
        assert lab.run(i, "docker", "info", "--format", "{{.Name}}").stdout == f"host{i}\n"
        assert lab.run(i, "env", "-u", "DOCKER_HOST", "docker", "info", "--format", "{{.Name}}").stdout == f"host{i}\n"
        assert lab.run(i, "printenv", "SWARMLITE_DATA_DIR").stdout == f"{lab.data_dir(i)}\n"
    assert lab.swarmlite(1, "lab", "--help").returncode == 0


def test_docker_gets_its_arguments_untouched(lab: Lab) -> None:
    done = lab.docker(1, "run", "--rm", "-i", "-e", "A=b c", "busybox", "sh", "-c", 'echo "$A"; cat; exit 9',
                      check=False, stdin="fed")  # fmt: skip
    assert (done.returncode, done.stdout) == (9, "b c\nfed")
    assert "Usage:  docker run" in lab.docker(1, "run", "--help").stdout


def test_a_published_port_is_reached_from_another_host(lab: Lab) -> None:
    name = lab.docker(1, "run", "-d", "-p", "8080:80", "swarmlite/whoami").stdout.strip()
    try:
        answer = until("an answer", lambda: lab.run(2, "busybox", "timeout", "2", "busybox", "wget", "-qO-", "http://host1:8080",
                                                    check=False).stdout)  # fmt: skip
        assert f"Hostname: {name[:12]}" in answer
        begun = time.monotonic()
        lab.docker(1, "stop", name)
        assert time.monotonic() - begun < 3
    finally:
        lab.docker(1, "rm", "-f", name)


def test_a_pushed_image_is_pulled_by_its_plain_name(lab: Lab) -> None:
    lab.docker(1, "tag", "busybox", "mine/box:7")
    pushed = lab.command("push", "mine/box:7").stdout.split()
    assert pushed == [f"{lab.registry}/mine/box:7"]
    lab.docker(2, "pull", "mine/box:7")
    lab.docker(3, "pull", pushed[0])
    lab.command("push", "busybox")
    lab.docker(3, "rmi", "busybox")
    lab.docker(3, "pull", "busybox")


def test_an_image_that_nobody_has_is_named(lab: Lab) -> None:
    done = lab.command("push", "nobody/has:this", check=False)
    assert done.returncode == 1
    assert "no image nobody/has:this" in done.stderr


def test_the_glibc_image_resolves_through_getent_and_python(lab: Lab) -> None:
    lab.load("glibc")
    script = "import socket; print(socket.gethostbyname('localhost'))"
    assert lab.docker(2, "run", "--rm", "glibc:lab", "python3", "-c", script).stdout == "127.0.0.1\n"
    assert "localhost" in lab.docker(3, "run", "--rm", "glibc:lab", "getent", "hosts", "localhost").stdout


def test_a_host_without_power_loses_everything_but_its_data(lab: Lab) -> None:
    container = lab.docker(2, "run", "-d", "busybox", "sleep", "1000").stdout.strip()
    pid = int(lab.docker(2, "inspect", "--format", "{{.State.Pid}}", container).stdout)
    lab.run(2, "sh", "-c", "setsid env -i sleep 1001 >/dev/null 2>&1 & echo $! > /run/left.pid")
    left = until("its pid", lambda: lab.run(2, "cat", "/run/left.pid", check=False).stdout.strip())
    inside = lab.status()["Hosts"][1]["Pid"]
    lab.kill(2)
    try:
        for dead in (pid, int(left), inside):
            until(f"{dead} is dead", partial(_died, dead))
        assert "host2 is off" in lab.docker(2, "ps", check=False).stderr
        assert "host2 is off" in lab.run(2, "true", check=False).stderr
        assert not _pings(lab, 1, "host2")
        assert lab.status()["Hosts"][1]["Power"] == "off"
    finally:
        lab.start(2)
    assert lab.docker(2, "inspect", "--format", "{{.State.Running}}", container).stdout == "false\n"
    lab.docker(2, "start", container)
    assert _pings(lab, 1, "host2")
    assert lab.run(2, "ls", "/run/left.pid", check=False).returncode != 0
    lab.docker(2, "rm", "-f", container)


def test_a_cut_host_runs_on_alone(lab: Lab) -> None:
    lab.cut(3)
    try:
        assert not _pings(lab, 1, "host3")
        assert lab.docker(3, "run", "--rm", "busybox", "echo", "here").stdout == "here\n"
        assert lab.status()["Hosts"][2]["Link"] == "cut"
    finally:
        lab.heal(3)
    until("host3 is back", lambda: _pings(lab, 1, "host3"))


def test_an_engine_is_stopped_and_started_alone(lab: Lab) -> None:
    for action in ("kill", "stop"):
        lab.engine(action, 1)
        assert lab.docker(1, "ps", check=False).returncode != 0
        assert lab.run(1, "hostname").stdout == "host1\n"
        lab.start(1)
        lab.docker(1, "ps")


def test_up_again_says_so_and_more_hosts_are_added(one_host: Lab) -> None:
    assert "up already" in one_host.command("up").stdout
    one_host.command("up", "--hosts", "2")
    assert _pings(one_host, 1, "host2")
    assert _pings(one_host, 2, "host1")
    fewer = one_host.command("up", "--hosts", "1", check=False)
    assert fewer.returncode == 1
    assert "is up with 2 hosts" in fewer.stderr


def test_labs_side_by_side_do_not_meet(lab: Lab, one_host: Lab) -> None:
    assert _engine_id(one_host, 1) != _engine_id(lab, 1)
    assert not _pings(one_host, 1, lab.address(2))
    one_host.down()
    lab.docker(1, "ps")


def test_three_hosts_in_under_ten_seconds_and_down_leaves_nothing() -> None:
    before = _outside()
    begun = time.monotonic()
    with lab_of(3) as lab:
        assert time.monotonic() - begun < 10
        for i in (1, 2, 3):
            lab.docker(i, "run", "-d", "-p", "80:80", "swarmlite/whoami")
            lab.run(i, "sh", "-c", "setsid sleep 1002 >/dev/null 2>&1 &")
    assert _left_by(lab) == []
    assert _outside() == before
    assert "there is no lab" in lab.command("down").stdout


@pytest.mark.parametrize("after", [0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 0.9])
def test_down_after_up_was_killed_midway(unborn: Lab, after: float) -> None:
    before = _outside()
    _up_ended_by(signal.SIGKILL, unborn, after)
    unborn.command("down")
    assert _left_by(unborn) == []
    assert _outside() == before


def test_down_without_a_state_file(unborn: Lab) -> None:
    _up_ended_by(signal.SIGKILL, unborn, 0.6)
    (unborn.directory / "state.json").unlink(missing_ok=True)
    unborn.command("down")
    assert _left_by(unborn) == []


def test_up_after_up_was_killed_midway(unborn: Lab) -> None:
    _up_ended_by(signal.SIGKILL, unborn, 0.5)
    unborn.command("up", "--hosts", "2")
    assert unborn.docker(2, "info", "--format", "{{.Name}}").stdout == "host2\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_up_takes_back_what_it_began(unborn: Lab, number: signal.Signals) -> None:
    assert _up_ended_by(number, unborn, 0.5) != 0
    assert _left_by(unborn) == []


def test_without_root_one_sentence(unborn: Lab) -> None:
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", *MAY_READ, COMMAND, "lab", "up"], capture_output=True, text=True,
        check=False, env=unborn.environment, cwd="/",
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "swarmlite: a lab needs root, for network namespaces and Docker Engines of its own: use sudo\n"
    )


@pytest.mark.parametrize(
    "arguments", [("docker", "1", "ps"), ("run", "1", "--", "true"), ("status",), ("kill", "1"), ("registry",)]
)
def test_without_a_lab_one_sentence(unborn: Lab, arguments: tuple[str, ...]) -> None:
    done = unborn.command(*arguments, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"swarmlite: no lab is up in {unborn.directory}")


def test_a_host_that_is_not_there_is_named(lab: Lab) -> None:
    assert "no host 9: the lab has hosts 1 to 3" in lab.run(9, "true", check=False).stderr
    assert lab.command("run", "nine", "--", "true", check=False).returncode == 2


@pytest.fixture
def unborn(_unwinds_when_ended: None) -> Iterator[Lab]:
    lab = empty_lab(2)
    yield lab
    lab.down()


def _up_ended_by(number: signal.Signals, lab: Lab, after: float) -> int:
    process = subprocess.Popen([COMMAND, "lab", "up"], env=lab.environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    return process.wait(30)


def _died(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def _pings(lab: Lab, i: int, target: str) -> bool:
    return lab.run(i, "busybox", "ping", "-c", "1", "-W", "1", target, check=False).returncode == 0


def _engine_id(lab: Lab, i: int) -> str:
    return lab.docker(i, "info", "--format", "{{.ID}}").stdout


def _outside() -> tuple[frozenset[str], frozenset[str]]:
    """The machine's own mounts and interfaces, but for places where other programs make their own at any time."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    kept = (mount for mount in mounts if not mount.startswith(("/tmp/", "/run/netns")))
    return frozenset(kept), frozenset(os.listdir("/sys/class/net"))


def _left_by(lab: Lab) -> list[str]:
    """What still carries the lab's directory or id: files, processes, mounts, control groups."""
    left = [str(lab.directory)] if lab.directory.exists() and os.listdir(lab.directory) else []
    name = lab.directory.name
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and entry.name != str(os.getpid()):
            try:
                told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            left += [f"process {entry.name}"] if name.encode() in told else []
    left += [line for line in Path("/proc/mounts").read_text().splitlines() if name in line]
    return left
