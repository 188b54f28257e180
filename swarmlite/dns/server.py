"""The sockets of the answering process: datagrams in bursts, TCP connections, and what goes upstream."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Protocol

import msgspec

from swarmlite.dns import wire
from swarmlite.dns.answer import Answers
from swarmlite.dns.forward import Forwarder
from swarmlite.dns.loop import READ, WRITE, Loop
from swarmlite.dns.wire import Query

_BURST = 64  # datagrams read in one turn, so that no socket starves the others
_LARGEST_QUERY = 4096
_CONNECTIONS = 256
_IDLE_SECONDS = 10.0
_UNREAD_BYTES = 256 << 10  # answers that a TCP client may leave unread


class Answering(Protocol):
    """`Answers.inside` or `Answers.outside`."""

    def __call__(self, data: bytes, source: str, *, tcp: bool = False) -> bytes | Query | None: ...


class Listener(msgspec.Struct, frozen=True):
    """One address, over both transports. Its sockets are shared with the parent process."""

    address: str
    port: int
    outside: bool
    udp: socket.socket
    tcp: socket.socket


class Server:
    """Answers on every listener that it is given."""

    def __init__(self, loop: Loop, answers: Answers) -> None:
        self._loop, self._answers = loop, answers
        self.forwarder = Forwarder(loop, answers.zone.upstreams)
        self.listeners: dict[tuple[str, int], Listener] = {}
        self.queries = 0
        self._connections: dict[int, _Connection] = {}

    def add(self, listener: Listener) -> None:
        self.remove(listener.address, listener.port)
        self.listeners[listener.address, listener.port] = listener
        answer: Answering = self._answers.outside if listener.outside else self._answers.inside
        self._loop.watch(listener.udp.fileno(), READ, lambda: self._drain(listener, answer))
        self._loop.watch(listener.tcp.fileno(), READ, lambda: self._accept(listener, answer))

    def remove(self, address: str, port: int) -> None:
        self.mute(address, port)
        listener = self.listeners.pop((address, port), None)
        if listener is not None:
            listener.udp.close()
            listener.tcp.close()

    def mute(self, address: str, port: int) -> None:
        """Read no more queries there; answers from upstream still go out."""
        listener = self.listeners.get((address, port))
        if listener is not None:
            self._loop.forget(listener.udp.fileno())
            self._loop.forget(listener.tcp.fileno())

    def _drain(self, listener: Listener, answer: Answering) -> None:
        receive, send = listener.udp.recvfrom, listener.udp.sendto
        for _ in range(_BURST):
            try:
                data, source = receive(_LARGEST_QUERY)
            except OSError:  # read empty, or an error of an earlier datagram
                return
            self.queries += 1
            reply = answer(data, source[0])
            if isinstance(reply, bytes):
                try:
                    send(reply, source)
                except OSError:
                    continue  # that asker is gone, or the queue is full: it will ask again
            elif reply is not None:
                self._forward_datagram(listener, data, reply, source)

    def _forward_datagram(self, listener: Listener, data: bytes, query: Query, source: tuple[str, int]) -> None:
        def reply(message: bytes) -> None:
            try:
                listener.udp.sendto(message, source)
            except OSError:
                return  # the asker or the listener is gone

        self.forward(listener, source[0], data, query, query.room, reply)

    def forward(
        self, listener: Listener, source: str, data: bytes, query: Query, room: int, reply: Callable[[bytes], None]
    ) -> None:
        """Ask upstream, but not for the internet: an open resolver is a weapon in others' hands."""
        if listener.outside and not ipaddress.ip_address(source).is_private:
            reply(data[:2] + wire.answer(query, wire.REFUSED))
        else:
            self.forwarder.ask(data, query, room, reply)

    def _accept(self, listener: Listener, answer: Answering) -> None:
        try:
            sock, source = listener.tcp.accept()
        except OSError:
            return
        sock.setblocking(False)
        if len(self._connections) >= _CONNECTIONS:
            next(iter(self._connections.values())).close()  # the oldest: a flood cannot shut out the next asker
        connection = _Connection(self, listener, answer, sock, source[0])
        self._connections[sock.fileno()] = connection
        connection.start()

    def dropped(self, fd: int) -> None:
        self._connections.pop(fd, None)

    @property
    def loop(self) -> Loop:
        return self._loop


class _Connection:
    """A TCP client: any number of queries, each answered as soon as it can be (RFC 7766)."""

    def __init__(self, server: Server, listener: Listener, answer: Answering, sock: socket.socket, source: str) -> None:
        self._server, self._listener, self._answer = server, listener, answer
        self._socket, self._source = sock, source
        self._fd = sock.fileno()
        self._in = b""
        self._out = b""
        self._active = False
        self._open = True

    def start(self) -> None:
        self._server.loop.watch(self._fd, READ, self._ready)
        self._server.loop.after(_IDLE_SECONDS, self._check_idle)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._server.loop.forget(self._fd)
            self._server.dropped(self._fd)
            self._socket.close()

    def _check_idle(self) -> None:
        if self._open and not self._active:
            self.close()
        elif self._open:
            self._active = False
            self._server.loop.after(_IDLE_SECONDS, self._check_idle)

    def _ready(self) -> None:
        self._flush()
        try:
            chunk = self._socket.recv(16384) if self._open else b""
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self.close()
            return
        self._in += chunk
        while self._open and len(self._in) >= 2:
            end = 2 + int.from_bytes(self._in[:2], "big")
            if len(self._in) < end:
                return
            data, self._in = self._in[2:end], self._in[end:]
            self._query(data)

    def _query(self, data: bytes) -> None:
        self._active = True
        self._server.queries += 1
        reply = self._answer(data, self._source, tcp=True)
        if isinstance(reply, bytes):
            self._send(reply)
        elif reply is None:
            self.close()
        else:
            self._server.forward(self._listener, self._source, data, reply, wire.TCP_ROOM, self._send)

    def _send(self, message: bytes) -> None:
        if self._open:
            self._out += len(message).to_bytes(2, "big") + message
            self._flush()

    def _flush(self) -> None:
        try:
            sent = self._socket.send(self._out) if self._out else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        self._out = self._out[sent:]
        if len(self._out) > _UNREAD_BYTES:
            self.close()
        else:
            self._server.loop.watch(self._fd, READ | WRITE if self._out else READ, self._ready)
