"""Becoming a member, staying one and ending it, on real hosts: 1 is the manager, 2 a worker, and 3 wants in."""

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster
from tests.lab.handle import Lab, lab_of
from tests.lab.waiting import until

pytestmark = pytest.mark.lab

HERE = Path(__file__).parent
FAKES = HERE / "fake_peers.py"
COMPOSE = """
services:
  web:
    image: busybox:latest
    init: true
    command: sleep 3600
    deploy: {replicas: 4}
"""


@pytest.fixture(scope="module")
def cluster(_unwinds_when_ended: None) -> Iterator[Cluster]:
    """A manager and a worker; host 3 is in no cluster. A test that changes this mends it."""
    with lab_of(3) as lab:
        lab.swarmlite(1, "init")
        found = Cluster(lab)
        lab.swarmlite(2, "join", "--token", token(found), lab.address(1))
        yield found


def token(cluster: Cluster, *options: str) -> str:
    return cluster.cli(1, "token", "create", "-q", *options).stdout.strip()


def refused(cluster: Cluster, *arguments: str, host: int = 3) -> str:
    """What a command that must fail says; host 3 is as it was before, and so is the cluster."""
    nodes = cluster.nodes()
    done = cluster.cli(host, *arguments, check=False)
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stderr, done.stderr
    assert cluster.nodes() == nodes
    if host == 3:
        assert traces(cluster.lab, 3) == []
    return done.stderr


_OF_ANY_HOST = {"bridge", "host", "none", "lo", "eth0", "docker0"}


def traces(lab: Lab, host: int) -> list[str]:
    """What of a cluster is on the host: files, processes, containers, networks, interfaces."""
    look = "docker ps --all --quiet; docker network ls --format '{{.Name}}'; ip -brief link | sed 's/[@ ].*//'"
    found = sorted(set(lab.run(host, "sh", "-c", look).stdout.split()) - _OF_ANY_HOST)
    found += [f"process {pid}" for pid in daemons(lab, host)]
    return found + [str(path) for path in lab.data_dir(host).glob("*")]


def daemons(lab: Lab, host: int) -> list[int]:
    """Processes that work on the host's data directory."""
    directory = str(lab.data_dir(host)).encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if b"swarmlite.manager" in words and directory in words:
            found.append(int(entry.name))
    return found


def daemon(lab: Lab, host: int) -> int:
    (pid,) = daemons(lab, host)
    return pid


def kill_daemon(lab: Lab, host: int) -> None:
    pid = daemon(lab, host)
    os.kill(pid, signal.SIGKILL)
    until(f"the daemon of host {host} is dead", lambda: daemons(lab, host) == [])


@pytest.fixture
def background(cluster: Cluster) -> Iterator["Background"]:
    """Commands on hosts that go on until the test ends."""
    found = Background(cluster.lab)
    yield found
    found.end()


class Background:
    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._running: list[object] = []

    def start(self, host: int, *command: str) -> None:
        """Returns once the command has printed its first line."""
        process = self._lab.popen(host, *command)
        self._running.append(process)
        assert process.stdout is not None
        process.stdout.readline()

    def end(self) -> None:
        for process in self._running:
            process.terminate()  # type: ignore[attr-defined]
            process.communicate()  # type: ignore[attr-defined]


def run_daemon(lab: Lab, host: int) -> None:
    """Start the daemon again, as a supervisor would."""
    log = lab.data_dir(host) / "daemon.log"
    command = f"exec setsid {sys.executable} -m swarmlite.manager --data-dir {lab.data_dir(host)} >>{log} 2>&1 &"
    lab.run(host, "sh", "-c", command)
    until("the daemon answers", lambda: lab.swarmlite(host, "status", check=False).returncode == 0)


# --- init -----------------------------------------------------------------------------------------------------------


def test_init_makes_a_manager_that_is_a_node_itself(cluster: Cluster) -> None:
    rows = {row["name"]: row for row in cluster.rows("node", "ls")}
    assert rows["host1"]["state"] == "ready"
    status = cluster.cli(1, "status").stdout
    assert "manager" in status
    assert cluster.lab.address(1) in status


def test_keys_are_for_root_only(cluster: Cluster) -> None:
    for host in (1, 2):
        directory = cluster.lab.data_dir(host)
        secret = [path for path in directory.iterdir() if path.suffix in (".key", ".pem", ".db") or ".db-" in path.name]
        assert secret
        assert {path.stat().st_mode & 0o077 for path in secret} == {0}


