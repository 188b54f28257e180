"""HTTP/1.1 over a unix socket, as little of it as our own client needs.

The command line starts a process for every command, and importing aiohttp alone would double its time.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from swarmlite.errors import Unavailable

_LINE = 1024 * 1024  # the longest line read at once: headers, and lines of logs


class Response(NamedTuple):
    """`chunks`: the body as it comes."""

    status: int
    chunks: AsyncGenerator[bytes, None]

    async def read(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks])


@asynccontextmanager
async def request(socket: Path, method: str, target: str, body: bytes | None = None) -> AsyncIterator[Response]:
    """One request on its own connection, closed at the end; the caller turns `OSError`s into words."""
    reader, writer = await asyncio.open_unix_connection(socket, limit=_LINE)
    try:
        head = [f"{method} {target} HTTP/1.1", "Host: swarmlite", "Connection: close"]
        if body is not None:
            head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        writer.write("\r\n".join([*head, "", ""]).encode() + (body or b""))
        await writer.drain()
        status, headers = await _head(reader)
        yield Response(status, _body(reader, headers))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise Unavailable("the swarmlite daemon closed the connection; is it being stopped?") from error
    finally:
        writer.close()


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(lines[0].split(" ")[1]), headers


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncGenerator[bytes, None]:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readline()).split(b";")[0] or b"0", 16):
            yield (await reader.readexactly(size + 2))[:-2]
    elif "content-length" in headers:
        yield await reader.readexactly(int(headers["content-length"]))
    else:
        while chunk := await reader.read(65536):
            yield chunk
