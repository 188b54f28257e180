"""What stands on the wire, read back by an independent library."""

import dnslib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmlite.dns import wire


def asked(name: str = "web", kind: str = "A") -> bytes:
    return bytes(dnslib.DNSRecord.question(name, kind).pack())


def reply_of(addresses: int, name: str = "example.com") -> bytes:
    record = dnslib.DNSRecord.question(name).reply()
    for i in range(addresses):
        record.add_answer(dnslib.RR(name, rdata=dnslib.A(f"198.51.100.{i}"), ttl=9))
    return bytes(record.pack())


def test_a_question_is_read_lower_case_and_kept_as_sent() -> None:
    query = wire.read(asked("Web.Shop"))
    assert query is not None
    assert (query.name, query.type, query.error) == ("web.shop", wire.A, wire.NOERROR)
    assert query.question == b"\3Web\4Shop\0\0\1\0\1"


@pytest.mark.parametrize(
    ("packet", "error"),
    [
        (asked()[:4] + b"\0\0" + asked()[6:], wire.FORMERR),  # no question
        (asked()[:4] + b"\0\2" + asked()[6:], wire.FORMERR),  # two
        (asked()[:-1], wire.FORMERR),  # cut
        (asked()[:12] + b"\xc0\x0c\0\1\0\1", wire.FORMERR),  # a name that points at itself
        (asked()[:12] + b"\x3f" + b"a" * 63 * 5, wire.FORMERR),
        (asked()[:12] + (b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1", wire.FORMERR),  # 257 bytes
        (asked()[:-1] + b"\3", wire.REFUSED),  # class CHAOS
        (asked()[:2] + b"\x28" + asked()[3:], wire.NOTIMP),  # UPDATE
        (asked()[:10] + b"\0\1" + asked()[12:], wire.FORMERR),  # a record announced, none there
    ],
)
def test_a_packet_out_of_order_is_refused_by_the_right_code(packet: bytes, error: int) -> None:
    query = wire.read(packet)
    assert query is not None
    assert query.error == error


@pytest.mark.parametrize("packet", [b"", asked()[:11], asked()[:2] + b"\x80" + asked()[3:]])
def test_a_fragment_or_a_response_gets_silence(packet: bytes) -> None:
    assert wire.read(packet) is None


@pytest.mark.parametrize(("size", "room"), [(100, 512), (512, 512), (800, 800), (4096, 1232)])
def test_edns_says_how_much_the_asker_takes(size: int, room: int) -> None:
    record = dnslib.DNSRecord.question("web")
    record.add_ar(dnslib.EDNS0(udp_len=size, flags="do"))
    query = wire.read(bytes(record.pack()))
    assert query is not None
    assert (query.edns, query.dnssec, query.room) == (True, True, room)


def test_a_label_with_a_dot_in_it_is_no_two_labels() -> None:
    query = wire.read(asked()[:12] + b"\x08web.shop\0\0\1\0\1")
    assert query is not None
    assert query.name != "web.shop"


@given(st.binary(max_size=600))
def test_no_bytes_do_harm(data: bytes) -> None:
    wire.read(data)


@given(st.binary(max_size=300), st.integers(0, 40))
def test_no_upstream_bytes_do_harm(junk: bytes, addresses: int) -> None:
    query = wire.read(asked("example.com"))
    assert query is not None
    reply = reply_of(addresses)[:60] + junk
    assert len(wire.trimmed(reply, query, 100)) <= 100


@given(st.integers(0, 200), st.integers(64, 1232))
def test_a_trimmed_reply_is_whole_records_and_says_so(addresses: int, room: int) -> None:
    query = wire.read(asked("example.com"))
    assert query is not None
    reply = reply_of(addresses)
    cut = wire.trimmed(reply, query, room)
    assert len(cut) <= room
    read = dnslib.DNSRecord.parse(cut)
    assert bool(read.header.tc) == (len(read.rr) < addresses)
    assert len(read.rr) == min(addresses, (room - 12 - len(query.question)) // 16)


def test_only_the_reply_to_our_question_is_taken() -> None:
    query = wire.read(asked("example.com"))
    reply = reply_of(1)
    assert query is not None
    assert wire.answers(reply, reply[:2], query.question)
    assert not wire.answers(reply, b"\xff\xff", query.question)
    assert not wire.answers(reply_of(1, "example.org"), reply[:2], query.question)
    assert not wire.answers(asked("example.com"), asked("example.com")[:2], query.question)
