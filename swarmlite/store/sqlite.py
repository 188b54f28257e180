"""The default home of the state: one SQLite file, written by one thread, a transaction and an fsync a batch.

The file is opened at the first use and held exclusively, so that two daemons never write one store.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from swarmlite.errors import Conflict, FailedPrecondition, SwarmliteError, Unavailable
from swarmlite.model.codec import decode, encode
from swarmlite.model.objects import Object
from swarmlite.model.view import Change, Put
from swarmlite.store import sql
from swarmlite.store.base import Batch
from swarmlite.store.feed import Feed

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PRIMARY = 0xFF  # the low byte of SQLite's extended result codes

T = TypeVar("T")


class SqliteStore:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._connection: sqlite3.Connection | None = None
        self._feed: Feed | None = None
        self._commits: set[asyncio.Task[int]] = set()
        self._closed = False

    async def read(self) -> tuple[int, tuple[Object, ...]]:
        await self._opened()
        return await self._run(self._read)

    async def commit(self, changes: Sequence[Change], after: int) -> int:
        feed = await self._opened()
        writing = asyncio.create_task(self._write(tuple(changes), after, feed))
        self._commits.add(writing)
        writing.add_done_callback(self._commits.discard)
        return await asyncio.shield(writing)  # what was made durable is published, though nobody waits any more

    async def watch(self, after: int) -> AsyncIterator[Batch]:
        feed = await self._opened()
        async for batch in feed.watch(after):
            yield batch

    async def close(self) -> None:
        if self._closed:
            return
        await asyncio.gather(*self._commits, return_exceptions=True)
        self._closed = True
        if self._feed is not None:
            self._feed.close()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    async def _opened(self) -> Feed:
        if self._feed is None:
            version = await self._run(self._connect)
            self._feed = self._feed or Feed(version)
        return self._feed

    async def _write(self, changes: tuple[Change, ...], after: int, feed: Feed) -> int:
        version = await self._run(lambda: self._commit(changes, after))
        feed.publish(changes, version)
        return version

    async def _run(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise Unavailable("the store is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise _translated(self._path, error) from error

    # --- in the store's own thread ---

    def _connect(self) -> int:
        if self._connection is None:
            self._connection = _open(self._path)
        return _meta(self._connection, "version")

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self) -> tuple[int, tuple[Object, ...]]:
        connection = self._connection
        assert connection is not None
        return _meta(connection, "version"), tuple(decode(kind, body) for kind, body in connection.execute(sql.ALL))

    def _commit(self, changes: tuple[Change, ...], after: int) -> int:
        connection = self._connection
        assert connection is not None
        rows = [_row(change) for change in changes]
        connection.execute(sql.BEGIN)
        try:
            if not connection.execute(sql.ADVANCE, {"from": after, "to": after + 1}).rowcount:
                raise Conflict(f"the store is at version {_meta(connection, 'version')}, the writer saw {after}")
            for statement, values in rows:
                connection.execute(statement, values)
            connection.execute(sql.COMMIT)
        except BaseException:
            if connection.in_transaction:  # SQLite itself rolls back on some errors
                connection.execute(sql.ROLLBACK)
            raise
        return after + 1


def _row(change: Change) -> tuple[str, tuple[object, ...]]:
    if isinstance(change, Put):
        return sql.PUT, (*change.key, encode(change.object))
    return sql.DELETE, change.key


def _open(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, timeout=1.0, check_same_thread=False)
    try:
        _prepare(path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    for setting in sql.SETTINGS:
        connection.execute(setting).fetchall()
    (verdict,) = connection.execute(sql.CHECK).fetchone()
    if verdict != "ok":
        raise _damaged(path, verdict)
    connection.execute(sql.BEGIN)
    if connection.execute(sql.HAS_TABLES).fetchone() != (0,):
        _check_format(path, _meta(connection, "format"))
    for statement in sql.TABLES:
        connection.execute(statement)
    connection.execute(sql.COMMIT)


def _check_format(path: Path, found: int) -> None:
    if found > sql.FORMAT:
        raise FailedPrecondition(
            f"{path} has format {found}, this swarmlite knows formats up to {sql.FORMAT}: a newer swarmlite wrote it, "
            "so install that version again"
        )


def _meta(connection: sqlite3.Connection, name: str) -> int:
    row = connection.execute(sql.GET_META, (name,)).fetchone()
    if row is None:
        raise sqlite3.DatabaseError(f"{name} is missing from the table meta")
    return int(row[0])


def _damaged(path: Path, why: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"{path} is damaged ({why}): restore it from a backup, or remove the data directory and start a new cluster"
    )


def _translated(path: Path, error: sqlite3.Error) -> SwarmliteError:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code & _PRIMARY in _DAMAGED:
        return _damaged(path, str(error))
    if code & _PRIMARY in _BUSY:
        return Unavailable(f"{path} is in use by another process: is a daemon running on this data directory already?")
    if code & _PRIMARY == sqlite3.SQLITE_FULL:
        return Unavailable(f"{path} cannot be written: the disk is full; nothing was changed")
    return Unavailable(f"{path} cannot be read or written: {error}; nothing was changed")
