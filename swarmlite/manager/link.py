"""The manager's end of an agent's link: moves frames between a WebSocket and the node's session.

Who is alive is told by beats, not by TCP: an end of the stream only says that the host hung up by itself.
"""

import asyncio

import msgspec
from aiohttp import WSMsgType, web

from swarmlite.control.dispatch import Dispatch
from swarmlite.control.session import Session
from swarmlite.errors import Forbidden, NotFound, SwarmliteError
from swarmlite.logs import logger
from swarmlite.manager.door import DOOR
from swarmlite.manager.members import Members, checked_address
from swarmlite.protocol.link import AgentMessage, Dismissed, Hello, ManagerMessage
from swarmlite.settings import DOWN_AFTER

log = logger(__name__)

LARGEST_FRAME = 32 * 1024 * 1024
"""Bytes: a hello with the states of ten thousand tasks is 3 MB."""

HELLO_WITHIN = 10.0

SILENCE = 5 * DOWN_AFTER
"""Seconds without a frame until the connection is let go. The node was marked down long before."""

SEND_WITHIN = 20.0
"""Seconds that a frame may wait for a host that takes nothing."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AgentMessage)


class _Ended(Exception):
    """The host closed the stream."""


class Links:
    """The route `/swarmlite/link`."""

    def __init__(self, members: Members, dispatch: Dispatch) -> None:
        self._members = members
        self._dispatch = dispatch

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/swarmlite/link", self.link)]

    async def link(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False, max_msg_size=LARGEST_FRAME, timeout=1.0)
        try:
            node_id = self._members.member(request).id
        except Forbidden as error:
            await socket.prepare(request)
            return await _dismiss(socket, error.message)
        await socket.prepare(request)
        request.app[DOOR].admit(request)
        try:
            await self._serve(node_id, socket)
        except (SwarmliteError, msgspec.MsgspecError) as error:
            log.warning("link refused", node=node_id, why=str(error))
        finally:
            if not socket.closed and request.transport is not None:
                request.transport.abort()  # a host that takes nothing would hold up a polite close
        return socket

    async def _serve(self, node_id: str, socket: web.WebSocketResponse) -> None:
        try:
            hello = await _receive(socket, HELLO_WITHIN)
        except (_Ended, TimeoutError):
            return
        if not isinstance(hello, Hello):
            raise SwarmliteError("the link did not begin with a hello")
        checked_address(hello.address)

        async def send(message: ManagerMessage) -> None:
            async with asyncio.timeout(SEND_WITHIN):
                await socket.send_bytes(_encoder.encode(message))

        try:
            session = await self._dispatch.attach(node_id, send, hello)
        except NotFound as error:  # removed while it said hello
            await _dismiss(socket, error.message)
            return
        await _converse(session, socket)


async def _converse(session: Session, socket: web.WebSocketResponse) -> None:
    """Until one side ends it. Sending is the inner task, as only receiving learns that the host hung up."""
    hung_up = False
    sending = asyncio.create_task(session.run())
    receiving = asyncio.create_task(_take(session, socket))
    try:
        done, _ = await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        hung_up = receiving in done and isinstance(receiving.exception(), _Ended)
        for task in done:
            _raise_ours(task.exception())
    finally:
        session.closed(peer_closed=hung_up)
        for task in (sending, receiving):
            task.cancel()
        await asyncio.gather(sending, receiving, return_exceptions=True)


async def _take(session: Session, socket: web.WebSocketResponse) -> None:
    while True:
        await session.receive(await _receive(socket, SILENCE))


async def _receive(socket: web.WebSocketResponse, timeout: float) -> AgentMessage:
    frame = await socket.receive(timeout)
    if frame.type in (WSMsgType.BINARY, WSMsgType.TEXT):
        message: AgentMessage = _decoder.decode(frame.data)
        return message
    raise _Ended


async def _dismiss(socket: web.WebSocketResponse, reason: str) -> web.WebSocketResponse:
    await socket.send_bytes(_encoder.encode(Dismissed(reason=reason)))
    await socket.close()
    return socket


def _raise_ours(error: BaseException | None) -> None:
    """Ends of connections are no faults; all else is."""
    if error is not None and not isinstance(error, (_Ended, TimeoutError, ConnectionError)):
        raise error
