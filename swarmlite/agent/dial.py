"""One WebSocket to a manager, over aiohttp: the only place where the agent knows what carries its messages."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from swarmlite.errors import FailedPrecondition, Unavailable

if TYPE_CHECKING:
    import aiohttp

MANAGER_NAME = "swarmlite-manager"
"""The name that managers' certificates carry: a worker's certificate of the same CA does not pass for a manager's."""

PATH = "/swarmlite/link"
CONNECT_TIMEOUT = 3.0
PING = 4.0
"""Seconds between pings; half of it without an answer and the connection counts as lost."""

LARGEST = 64 << 20
"""Bytes of one message: the assignments of a host with thousands of tasks."""


class WebSocket:
    """`link.Socket` over an aiohttp WebSocket."""

    def __init__(self, socket: "aiohttp.ClientWebSocketResponse", manager: str) -> None:
        self._socket = socket
        self._manager = manager

    async def send(self, message: bytes) -> None:
        try:
            await self._socket.send_bytes(message)
        except (OSError, RuntimeError) as error:
            raise Unavailable(f"the link to {self._manager} is lost: {error}") from error

    async def receive(self) -> bytes:
        import aiohttp

        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.BINARY:
            return bytes(message.data)
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data).encode()
        if message.type is aiohttp.WSMsgType.ERROR:
            raise Unavailable(f"the link to {self._manager} is lost: {message.data}")
        raise Unavailable(f"manager {self._manager} has closed the link {message.extra or ''}".rstrip())


class Dialer:
    """`context` is made anew for each connection, as certificates are renewed; None: without TLS, for tests."""

    def __init__(self, context: Callable[[], ssl.SSLContext] | None) -> None:
        self._make_context = context

    @asynccontextmanager
    async def __call__(self, manager: str) -> AsyncIterator[WebSocket]:
        import aiohttp

        context = self._make_context() if self._make_context else None
        scheme = "wss" if context else "ws"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            try:
                socket = await session.ws_connect(
                    f"{scheme}://{manager}{PATH}",
                    ssl=context or False,
                    server_hostname=MANAGER_NAME if context else None,
                    heartbeat=PING,
                    max_msg_size=LARGEST,
                )
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise Unavailable(f"manager {manager} cannot be reached: {_why(error)}") from error
            async with socket:
                yield WebSocket(socket, manager)


def client_context(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """Mutual TLS with the node's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_verify_locations(ca)
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise FailedPrecondition(f"the node's certificate in {certificate.parent} cannot be used: {error}") from error
    return context


def _why(error: Exception) -> str:
    import aiohttp

    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"it answered {error.status} {error.message}"
    if isinstance(error, aiohttp.ClientConnectorError):  # its own text has the context's address, ever another one
        return error.os_error.strerror or str(error.os_error)
    return str(error) or type(error).__name__
