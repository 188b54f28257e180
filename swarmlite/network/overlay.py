"""Cluster networks on this host: a bridge of the engine's, and a VXLAN device as one of its ports.

`ensure` may be called at any time and as often as one likes: it looks at what is there and mends what differs (a bridge
that a restarted engine made anew, a peer more or less). Where nothing differs it asks the kernel one question.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from swarmlite.engine.base import Body, EngineNetwork
from swarmlite.errors import AlreadyExists, EngineError, FailedPrecondition, Unavailable
from swarmlite.network import build, links
from swarmlite.network.commands import CommandFailed, Run, run
from swarmlite.protocol.link import AssignedNetwork


class NetworkEngine(Protocol):
    """What is needed of the engine."""

    async def networks(self, labels: Mapping[str, str]) -> tuple[EngineNetwork, ...]: ...
    async def create_network(self, name: str, body: Body) -> str: ...
    async def remove_network(self, network: str) -> None: ...


@dataclass(frozen=True, slots=True)
class _Built:
    """A network as it was built, and the devices' indices then: a device made anew has another one."""

    network: AssignedNetwork
    engine_id: str
    bridge: int
    vxlan: int


class Overlay:
    """`address`: this host's own on the underlay, where its peers send to."""

    def __init__(self, engine: NetworkEngine, address: str, command: Run = run) -> None:
        self._engine = engine
        self._address = address
        self._run = command
        self._built: dict[str, _Built] = {}
        self._known: dict[str, EngineNetwork] | None = None
        self._lock = asyncio.Lock()  # the engine makes and removes networks one at a time anyway

    async def present(self) -> set[str]:
        """Ids of the cluster networks that this host's engine has; ask again when it has been away. Devices whose
        network it has no more are removed.
        """
        async with self._lock:
            return set(await self._list())

    async def ensure(self, network: AssignedNetwork) -> str:
        """The engine's id of the network, which now is as `network` says. Unavailable (try again), FailedPrecondition,
        AlreadyExists or EngineError where that cannot be.
        """
        built = self._built.get(network.id)
        if built is not None and built.network == network and _stands(built):
            return built.engine_id
        async with self._lock:
            engine_id = await self._engine_network(network)
            bridge, vxlan = await self._device(network)
            await self._peers(network)
            self._built[network.id] = _Built(network, engine_id, bridge, vxlan)
            return engine_id

    async def drop(self, network_id: str) -> None:
        """Nothing of it is left. EngineError while containers are on it."""
        async with self._lock:
            self._built.pop(network_id, None)
            for network in await self._engine.networks({build.LABEL: network_id}):
                await self._engine.remove_network(network.id)
            if self._known is not None:
                self._known.pop(network_id, None)
            name = build.vxlan_name(network_id)
            if links.link(name) is not None:
                await self._ip(f"link del {name}")

    # --- the engine's part ---

    async def _list(self) -> dict[str, EngineNetwork]:
        found = await self._engine.networks({build.LABEL: ""})
        known = {network.labels[build.LABEL]: network for network in found}
        self._known = known
        self._built = {
            key: built for key, built in self._built.items() if key in known and known[key].id == built.engine_id
        }
        kept = {build.vxlan_name(network_id) for network_id in known}
        stale = [name for name in links.names(build.VXLAN_NAME) if name not in kept]
        if stale:
            await self._ip(*(f"link del {name}" for name in stale))
        return known

    async def _engine_network(self, network: AssignedNetwork) -> str:
        known = await self._list() if self._known is None else self._known
        found = known.get(network.id)
        if found and _same(found, network) and links.link(build.bridge_name(network.id)) is not None:
            return found.id
        if found:
            known.pop(network.id)
            await self._engine.remove_network(found.id)
        engine_id = await self._create(network)
        known[network.id] = EngineNetwork(
            id=engine_id,
            name=network.name,
            labels={build.LABEL: network.id},
            subnet=network.subnet,
            gateway=network.gateway,
            internal=network.internal,
        )
        return engine_id

    async def _create(self, network: AssignedNetwork) -> str:
        body = build.engine_network(network, await self._mtu())
        try:
            return await self._engine.create_network(network.name, body)
        except AlreadyExists as error:
            raise await self._name_taken(network) from error
        except EngineError as error:
            raise EngineError(f"network {network.name} ({network.subnet}): {error}", error.engine_status) from error

    async def _name_taken(self, network: AssignedNetwork) -> Exception:
        ours = await self._engine.networks({build.LABEL: ""})
        if any(other.name == network.name for other in ours):
            return Unavailable(f"network {network.name}: an earlier network of that name is still on this host")
        return AlreadyExists(
            f"network {network.name}: this host's engine has another network of that name. Remove it with "
            f"`docker network rm {network.name}`, or give the cluster's network another name"
        )

    # --- the kernel's part ---

    async def _device(self, network: AssignedNetwork) -> tuple[int, int]:
        """The VXLAN device, a port of the bridge. Returns both indices: bridge, device."""
        bridge = links.link(build.bridge_name(network.id))
        if bridge is None:
            raise FailedPrecondition(f"network {network.name}: the engine made no bridge for it on this host")
        name = build.vxlan_name(network.id)
        device = links.link(name)
        lines: list[str] = []
        if device is not None and (device.vni, device.local) != (network.vni, self._address):
            lines.append(f"link del {name}")
            device = None
        if device is None:
            lines.append(build.vxlan_add(network, self._address))
        if device is None or device.master != bridge.index or not device.up:
            lines += build.vxlan_join(network, await self._mtu())
        if lines:
            await self._ip(*lines)
            device = links.link(name)
        if device is None:
            raise FailedPrecondition(f"network {network.name}: this host's kernel made no VXLAN device for it")
        return bridge.index, device.index

    async def _peers(self, network: AssignedNetwork) -> None:
        name = build.vxlan_name(network.id)
        entries: list[dict[str, Any]] = json.loads(await self._run(("bridge", "-json", "fdb", "show", "dev", name)))
        wanted = frozenset(network.peers) - {self._address}
        if lines := build.forwarding_changes(name, entries, build.flooded(entries), wanted):
            await self._run(("bridge", "-force", "-batch", "-"), "\n".join(lines) + "\n")

    async def _ip(self, *lines: str) -> None:
        try:
            await self._run(("ip", "-batch", "-"), "\n".join(lines) + "\n")
        except CommandFailed as error:
            raise _explained(error) from error

    async def _mtu(self) -> int:
        """Of packets inside the overlay: what the underlay's device leaves."""
        found = json.loads(await self._run(("ip", "-json", "address", "show", "to", f"{self._address}/32")))
        if not any(found):
            raise FailedPrecondition(
                f"{self._address} is no address of this host any more, so its peers cannot reach it: give one that it "
                "has with --advertise-addr"
            )
        return build.inner_mtu(next(int(device["mtu"]) for device in found if device))


def _stands(built: _Built) -> bool:
    device = links.link(build.vxlan_name(built.network.id))
    return device is not None and (device.index, device.master, device.up) == (built.vxlan, built.bridge, True)


def _same(found: EngineNetwork, wanted: AssignedNetwork) -> bool:
    return (found.subnet, found.gateway, found.internal) == (wanted.subnet, wanted.gateway, wanted.internal)


def _explained(error: CommandFailed) -> Exception:
    if "Unknown device type" in error.output or "not supported" in error.output:
        return FailedPrecondition(
            "this host's kernel has no VXLAN: `modprobe vxlan` loads it where the kernel was built with it"
        )
    if "Operation not permitted" in error.output:
        return FailedPrecondition("building a network needs root (CAP_NET_ADMIN) on this host")
    if "File exists" in error.output or "specified VNI already exists" in error.output:
        return FailedPrecondition(
            f"{error}: another VXLAN device of this host has the same id and port, "
            "`ip -d link show type vxlan` lists them"
        )
    return error
