"""The one port between hosts. Strangers may knock: what they send is small, soon over, and they are never many.

A connection that has not become an agent's link is cut after `PATIENCE` seconds, whatever it is doing.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from swarmlite.errors import SwarmliteError, Unavailable
from swarmlite.logs import logger
from swarmlite.protocol.membership import Refusal

log = logger(__name__)

PATIENCE = 30.0
"""Seconds from the first packet to the last one of a stranger's connection."""

HANDSHAKE = 10.0
"""Seconds for TLS."""

STRANGERS = 512
"""Connections that are no link, at once."""

LARGEST_BODY = 64 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
DOOR: web.AppKey["Door"] = web.AppKey("door")


class Door:
    """Keeps the connections that are not links yet."""

    def __init__(self, patience: float = PATIENCE, strangers: int = STRANGERS) -> None:
        self._patience = patience
        self._most = strangers
        self._strangers: dict[asyncio.Protocol, asyncio.TimerHandle] = {}

    def admit(self, request: web.Request) -> None:
        """This connection is an agent's link: it may last."""
        timer = self._strangers.pop(request.protocol, None)
        if timer is not None:
            timer.cancel()

    def receive(self, make: Callable[[], asyncio.Protocol]) -> asyncio.Protocol:
        """The protocol of a connection that just came in."""
        if len(self._strangers) >= self._most:
            return _Refused()
        protocol = make()
        loop = asyncio.get_running_loop()
        self._strangers[protocol] = loop.call_later(self._patience, self._cut, protocol)
        return protocol

    def _cut(self, protocol: asyncio.Protocol) -> None:
        del self._strangers[protocol]
        transport = getattr(protocol, "transport", None)
        if transport is not None:
            transport.abort()

    def close(self) -> None:
        for timer in self._strangers.values():
            timer.cancel()
        self._strangers.clear()


class _Refused(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


@asynccontextmanager
async def opened(app: web.Application, address: str, port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Serve the application over TLS while the block runs; gives the port."""
    door = app[DOOR]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, keepalive_timeout=5.0, handle_signals=False)
    await runner.setup()
    make = runner.server
    assert make is not None
    try:
        server = await _listen(lambda: door.receive(make), address, port, context)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            door.close()
    finally:
        await runner.cleanup()


async def _listen(
    factory: Callable[[], asyncio.Protocol], address: str, port: int, context: ssl.SSLContext
) -> asyncio.Server:
    try:
        return await asyncio.get_running_loop().create_server(
            factory,
            address or None,
            port,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE,
            backlog=256,
            reuse_address=True,
        )
    except OSError as error:
        where = f"{address or '*'}:{port}"
        raise Unavailable(f"the manager cannot listen on {where}: {error.strerror or error}") from error


def application(door: Door) -> web.Application:
    app = web.Application(middlewares=[_errors], client_max_size=LARGEST_BODY)
    app[DOOR] = door
    return app


def answer(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except SwarmliteError as error:
        log.info("refused", path=request.path, peer=request.remote, why=error.message)
        return answer(Refusal(message=error.message), error.status)
    except web.HTTPException as error:
        return answer(Refusal(message=error.reason), error.status)