def test_a_second_init_is_refused(cluster: Cluster) -> None:
    said = refused(cluster, "init", host=1)
    assert "this host is a manager in the cluster" in said
    assert "swarmlite leave --force" in said


def test_init_without_an_engine_says_so(cluster: Cluster) -> None:
    said = refused(cluster, "init", "--docker-host", "unix:///nowhere/docker.sock")
    assert "/nowhere/docker.sock" in said


def test_init_with_an_address_nobody_can_reach_says_so(cluster: Cluster) -> None:
    assert "other hosts could reach" in refused(cluster, "init", "--advertise-addr", "127.0.0.1")
    assert "nor an interface" in refused(cluster, "init", "--advertise-addr", "eth7")


def test_init_on_a_port_that_is_taken_says_so(cluster: Cluster, background: Background) -> None:
    background.start(3, sys.executable, str(FAKES), "listener", "2377")
    said = refused(cluster, "init")
    assert "2377 cannot be listened on: Address already in use" in said or "address already in use" in said


def test_several_addresses_and_no_default_route_are_listed(cluster: Cluster) -> None:
    lab = cluster.lab
    lab.run(3, "ip", "route", "del", "default")
    lab.run(3, "ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth2")
    lab.run(3, "ip", "address", "add", "10.99.0.1/24", "dev", "eth1")
    lab.run(3, "sh", "-c", "ip link set eth1 up; ip link set eth2 up")
    try:
        done = cluster.cli(3, "init", check=False)
        assert done.returncode != 0
        assert "10.77.0.13 (eth0), 10.99.0.1 (eth1)" in done.stderr
        assert "--advertise-addr" in done.stderr
    finally:
        lab.run(3, "ip", "link", "del", "eth1")
        lab.run(3, "ip", "route", "add", "default", "via", "10.77.0.1")


@pytest.mark.parametrize("after", [0.3, 0.6, 0.9, 1.2])
def test_init_killed_anywhere_can_be_run_again(cluster: Cluster, after: float) -> None:
    lab = cluster.lab
    lab.run(3, "timeout", "--signal=KILL", str(after), "swarmlite", "init", check=False)
    for pid in daemons(lab, 3):
        os.kill(pid, signal.SIGKILL)
    if (lab.data_dir(3) / "node.json").exists():
        run_daemon(lab, 3)
    else:
        lab.swarmlite(3, "init")
    until("the node is ready", lambda: "ready" in lab.swarmlite(3, "node", "ls").stdout)
    lab.swarmlite(3, "leave", "--force")
    assert traces(lab, 3) == []


# --- join: each reason to refuse ------------------------------------------------------------------------------------


def test_a_token_that_is_none_is_refused(cluster: Cluster) -> None:
    assert "does not begin with SWMLT" in refused(cluster, "join", "--token", "hello", cluster.lab.address(1))
    assert "copy the whole token" in refused(cluster, "join", "--token", token(cluster)[:-15], cluster.lab.address(1))


def test_a_wrong_secret_is_refused(cluster: Cluster) -> None:
    good = token(cluster)
    wrong = good[:-4] + ("0000" if good[-4:] != "0000" else "1111")
    assert "not one of this cluster's" in refused(cluster, "join", "--token", wrong, cluster.lab.address(1))


def test_an_expired_token_is_refused(cluster: Cluster) -> None:
    short = token(cluster, "--expires", "1s")
    made = time.monotonic()
    until("a second has passed", lambda: time.monotonic() - made > 1.1)
    assert "expired at" in refused(cluster, "join", "--token", short, cluster.lab.address(1))


def test_a_used_up_token_is_refused(cluster: Cluster) -> None:
    single = token(cluster, "--uses", "1")
    cluster.cli(3, "join", "--token", single, cluster.lab.address(1))
    cluster.cli(3, "leave")
    assert "used up" in refused(cluster, "join", "--token", single, cluster.lab.address(1))


def test_a_revoked_token_is_refused(cluster: Cluster) -> None:
    text = token(cluster, "--description", "to be revoked")
    (row,) = [row for row in cluster.rows("token", "ls") if row["description"] == "to be revoked"]
    cluster.cli(1, "token", "rm", row["id"])
    assert "revoked" in refused(cluster, "join", "--token", text, cluster.lab.address(1))


def test_a_ca_that_the_token_does_not_pin_is_refused(cluster: Cluster) -> None:
    _, kind, digest, secret = token(cluster).split("-")
    other = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    said = refused(cluster, "join", "--token", f"SWMLT-{kind}-{other}-{secret}", cluster.lab.address(1))
    assert "does not match the token's" in said


