"""The parent's side: it holds the sockets and the table, and keeps an answering process alive on them.

Queries wait in the sockets while a killed process is replaced. When this parent itself is killed, the process goes on
alone and gives sockets and table to the next parent, so an agent's restart or upgrade loses no query either.
"""

import asyncio
import contextlib
import logging
import socket
from pathlib import Path
from types import TracebackType

import msgspec

from swarmlite.dns import pipe
from swarmlite.dns.link import Link, ready, spawn
from swarmlite.dns.sockets import DOOR, Sockets, bind, open_door, short_path
from swarmlite.dns.upstreams import host_upstreams
from swarmlite.errors import Timeout
from swarmlite.protocol.names import NameTable, NameUpdate, updated

log = logging.getLogger(__name__)

_ACK_SECONDS = 5.0
_HANDOVER_SECONDS = 2.0
_SOON_SECONDS = 1.0  # a process that died this young has something wrong
_FREE_DEATHS = 10  # so many young deaths in a row are answered at once
_RESOLV_CONF_SECONDS = 5.0


class Stats(msgspec.Struct, frozen=True):
    """Counted since the present process started; `restarts`: of processes that died."""

    pid: int
    restarts: int
    queries: int
    forwarded: int
    failed: int


class DnsProcess:
    """The host's DNS. `run_dir`: where the next parent finds an orphan; `orphan_seconds`: how long that answers alone,
    0 for not at all.
    """

    def __init__(
        self, run_dir: Path, *, orphan_seconds: float = 30.0, resolv_conf: Path = Path("/etc/resolv.conf")
    ) -> None:
        self._run_dir, self._orphan_seconds, self._resolv_conf = run_dir, orphan_seconds, resolv_conf
        self._sockets: dict[tuple[str, int], Sockets] = {}
        self._table: NameTable | None = None
        self._upstreams: tuple[str, ...] = ()
        self._door: socket.socket | None = None
        self._heritage: socket.socket | None = None
        self._child: Link | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._follower: asyncio.Task[None] | None = None
        self._serial = 0
        self._waiting: dict[int, asyncio.Future[pipe.Synced]] = {}
        self._restarts = 0

    async def __aenter__(self) -> "DnsProcess":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Take over what an orphan serves, if there is one. The process starts with the first table."""
        self._heritage = await self._inherit()
        self._door = open_door(self._run_dir)
        self._upstreams = self._host_upstreams()
        self._follower = asyncio.create_task(self._follow_resolv_conf(), name="dns-upstreams")
        try:
            await self._tell()
        except Timeout as error:  # the supervisor goes on trying
            log.warning("%s", error)

    async def aclose(self, *, keep_answering: bool = False) -> None:
        """Stop the process, or leave it answering for the next parent."""
        child = self._child
        tasks = [task for task in (self._supervisor, self._follower) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if child is not None and not keep_answering:
            await child.stop()
            (self._run_dir / DOOR).unlink(missing_ok=True)
        elif child is not None:
            child.let_go()
        for sockets in self._sockets.values():
            sockets.close()
        self._sockets.clear()
        for held in (self._door, self._heritage):
            if held is not None:
                held.close()

    @property
    def listening(self) -> frozenset[tuple[str, int]]:
        """Addresses served now, with those inherited from the last parent."""
        return frozenset(self._sockets)

    @property
    def pid(self) -> int | None:
        """The answering process, if it runs now."""
        return self._child.process.pid if self._child else None

    async def set_table(self, table: NameTable) -> None:
        """Replace the whole table; on return it is in every answer."""
        self._table = table
        await self._tell(pipe.Table(self._with_upstreams(table)))

    async def update(self, update: NameUpdate) -> None:
        """Change some networks and clients; on return it is in every answer."""
        self._table = updated(self._table or NameTable(version=0), update)
        if update.upstreams is not None:
            update = msgspec.structs.replace(update, upstreams=update.upstreams or self._upstreams)
        await self._tell(pipe.Update(update))

    async def listen(self, address: str, port: int = 53, *, outside: bool = False) -> None:
        """Answer there, UDP and TCP; the address itself may come later. Again is no error."""
        known = self._sockets.get((address, port))
        if known is not None and known.outside == outside:
            return
        if known is None:
            known = bind(address, port, outside=outside)
        sockets = self._sockets[address, port] = msgspec.structs.replace(known, outside=outside)
        await self._tell(pipe.Listen(address, port, outside), (sockets.udp, sockets.tcp))

    async def unlisten(self, address: str, port: int = 53) -> None:
        """Stop answering there. An address that is not served is no error."""
        sockets = self._sockets.pop((address, port), None)
        if sockets is not None:
            sockets.close()
            await self._tell(pipe.Unlisten(address, port))

    async def stats(self) -> Stats:
        synced = await self._tell()
        counted = synced or pipe.Synced(0)
        return Stats(self.pid or 0, self._restarts, counted.queries, counted.forwarded, counted.failed)

    async def _tell(
        self, frame: pipe.Frame | None = None, beside: tuple[socket.socket, ...] = ()
    ) -> pipe.Synced | None:
        """Send, and wait until it is done. One that dies meanwhile is followed by one that has the whole state."""
        if self._table is None:
            return None
        self._serial += 1
        serial = self._serial
        done: asyncio.Future[pipe.Synced] = asyncio.get_running_loop().create_future()
        self._waiting[serial] = done
        try:
            if self._child is not None:
                with contextlib.suppress(OSError):  # the supervisor sees it too
                    await self._child.send([(frame, beside)] if frame else [], serial)
            elif self._supervisor is None and self._door is not None:
                self._supervisor = asyncio.create_task(self._supervise(self._door), name="dns-process")
            async with asyncio.timeout(_ACK_SECONDS):
                return await done
        except TimeoutError:
            raise Timeout(
                f"the DNS process has not taken its new table within {_ACK_SECONDS:g} s; it gets it when it can"
            ) from None
        finally:
            self._waiting.pop(serial, None)

    async def _supervise(self, door: socket.socket) -> None:
        deaths = 0
        while True:
            born = asyncio.get_running_loop().time()
            await self._live(spawn(self._run_dir, door, self._orphan_seconds))
            self._restarts += 1
            deaths = deaths + 1 if asyncio.get_running_loop().time() - born < _SOON_SECONDS else 0
            log.warning("the DNS process ended, starting another")
            await asyncio.sleep(min(0.1 * max(0, deaths - _FREE_DEATHS), 2.0))

    async def _live(self, child: Link) -> None:
        """One process from its first word to its death."""
        self._child = child
        state: list[tuple[pipe.Frame, tuple[socket.socket, ...]]] = [
            (pipe.Listen(address, port, it.outside), (it.udp, it.tcp)) for (address, port), it in self._sockets.items()
        ]
        if self._table is not None:
            state.insert(0, (pipe.Table(self._with_upstreams(self._table)), ()))
        try:
            await child.send(state, self._serial)
            inbox = pipe.Inbox()
            while True:
                await ready(child.sock)
                for frame, _ in inbox.receive(child.sock):
                    if isinstance(frame, pipe.Synced):
                        self._synced(frame)
        except (EOFError, OSError):
            self._child = None
            await child.bury()

    def _synced(self, frame: pipe.Synced) -> None:
        for serial, done in self._waiting.items():
            if serial <= frame.serial and not done.done():
                done.set_result(frame)
        if self._heritage is not None:  # a process of ours answers now: the orphan may go
            with contextlib.suppress(OSError):
                self._heritage.send(pipe.packed(pipe.Quit()))
            self._heritage.close()
            self._heritage = None

    async def _inherit(self) -> socket.socket | None:
        """The orphan's end, once its table and sockets are here; it answers on until it is told to quit."""
        orphan = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            with short_path(self._run_dir) as door:
                orphan.connect(door)
            async with asyncio.timeout(_HANDOVER_SECONDS):
                await self._take_over(orphan)
        except (OSError, EOFError, TimeoutError):  # nobody there, or nobody who answers
            orphan.close()
            return None
        log.info("took over %d listening addresses from the process before", len(self._sockets))
        return orphan

    async def _take_over(self, orphan: socket.socket) -> None:
        inbox = pipe.Inbox()
        while True:
            await ready(orphan)
            for frame, fds in inbox.receive(orphan):
                match frame:
                    case pipe.Table(table):
                        self._table = msgspec.structs.replace(table, upstreams=())
                    case pipe.Listen(address, port, outside):
                        udp, tcp = (socket.socket(fileno=fd) for fd in fds)
                        self._sockets[address, port] = Sockets(udp, tcp, outside)
                    case pipe.Handed():
                        return

    def _with_upstreams(self, table: NameTable) -> NameTable:
        return msgspec.structs.replace(table, upstreams=table.upstreams or self._upstreams)

    def _host_upstreams(self) -> tuple[str, ...]:
        try:
            text = self._resolv_conf.read_text(errors="replace")
        except OSError:
            return ()
        return host_upstreams(text, self._sockets.keys())

    async def _follow_resolv_conf(self) -> None:
        """Hosts move between networks."""
        while True:
            await asyncio.sleep(_RESOLV_CONF_SECONDS)
            found = self._host_upstreams()
            if found != self._upstreams:
                self._upstreams = found
                if self._table is not None and not self._table.upstreams:
                    with contextlib.suppress(Timeout):
                        await self._tell(pipe.Update(NameUpdate(version=self._table.version, upstreams=found)))
