"""What a cluster network is made of on one host, as requests and command lines. Pure."""

import hashlib
import re
from collections.abc import Collection, Iterable
from typing import Any

from swarmlite import settings
from swarmlite.protocol.link import AssignedNetwork

LABEL = "io.swarmlite.network"
"""On engine networks: the id of the cluster network."""

VXLAN_NAME = re.compile(r"vx[0-9a-f]{12}")

_VXLAN_HEADERS = 50
_AGEING = 30
"""Seconds for which a silent container's host is remembered; after that its frames go to all peers."""

_FLOOD = "00:00:00:00:00:00"


def bridge_name(network_id: str) -> str:
    """The bridge's device, the same on every host. Device names have at most 15 characters."""
    return "sl" + _digest(network_id)


def vxlan_name(network_id: str) -> str:
    return "vx" + _digest(network_id)


def _digest(network_id: str) -> str:
    return hashlib.sha256(network_id.encode()).hexdigest()[:12]


def inner_mtu(underlay: int) -> int:
    """What is left of an underlay's packet after VXLAN's own headers."""
    return underlay - _VXLAN_HEADERS


def engine_network(network: AssignedNetwork, mtu: int) -> dict[str, Any]:
    """Body of the engine's POST /networks/create. The range of one address, the gateway's own, leaves the engine
    none to give out: addresses are the manager's.
    """
    return {
        "Driver": "bridge",
        "Internal": network.internal,
        "Attachable": True,
        "IPAM": {
            "Driver": "default",
            "Config": [{"Subnet": network.subnet, "Gateway": network.gateway, "IPRange": f"{network.gateway}/32"}],
        },
        "Options": {
            "com.docker.network.bridge.name": bridge_name(network.id),
            "com.docker.network.driver.mtu": str(mtu),
        },
        "Labels": {**network.labels, LABEL: network.id},
    }


def vxlan_add(network: AssignedNetwork, local: str) -> str:
    """Line for `ip -batch`. A container's host is learned from its own frames, and forgotten soon, since an address
    that is given again, on another host, has the same MAC.
    """
    name = vxlan_name(network.id)
    return f"link add {name} type vxlan id {network.vni} local {local} dstport {settings.VXLAN_PORT} ageing {_AGEING}"


def vxlan_join(network: AssignedNetwork, mtu: int) -> tuple[str, ...]:
    """Lines for `ip -batch`: a port of the bridge, without an IPv6 address of its own, up."""
    name = vxlan_name(network.id)
    return (
        f"link set {name} addrgenmode none",
        f"link set {name} mtu {mtu} master {bridge_name(network.id)} up",
    )


def flooded(entries: Iterable[dict[str, Any]]) -> frozenset[str]:
    """The peers in `bridge -json fdb show dev …` that unknown and broadcast frames go to."""
    return frozenset(entry["dst"] for entry in entries if entry.get("mac") == _FLOOD and "dst" in entry)


def forwarding_changes(
    device: str, entries: Iterable[dict[str, Any]], now: Collection[str], wanted: Collection[str]
) -> tuple[str, ...]:
    """Lines for `bridge -batch`. With a peer go the addresses learned from it, or their frames would go on there."""
    gone = set(now) - set(wanted)
    lines = [f"fdb del {entry['mac']} dev {device} dst {entry['dst']}" for entry in entries if entry.get("dst") in gone]
    lines += [f"fdb append {_FLOOD} dev {device} dst {peer}" for peer in sorted(set(wanted) - set(now))]
    return tuple(lines)
