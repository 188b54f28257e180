"""The host's own tools (`ip`, `bridge`, `nft`, `iptables`), run without blocking."""

import asyncio
import os
from collections.abc import Sequence
from typing import Protocol

from swarmlite.errors import FailedPrecondition, SwarmliteError

TIMEOUT = 30.0
"""Seconds until a tool is given up; each takes milliseconds."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class CommandFailed(SwarmliteError):
    """`output`: what the tool wrote to stderr."""

    def __init__(self, argv: Sequence[str], output: str) -> None:
        self.output = output.strip()
        super().__init__(f"`{' '.join(argv)}` failed: {self.output or 'it gave no reason'}")


class Run(Protocol):
    async def __call__(self, argv: Sequence[str], stdin: str = "") -> str:
        """The tool's stdout; `CommandFailed` when it ends badly."""
        ...


async def run(argv: Sequence[str], stdin: str = "") -> str:
    """`Run` on this host, in this process's network namespace."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{_PATH}", "LC_ALL": "C"},
        )
    except FileNotFoundError as error:
        raise FailedPrecondition(f"{argv[0]!r} is not on this host: install iproute2, iptables and nftables") from error
    try:
        async with asyncio.timeout(TIMEOUT):
            out, err = await process.communicate(stdin.encode())
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    if process.returncode:
        raise CommandFailed(argv, err.decode(errors="replace"))
    return out.decode(errors="replace")
