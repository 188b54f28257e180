"""What each asker is told: the points of conformance that libcs and caches depend on, and the balance."""

from collections import Counter

import dnslib
import pytest
from dnslib import QTYPE, RCODE
from hypothesis import given, settings
from hypothesis import strategies as st

from swarmlite.dns.answer import Answers, in_turn
from swarmlite.dns.wire import Query
from swarmlite.protocol.names import Client, NameTable, NameUpdate, NetworkNames

FIVE = tuple(f"10.9.0.{i}" for i in range(3, 8))
SHOP = NetworkNames(
    id="shop",
    subnet="10.9.0.0/24",
    names={
        "web": FIVE,
        "web.shop": FIVE,
        "shop_web": FIVE,
        "tasks.web": FIVE,
        "db": ("10.9.0.20",),
        "db.shop": ("10.9.0.20",),
        "asleep": (),
        "big": tuple(f"10.9.0.{i}" for i in range(100, 200)),
        "six": ("fd00::6",),
    },
    pointers={"10.9.0.3": "shop_web.1.abc"},
)
BLOG = NetworkNames(
    id="blog",
    subnet="10.9.1.0/24",
    names={"web": ("10.9.1.3",), "web.blog": ("10.9.1.3",), "db": ("10.9.1.9",), "cache": ("10.9.1.7",)},
)
TABLE = NameTable(
    version=1,
    networks={"shop": SHOP, "blog": BLOG},
    clients={
        "10.9.0.50": Client(networks=("shop",), addresses=("10.9.0.50",)),
        "10.9.0.3": Client(networks=("shop",), addresses=("10.9.0.3",)),
        "10.9.1.50": Client(networks=("blog",), addresses=("10.9.1.50",)),
        "10.9.0.60": Client(networks=("shop", "blog"), addresses=("10.9.0.60", "10.9.1.60")),
    },
    upstreams=(),
)
ASKER = "10.9.0.50"


def packet(name: str, kind: str = "A", *, size: int = 0, version: int = 0) -> bytes:
    record = dnslib.DNSRecord.question(name, kind)
    if size:
        record.add_ar(dnslib.EDNS0(udp_len=size, version=version, flags="do"))
    return bytes(record.pack())


def ask(answers: Answers, name: str, kind: str = "A", source: str = ASKER, **edns: int) -> dnslib.DNSRecord:
    reply = answers.inside(packet(name, kind, **edns), source)
    assert isinstance(reply, bytes), f"{name} {kind} was not answered here: {reply}"
    return dnslib.DNSRecord.parse(reply)


def addresses(record: dnslib.DNSRecord) -> list[str]:
    return [str(rr.rdata) for rr in record.rr]


def assert_negative(record: dnslib.DNSRecord, code: str) -> None:
    assert RCODE[record.header.rcode] == code
    assert not record.rr
    soa = record.auth[0]
    assert QTYPE[soa.rtype] == "SOA"
    assert min(soa.ttl, soa.rdata.times[4]) <= 2
    assert record.header.aa


@pytest.fixture
def answers() -> Answers:
    return Answers(TABLE)


