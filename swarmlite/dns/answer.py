"""From the bytes of a query and its asker to the bytes of the answer; sockets and time are elsewhere.

A query that came before, byte for byte behind its id, costs one dictionary look-up. What surprises: an answer may leave
addresses out. glibc moves those that look near to its own address to the front, so a nearer one is only sent when it is
its turn; then every address comes first equally often, whatever libc asks.
"""

from swarmlite.dns import wire
from swarmlite.dns.wire import Query
from swarmlite.dns.zone import Rotation, Turn, View, Zone
from swarmlite.protocol.names import NameTable, NameUpdate

TTL = 2  # seconds that a cache may keep an address
NEGATIVE_TTL = 1  # seconds that it may keep a 'no'
_MEMO_BYTES = 4 << 20
_ENTRY_BYTES = 300  # what Python takes for an entry beside its bytes
_TOP_LEVEL_TYPES = (wire.NS, wire.SOA, wire.DS, wire.DNSKEY)  # what a validating resolver asks of `com`


class Answers:
    """The whole server but its sockets. A result that is a `Query` is to be forwarded; None is to be dropped."""

    def __init__(self, table: NameTable) -> None:
        self.zone = Zone(table)
        self._starts: dict[tuple[str, int], int] = {}
        self._weight = 0

    def replace(self, table: NameTable) -> None:
        self.zone = Zone(table)
        self._weight = 0

    def update(self, update: NameUpdate) -> None:
        self.zone.update(update)

    def inside(self, data: bytes, source: str, *, tcp: bool = False) -> bytes | Query | None:
        """Answer an asker that its address names: a container's task, or a stranger."""
        return self._answer(data, self.zone.views.get(source) or self.zone.stranger, tcp)

    def outside(self, data: bytes, source: str, *, tcp: bool = False) -> bytes | Query | None:
        """Answer an asker from outside the cluster's networks, who sees them all."""
        return self._answer(data, self.zone.outside, tcp)

    def _answer(self, data: bytes, view: View, tcp: bool) -> bytes | Query | None:
        entry = None if tcp else view.memo.get(data[2:])
        if entry is not None:
            return data[:2] + (entry if isinstance(entry, bytes) else self._next(entry))
        query = wire.read(data)
        if query is None:
            return None
        prepared = self._prepare(query, view, wire.TCP_ROOM if tcp else query.room)
        if prepared is None:
            return query
        if not tcp and not query.error:
            self._keep(view, data[2:], prepared)
        return data[:2] + (prepared if isinstance(prepared, bytes) else self._next(prepared))

    def _next(self, rotation: Rotation) -> bytes:
        at = rotation.turn.take()
        tail = rotation.tails[at]
        if tail is None:
            tail = rotation.tails[at] = rotation.make(at)
            self._weight += len(tail)
        return tail

    def _keep(self, view: View, key: bytes, prepared: bytes | Rotation) -> None:
        self._weight += _ENTRY_BYTES + len(key) + (len(prepared) if isinstance(prepared, bytes) else 0)
        if self._weight > _MEMO_BYTES:
            self.zone.forget_answers()
            self._weight = 0
        view.memo[key] = prepared

    def _prepare(self, query: Query, view: View, room: int) -> bytes | Rotation | None:
        if query.error:
            return wire.answer(query, query.error)
        domain = self.zone.domain
        name = query.name
        if name == domain or name.endswith("." + domain):
            return self._ours(query, view, name[: -len(domain) - 1], room)
        if name.endswith(".in-addr.arpa"):
            return self._reverse(query, view)
        if self.zone.find(view, name) is not None:
            return self._ours(query, view, name, room)
        if "." in name or not name or query.type in _TOP_LEVEL_TYPES:
            return None
        return self._no(query, wire.NOERROR if self.zone.is_parent(view, name) else wire.NXDOMAIN, 1)

    def _ours(self, query: Query, view: View, name: str, room: int) -> bytes | Rotation:
        """A name that is in the table or in our domain, where nobody else can answer."""
        owner_labels = query.name.count(".") - self.zone.domain.count(".") if name != query.name else 0
        if not name:
            return self._apex(query)
        addresses = self.zone.find(view, name)
        if addresses is None:
            code = wire.NOERROR if self.zone.is_parent(view, name) else wire.NXDOMAIN
            return self._no(query, code, owner_labels)
        kind, records = _records(addresses, query.type)
        if not records:
            return self._no(query, wire.NOERROR, owner_labels)
        chosen = tuple(address for address in addresses if wire.address(address)[0] == kind)
        shares = [0] * len(chosen) if name.startswith("tasks.") else self.zone.shares(view, chosen)
        make = _AddressAnswer(query, records, shares, wire.capacity(query, room, len(records[0])))
        return Rotation(self._turn(view, name, kind, len(records)), make)

    def _turn(self, view: View, name: str, kind: int, size: int) -> Turn:
        """The asker's turn at this name. Each new one starts one further, or all would begin at the first replica."""
        key = (name, kind)
        turn = view.turns.get(key)
        if turn is None or turn.size != size:
            if len(self._starts) > 10_000:
                self._starts.clear()
            start = self._starts.get(key, 0)
            self._starts[key] = start + 1
            turn = view.turns[key] = Turn(start, size)
        return turn

    def _apex(self, query: Query) -> bytes:
        if query.type not in (wire.SOA, wire.ANY):
            return self._no(query, wire.NOERROR, 0)
        return wire.answer(query, wire.NOERROR, self._authority(query, 0), 1)

    def _reverse(self, query: Query, view: View) -> bytes | None:
        octets = _octets(query.name)
        if octets is None or not self.zone.owns_reverse(octets):
            return None
        if len(octets) < 4:
            return self._no(query, wire.NOERROR, 0)
        name = self.zone.pointer(view, ".".join(map(str, octets)))
        if name is None:
            return self._no(query, wire.NXDOMAIN, 1)
        if query.type not in (wire.PTR, wire.ANY):
            return self._no(query, wire.NOERROR, 0)
        target = wire.encoded(f"{name}.{self.zone.domain}")
        return wire.answer(query, wire.NOERROR, wire.record(query.owner(0), wire.PTR, TTL, target), 1)

    def _no(self, query: Query, code: int, labels: int) -> bytes:
        return wire.answer(query, code, authority=self._authority(query, labels))

    def _authority(self, query: Query, labels: int) -> bytes:
        return wire.start_of_authority(query.owner(labels), self.zone.domain, self.zone.version, NEGATIVE_TTL)


