"""Published ports as rules of one nft table. Pure.

A new connection to a local address and published port goes to one of the port's tasks, at random, on whichever host
that task runs: its address is one on the ingress network, whose bridge every publishing host has. It leaves with this
host's own address there, so that the answer comes back the same way. Standing connections are the kernel's (conntrack)
and do not notice when the rules change.

The ingress network must be internal. Else a container may have its default route there, and when its own host sends it
to itself, the frame would have to leave by the bridge's port that it came in by, which bridges do not do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from swarmlite.errors import InvalidArgument

TABLE = "swarmlite"

MARK = 0x53570000
"""Set in the connection mark of what these rules send on, so that Docker's forward filter can let it pass."""

PROTOCOLS = ("tcp", "udp", "sctp")

_REPLACE = f"add table ip {TABLE}\ndelete table ip {TABLE}\n"


@dataclass(frozen=True, slots=True)
class Published:
    """`port` of every host leads to `backends`, each `address:port` on the ingress network. None: the port is shut."""

    protocol: str
    port: int
    backends: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise InvalidArgument(
                f"a published port's protocol is one of {', '.join(PROTOCOLS)}, not {self.protocol!r}"
            )
        if not 1 <= self.port <= 65535:
            raise InvalidArgument(f"a published port lies between 1 and 65535, not {self.port}")


def ruleset(ports: Iterable[Published]) -> str:
    """Input of `nft -f -` that replaces our table in one step. Priorities are ten before Docker's own."""
    lines = "\n".join(f"        {_rule(port)}" for port in sorted(set(ports), key=_order) if port.backends)
    return f"""{_REPLACE}table ip {TABLE} {{
    chain guard {{
        type filter hook prerouting priority -300; policy accept;
        iifname "sl*" ip daddr 127.0.0.0/8 drop
    }}
    chain prerouting {{
        type nat hook prerouting priority -110; policy accept;
        iifname "sl*" meta l4proto {{ tcp, udp }} th dport 53 return
        fib daddr type local jump ports
    }}
    chain output {{
        type nat hook output priority -110; policy accept;
        fib daddr type local jump ports
    }}
    chain postrouting {{
        type nat hook postrouting priority 90; policy accept;
        ct mark and {MARK:#x} == {MARK:#x} masquerade
    }}
    chain ports {{
{lines}
    }}
}}
"""


def nothing() -> str:
    """Input of `nft -f -` that removes our table, if it is there."""
    return _REPLACE


def _order(port: Published) -> tuple[str, int]:
    return port.protocol, port.port


def _rule(port: Published) -> str:
    backends = sorted(set(port.backends), key=_sortable)
    targets = ", ".join(f"{number} : {_target(backend)}" for number, backend in enumerate(backends))
    return (
        f"{port.protocol} dport {port.port} ct mark set ct mark or {MARK:#x} "
        f"dnat ip addr . port to numgen random mod {len(backends)} map {{ {targets} }}"
    )


def _target(backend: str) -> str:
    address, port = _sortable(backend)
    return f"{address} . {port}"


def _sortable(backend: str) -> tuple[IPv4Address, int]:
    address, _, port = backend.rpartition(":")
    try:
        found = IPv4Address(address), int(port)
    except ValueError as error:
        raise InvalidArgument(f"a backend is ADDRESS:PORT, not {backend!r}") from error
    if not 1 <= found[1] <= 65535:
        raise InvalidArgument(f"a backend's port lies between 1 and 65535, not {found[1]}")
    return found