def test_a_name_that_is_taken_is_refused(cluster: Cluster) -> None:
    said = refused(cluster, "join", "--name", "host2", "--token", token(cluster), cluster.lab.address(1))
    assert "a node named host2 is in the cluster already" in said
    assert "--name" in said


def test_a_node_that_is_in_a_cluster_is_refused(cluster: Cluster) -> None:
    said = refused(cluster, "join", "--token", token(cluster), cluster.lab.address(1), host=2)
    assert "this host is a worker in the cluster" in said
    assert "swarmlite leave" in said


def test_no_engine_is_refused(cluster: Cluster) -> None:
    where = ("--docker-host", "unix:///nowhere/docker.sock")
    said = refused(cluster, "join", *where, "--token", token(cluster), cluster.lab.address(1))
    assert "/nowhere/docker.sock" in said


def test_an_engine_that_is_too_old_is_refused(cluster: Cluster, background: Background, tmp_path: Path) -> None:
    socket = tmp_path / "old.sock"
    background.start(3, sys.executable, str(FAKES), "old-engine", str(socket))
    said = refused(
        cluster, "join", "--docker-host", f"unix://{socket}", "--token", token(cluster), cluster.lab.address(1)
    )
    assert "Docker Engine 1.12.6 is too old" in said
    assert "1.40" in said


def test_a_clock_that_is_off_is_refused(cluster: Cluster, background: Background) -> None:
    background.start(2, sys.executable, str(FAKES), "late-manager", str(cluster.lab.data_dir(1)), "2399")
    said = refused(cluster, "join", "--token", token(cluster), f"{cluster.lab.address(2)}:2399")
    assert re.search(r"this host's clock is (119|12[0-5]) s ahead of the manager's", said), said


def test_a_manager_that_is_not_there_is_refused(cluster: Cluster, background: Background) -> None:
    said = refused(cluster, "join", "--token", token(cluster), "10.77.0.12:2399")
    assert "the manager at 10.77.0.12:2399 cannot be reached: Connection refused" in said
    assert "cannot be reached" in refused(cluster, "join", "--token", token(cluster), "no.such.host.invalid")
    background.start(2, sys.executable, str(FAKES), "listener", "2398")
    assert "10.77.0.12:2398" in refused(cluster, "join", "--token", token(cluster), "10.77.0.12:2398")


@pytest.mark.parametrize("files", range(1, 7))
def test_a_disk_that_is_full_at_any_point_leaves_nothing_half_joined(cluster: Cluster, files: int) -> None:
    """The directory takes so many files: enough for nothing, for a part of a member, or for all but the sockets."""
    directory = str(cluster.lab.data_dir(3))
    cluster.lab.run(3, "mkdir", "-p", directory)
    cluster.lab.run(3, "mount", "-t", "tmpfs", "-o", f"nr_inodes={files + 1}", "small", directory)
    try:
        said = refused(cluster, "join", "--token", token(cluster), cluster.lab.address(1))
        assert "No space left on device" in said
    finally:
        cluster.lab.run(3, "umount", directory)


# --- join, leave and being removed ----------------------------------------------------------------------------------


def test_a_host_joins_and_leaves_without_a_trace(cluster: Cluster) -> None:
    lab = cluster.lab
    cluster.cli(3, "join", "--token", token(cluster), lab.address(1))
    assert cluster.nodes()["host3"] == "ready"
    assert "worker" in cluster.cli(3, "status").stdout
    cluster.deploy(COMPOSE, "left")
    assert any(task.host == 3 for task in cluster.running("left_web"))
    cluster.cli(3, "leave")
    assert "host3" not in cluster.nodes()
    assert traces(lab, 3) == []
    cluster.wait_running("left_web", 4)
    cluster.clear()
    assert "in no cluster" in cluster.cli(3, "leave", check=False).stderr


def test_a_node_that_the_manager_removes_cleans_up_after_itself(cluster: Cluster) -> None:
    lab = cluster.lab
    cluster.cli(3, "join", "--token", token(cluster), lab.address(1))
    cluster.deploy(COMPOSE, "removed")
    assert "force" in cluster.cli(1, "node", "rm", "host3", check=False).stderr
    cluster.cli(1, "node", "rm", "--force", "host3")
    until("host 3 is clean", lambda: not traces(lab, 3), timeout=30)
    cluster.wait_running("removed_web", 4)
    cluster.clear()