class _AddressAnswer:
    """Address records in the order of one turn, as many as fit: an answer is never truncated, its window moves on."""

    __slots__ = ("limit", "query", "records", "shares")

    def __init__(self, query: Query, records: list[bytes], shares: list[int], limit: int) -> None:
        self.query, self.records, self.shares, self.limit = query, records, shares, limit

    def __call__(self, turn: int) -> bytes:
        order = in_turn(self.shares, turn)[: self.limit]
        return wire.answer(self.query, wire.NOERROR, b"".join(self.records[i] for i in order), len(order))


def in_turn(shares: list[int], turn: int) -> list[int]:
    """The addresses (by index) to send at this turn: the one whose turn it is first, then those that glibc does not
    prefer to it. Those that it does are left out, since glibc would put them first.
    """
    ring = [*range(turn, len(shares)), *range(turn)]
    near = [i for i in ring if shares[i] == shares[turn]]
    return near + [i for i in ring if shares[i] < shares[turn]]


def _records(addresses: tuple[str, ...], kind: int) -> tuple[int, list[bytes]]:
    """Records of the type asked for; ANY gets one type only (RFC 8482)."""
    found = [wire.address(address) for address in addresses]
    if kind == wire.ANY and found:
        kind = found[0][0]
    return kind, [wire.record(b"\xc0\x0c", kind, TTL, data) for version, data in found if version == kind]


def _octets(name: str) -> list[int] | None:
    """The address, or its beginning, that a reverse name spells backwards."""
    labels = name.split(".")[:-2]
    if len(labels) > 4 or not all(label.isascii() and label.isdigit() and int(label) < 256 for label in labels):
        return None
    return [int(label) for label in reversed(labels)]