@pytest.mark.parametrize("name", ["web", "WEB", "web.shop", "shop_web", "tasks.web", "web.swarmlite.internal"])
def test_every_name_of_a_service_gives_its_replicas(answers: Answers, name: str) -> None:
    record = ask(answers, name)
    assert sorted(addresses(record)) == list(FIVE)
    assert str(record.q.qname) == name + "."
    assert all(rr.ttl <= 5 and str(rr.rname) == name + "." for rr in record.rr)
    assert record.header.aa
    assert record.header.ra
    assert not record.header.tc


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("web", "AAAA"),
        ("web.swarmlite.internal", "AAAA"),
        ("web", "MX"),
        ("web", "TXT"),
        ("asleep", "A"),
        ("asleep", "AAAA"),
        ("six", "A"),
        ("shop.swarmlite.internal", "A"),  # only the end of longer names
        ("shop", "A"),
        ("swarmlite.internal", "A"),
        ("3.0.9.10.in-addr.arpa", "A"),
        ("0.9.10.in-addr.arpa", "PTR"),
    ],
)
def test_a_name_without_that_type_is_no_missing_name(answers: Answers, name: str, kind: str) -> None:
    assert_negative(ask(answers, name, kind), "NOERROR")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nope", "A"),
        ("nope", "AAAA"),
        ("nope.swarmlite.internal", "A"),
        ("web.blog.swarmlite.internal", "A"),  # of a network that the asker is not on
        ("cache", "A"),
        ("99.0.9.10.in-addr.arpa", "PTR"),
        ("3.1.9.10.in-addr.arpa", "PTR"),  # another's network stays unseen, and is not asked upstream
    ],
)
def test_a_missing_name_is_denied_for_a_moment_only(answers: Answers, name: str, kind: str) -> None:
    assert_negative(ask(answers, name, kind), "NXDOMAIN")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("example.com", "A"),
        ("web.blog", "A"),
        ("host.internal", "A"),
        ("myswarmlite.internal", "A"),
        ("1.1.1.1.in-addr.arpa", "PTR"),
        ("1.0.168.192.in-addr.arpa", "PTR"),
        ("com", "NS"),
        ("com", "DS"),
        (".", "NS"),
    ],
)
def test_what_is_not_ours_goes_upstream(answers: Answers, name: str, kind: str) -> None:
    assert isinstance(answers.inside(packet(name, kind), ASKER), Query)


def test_the_domain_has_a_start_of_authority(answers: Answers) -> None:
    assert QTYPE[ask(answers, "swarmlite.internal", "SOA").rr[0].rtype] == "SOA"


def test_an_ipv6_address_answers_aaaa(answers: Answers) -> None:
    assert addresses(ask(answers, "six", "AAAA")) == ["fd00::6"]


def test_any_gets_one_type(answers: Answers) -> None:
    assert sorted(addresses(ask(answers, "web", "ANY"))) == list(FIVE)


def test_a_task_s_address_names_it(answers: Answers) -> None:
    record = ask(answers, "3.0.9.10.in-addr.arpa", "PTR")
    assert addresses(record) == ["shop_web.1.abc.swarmlite.internal."]


def test_the_asker_s_networks_decide(answers: Answers) -> None:
    assert addresses(ask(answers, "db", source="10.9.0.50")) == ["10.9.0.20"]
    assert addresses(ask(answers, "db", source="10.9.1.50")) == ["10.9.1.9"]
    assert sorted(addresses(ask(answers, "db", source="10.9.0.60"))) == ["10.9.0.20", "10.9.1.9"]
    assert_negative(ask(answers, "db", source="192.0.2.1"), "NXDOMAIN")


@pytest.mark.parametrize(("name", "found"), [("web", 0), ("cache", 1), ("web.shop", 5), ("tasks.web", 5)])
def test_from_outside_a_bare_name_counts_only_if_one_stack_has_it(answers: Answers, name: str, found: int) -> None:
    reply = answers.outside(packet(name), "203.0.113.5")
    assert isinstance(reply, bytes)
    assert len(dnslib.DNSRecord.parse(reply).rr) == found


def test_from_outside_a_service_on_two_networks_of_its_stack_is_one_service() -> None:
    back = NetworkNames(id="back", subnet="10.9.2.0/24", names={"web": ("10.9.2.3",), "web.shop": ("10.9.2.3",)})
    answers = Answers(NameTable(version=1, networks={"shop": SHOP, "back": back}))
    reply = answers.outside(packet("web"), "203.0.113.5")
    assert isinstance(reply, bytes)
    assert sorted(addresses(dnslib.DNSRecord.parse(reply))) == ["10.9.0.3", *FIVE[1:], "10.9.2.3"]


