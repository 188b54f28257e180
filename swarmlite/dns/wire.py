"""DNS messages by hand: a library's parser costs three times the whole answer, and its packer ten times.

Everything here is about one question. What surprises: answers are built *without* the two bytes of the id, so that one
prepared answer serves every client that sends the same bytes after its own id.
"""

import ipaddress

import msgspec

A, NS, SOA, PTR, AAAA, OPT, DS, DNSKEY, ANY = 1, 2, 6, 12, 28, 41, 43, 48, 255
INTERNET = 1
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 2, 3, 4, 5, 16
PLAIN_ROOM = 512  # bytes that every resolver takes over UDP
OUR_ROOM = 1232  # bytes over UDP that fit any path without fragments
TCP_ROOM = 65535
_HEADER = 12
_RESPONSE, _AUTHORITATIVE, _TRUNCATED, _RECURSION, _DNSSEC_OK = 0x8000, 0x0400, 0x0200, 0x0080, 0x8000
_KEPT_FLAGS = 0x7910  # opcode, RD and CD go back as they came


class Query(msgspec.Struct, frozen=True):
    """A packet that wants an answer. `question`: its bytes as sent; `error`: the code to refuse it with at once;
    `room`: bytes that the asker takes over UDP.
    """

    flags: int
    question: bytes = b""
    name: str = ""
    type: int = 0
    edns: bool = False
    dnssec: bool = False
    room: int = PLAIN_ROOM
    error: int = NOERROR

    def owner(self, labels: int) -> bytes:
        """A pointer to the name's suffix that is left after this many labels."""
        at = 0
        for _ in range(labels):
            at += self.question[at] + 1
        return (0xC000 | _HEADER + at).to_bytes(2, "big")


class Malformed(Exception):
    """The bytes are no DNS message."""


def read(data: bytes) -> Query | None:
    """The packet's one question; None where silence is the only safe answer (responses, fragments)."""
    if len(data) < _HEADER or data[2] & 0x80:
        return None
    flags = int.from_bytes(data[2:4], "big")
    if flags & 0x7800:
        return Query(flags, error=NOTIMP)
    if data[4:6] != b"\0\1":
        return Query(flags, error=FORMERR)
    try:
        return _question(data, flags)
    except Malformed:
        return Query(flags, error=FORMERR)


def _question(data: bytes, flags: int) -> Query:
    name, end = _name(data)
    question = data[_HEADER : end + 4]
    if len(question) < end + 4 - _HEADER:
        raise Malformed
    kind, cls = int.from_bytes(data[end : end + 2], "big"), int.from_bytes(data[end + 2 : end + 4], "big")
    edns, dnssec, room, error = False, False, PLAIN_ROOM, NOERROR
    if data[6:12] != b"\0\0\0\0\0\0":
        for record, size, ttl in _records(data, end + 4):
            if record != OPT:
                continue
            if edns:
                raise Malformed
            edns, dnssec = True, bool(ttl & _DNSSEC_OK)
            room = min(max(size, PLAIN_ROOM), OUR_ROOM)
            error = BADVERS if ttl >> 16 & 0xFF else NOERROR
    if not error and cls != INTERNET:
        error = REFUSED
    return Query(flags, question, name, kind, edns, dnssec, room, error)


def _name(data: bytes) -> tuple[str, int]:
    """The question's name, lower-case, and where it ends. A dot inside a label is escaped, so it matches nothing."""
    labels = []
    at = _HEADER
    try:
        while size := data[at]:
            if size > 63:
                raise Malformed
            labels.append(data[at + 1 : at + 1 + size].replace(b".", b"\\."))
            at += size + 1
    except IndexError:
        raise Malformed from None
    if at - _HEADER > 254:
        raise Malformed
    return b".".join(labels).lower().decode("utf-8", "replace"), at + 1


def _records(data: bytes, at: int) -> list[tuple[int, int, int]]:
    """(type, class, ttl) of each record after the question."""
    found = []
    count = sum(int.from_bytes(data[i : i + 2], "big") for i in (6, 8, 10))
    for _ in range(count):
        at, end = _record(data, at)
        kind, cls = int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 2 : at + 4], "big")
        found.append((kind, cls, int.from_bytes(data[at + 4 : at + 8], "big")))
        at = end
    return found


