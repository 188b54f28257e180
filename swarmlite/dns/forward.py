"""Names that are not ours, asked of the servers upstream: each from a fresh port with a fresh id, and never silence.

A server that does not answer in time, cannot be reached or fails is followed by the next; the one that answered last is
asked first.
"""

import os
import socket
from collections.abc import Callable, Iterator

from swarmlite.dns import wire
from swarmlite.dns.loop import READ, WRITE, Loop
from swarmlite.dns.upstreams import endpoint
from swarmlite.dns.wire import Query

IN_FLIGHT = 512
_PATIENCE = (1.0, 1.5, 1.5)  # seconds for each try; together under the 5 s after which libcs ask again


class Forwarder:
    """Asks upstream. `done` of each `ask` is called exactly once, with a whole message."""

    def __init__(self, loop: Loop, upstreams: tuple[str, ...]) -> None:
        self.loop = loop
        self.asked = self.failed = self.in_flight = 0
        self.upstreams: list[tuple[str, int]] = []
        self.use(upstreams)

    def use(self, upstreams: tuple[str, ...]) -> None:
        self.upstreams = [endpoint(upstream) for upstream in upstreams]

    def ask(self, data: bytes, query: Query, room: int, done: Callable[[bytes], None]) -> None:
        """`data`: the query as it came; `room`: bytes that its asker takes."""
        self.asked += 1
        refusal = data[:2] + wire.answer(query, wire.SERVFAIL if self.upstreams else wire.REFUSED)
        if self.in_flight >= IN_FLIGHT or not self.upstreams:
            self.failed += 1
            done(refusal)
            return
        self.in_flight += 1
        _Exchange(self, data, query, room, done).next_server()

    def prefer(self, upstream: tuple[str, int]) -> None:
        if self.upstreams and self.upstreams[0] != upstream and upstream in self.upstreams:
            self.upstreams.remove(upstream)
            self.upstreams.insert(0, upstream)


class _Exchange:
    """One query on its way from server to server."""

    def __init__(
        self, forwarder: Forwarder, data: bytes, query: Query, room: int, done: Callable[[bytes], None]
    ) -> None:
        self._forwarder, self._loop, self._done = forwarder, forwarder.loop, done
        self._data, self._query, self._room = data, query, room
        servers = forwarder.upstreams
        self._tries: Iterator[tuple[tuple[str, int], float]] = iter(
            [(servers[i % len(servers)], patience) for i, patience in enumerate(_PATIENCE)]
        )
        self._server = servers[0]
        self._refused: set[tuple[str, int]] = set()
        self._socket: socket.socket | None = None
        self._id = b""
        self._buffer = b""
        self._last = b""  # an upstream's refusal or cut answer, better than ours

    def next_server(self) -> None:
        self._close()
        for server, patience in self._tries:
            self._server = server
            if server not in self._refused and self._open(socket.SOCK_DGRAM, patience):
                return
        self._forwarder.failed += not self._last
        self._finish(self._last or self._data[:2] + wire.answer(self._query, wire.SERVFAIL))

    def _open(self, kind: int, patience: float) -> bool:
        family = socket.AF_INET6 if ":" in self._server[0] else socket.AF_INET
        self._id = os.urandom(2)
        self._buffer = b""
        packet = self._id + self._data[2:]
        try:
            sock = self._socket = socket.socket(family, kind | socket.SOCK_NONBLOCK)
            if kind == socket.SOCK_DGRAM:
                sock.connect(self._server)
                sock.send(packet)
                self._loop.watch(sock.fileno(), READ, lambda: self._receive(sock))
            else:
                sock.connect_ex(self._server)
                framed = len(packet).to_bytes(2, "big") + packet
                self._loop.watch(sock.fileno(), WRITE, lambda: self._send_stream(sock, framed))
        except OSError:
            self._close()
            return False
        self._loop.after(patience, lambda: self._expire(sock))
        return True

    def _expire(self, sock: socket.socket) -> None:
        if self._socket is sock:
            self.next_server()

    def _receive(self, sock: socket.socket) -> None:
        try:
            reply = sock.recv(65535)
        except BlockingIOError:
            return
        except OSError:  # nobody listens there
            self.next_server()
            return
        if not wire.answers(reply, self._id, self._query.question):
            return
        if wire.is_truncated(reply) and self._room > len(reply):
            self._close()
            self._last = self._data[:2] + reply[2:]
            if self._open(socket.SOCK_STREAM, _PATIENCE[0]):
                return
        self._take(reply)

    def _send_stream(self, sock: socket.socket, framed: bytes) -> None:
        try:
            sock.send(framed)
        except OSError:
            self.next_server()
            return
        self._loop.watch(sock.fileno(), READ, lambda: self._receive_stream(sock))

    def _receive_stream(self, sock: socket.socket) -> None:
        try:
            chunk = sock.recv(65537)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        self._buffer += chunk
        reply = self._buffer[2:]
        if len(self._buffer) >= 2 and len(reply) >= int.from_bytes(self._buffer[:2], "big"):
            if wire.answers(reply, self._id, self._query.question):
                self._take(reply)
            else:
                self.next_server()
        elif not chunk:
            self.next_server()

    def _take(self, reply: bytes) -> None:
        reply = self._data[:2] + reply[2:]
        if wire.rcode(reply) in (wire.SERVFAIL, wire.REFUSED):
            self._last = reply
            self._refused.add(self._server)
            self.next_server()
            return
        self._forwarder.prefer(self._server)
        self._finish(wire.trimmed(reply, self._query, self._room))

    def _finish(self, reply: bytes) -> None:
        self._close()
        self._forwarder.in_flight -= 1
        self._done(reply)

    def _close(self) -> None:
        if self._socket is not None:
            self._loop.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None