def test_leaving_without_the_manager_takes_force(cluster: Cluster) -> None:
    lab = cluster.lab
    cluster.cli(3, "join", "--token", token(cluster), lab.address(1))
    cluster.deploy(COMPOSE, "cut")
    lab.cut(3)
    try:
        said = cluster.cli(3, "leave", check=False).stderr
        assert "cannot be reached" in said
        assert "--force" in said
        assert daemons(lab, 3), "a refused leave left the daemon running"
        assert "node rm host3" in cluster.cli(3, "leave", "--force").stdout
        assert traces(lab, 3) == []
    finally:
        lab.heal(3)
    until("host 3 is down", lambda: cluster.nodes()["host3"] == "down")
    cluster.cli(1, "node", "rm", "host3")
    cluster.clear()


def test_a_leave_that_was_killed_is_finished_by_the_next(cluster: Cluster) -> None:
    lab = cluster.lab
    cluster.cli(3, "join", "--token", token(cluster), lab.address(1))
    cluster.deploy(COMPOSE, "torn")
    lab.run(3, "timeout", "--signal=KILL", "0.9", "swarmlite", "leave", check=False)
    done = cluster.cli(3, "leave", check=False)
    assert done.returncode == 0 or "in no cluster" in done.stderr
    until("host 3 is clean", lambda: not traces(lab, 3), timeout=30)
    assert "host3" not in cluster.nodes()
    cluster.clear()


def test_a_manager_leaves_only_by_force_and_says_what_is_lost(cluster: Cluster) -> None:
    said = refused(cluster, "leave", host=1)
    assert "the cluster ends" in said
    assert "--force" in said


# --- daemons that die -----------------------------------------------------------------------------------------------


def test_a_second_daemon_on_one_directory_is_refused(cluster: Cluster) -> None:
    said = cluster.cli(2, "daemon", check=False).stderr
    assert f"process {daemon(cluster.lab, 2)}" in said


def test_killed_daemons_come_back_and_no_container_restarts(cluster: Cluster) -> None:
    lab = cluster.lab
    cluster.deploy(COMPOSE, "kept")
    before = {task.id: task.container_id for task in cluster.wait_running("kept_web", 4)}
    for host in (2, 1):
        kill_daemon(lab, host)
        run_daemon(lab, host)
        until("both nodes are ready", lambda: set(cluster.nodes().values()) == {"ready"})
    after = {task.id: task.container_id for task in cluster.wait_running("kept_web", 4)}
    assert after == before
    started = {lab.docker(task.host, "inspect", "--format", "{{.RestartCount}}", task.container_id).stdout.strip()
               for task in cluster.running("kept_web")}  # fmt: skip
    assert started == {"0"}
    cluster.clear()


def test_what_the_manager_acknowledged_survives_its_death_at_any_moment(cluster: Cluster) -> None:
    lab = cluster.lab
    for round in range(3):
        cluster.cli(1, "deploy", "--detach", "-c", "-", f"kill{round}", stdin=COMPOSE)
        kill_daemon(lab, 1)
        run_daemon(lab, 1)
        cluster.wait_running(f"kill{round}_web", 4)
    assert len([task for task in cluster.tasks() if task.runs]) == 12
    cluster.clear()


def test_the_daemon_stops_by_sigterm_and_containers_run_on(cluster: Cluster) -> None:
    lab = cluster.lab
    cluster.deploy(COMPOSE, "stay")
    os.kill(daemon(lab, 2), signal.SIGTERM)
    until("the daemon has ended", lambda: daemons(lab, 2) == [], timeout=10)
    assert "not running" in cluster.cli(2, "status", check=False).stderr
    assert lab.docker(2, "ps", "--quiet").stdout
    run_daemon(lab, 2)
    until("both nodes are ready", lambda: set(cluster.nodes().values()) == {"ready"})
    cluster.clear()


# --- memory ---------------------------------------------------------------------------------------------------------


def test_daemons_are_small(cluster: Cluster) -> None:
    """Not after an hour, but with all their code in use; the bench looks longer."""
    assert resident(daemon(cluster.lab, 1)) < 110
    assert resident(daemon(cluster.lab, 2)) < 70


def resident(pid: int) -> float:
    """MB of a process and its children (its DNS process)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    pages = [int(Path(f"/proc/{process}/statm").read_text().split()[1]) for process in (pid, *children)]
    return pages[0] * os.sysconf("SC_PAGE_SIZE") / 1_000_000