def _record(data: bytes, at: int) -> tuple[int, int]:
    """Where the record's fixed part starts and where the record ends."""
    try:
        while size := data[at]:
            if size >= 0xC0:
                at += 1
                break
            if size > 63:
                raise Malformed
            at += size + 1
        fixed = at + 1
        end = fixed + 10 + (data[fixed + 8] << 8 | data[fixed + 9])
    except IndexError:
        raise Malformed from None
    if end > len(data):
        raise Malformed
    return fixed, end


def answer(query: Query, code: int, records: bytes = b"", count: int = 0, authority: bytes = b"") -> bytes:
    """The whole answer but for its id. `records`: `count` answers; `authority`: one SOA or nothing."""
    flags = _RESPONSE | _RECURSION | query.flags & _KEPT_FLAGS | code & 15
    if code in (NOERROR, NXDOMAIN):
        flags |= _AUTHORITATIVE
    return b"".join(
        (
            flags.to_bytes(2, "big"),
            b"\0\1" if query.question else b"\0\0",
            count.to_bytes(2, "big"),
            b"\0\1" if authority else b"\0\0",
            b"\0\1" if query.edns else b"\0\0",
            query.question,
            records,
            authority,
            _opt(query, code),
        )
    )


def _opt(query: Query, code: int) -> bytes:
    if not query.edns:
        return b""
    ttl = (code >> 4) << 24 | (_DNSSEC_OK if query.dnssec else 0)
    return b"\0\0\x29" + OUR_ROOM.to_bytes(2, "big") + ttl.to_bytes(4, "big") + b"\0\0"


def capacity(query: Query, room: int, size: int) -> int:
    """How many records of this size fit into an answer of `room` bytes."""
    return max(1, (room - _HEADER - len(query.question) - (11 if query.edns else 0)) // size)


def record(owner: bytes, kind: int, ttl: int, data: bytes) -> bytes:
    """One resource record of class IN. `ttl` in seconds."""
    fixed = kind.to_bytes(2, "big") + b"\0\1" + ttl.to_bytes(4, "big") + len(data).to_bytes(2, "big")
    return owner + fixed + data


def address(text: str) -> tuple[int, bytes]:
    """The record type and data of an IP address."""
    packed = ipaddress.ip_address(text).packed
    return (A if len(packed) == 4 else AAAA), packed


def encoded(name: str) -> bytes:
    """A name in wire form. Labels that DNS cannot carry are cut at 63 bytes."""
    labels = [label.encode()[:63] for label in name.split(".") if label]
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def start_of_authority(owner: bytes, domain: str, serial: int, ttl: int) -> bytes:
    """The record that says how long (`ttl` seconds) a 'no' may be kept."""
    zone = encoded(domain)
    numbers = (serial & 0xFFFFFFFF, 60, 10, 600, ttl)
    data = b"\2ns" + zone + b"\nhostmaster" + zone + b"".join(number.to_bytes(4, "big") for number in numbers)
    return record(owner, SOA, ttl, data)


def answers(reply: bytes, query_id: bytes, question: bytes) -> bool:
    """Whether an upstream's message is the reply to exactly this question."""
    return (
        len(reply) >= _HEADER + len(question)
        and reply[:2] == query_id
        and reply[2] & 0x80 != 0
        and reply[4:6] == b"\0\1"
        and reply[_HEADER : _HEADER + len(question)] == question
    )


def is_truncated(reply: bytes) -> bool:
    return reply[2] & 0x02 != 0


def rcode(reply: bytes) -> int:
    return reply[3] & 15


def trimmed(reply: bytes, query: Query, room: int) -> bytes:
    """An upstream's reply cut to `room` bytes at a record's border, marked truncated.

    Never empty if anything fits: old musl takes what it is given and does not come back over TCP.
    """
    if len(reply) <= room:
        return reply
    limit = room - (11 if query.edns else 0)
    at = end = _HEADER + len(query.question)
    count = 0
    try:
        while count < int.from_bytes(reply[6:8], "big") and end <= limit:
            _, end = _record(reply, at)
            if end <= limit:
                at, count = end, count + 1
    except Malformed:
        pass  # what was whole so far is still good
    flags = int.from_bytes(reply[2:4], "big") | _TRUNCATED
    counts = b"\0\1" + count.to_bytes(2, "big") + b"\0\0" + (b"\0\1" if query.edns else b"\0\0")
    return reply[:2] + flags.to_bytes(2, "big") + counts + reply[_HEADER:at] + _opt(query, rcode(reply))