def test_edns_is_echoed_and_never_sent_unasked(answers: Answers) -> None:
    asked = ask(answers, "web", size=4096)
    assert [(QTYPE[rr.rtype], rr.rclass, rr.edns_do) for rr in asked.ar] == [("OPT", 1232, 1)]
    assert ask(answers, "nope", size=4096).ar
    assert not ask(answers, "web").ar


def test_an_unknown_edns_version_is_told_so(answers: Answers) -> None:
    record = ask(answers, "web", size=4096, version=1)
    assert record.ar[0].edns_rcode == 1  # the upper bits of 16, BADVERS
    assert record.header.rcode == 0
    assert not record.rr


@pytest.mark.parametrize(("size", "most"), [(0, 512), (512, 512), (1232, 1232), (65000, 1232)])
def test_many_replicas_come_as_a_moving_window_never_truncated(answers: Answers, size: int, most: int) -> None:
    seen: Counter[str] = Counter()
    for _ in range(100):
        reply = answers.inside(packet("big", size=size), ASKER)
        assert isinstance(reply, bytes)
        assert most - 16 - 11 < len(reply) <= most
        record = dnslib.DNSRecord.parse(reply)
        assert not record.header.tc
        seen.update(addresses(record))
    assert len(seen) == 100
    assert max(seen.values()) == min(seen.values())


def test_over_tcp_all_replicas_come_at_once(answers: Answers) -> None:
    reply = answers.inside(packet("big"), ASKER, tcp=True)
    assert isinstance(reply, bytes)
    assert len(dnslib.DNSRecord.parse(reply).rr) == 100


def test_a_and_aaaa_take_turns_apart(answers: Answers) -> None:
    """glibc asks for both at once: a shared counter would show only every second replica of four."""
    first = Counter[str]()
    for _ in range(20):
        first[addresses(ask(answers, "web"))[0]] += 1
        ask(answers, "web", "AAAA")
    assert set(first.values()) == {4}


def test_an_asker_that_takes_every_second_answer_still_meets_every_replica(answers: Answers) -> None:
    """glibc asks again with a bigger buffer when an answer is long, and uses the second."""
    first = Counter[str]()
    for _ in range(200):
        ask(answers, "big")
        first[addresses(ask(answers, "big"))[0]] += 1
    assert len(first) == 100
    assert set(first.values()) == {2}


def test_askers_that_spell_at_random_are_balanced_too(answers: Answers) -> None:
    spellings = ["web", "Web", "wEb", "weB", "WEb", "WeB", "wEB", "WEB"]
    first = Counter(addresses(ask(answers, spellings[i % 8]))[0] for i in range(40))
    assert set(first.values()) == {8}


def test_many_askers_with_one_question_each_do_not_all_start_at_the_first_replica() -> None:
    clients = {f"10.9.0.{i}": Client(networks=("shop",), addresses=(f"10.9.0.{i}",)) for i in range(200, 250)}
    answers = Answers(NameTable(version=1, networks={"shop": SHOP}, clients=clients))
    first = Counter(addresses(ask(answers, "web", source=source))[0] for source in clients)
    assert set(first.values()) == {10}


def test_the_balance_survives_a_table_that_changes_between_questions(answers: Answers) -> None:
    first = Counter[str]()
    for version in range(2, 52):
        answers.update(NameUpdate(version=version, networks=(SHOP,)))
        first[addresses(ask(answers, "web"))[0]] += 1
    assert set(first.values()) == {10}


def glibc_sorted(found: list[str], own: str, *, ipv6: bool) -> list[str]:
    """RFC 6724 rule 9 as glibc does it: without any IPv6 address it knows no prefix but its own whole address."""

    def number(address: str) -> int:
        return int.from_bytes(bytes(map(int, address.split("."))), "big")

    def shared(address: str) -> int:
        bits = 32 - (number(address) ^ number(own)).bit_length()
        return bits if ipv6 or bits == 32 else 0

    return sorted(found, key=shared, reverse=True)


