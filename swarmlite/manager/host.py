"""What this host is to others: its addresses and its name, and how users write the address of a manager."""

import asyncio
import ipaddress
import re
import socket
from dataclasses import dataclass

import msgspec

from swarmlite.errors import FailedPrecondition, InvalidArgument
from swarmlite.settings import PORT

_DOCKERS = re.compile(r"lo|docker\d+|docker_gwbridge|br-[0-9a-f]{12}|veth[0-9a-f]{7}|virbr\d+|cni\d+|swl.*|vxlan.*")
"""Interfaces whose addresses other hosts cannot reach, as Docker and its like name them."""

_SOMEWHERE = "192.0.2.1"  # no packet is sent: the kernel only says by which address it would go


class _Address(msgspec.Struct):
    local: str = ""
    scope: str = ""


class _Interface(msgspec.Struct):
    ifname: str
    addr_info: list[_Address] = []


@dataclass(frozen=True)
class HostPort:
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_host_port(text: str, default_port: int = PORT) -> HostPort:
    """`HOST`, `HOST:PORT`, `[IPV6]:PORT` or `IPV6`."""
    match = re.fullmatch(
        r"\[([0-9a-fA-F:.%]+)\](?::(\d+))?|([^:\[\]/\s]+)(?::(\d+))?|((?=[^:]*:[^:]*:)[0-9a-fA-F:.]+)", text
    )
    if match is None:
        raise InvalidArgument(f"{text!r} is no HOST or HOST:PORT")
    host = match[1] or match[3] or match[5]
    port = int(match[2] or match[4] or default_port)
    if not 0 < port < 65536:
        raise InvalidArgument(f"{text!r}: {port} is no port")
    return HostPort(host, port)


def parse_listen(text: str, advertised: str) -> HostPort:
    """Where a manager listens: `ADDRESS[:PORT]` or `:PORT`; "": on all addresses of the advertised one's family."""
    everywhere = "::" if ":" in advertised else "0.0.0.0"
    if not text or re.fullmatch(r":\d+", text):
        return parse_host_port(f"[{everywhere}]{text}")
    return parse_host_port(text)


async def advertise_address(asked: str) -> str:
    """The address by which others reach this host: as asked (an IP address or an interface), else found."""
    if asked:
        return _checked(asked) if _is_ip(asked) else await _address_of_interface(asked)
    found = source_address(_SOMEWHERE)
    if found:
        return found
    addresses = {address: name for name, address in await _addresses()}
    if len(addresses) == 1:
        return next(iter(addresses))
    if not addresses:
        raise FailedPrecondition("this host has no address that others could reach: give one with --advertise-addr")
    listed = ", ".join(f"{address} ({name})" for address, name in addresses.items())
    raise FailedPrecondition(f"this host has several addresses: {listed}. Choose one with --advertise-addr")


def source_address(remote: str) -> str:
    """The address that this host uses towards a remote address; "" where there is no way."""
    family = socket.AF_INET6 if ":" in remote else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((remote, 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


async def resolve(remote: HostPort) -> str:
    """The manager's address as a number; "" where the name is unknown (dialling will say so)."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(remote.host, remote.port, type=socket.SOCK_STREAM)
    except OSError:
        return ""
    return str(found[0][4][0])


def node_name(asked: str) -> str:
    return asked or socket.gethostname()


def _checked(text: str) -> str:
    address = ipaddress.ip_address(text)
    if address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local:
        raise InvalidArgument(f"{text} is no address by which other hosts could reach this one")
    return str(address)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


async def _address_of_interface(name: str) -> str:
    addresses = [address for interface, address in await _addresses(every=True) if interface == name]
    if len(addresses) == 1:
        return addresses[0]
    if not addresses:
        raise InvalidArgument(f"{name!r} is neither an IP address nor an interface of this host that has one")
    raise InvalidArgument(f"interface {name} has several addresses, choose one: {', '.join(addresses)}")


async def _addresses(every: bool = False) -> list[tuple[str, str]]:
    """Interface and address of all IPv4 addresses of global scope; those of Docker's own interfaces only if `every`."""
    process = await asyncio.create_subprocess_exec(
        "ip", "-json", "-4", "address", "show", "up", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    interfaces = msgspec.json.decode(output or b"[]", type=list[_Interface])
    return [
        (interface.ifname, address.local)
        for interface in interfaces
        for address in interface.addr_info
        if address.scope == "global" and (every or not _DOCKERS.fullmatch(interface.ifname))
    ]
