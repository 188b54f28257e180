"""The answering process itself. It does what its parent says; without a parent it answers on from what it knows, for a
while, and hands everything to the next parent that knocks.
"""

import contextlib
import socket

from swarmlite.dns import pipe
from swarmlite.dns.answer import Answers
from swarmlite.dns.loop import READ, Loop
from swarmlite.dns.server import Listener, Server
from swarmlite.protocol.names import NameTable

_LAST_WORDS_SECONDS = 5.0  # for what is under way upstream
_HANDOVER_SECONDS = 5.0


class Child:
    """`control`: the parent's end; `door`: where the next parent knocks; `orphan_seconds`: how long to wait for it."""

    def __init__(self, control: socket.socket, door: socket.socket, orphan_seconds: float) -> None:
        self._loop = Loop()
        self._answers = Answers(NameTable(version=0))
        self._server = Server(self._loop, self._answers)
        self._door = door
        self._orphan_seconds = orphan_seconds
        self._control = control
        self._parents = 0
        self._obey(control)

    def run(self) -> None:
        self._loop.run()

    def _obey(self, control: socket.socket) -> None:
        control.setblocking(False)
        self._control = control
        self._parents += 1
        inbox = pipe.Inbox()
        self._loop.watch(control.fileno(), READ, lambda: self._listen_to(control, inbox))

    def _listen_to(self, control: socket.socket, inbox: pipe.Inbox) -> None:
        try:
            for frame, fds in inbox.receive(control):
                self._do(frame, fds)
        except EOFError:
            self._lose_parent(control)

    def _do(self, frame: pipe.AnyFrame, fds: list[int]) -> None:
        match frame:
            case pipe.Table(table):
                self._answers.replace(table)
                self._server.forwarder.use(table.upstreams)
            case pipe.Update(update):
                self._answers.update(update)
                if update.upstreams is not None:
                    self._server.forwarder.use(update.upstreams)
            case pipe.Listen(address, port, outside):
                udp, tcp = (socket.socket(fileno=fd) for fd in fds)
                self._server.add(Listener(address, port, outside, udp, tcp))
            case pipe.Unlisten(address, port):
                self._server.remove(address, port)
            case pipe.Sync(serial):
                self._say_synced(serial)
            case pipe.Quit():
                self._quit()

    def _say_synced(self, serial: int) -> None:
        forwarder = self._server.forwarder
        synced = pipe.Synced(serial, self._server.queries, forwarder.asked, forwarder.failed)
        with contextlib.suppress(OSError):  # never wait for a parent: it may have stopped, or be gone
            self._control.send(pipe.packed(synced))

    def _lose_parent(self, control: socket.socket) -> None:
        self._loop.forget(control.fileno())
        control.close()
        if not self._server.listeners or self._orphan_seconds <= 0:
            self._loop.stop()
            return
        lost = self._parents
        self._loop.watch(self._door.fileno(), READ, self._hand_over)
        self._loop.after(self._orphan_seconds, lambda: self._loop.stop() if self._parents == lost else None)

    def _hand_over(self) -> None:
        """To whom knocks: the table and the sockets. It is the parent from then on."""
        try:
            heir, _ = self._door.accept()
        except OSError:
            return
        heir.settimeout(_HANDOVER_SECONDS)
        try:
            heir.sendall(pipe.packed(pipe.Table(self._answers.zone.table())))
            for known in self._server.listeners.values():
                frame = pipe.packed(pipe.Listen(known.address, known.port, known.outside))
                socket.send_fds(heir, [frame], [known.udp.fileno(), known.tcp.fileno()])
            heir.sendall(pipe.packed(pipe.Handed()))
        except OSError:  # it is gone again; the next may knock
            heir.close()
            return
        self._loop.forget(self._door.fileno())
        self._obey(heir)

    def _quit(self) -> None:
        """The sockets live on in the parent; here only the answers from upstream are still to come."""
        for address, port in list(self._server.listeners):
            self._server.mute(address, port)
        self._loop.after(_LAST_WORDS_SECONDS, self._loop.stop)
        self._stop_when_idle()

    def _stop_when_idle(self) -> None:
        if self._server.forwarder.in_flight:
            self._loop.after(0.02, self._stop_when_idle)
        else:
            self._loop.stop()