@pytest.mark.parametrize("ipv6", [False, True])
@pytest.mark.parametrize("own", ["10.9.0.3", "10.9.0.5", "10.9.0.50", "10.9.0.2"])
def test_glibc_s_own_order_does_not_undo_the_balance(own: str, ipv6: bool) -> None:
    table = NameTable(
        version=1,
        networks={"shop": NetworkNames(id="shop", subnet="10.9.0.0/24", names={"web": FIVE}, ipv6=ipv6)},
        clients={own: Client(networks=("shop",), addresses=(own,))},
    )
    answers = Answers(table)
    first = Counter[str]()
    for _ in range(300):
        found = addresses(ask(answers, "web", source=own))
        assert glibc_sorted(found, own, ipv6=ipv6)[0] == found[0]
        first[found[0]] += 1
    assert dict(first) == dict.fromkeys(FIVE, 60)


def test_a_list_of_tasks_is_always_whole(answers: Answers) -> None:
    for _ in range(10):
        assert sorted(addresses(ask(answers, "tasks.web", source="10.9.0.3"))) == list(FIVE)


@given(st.lists(st.integers(0, 32), min_size=1, max_size=40))
def test_each_address_has_its_turn_and_nobody_prefers_another_then(shares: list[int]) -> None:
    for turn in range(len(shares)):
        order = in_turn(shares, turn)
        assert order[0] == turn
        assert len(set(order)) == len(order)
        assert all(shares[i] <= shares[turn] for i in order)


def test_a_change_of_one_network_is_seen_at_once_and_spares_the_others(answers: Answers) -> None:
    ask(answers, "web")
    ask(answers, "web", source="10.9.1.50")
    blog = answers.zone.views["10.9.1.50"].memo
    answers.update(
        NameUpdate(version=2, networks=(NetworkNames(id="shop", subnet="10.9.0.0/24", names={"web": FIVE[:2]}),))
    )
    assert sorted(addresses(ask(answers, "web"))) == list(FIVE[:2])
    assert_negative(ask(answers, "db"), "NXDOMAIN")
    assert blog


def test_networks_and_clients_come_and_go(answers: Answers) -> None:
    answers.update(NameUpdate(version=2, gone_clients=("10.9.0.3",), gone_networks=("blog",)))
    assert_negative(ask(answers, "web", source="10.9.0.3"), "NXDOMAIN")
    assert_negative(ask(answers, "web", source="10.9.1.50"), "NXDOMAIN")
    client = Client(networks=("shop",), addresses=("10.9.0.77",))
    answers.update(NameUpdate(version=3, clients={"10.9.0.77": client}))
    assert ask(answers, "web", source="10.9.0.77").rr


def test_the_table_comes_back_as_the_updates_left_it(answers: Answers) -> None:
    answers.update(NameUpdate(version=2, gone_networks=("blog",), upstreams=("192.0.2.53",)))
    table = answers.zone.table()
    assert (table.version, set(table.networks), table.upstreams) == (2, {"shop"}, ("192.0.2.53",))
    assert table.clients == TABLE.clients


def test_prepared_answers_are_bounded(answers: Answers) -> None:
    for i in range(30_000):
        answers.inside(b"\0\0\1\0\0\1\0\0\0\0\0\0" + b"\x08" + b"%08d" % i + b"\0\0\1\0\1", ASKER)
    view = answers.zone.views[ASKER]
    assert len(view.memo) < 15_000
    assert ask(answers, "web").rr


@settings(max_examples=300)
@given(st.binary(max_size=80), st.integers(0, 60), st.booleans())
def test_mangled_packets_harm_nobody(junk: bytes, at: int, tcp: bool) -> None:
    answers = Answers(TABLE)
    sound = packet("web.shop", size=1232)
    for data in (junk, sound[:at] + junk, sound[:at] + junk + sound[at + len(junk) :]):
        reply = answers.inside(data, ASKER, tcp=tcp)
        if isinstance(reply, bytes):
            assert reply[:2] == data[:2]
            assert reply[2] & 0x80
            dnslib.DNSHeader.parse(dnslib.DNSBuffer(reply))
    assert ask(answers, "web").rr
