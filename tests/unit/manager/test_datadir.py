"""The data directory: written so that a crash leaves a member or none, held by one daemon, removed whole."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from swarmlite.errors import AlreadyExists, FailedPrecondition, NotInCluster
from swarmlite.manager.datadir import FORMAT, DataDir, NodeRecord, write
from swarmlite.model.spec import Role

RECORD = NodeRecord(
    node_id="n1",
    cluster_id="c1",
    name="host1",
    role=Role.WORKER,
    address="10.0.0.1",
    manager="10.0.0.2:2377",
    renew_at=datetime(2026, 3, 1, tzinfo=UTC),
)

HOLDER = """
import sys
from pathlib import Path
from swarmlite.manager.datadir import DataDir
with DataDir(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_what_was_noted_is_read(tmp_path: Path) -> None:
    datadir = DataDir(tmp_path)
    datadir.write_record(RECORD)
    assert datadir.record() == RECORD
    assert datadir.node.stat().st_mode & 0o777 == 0o600


def test_a_host_in_no_cluster_is_told_how_to_be_in_one(tmp_path: Path) -> None:
    with pytest.raises(NotInCluster, match="swarmlite init"):
        DataDir(tmp_path / "nowhere").record()


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff"])
def test_a_damaged_record_is_named(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "node.json").write_bytes(body)
    with pytest.raises(FailedPrecondition, match=r"node.json is damaged"):
        DataDir(tmp_path).record()


def test_a_record_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    DataDir(tmp_path).write_record(replace(RECORD, format=FORMAT + 1))
    with pytest.raises(FailedPrecondition, match="newer swarmlite"):
        DataDir(tmp_path).record()


def test_one_process_holds_the_directory(tmp_path: Path) -> None:
    datadir = DataDir(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert datadir.daemon_pid() == holder.pid
        with pytest.raises(AlreadyExists, match=rf"process {holder.pid}"), datadir.locked():
            pass
        holder.kill()
    assert datadir.daemon_pid() is None
    with datadir.locked():
        assert datadir.pid.read_text() == f"{os.getpid()}\n"


def test_the_pid_of_a_killed_daemon_means_nothing(tmp_path: Path) -> None:
    (tmp_path / "daemon.pid").write_text("1\n")
    assert DataDir(tmp_path).daemon_pid() is None


def test_removing_takes_all_that_is_ours_and_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "data"
    datadir = DataDir(root)
    datadir.prepare()
    datadir.write_record(RECORD)
    for path in (datadir.ca, datadir.ca_key, datadir.credentials, datadir.state, root / ".node.pem.new"):
        write(path, b"x")
    write(root / "state.db-wal", b"x")
    (datadir.agent / "deep").mkdir(parents=True)
    write(datadir.agent / "deep" / "file", b"x")
    write(root / "mine.txt", b"x")
    datadir.remove_all()
    assert [path.name for path in root.iterdir()] == ["mine.txt"]
    (root / "mine.txt").unlink()
    datadir.remove_all()
    assert not root.exists()
    datadir.remove_all()


def test_what_a_crashed_attempt_left_is_replaced(tmp_path: Path) -> None:
    datadir = DataDir(tmp_path)
    datadir.begin()
    write(datadir.ca_key, b"x")
    datadir.begin()
    assert not datadir.ca_key.exists()
    datadir.write_record(RECORD)
    assert not datadir.unfinished.exists()


def test_the_state_of_a_member_that_lost_its_record_is_left_alone(tmp_path: Path) -> None:
    datadir = DataDir(tmp_path)
    datadir.begin()
    write(datadir.state, b"precious")
    datadir.write_record(RECORD)
    datadir.node.unlink()
    with pytest.raises(FailedPrecondition, match=r"holds state.db of a member, but no node.json"):
        datadir.begin()
    assert datadir.state.read_bytes() == b"precious"


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FailedPrecondition, match="cannot be used as data directory"):
        DataDir(tmp_path / "file").prepare()
