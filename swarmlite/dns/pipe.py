"""What parent and answering process say to each other over a Unix socket: frames, and sockets beside them.

An orphan hands its state to the next parent in the very frames that a parent sends to a child.
"""

import socket
from collections.abc import Iterator

import msgspec

from swarmlite.protocol.names import NameTable, NameUpdate

_LENGTH = 4
_SOCKETS = 2  # beside each Listen: UDP, then TCP
_CHUNK = 1 << 16


class Frame(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """One message."""


class Table(Frame, frozen=True):
    table: NameTable


class Update(Frame, frozen=True):
    update: NameUpdate


class Listen(Frame, frozen=True):
    """Answer there; the two sockets travel beside it. `outside`: for askers who are no tasks."""

    address: str
    port: int
    outside: bool


class Unlisten(Frame, frozen=True):
    address: str
    port: int


class Sync(Frame, frozen=True):
    """Say `Synced` when all before it is done."""

    serial: int


class Quit(Frame, frozen=True):
    """Finish what is under way upstream, then exit."""


class Handed(Frame, frozen=True):
    """The orphan's state is complete; its heir may say `Quit` when it serves."""


class Synced(Frame, frozen=True):
    """What the process has counted since it started."""

    serial: int
    queries: int = 0
    forwarded: int = 0
    failed: int = 0


AnyFrame = Table | Update | Listen | Unlisten | Sync | Quit | Handed | Synced
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AnyFrame)


def packed(frame: Frame) -> bytes:
    body = _encoder.encode(frame)
    return len(body).to_bytes(_LENGTH, "big") + body


class Inbox:
    """Puts frames together again, each `Listen` with its sockets' descriptors."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._fds: list[int] = []

    def receive(self, sock: socket.socket) -> Iterator[tuple[AnyFrame, list[int]]]:
        """What one read brings. Raises EOFError when the other side is gone."""
        try:
            data, fds, _, _ = socket.recv_fds(sock, _CHUNK, _SOCKETS)
        except BlockingIOError:
            return
        except ConnectionError as error:
            raise EOFError from error
        if not data:
            raise EOFError
        self._buffer += data
        self._fds += fds
        while len(self._buffer) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._buffer[:_LENGTH], "big")
            if len(self._buffer) < end:
                return
            frame = _decoder.decode(memoryview(self._buffer)[_LENGTH:end].tobytes())
            del self._buffer[:end]
            yield frame, self._take_fds(frame)

    def _take_fds(self, frame: AnyFrame) -> list[int]:
        count = _SOCKETS if isinstance(frame, Listen) else 0
        taken, self._fds = self._fds[:count], self._fds[count:]
        return taken
