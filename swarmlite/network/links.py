"""This network namespace's devices, asked from the kernel over netlink: 20 µs where a command costs 3 ms.

Not from /sys/class/net: that shows the namespace in which /sys was mounted, which may be another one.
"""

import os
import re
import socket
import struct
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address

from swarmlite.errors import SwarmliteError

_REQUEST, _ACK_ERROR = 1, 2
_NEW_LINK, _GET_LINK = 16, 18
_NAME, _MTU, _MASTER, _INFO = 3, 4, 10, 18
_KIND, _DATA = 1, 2
_VXLAN_ID, _VXLAN_LOCAL = 1, 4
_UP = 1
_ENODEV = 19


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """`master`: index of the bridge that it is a port of, 0 for none. `vni` and `local` of a VXLAN device."""

    index: int
    name: str
    up: bool
    mtu: int
    master: int = 0
    kind: str = ""
    vni: int = 0
    local: str = ""


def link(name: str) -> Link | None:
    """The device of that name, None where there is none."""
    attribute = _attribute(_NAME, name.encode() + b"\0")
    body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, 0, 0) + attribute
    head = struct.pack("=IHHII", 16 + len(body), _GET_LINK, _REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(1.0)
        kernel.send(head + body)
        answer = kernel.recv(65536)
    kind = struct.unpack_from("=H", answer, 4)[0]
    if kind == _ACK_ERROR:
        code = -struct.unpack_from("=i", answer, 16)[0]
        if code == _ENODEV:
            return None
        raise SwarmliteError(f"network device {name}: {os.strerror(code)}")
    return _parse(answer)


def names(pattern: re.Pattern[str]) -> tuple[str, ...]:
    """Names of the devices that match wholly."""
    return tuple(name for _, name in socket.if_nameindex() if pattern.fullmatch(name))


def _parse(answer: bytes) -> Link:
    length = struct.unpack_from("=I", answer, 0)[0]
    _, _, index, flags, _ = struct.unpack_from("=BxHiII", answer, 16)
    found = _attributes(answer[32:length])
    info = _attributes(found.get(_INFO, b""))
    data = _attributes(info.get(_DATA, b""))
    kind = info.get(_KIND, b"").rstrip(b"\0").decode()
    vxlan = data if kind == "vxlan" else {}
    return Link(
        index=index,
        name=found[_NAME].rstrip(b"\0").decode(),
        up=bool(flags & _UP),
        mtu=_number(found.get(_MTU)),
        master=_number(found.get(_MASTER)),
        kind=kind,
        vni=_number(vxlan.get(_VXLAN_ID)),
        local=str(IPv4Address(vxlan[_VXLAN_LOCAL])) if _VXLAN_LOCAL in vxlan else "",
    )


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def _attributes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[at + 4 : at + length]
        at += (length + 3) & ~3
    return found


def _number(value: bytes | None) -> int:
    return int.from_bytes(value, sys.byteorder) if value else 0
