"""The ports that every host publishes, on this host: kept in the kernel as the manager says who serves them."""

import asyncio
from collections.abc import Iterable
from typing import Protocol

from swarmlite.agent.body import HostNetwork
from swarmlite.errors import SwarmliteError
from swarmlite.logs import logger
from swarmlite.network.build import bridge_name
from swarmlite.network.rules import Published
from swarmlite.protocol.link import PublishedPort

log = logger(__name__)

RETRY = 2.0
"""Seconds until rules that could not be put in place are tried again."""


class Kernel(Protocol):
    """What this needs of `network.ports`."""

    async def publish(self, ports: Iterable[Published], bridge: str) -> None: ...
    async def mend(self, ports: Iterable[Published], bridge: str) -> None: ...
    async def clear(self) -> None: ...


class Networks(Protocol):
    async def ready(self, id: str) -> HostNetwork: ...


class HostPorts:
    """Until the first `assign` nothing is touched: what an earlier agent left goes on serving."""

    def __init__(self, kernel: Kernel, networks: Networks) -> None:
        self._kernel = kernel
        self._networks = networks
        self._ingress = ""
        self._wanted: tuple[Published, ...] = ()
        self._stale = True
        self._open = True
        self._due = asyncio.Event()

    def assign(self, ingress: str, ports: Iterable[PublishedPort]) -> None:
        self._ingress = ingress
        self._wanted = tuple(Published(port.protocol, port.port, port.backends) for port in ports)
        self._due.set()

    def doubt(self) -> None:
        """The engine has come back, and may have made its own rules anew."""
        self._stale = True
        if self._wanted:
            self._due.set()

    async def run(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            if not await self.settle():
                asyncio.get_running_loop().call_later(RETRY, self._due.set)

    async def settle(self) -> bool:
        """Make the kernel's rules what they should be. Whether it could be done."""
        try:
            await self._apply()
        except SwarmliteError as error:
            log.warning("ports not published", error=str(error))
            return False
        return True

    async def _apply(self) -> None:
        if not self._ingress:
            if self._open:
                await self._kernel.clear()
                self._open = False
            return
        await self._networks.ready(self._ingress)
        apply = self._kernel.mend if self._stale else self._kernel.publish
        self._open = True
        await apply(self._wanted, bridge_name(self._ingress))
        self._stale = False
