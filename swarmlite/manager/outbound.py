"""What a host asks of its manager over the one port, beside the link: to join, to renew its certificate, to leave."""

import os
import ssl
from typing import TypeVar

import aiohttp
import msgspec

from swarmlite.errors import (
    AlreadyExists,
    FailedPrecondition,
    Forbidden,
    SwarmliteError,
    Unauthorized,
    Unavailable,
)
from swarmlite.manager import tls
from swarmlite.manager.pki import MANAGER_NAME
from swarmlite.protocol.membership import Authority, Joined, JoinRequest, Refusal, Renewed, RenewRequest

_TIMEOUT = aiohttp.ClientTimeout(total=20.0, sock_connect=5.0)

_BY_STATUS: dict[int, type[SwarmliteError]] = {
    401: Unauthorized,
    403: Forbidden,
    409: AlreadyExists,
    503: Unavailable,
}

T = TypeVar("T")


class Empty(msgspec.Struct):
    pass


class ManagerPort:
    """The port of the manager at `address` (HOST:PORT)."""

    def __init__(self, address: str, context: ssl.SSLContext) -> None:
        self.address = address
        self._context = context

    async def authority(self) -> Authority:
        return await self._ask("GET", "/swarmlite/ca", None, Authority)

    async def join(self, request: JoinRequest) -> Joined:
        return await self._ask("POST", "/swarmlite/join", request, Joined)

    async def renew(self, request: str) -> Renewed:
        return await self._ask("POST", "/swarmlite/renew", RenewRequest(request=request), Renewed)

    async def leave(self) -> None:
        await self._ask("POST", "/swarmlite/leave", Empty(), Empty)

    async def _ask(self, method: str, path: str, body: msgspec.Struct | None, type: type[T]) -> T:
        data = None if body is None else msgspec.json.encode(body)
        name = MANAGER_NAME if self._context.check_hostname else None
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.request(
                    method, f"https://{self.address}{path}", data=data, ssl=self._context, server_hostname=name
                ) as response,
            ):
                return self._read(response.status, await response.content.read(1 << 20), type)
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from error

    def _read(self, status: int, answer: bytes, type: type[T]) -> T:
        try:
            if status < 300:
                return msgspec.json.decode(answer, type=type)
            message = msgspec.json.decode(answer, type=Refusal).message
        except msgspec.MsgspecError as error:
            raise FailedPrecondition(
                f"{self.address} answers, but not like a swarmlite manager (HTTP status {status}): is it the "
                "right host and port?"
            ) from error
        raise _BY_STATUS.get(status, FailedPrecondition)(message)

    def _unreachable(self, error: Exception) -> SwarmliteError:
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return Unauthorized(f"{self.address} shows a certificate that is not of the cluster's CA: {_why(error)}")
        if isinstance(error, aiohttp.ClientSSLError):
            return FailedPrecondition(f"{self.address} answers, but not with TLS as a swarmlite manager: {_why(error)}")
        return Unavailable(
            f"the manager at {self.address} cannot be reached: {_why(error)}. "
            f"Does its daemon run, is the address right, "
            "and is the TCP port open in firewalls?"
        )


def looking_at(address: str) -> ManagerPort:
    """A manager whose certificate is not verified; only `authority` may be asked of it."""
    return ManagerPort(address, tls.looking_context())


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        code = error.os_error.errno or 0  # negative for names that are unknown, whose text is good as it is
        return os.strerror(code) if code > 0 else error.os_error.strerror or str(error.os_error)
    return str(error) or type(error).__name__
