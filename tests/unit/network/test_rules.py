"""Published ports as text for nft."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmlite.errors import InvalidArgument
from swarmlite.network.rules import PROTOCOLS, Published, nothing, ruleset

BACKENDS = st.lists(
    st.tuples(st.ip_addresses(v=4), st.integers(1, 65535)).map(lambda pair: f"{pair[0]}:{pair[1]}"), max_size=5
)
PORTS = st.lists(
    st.builds(Published, st.sampled_from(PROTOCOLS), st.integers(1, 65535), BACKENDS.map(tuple)),
    max_size=5,
    unique_by=lambda port: (port.protocol, port.port),
)


def test_a_port_leads_to_its_backends_in_equal_parts() -> None:
    text = ruleset([Published("tcp", 8080, ("10.0.0.3:80", "10.0.0.20:80"))])
    rule = "numgen random mod 2 map { 0 : 10.0.0.3 . 80, 1 : 10.0.0.20 . 80 }"
    assert [line for line in text.splitlines() if "8080" in line and rule in line]


def test_the_table_is_replaced_in_one_step() -> None:
    start = "add table ip swarmlite\ndelete table ip swarmlite\n"
    assert ruleset([]).startswith(start + "table ip swarmlite {")
    assert nothing() == start


@given(PORTS)
def test_each_port_with_backends_has_one_rule_and_order_does_not_matter(ports: list[Published]) -> None:
    text = ruleset(ports)
    found = re.findall(r"^\s+(\w+) dport (\d+) ", text, re.MULTILINE)
    assert sorted(found) == sorted((port.protocol, str(port.port)) for port in ports if port.backends)
    turned = [Published(port.protocol, port.port, port.backends[::-1]) for port in reversed(ports)]
    assert ruleset(turned) == text


def test_dns_of_containers_is_never_sent_elsewhere() -> None:
    text = ruleset([Published("udp", 53, ("10.0.0.3:53",))])
    assert text.index("dport 53 return") < text.index("jump ports")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Published("icmp", 80, ()),
        lambda: Published("tcp", 0, ()),
        lambda: Published("tcp", 70000, ()),
        lambda: ruleset([Published("tcp", 80, ("10.0.0.1",))]),
        lambda: ruleset([Published("tcp", 80, ("10.0.0.1:x; flush ruleset",))]),
        lambda: ruleset([Published("tcp", 80, ("10.0.0.1:99999",))]),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(InvalidArgument):
        wrong()
