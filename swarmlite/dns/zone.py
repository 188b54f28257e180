"""The table of names as one asker sees it: which networks it is on decides which names exist."""

import ipaddress
from collections.abc import Callable, Iterable

from swarmlite.protocol.names import Client, NameTable, NameUpdate, NetworkNames


class Turn:
    """Whose turn it is among the addresses of one name, for one asker and one type of record.

    Each round starts one further than the last: glibc asks twice where an answer is long, and with a plain rotation
    over an even number every second address would never come first for it.
    """

    __slots__ = ("_left", "at", "size")

    def __init__(self, at: int, size: int) -> None:
        self.at, self.size, self._left = at % size, size, size

    def take(self) -> int:
        at = self.at
        self._left -= 1
        if self._left:
            self.at = at + 1 if at + 1 < self.size else 0
        else:
            self._left = self.size
            self.at = (at + 2) % self.size
        return at


class Rotation:
    """Prepared answers of one query, one for each turn, made (`make(turn)`) when the turn first comes."""

    __slots__ = ("make", "tails", "turn")

    def __init__(self, turn: Turn, make: Callable[[int], bytes]) -> None:
        self.turn, self.make = turn, make
        self.tails: list[bytes | None] = [None] * turn.size


class View:
    """What one asker may see, and the answers already prepared for it. `outside`: sees all networks, but a bare name
    only if no second stack has it.
    """

    __slots__ = ("memo", "networks", "outside", "own", "turns")

    def __init__(self, networks: tuple[str, ...] = (), own: tuple[str, ...] = (), *, outside: bool = False) -> None:
        self.networks, self.own, self.outside = networks, own, outside
        self.memo: dict[bytes, bytes | Rotation] = {}
        self.turns: dict[tuple[str, int], Turn] = {}

    def forget(self) -> None:
        self.memo.clear()
        self.turns.clear()


class Zone:
    """The table, changed one network at a time. Only askers on a changed network lose their prepared answers."""

    def __init__(self, table: NameTable) -> None:
        self.version, self.domain, self.upstreams = table.version, table.domain, table.upstreams
        self.networks = dict(table.networks)
        self.clients = dict(table.clients)
        self.views = {address: _view(client) for address, client in table.clients.items()}
        self.stranger = View()
        self.outside = View(tuple(self.networks), outside=True)
        self._parents: dict[str, frozenset[str]] = {}

    def table(self) -> NameTable:
        return NameTable(
            version=self.version,
            domain=self.domain,
            networks=self.networks,
            clients=self.clients,
            upstreams=self.upstreams,
        )

    def update(self, update: NameUpdate) -> None:
        for address in update.gone_clients:
            self.clients.pop(address, None)
            self.views.pop(address, None)
        for address, client in update.clients.items():
            self.clients[address] = client
            self.views[address] = _view(client)
        touched = {network.id for network in update.networks} | set(update.gone_networks)
        for network in update.gone_networks:
            self.networks.pop(network, None)
        self.networks.update((network.id, network) for network in update.networks)
        for network in touched:
            self._parents.pop(network, None)
        for view in self.views.values():
            if not touched.isdisjoint(view.networks):
                view.forget()
        if touched:
            self.outside = View(tuple(self.networks), outside=True)
            self.stranger.forget()  # reverse zones come and go with networks
        if update.upstreams is not None:
            self.upstreams = update.upstreams
        self.version = update.version

    def find(self, view: View, name: str) -> tuple[str, ...] | None:
        """The addresses behind the name; empty if it has none now, None if this asker has no such name."""
        found = [network for network in self._seen(view) if name in network.names]
        if not found or (view.outside and len(found) > 1 and "." not in name and not _one_stack(found, name)):
            return None
        if len(found) == 1:
            return found[0].names[name]
        return tuple(dict.fromkeys(address for network in found for address in network.names[name]))

    def is_parent(self, view: View, name: str) -> bool:
        """Whether longer names end in this one: then 'no such name' would deny them too (RFC 8020)."""
        return any(name in self._parents_in(network) for network in self._seen(view))

    def pointer(self, view: View, address: str) -> str | None:
        return next((n.pointers[address] for n in self._seen(view) if address in n.pointers), None)

    def owns_reverse(self, octets: list[int]) -> bool:
        """Whether the reverse zone of these leading octets lies in one of our subnets, seen by this asker or not."""
        start = int.from_bytes(bytes(octets) + bytes(4 - len(octets)), "big")
        for network in self.networks.values():
            subnet = ipaddress.ip_network(network.subnet, strict=False)
            if (
                subnet.version == 4
                and 8 * len(octets) >= subnet.prefixlen
                and start in range(int(subnet.network_address), int(subnet.broadcast_address) + 1)
            ):
                return True
        return False

    def shares(self, view: View, addresses: tuple[str, ...]) -> list[int]:
        """How far glibc prefers each address for this asker: by the bits shared with the asker's own address on that
        network (RFC 6724 rule 9), or, where no interface has IPv6, only itself to all others.
        """
        seen = list(self._seen(view))
        if not any(network.ipv6 for network in seen):
            return [32 if address in view.own else 0 for address in addresses]
        shares = dict.fromkeys(addresses, 0)
        for network in seen:
            subnet = ipaddress.ip_network(network.subnet, strict=False)
            mine = [own for own in map(ipaddress.ip_address, view.own) if own in subnet]
            for text in shares:
                address = ipaddress.ip_address(text)
                if mine and address in subnet:
                    shares[text] = address.max_prefixlen - (int(address) ^ int(mine[0])).bit_length()
        return [shares[address] for address in addresses]

    def forget_answers(self) -> None:
        """Drop every prepared answer: they are bounded in memory, not in number."""
        for view in (self.stranger, self.outside, *self.views.values()):
            view.forget()

    def _seen(self, view: View) -> Iterable[NetworkNames]:
        return (self.networks[key] for key in view.networks if key in self.networks)

    def _parents_in(self, network: NetworkNames) -> frozenset[str]:
        parents = self._parents.get(network.id)
        if parents is None:
            parents = frozenset(parent for name in network.names for parent in _ancestors(name))
            self._parents[network.id] = parents
        return parents


def _view(client: Client) -> View:
    return View(client.networks, client.addresses)


def _ancestors(name: str) -> Iterable[str]:
    while "." in name:
        name = name.partition(".")[2]
        yield name


def _one_stack(networks: list[NetworkNames], name: str) -> bool:
    """Whether one qualified name (`web.shop`) stands for the bare one (`web`) in all these networks."""
    prefix = name + "."
    stacks = [
        {other for other in network.names if other.startswith(prefix) and network.names[other] == network.names[name]}
        for network in networks
    ]
    return bool(set.intersection(*stacks))
