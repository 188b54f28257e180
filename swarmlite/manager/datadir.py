"""What a member keeps on disk, and in which order it is written.

`node.json` is written last and removed last: a directory without it is no member's, whatever else lies in it.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from swarmlite.errors import AlreadyExists, FailedPrecondition, NotInCluster, Unavailable
from swarmlite.model.spec import Role
from swarmlite.settings import CLI_SOCKET, DOCKER_SOCKET

FORMAT = 1


class NodeRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who this host is. `manager`: HOST:PORT to dial; `listen`: where a manager listens; `docker_host` "": as Docker's
    clients decide; `leaving`: a `leave` has begun and must be finished.
    """

    node_id: str
    cluster_id: str
    name: str
    role: Role
    address: str
    manager: str
    renew_at: datetime
    docker_host: str = ""
    listen: str = ""
    dns_listen: str = ""
    leaving: bool = False
    format: int = FORMAT


class DataDir:
    """Paths, and the record. `credentials`: key and certificate in one file, so that they always match."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.node = root / "node.json"
        self.state = root / "state.db"
        self.ca = root / "ca.crt"
        self.ca_key = root / "ca.key"
        self.credentials = root / "node.pem"
        self.cli_socket = root / CLI_SOCKET
        self.docker_socket = root / DOCKER_SOCKET
        self.pid = root / "daemon.pid"
        self.log = root / "daemon.log"
        self.unfinished = root / "unfinished"
        self.agent = root / "agent"

    def prepare(self) -> None:
        """Make the directory and check that it can be written. Others may pass through it, to `docker.sock`."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o711)
            probe = self.root / ".probe"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise FailedPrecondition(f"{self.root} cannot be used as data directory: {_why(error)}") from error

    def record(self) -> NodeRecord:
        """Raises NotInCluster where this host is no member."""
        found = self.find_record()
        if found is None:
            raise NotInCluster(
                f"this host is in no cluster ({self.node} is not there): "
                "start one with `swarmlite init`, or join one with `swarmlite join`"
            )
        return found

    def find_record(self) -> NodeRecord | None:
        try:
            body = self.node.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FailedPrecondition(f"{self.node} cannot be read: {_why(error)}") from error
        try:
            record = msgspec.json.decode(body, type=NodeRecord)
        except msgspec.MsgspecError as error:
            raise FailedPrecondition(f"{self.node} is damaged: {error}") from error
        if record.format > FORMAT:
            raise FailedPrecondition(f"{self.node} was written by a newer swarmlite: install that version again")
        return record

    def write_record(self, record: NodeRecord) -> None:
        write(self.node, msgspec.json.format(msgspec.json.encode(record)) + b"\n")
        self.unfinished.unlink(missing_ok=True)

    def begin(self) -> None:
        """Make room for a new member's files: those of an attempt that crashed go, those of a member that lost its
        `node.json` do not.
        """
        parts = [path.name for path in (self.state, self.ca_key, self.credentials) if path.exists()]
        if parts and not self.unfinished.exists():
            raise FailedPrecondition(
                f"{self.root} holds {', '.join(parts)} of a member, but no {self.node.name}: put that back, or remove "
                "the directory if that member is of no use any more"
            )
        self._remove_files()
        write(self.unfinished, b"")

    def remove_all(self) -> None:
        """Everything that is ours, `node.json` last; the directory too if nothing else lies in it."""
        self._remove_files()
        self.remove_empty()

    def remove_empty(self) -> None:
        """The lock; and the directory, if nothing else lies in it."""
        self.pid.unlink(missing_ok=True)
        try:
            self.root.rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            _sync(self.root)  # a mount point, or others' files lie in it

    def _remove_files(self) -> None:
        _remove_tree(self.agent)
        files = (self.ca_key, self.credentials, self.ca, self.cli_socket, self.docker_socket)
        state = (self.state, *(self.state.with_name(self.state.name + end) for end in ("-wal", "-shm", "-journal")))
        for path in (
            *files,
            *state,
            self.log,
            self.log.with_name(self.log.name + ".1"),
            *self.root.glob(".*.new"),
            self.unfinished,
            self.node,
        ):
            path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the one process that works on this directory: the daemon, or a command that makes or unmakes a member."""
        self.prepare()
        descriptor = os.open(self.pid, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            if not _lock(descriptor):
                raise AlreadyExists(f"a daemon runs on {self.root} already (process {self.daemon_pid() or '?'})")
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def daemon_pid(self) -> int | None:
        """The process that holds the directory now; None if there is none, whatever the file says."""
        try:
            with self.pid.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(file.read().strip() or 0) or None
        except (FileNotFoundError, ValueError):
            pass
        return None


def write(path: Path, body: bytes, mode: int = 0o600) -> None:
    """Replace a file so that after a crash it is the old one or the new one, whole."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, mode)
        with open(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        _sync(path.parent)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise Unavailable(f"{path} cannot be written: {_why(error)}") from error


def _lock(descriptor: int) -> bool:
    """Tried for a moment, as `daemon_pid` holds a lock while it looks."""
    for _ in range(10):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_tree(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for child in path.iterdir():
            _remove_tree(child)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _why(error: OSError) -> str:
    return error.strerror or str(error)
