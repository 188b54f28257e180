"""What a lab is to be, written before any of it is made; and the lock that lets one command at a time change it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from swarmlite.errors import FailedPrecondition
from swarmlite.lab.layout import Layout


class State(msgspec.Struct, frozen=True, kw_only=True):
    """`starting` until all of `hosts` run once; `storage` is the engines' storage driver."""

    phase: Literal["starting", "up"]
    hosts: int
    storage: str
    off: tuple[int, ...] = ()
    """Hosts without power."""


def read_state(layout: Layout) -> State | None:
    """None where no lab was ever started, or its state file is gone or broken."""
    try:
        return msgspec.json.decode(layout.state_file.read_bytes(), type=State)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return None


def write_state(layout: Layout, state: State) -> None:
    draft = layout.state_file.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(state) + b"\n")
    draft.replace(layout.state_file)


@contextmanager
def locked(directory: Path, *, create: bool) -> Iterator[bool]:
    """Hold the lab's directory for one command that changes it; False when there is no such directory.

    The lock is on the directory itself, as a file for it would be one more thing to leave behind. `down` removes the
    directory while others wait for it, so whoever gets the lock looks again whether it is still the same one.
    """
    import fcntl  # not on Windows, where the rest of the command line should still load

    while True:
        if create:
            _make(directory)
        try:
            handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            yield False
            return
        except NotADirectoryError as error:
            raise FailedPrecondition(f"{directory} is a file: a lab needs a directory") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _same(handle, directory):
                yield True
                return
        except BrokenPipeError:
            raise
        except OSError as error:
            what = f" ({error.filename})" if error.filename else ""
            raise FailedPrecondition(f"the lab in {directory}: {error.strerror or error}{what}") from error
        finally:
            os.close(handle)


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise FailedPrecondition(f"{directory} is a file: a lab needs a directory") from error
    except OSError as error:
        raise FailedPrecondition(f"the lab's directory {directory} cannot be made: {error.strerror}") from error


def _same(handle: int, directory: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), directory.stat())
    except FileNotFoundError:
        return False
