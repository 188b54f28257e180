"""How addresses are written and found."""

import pytest

from swarmlite.errors import InvalidArgument
from swarmlite.manager import host
from swarmlite.manager.host import HostPort, parse_host_port, parse_listen
from swarmlite.manager.init import _pools


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10.0.0.1", HostPort("10.0.0.1", 2377)),
        ("10.0.0.1:99", HostPort("10.0.0.1", 99)),
        ("manager.example", HostPort("manager.example", 2377)),
        ("manager:2378", HostPort("manager", 2378)),
        ("[fd00::1]:9", HostPort("fd00::1", 9)),
        ("[fd00::1]", HostPort("fd00::1", 2377)),
        ("fd00::1", HostPort("fd00::1", 2377)),
    ],
)
def test_a_manager_is_written_with_or_without_its_port(text: str, meant: HostPort) -> None:
    assert parse_host_port(text) == meant


@pytest.mark.parametrize("text", ["", ":", "a:b", "https://a", "a:70000", "a:0", "[fd00::1", "a b"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_host_port(text)


def test_an_address_is_printed_so_that_it_can_be_read_again() -> None:
    for meant in (HostPort("fd00::1", 9), HostPort("a", 1)):
        assert parse_host_port(str(meant)) == meant


@pytest.mark.parametrize(
    ("text", "advertised", "meant"),
    [
        ("", "10.0.0.1", HostPort("0.0.0.0", 2377)),
        ("", "fd00::1", HostPort("::", 2377)),
        (":99", "10.0.0.1", HostPort("0.0.0.0", 99)),
        ("10.0.0.1", "10.0.0.1", HostPort("10.0.0.1", 2377)),
    ],
)
def test_a_manager_listens_on_all_addresses_unless_told(text: str, advertised: str, meant: HostPort) -> None:
    assert parse_listen(text, advertised) == meant


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "224.0.0.1", "fe80::1"])
async def test_addresses_that_nobody_can_reach_are_refused(address: str) -> None:
    with pytest.raises(InvalidArgument, match="other hosts could reach"):
        await host.advertise_address(address)


async def test_an_interface_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="nor an interface"):
        await host.advertise_address("nosuch0")


@pytest.mark.parametrize(
    "name", ["docker0", "docker_gwbridge", "br-0123456789ab", "veth0a1b2c3", "virbr0", "lo", "cni0"]
)
def test_interfaces_of_docker_and_its_like_do_not_count(name: str) -> None:
    assert host._DOCKERS.fullmatch(name)


@pytest.mark.parametrize("name", ["eth0", "ens3", "br0", "bond0", "wg0", "enp1s0.100", "tailscale0"])
def test_interfaces_between_hosts_count(name: str) -> None:
    assert not host._DOCKERS.fullmatch(name)


def test_the_pool_of_networks_is_not_the_one_between_the_hosts() -> None:
    assert _pools((), "192.168.0.4") == ("10.128.0.0/9",)
    assert _pools((), "10.200.0.4") == ("10.0.0.0/9",)
    assert _pools(("10.9.0.0/16",), "10.200.0.4") == ("10.9.0.0/16",)
    for wrong in ("10.9.0.0/25", "10.200.0.0/16", "10.9.0.1/16", "x", "fd00::/48"):
        with pytest.raises(InvalidArgument):
            _pools((wrong,), "10.200.0.4")
