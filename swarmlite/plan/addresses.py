"""Addresses on cluster networks: each is given once, and a freed one rests until the whole subnet has been round.

IPv4 only. Numbers inside, text outside: tens of thousands are looked at in one plan.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network

from swarmlite.errors import FailedPrecondition
from swarmlite.model.objects import Network, Task
from swarmlite.model.states import is_terminal


class Addresses:
    """One network's addresses while a plan is made. Gateways are addresses too: each host has one of its own."""

    def __init__(self, network: Network, tasks: Iterable[Task]) -> None:
        subnet = IPv4Network(network.subnet)
        self._first = int(subnet.network_address) + 1
        self._last = int(subnet.broadcast_address) - 1
        self._suffix = f"/{subnet.prefixlen}"
        live, ended = _addresses(network.id, tasks)
        self._used = self._within(live, network.swarmlite.gateways.values(), _own_gateways(network))
        self._resting = self._within(ended) - self._used
        last = network.swarmlite.last_address
        self._cursor = _number(last) if last else self._first - 1

    @property
    def size(self) -> int:
        """How many addresses the subnet has to give."""
        return max(self._last - self._first + 1, 0)

    @property
    def used(self) -> int:
        return len(self._used)

    @property
    def last(self) -> str:
        """The last one taken; empty where none ever was."""
        return _text(self._cursor) if self._cursor >= self._first else ""

    def take(self) -> str:
        """The next free address as `ip`; there must be one. An ended task's address is free, but comes last: while the
        task is known, so may be its address.
        """
        if self.used >= self.size:
            raise FailedPrecondition(f"all {self.size} addresses are in use")
        if self.used + len(self._resting) >= self.size:
            self._resting.clear()
        self._cursor = self._next()
        self._used.add(self._cursor)
        return _text(self._cursor)

    def give_back(self, address: str) -> None:
        self._used.discard(_number(address))

    def with_prefix(self, address: str) -> str:
        return address + self._suffix

    def _next(self) -> int:
        number = self._cursor
        while True:
            number = number + 1 if self._first - 1 <= number < self._last else self._first
            if number not in self._used and number not in self._resting:
                return number

    def _within(self, *addresses: Iterable[str]) -> set[int]:
        numbers = {_number(address) for group in addresses for address in group}
        return {number for number in numbers if self._first <= number <= self._last}


def _addresses(network_id: str, tasks: Iterable[Task]) -> tuple[list[str], list[str]]:
    """Of tasks that may be alive, and of those that have ended."""
    live: list[str] = []
    ended: list[str] = []
    for task in tasks:
        known = ended if is_terminal(task.status.state) else live
        for attachment in task.networks_attachments:
            if attachment.network.id == network_id:
                known.extend(attachment.addresses)
    return live, ended


def _own_gateways(network: Network) -> list[str]:
    """A gateway that the user named is not given to a task."""
    ipam = network.spec.ipam
    return [config.gateway for config in ipam.config if config.gateway] if ipam else []


def free_subnet(pools: Sequence[str], size: int, taken: Iterable[str]) -> str:
    """The first subnet of prefix length `size` in the pools that overlaps none of `taken`."""
    occupied = sorted((int(net.network_address), int(net.broadcast_address)) for net in map(_network, taken))
    for pool in map(_network, pools):
        step = 1 << (32 - size)
        start, end = int(pool.network_address), int(pool.broadcast_address)
        for low, high in occupied:
            if low > start + step - 1:
                break
            if high >= start:
                start = (high // step + 1) * step
        if start + step - 1 <= end:
            return f"{_text(start)}/{size}"
    raise FailedPrecondition(
        f"no free /{size} subnet is left in the address pools {', '.join(pools)}; remove networks that are not needed, "
        "or give the network a subnet"
    )


def _network(text: str) -> IPv4Network:
    return IPv4Network(text, strict=False)


def _number(address: str) -> int:
    """`ip` or `ip/prefix`."""
    a, b, c, d = address.partition("/")[0].split(".")
    return (int(a) << 24) | (int(b) << 16) | (int(c) << 8) | int(d)


def _text(number: int) -> str:
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def overlap(one: str, other: str) -> bool:
    """Whether two subnets share an address."""
    return _network(one).overlaps(_network(other))
