"""The cluster's networks on this host: made once, kept as assigned, and taken away when nothing needs them.

The host's DNS server listens on each network's gateway address, which exists only while the network does.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from swarmlite.agent.body import HostNetwork
from swarmlite.errors import FailedPrecondition, SwarmliteError, Unavailable
from swarmlite.logs import logger
from swarmlite.protocol.link import AssignedNetwork

log = logger(__name__)

DNS_PORT = 53
RETRY = 2.0
"""Seconds until a network that could not be made or taken away is tried again."""


class Overlay(Protocol):
    """What this needs of `network.overlay`."""

    async def ensure(self, network: AssignedNetwork) -> str: ...
    async def drop(self, network_id: str) -> None: ...
    async def present(self) -> set[str]: ...


class Listener(Protocol):
    """What this needs of `dns.process`."""

    async def listen(self, address: str, port: int = 53, *, outside: bool = False) -> None: ...
    async def unlisten(self, address: str, port: int = 53) -> None: ...


class HostNetworks:
    """`in_use()`: ids of the networks that some container on this host is on."""

    def __init__(self, overlay: Overlay, dns: Listener, in_use: Callable[[], set[str]]) -> None:
        self._overlay = overlay
        self._dns = dns
        self._in_use = in_use
        self._wanted: dict[str, AssignedNetwork] = {}
        self._made: dict[str, tuple[AssignedNetwork, str]] = {}
        self._stale: set[str] = set()
        self._listening: dict[str, str] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._unsure = True
        self._due = asyncio.Event()

    def assign(self, networks: Iterable[AssignedNetwork], gone: Iterable[str] | None = None) -> None:
        """Networks put; `gone` None: all others are gone."""
        put = {network.id: network for network in networks}
        if gone is None:
            self._wanted = put
        else:
            self._wanted |= put
            for id in gone:
                self._wanted.pop(id, None)
        self._due.set()

    def look(self) -> None:
        """A container has gone, and perhaps with it the need for a network."""
        self._due.set()

    def doubt(self, ids: Iterable[str] | None = None) -> None:
        """Believe no longer that these are there (None: any), as after an engine's restart."""
        self._stale.update(self._made if ids is None else ids)
        self._unsure = self._unsure or ids is None
        self._due.set()

    async def ready(self, id: str) -> HostNetwork:
        """The network as this host has it; one that is missing is made first, once at a time."""
        async with self._locks.setdefault(id, asyncio.Lock()):
            network = self._wanted.get(id)
            if network is None:
                raise Unavailable(f"network {id} is not assigned to this host yet")
            made = self._made.get(id)
            if made is None or made[0] != network or id in self._stale:
                made = (network, await self._overlay.ensure(network))
                self._made[id] = made
                self._stale.discard(id)
                await self._listen(id, network.gateway)
            return HostNetwork(engine_id=made[1], gateway=network.gateway)

    async def run(self) -> None:
        """Keep the host's networks as assigned, for ever."""
        while True:
            await self._due.wait()
            self._due.clear()
            if not await self.settle():
                asyncio.get_running_loop().call_later(RETRY, self._due.set)

    async def settle(self) -> bool:
        """Make what is assigned, take away what is not. Whether all of it could be done."""
        found = await self._look_around()
        results = await asyncio.gather(*(self._try(id) for id in {*self._wanted, *self._locks}))
        return found and all(results)

    async def _look_around(self) -> bool:
        """Find what an earlier agent has left, once after each time that the engine comes back."""
        if self._unsure:
            try:
                present = await self._overlay.present()
            except SwarmliteError as error:
                log.warning("networks not listed", error=str(error))
                return False
            self._unsure = False
            for id in present:
                self._locks.setdefault(id, asyncio.Lock())
        return True

    async def _try(self, id: str) -> bool:
        try:
            if id in self._wanted:
                await self.ready(id)
            elif id in self._locks and not self._unsure and id not in self._in_use():
                await self._drop(id)
        except SwarmliteError as error:
            log.warning("network not settled", network=id, error=str(error))
            return False
        return True

    async def _drop(self, id: str) -> None:
        async with self._locks.setdefault(id, asyncio.Lock()):
            if id in self._wanted:
                return
            address = self._listening.pop(id, None)
            if address is not None:
                await self._dns.unlisten(address, DNS_PORT)
            await self._overlay.drop(id)
            self._made.pop(id, None)
            self._stale.discard(id)
        self._locks.pop(id, None)

    async def _listen(self, id: str, address: str) -> None:
        before = self._listening.get(id)
        if before is not None and before != address:
            await self._dns.unlisten(before, DNS_PORT)
        try:
            await self._dns.listen(address, DNS_PORT)
        except Unavailable as error:
            raise FailedPrecondition(f"{error}: another DNS server of this host has it") from error
        self._listening[id] = address
