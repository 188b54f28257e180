"""Puts a real agent together: engine, networks, DNS process and the link to the manager."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from swarmlite.agent.agent import Agent, Me, Parts
from swarmlite.agent.dial import Dialer, WebSocket, client_context
from swarmlite.agent.link import Dial
from swarmlite.agent.state import StateFile
from swarmlite.dns.process import DnsProcess
from swarmlite.engine.client import Engine
from swarmlite.errors import Unavailable
from swarmlite.network.overlay import Overlay
from swarmlite.network.ports import Ports
from swarmlite.protocol.link import Dismissed

DNS_PORT = 53

ANSWERS_ALONE = 3600.0
"""Seconds that names are answered on after the agent was killed: containers run on, too."""


@dataclass(frozen=True, kw_only=True)
class AgentConfig:
    """`data_dir`: the agent's own directory. `managers`: `ip:port` each. `address`: this host's own on the network
    between the hosts. `docker_host` None: as Docker's clients decide. `dns_listen`: `ip` or `ip:port`, for askers
    outside. `linked` is told when the link to the manager is there, and when it is lost.
    """

    data_dir: Path
    node_id: str
    hostname: str
    address: str
    managers: tuple[str, ...]
    ca: Path
    certificate: Path
    key: Path
    docker_host: str | None = None
    dns_listen: str = ""
    linked: Callable[[bool], None] = lambda _: None


async def run_agent(config: AgentConfig) -> str:
    """Until cancelled; containers run on and names are answered until the next agent is there. Returns the reason once
    the manager has dismissed this host from the cluster and nothing of it is left here.
    """
    context = partial(client_context, config.ca, config.certificate, config.key)
    context()  # say now if it cannot be used
    dial = Dialer(context)
    engine = Engine(config.docker_host)
    dns = DnsProcess(config.data_dir, orphan_seconds=ANSWERS_ALONE)
    dismissed = False
    await dns.start()
    try:
        if config.dns_listen:
            ip, port = _address(config.dns_listen)
            await dns.listen(ip, port, outside=True)
        reason = await Agent(*_assembled(config, engine, dns, dial)).run()
        dismissed = True
        return reason
    finally:
        await dns.aclose(keep_answering=not dismissed)
        await engine.close()


async def depart(config: AgentConfig) -> None:
    """Stop and remove all that this cluster has put on the host, without a manager and without an agent running."""
    engine = Engine(config.docker_host)
    dns = DnsProcess(config.data_dir)
    await dns.start()
    try:
        agent = Agent(*_assembled(config, engine, dns, _nobody))
        parting = asyncio.create_task(agent.run())
        await asyncio.sleep(0)  # it is listening now
        agent.receive(Dismissed(reason="this host leaves the cluster"))
        await parting
    finally:
        await dns.aclose(keep_answering=False)
        await engine.close()


def _assembled(config: AgentConfig, engine: Engine, dns: DnsProcess, dial: Dial) -> tuple[Me, Parts]:
    me = Me(
        node_id=config.node_id,
        hostname=config.hostname,
        address=config.address,
        managers=config.managers,
        all_names=bool(config.dns_listen),
    )
    parts = Parts(
        engine=engine,
        overlay=Overlay(engine, config.address),
        ports=Ports(),
        dns=dns,
        dial=dial,
        state=StateFile(config.data_dir),
        chance=random.random,
        linked=config.linked,
    )
    return me, parts


@asynccontextmanager
async def _nobody(manager: str) -> AsyncIterator[WebSocket]:
    raise Unavailable(f"{manager} is not dialled any more")
    yield


def _address(text: str) -> tuple[str, int]:
    """`ip`, `ip:port`, `[ip6]:port`."""
    if text.startswith("["):
        ip, _, port = text[1:].partition("]")
        return ip, int(port.removeprefix(":") or DNS_PORT)
    if text.count(":") > 1:
        return text, DNS_PORT
    ip, _, port = text.partition(":")
    return ip, int(port or DNS_PORT)
