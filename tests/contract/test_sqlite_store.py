"""What SQLite adds to the contract: it survives restarts, crashes, damage and full disks."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from swarmlite.errors import FailedPrecondition, Unavailable
from swarmlite.model.objects import Node
from swarmlite.model.spec import NodeSpec
from swarmlite.model.view import Put
from swarmlite.store.sqlite import SqliteStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)

WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from swarmlite.model.objects import Node
from swarmlite.model.spec import NodeSpec
from swarmlite.model.view import Put
from swarmlite.store.sqlite import SqliteStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    version, _ = await store.read()
    while True:
        spec = NodeSpec(name=str(version + 1), labels={"filler": "x" * 2000})
        batch = [Put(Node(id=str(i), created_at=NOW, updated_at=NOW, spec=spec)) for i in range(40)]
        version = await store.commit(batch, version)
        print(version, flush=True)

asyncio.run(main())
"""


def node(id: str, name: str = "") -> Node:
    return Node(id=id, created_at=NOW, updated_at=NOW, spec=NodeSpec(name=name))


async def test_another_process_reads_what_was_committed(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "state.db")
    await first.commit([Put(node("a", "kept"))], 0)
    await first.close()
    second = SqliteStore(tmp_path / "state.db")
    assert await second.read() == (1, (node("a", "kept"),))
    await second.close()


async def test_killed_in_the_middle_of_commits_all_acknowledged_are_there_and_none_is_half(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    acknowledged = 0
    for round in range(4):
        acknowledged = _write_and_kill(path, 10 + 7 * round)
        store = SqliteStore(path)
        version, objects = await store.read()
        await store.close()
        assert version >= acknowledged
        assert {item.spec.name for item in objects if isinstance(item, Node)} == {str(version)}
        assert len(objects) == 40
    assert acknowledged > 40


def _write_and_kill(path: Path, commits: int) -> int:
    """Let a process commit until it acknowledged so many more, then kill it in its next one; the last acknowledged."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(commits)]
        os.kill(writer.pid, signal.SIGKILL)
        return int((lines + writer.stdout.readlines())[-1])


async def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.db")
    await store.read()
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in os.listdir(tmp_path)} == {0o600}
    await store.close()


async def test_a_store_in_use_is_refused(tmp_path: Path) -> None:
    first, second = SqliteStore(tmp_path / "state.db"), SqliteStore(tmp_path / "state.db")
    await first.read()
    with pytest.raises(Unavailable, match="in use by another process"):
        await second.read()
    await second.close()
    await first.close()


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not at all a database " * 100)
    store = SqliteStore(tmp_path / "state.db")
    with pytest.raises(FailedPrecondition, match=r"state.db is damaged .*restore it"):
        await store.read()
    await store.close()


async def test_damage_in_the_middle_of_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = SqliteStore(path)
    await store.commit([Put(node(str(i), "n" * 500)) for i in range(200)], 0)
    await store.close()
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(os.urandom(4096 * 8))
    store = SqliteStore(path)
    with pytest.raises(FailedPrecondition, match="damaged"):
        await store.read()
    await store.close()


async def test_a_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = SqliteStore(path)
    await store.commit([Put(node("a"))], 0)
    await store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = 99 WHERE name = 'format'")
    connection.close()
    store = SqliteStore(path)
    with pytest.raises(FailedPrecondition, match=r"format 99.*newer swarmlite"):
        await store.read()
    await store.close()


async def test_fields_of_a_newer_version_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = SqliteStore(path)
    await store.commit([Put(node("a", "kept"))], 0)
    await store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE record SET body = json_set(body, '$.Moon', 'full', '$.Spec.Tide', 1)")
    connection.close()
    store = SqliteStore(path)
    assert (await store.read())[1] == (node("a", "kept"),)
    await store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", str(tmp_path)], check=True)
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.lab
async def test_a_full_disk_is_said_and_nothing_is_half_written(small_disk: Path) -> None:
    store = SqliteStore(small_disk / "state.db")
    await store.commit([Put(node("a", "kept"))], 0)
    with pytest.raises(Unavailable, match="disk is full"):
        await store.commit([Put(node(str(i), "n" * 1000)) for i in range(2000)], 1)
    assert await store.read() == (1, (node("a", "kept"),))
    assert await store.commit([Put(node("b"))], 1) == 2
    await store.close()
