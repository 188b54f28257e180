"""Published ports of this host: `rules` put into the kernel.

Docker's forward filter drops what it did not publish itself; DOCKER-USER, the chain that it leaves to others, lets our
connections pass by their mark.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from swarmlite.errors import FailedPrecondition
from swarmlite.network import rules
from swarmlite.network.commands import CommandFailed, Run, run
from swarmlite.network.rules import Published

_PASS = ("-m", "connmark", "--mark", f"{rules.MARK:#x}/{rules.MARK:#x}", "-j", "ACCEPT")


class Ports:
    """The one owner of our nft table on this host."""

    def __init__(self, command: Run = run) -> None:
        self._run = command
        self._applied = ""
        self._lock = asyncio.Lock()

    async def publish(self, ports: Iterable[Published], bridge: str) -> None:
        """From now on exactly `ports` are published. `bridge`: the ingress network's device (`build.bridge_name`)."""
        text = rules.ruleset(ports)
        async with self._lock:
            if text == self._applied:
                return
            await self._pass_docker()
            await asyncio.to_thread(_allow_loopback, bridge)
            await self._nft(text)
            self._applied = text

    async def mend(self, ports: Iterable[Published], bridge: str) -> None:
        """The same, also where nothing has changed: someone may have flushed the host's rules."""
        self._applied = ""
        await self.publish(ports, bridge)

    async def clear(self) -> None:
        """Nothing of ours is left."""
        async with self._lock:
            self._applied = ""
            await self._nft(rules.nothing())
            try:
                await self._run(("iptables", "-w", "-D", "DOCKER-USER", *_PASS))
            except CommandFailed:
                return  # it is not there

    async def _nft(self, text: str) -> None:
        try:
            await self._run(("nft", "-f", "-"), text)
        except CommandFailed as error:
            if "Operation not permitted" in error.output:
                raise FailedPrecondition("publishing a port needs root (CAP_NET_ADMIN) on this host") from error
            raise

    async def _pass_docker(self) -> None:
        try:
            await self._run(("iptables", "-w", "-C", "DOCKER-USER", *_PASS))
        except CommandFailed:
            try:
                await self._run(("iptables", "-w", "-I", "DOCKER-USER", *_PASS))
            except CommandFailed as error:
                if "No chain/target/match" not in error.output and "does not exist" not in error.output:
                    raise  # an engine without iptables filters nothing either


def _allow_loopback(bridge: str) -> None:
    """Lets `localhost:PORT` of this host leave through the bridge. What comes in from there to 127.0.0.0/8 is dropped
    by the rules' guard.
    """
    try:
        Path(f"/proc/sys/net/ipv4/conf/{bridge}/route_localnet").write_text("1")
    except FileNotFoundError as error:
        raise FailedPrecondition(f"the ingress network has no bridge {bridge} on this host yet") from error
