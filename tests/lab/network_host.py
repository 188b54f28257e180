"""One host's networks, driven from a test over stdin and stdout: runs in that host's network namespace.

python -m tests.lab.network_host ENGINE_URL ADDRESS      one JSON command a line in, one JSON answer a line out
"""

import asyncio
import json
import sys
import time
from typing import Any

import msgspec

from swarmlite.engine.client import Engine
from swarmlite.errors import SwarmliteError
from swarmlite.network.build import bridge_name
from swarmlite.network.overlay import Overlay
from swarmlite.network.ports import Ports
from swarmlite.network.rules import Published
from swarmlite.protocol.link import AssignedNetwork


async def main(url: str, address: str) -> None:
    engine = Engine(url)
    await engine.connect()
    overlay = Overlay(engine, address)
    ports = Ports()
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        started = time.monotonic()
        try:
            answer: Any = await do(command, overlay, ports)
        except SwarmliteError as error:
            answer = {"error": type(error).__name__, "message": error.message}
        sys.stdout.write(json.dumps({"answer": answer, "seconds": time.monotonic() - started}) + "\n")
        sys.stdout.flush()
    await engine.close()


async def do(command: dict[str, Any], overlay: Overlay, ports: Ports) -> Any:
    match command["do"]:
        case "ensure":
            return await overlay.ensure(msgspec.convert(command["network"], AssignedNetwork))
        case "ensure_all":  # at once, and a listing in between, as when an engine has come back
            wanted_networks = msgspec.convert(command["networks"], list[AssignedNetwork])
            calls = [overlay.ensure(network) for network in wanted_networks]
            await asyncio.gather(*calls[:1], overlay.present(), *calls[1:])
            return sorted(await overlay.present())
        case "drop":
            return await overlay.drop(command["id"])
        case "present":
            return sorted(await overlay.present())
        case "publish":
            wanted = [Published(protocol, port, tuple(backends)) for protocol, port, backends in command["ports"]]
            return await ports.publish(wanted, bridge_name(command["network"]))
        case "unpublish":
            return await ports.clear()
        case other:
            raise ValueError(other)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
