"""Programs that a lab test runs on a host in place of real ones. Each prints a line once it is ready."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from swarmlite import __version__
from swarmlite.manager import tls
from swarmlite.manager.door import Door, answer, application, opened
from swarmlite.protocol.membership import Authority


async def ready() -> None:
    print("ready", flush=True)  # noqa: T201
    await asyncio.Event().wait()


async def listener(port: str) -> None:
    """Takes connections and says nothing that is TLS."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 not what you look for\r\n")
        writer.close()

    await asyncio.start_server(hang_up, "0.0.0.0", int(port))
    await ready()


async def old_engine(socket: str) -> None:
    """A Docker Engine of 2017."""

    async def version(_: web.Request) -> web.Response:
        return web.json_response({"Version": "1.12.6", "ApiVersion": "1.24", "MinAPIVersion": "1.12"})

    app = web.Application()
    app.router.add_get("/{any:.*}", version)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, socket).start()
    await ready()


async def late_manager(data_dir: str, port: str) -> None:
    """The manager of `data_dir`, whose clock is two minutes slow."""
    directory = Path(data_dir)
    certificate = (directory / "ca.crt").read_text()

    async def authority(_: web.Request) -> web.Response:
        late = datetime.now(UTC) - timedelta(seconds=120)
        return answer(Authority(certificate=certificate, cluster_id="c", now=late, version=__version__))

    app = application(Door())
    app.router.add_get("/swarmlite/ca", authority)
    async with opened(app, "0.0.0.0", int(port), tls.server_context(directory / "ca.crt", directory / "node.pem")):
        await ready()


if __name__ == "__main__":
    peers = {"listener": listener, "old-engine": old_engine, "late-manager": late_manager}
    asyncio.run(peers[sys.argv[1]](*sys.argv[2:]))
