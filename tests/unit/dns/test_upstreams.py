"""Which servers are asked, from how people write them."""

import pytest

from swarmlite.dns.upstreams import endpoint, host_upstreams


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_an_upstream_may_have_a_port(text: str, expected: tuple[str, int]) -> None:
    assert endpoint(text) == expected


RESOLV_CONF = """
# nameserver 9.9.9.9
search example.com
nameserver 192.0.2.1
nameserver fe80::1%eth0
nameserver nonsense
nameserver 127.0.0.53
nameserver 192.0.2.1
options ndots:5
nameserver
"""


def test_the_host_s_servers_are_read() -> None:
    assert host_upstreams(RESOLV_CONF, []) == ("192.0.2.1", "fe80::1%eth0", "127.0.0.53")


def test_a_query_never_comes_back_to_us() -> None:
    assert host_upstreams(RESOLV_CONF, [("192.0.2.1", 53), ("0.0.0.0", 53)]) == ("fe80::1%eth0",)
    assert "192.0.2.1" in host_upstreams(RESOLV_CONF, [("192.0.2.1", 5353)])
