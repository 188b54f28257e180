"""What a network is made of on one host."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from swarmlite.network.build import (
    LABEL,
    VXLAN_NAME,
    bridge_name,
    engine_network,
    flooded,
    forwarding_changes,
    inner_mtu,
    vxlan_add,
    vxlan_name,
)
from swarmlite.protocol.link import AssignedNetwork

FLOOD = "00:00:00:00:00:00"
PEERS = st.sets(st.integers(1, 9).map(lambda number: f"10.0.0.{number}"))
NETWORK = AssignedNetwork(
    id="n1", name="shop_default", subnet="10.1.0.0/24", gateway="10.1.0.254", vni=4242, labels={"a": "b"}
)


@given(st.text(min_size=1))
def test_device_names_fit_the_kernel_and_tell_networks_apart(network_id: str) -> None:
    assert len(bridge_name(network_id)) <= 15
    assert len(vxlan_name(network_id)) <= 15
    assert VXLAN_NAME.fullmatch(vxlan_name(network_id))
    assert bridge_name(network_id) != bridge_name(network_id + "x")


def test_the_engine_has_no_address_of_its_own_to_give() -> None:
    body = engine_network(NETWORK, inner_mtu(1500))
    assert body["IPAM"]["Config"] == [
        {"Subnet": "10.1.0.0/24", "Gateway": "10.1.0.254", "IPRange": "10.1.0.254/32"},
    ]
    assert body["Options"]["com.docker.network.driver.mtu"] == "1450"
    assert body["Options"]["com.docker.network.bridge.name"] == bridge_name("n1")
    assert body["Labels"] == {"a": "b", LABEL: "n1"}


def test_a_label_of_the_user_cannot_hide_ours() -> None:
    network = AssignedNetwork(
        id="n1", name="a", subnet="10.1.0.0/24", gateway="10.1.0.1", vni=1, labels={LABEL: "another"}
    )
    assert engine_network(network, 1450)["Labels"][LABEL] == "n1"


def test_the_device_sends_from_this_hosts_address() -> None:
    assert vxlan_add(NETWORK, "10.0.0.1") == (
        f"link add {vxlan_name('n1')} type vxlan id 4242 local 10.0.0.1 dstport 4789 ageing 30"
    )


def after(entries: list[dict[str, Any]], lines: tuple[str, ...]) -> list[dict[str, Any]]:
    """What a kernel makes of the lines."""
    found = list(entries)
    for line in lines:
        _, action, mac, _, _, _, peer = line.split()
        if action == "del":
            found.remove({"mac": mac, "dst": peer})
        else:
            assert {"mac": mac, "dst": peer} not in found
            found.append({"mac": mac, "dst": peer})
    return found


@given(PEERS, PEERS, st.data())
def test_peers_become_those_wanted_and_what_was_learned_from_the_others_goes(
    now: set[str], wanted: set[str], data: st.DataObject
) -> None:
    entries = [{"mac": FLOOD, "dst": peer} for peer in sorted(now)]
    if now:
        learned = data.draw(st.lists(st.sampled_from(sorted(now))))
        entries += [{"mac": f"02:42:00:00:00:{number:02x}", "dst": peer} for number, peer in enumerate(learned)]
    entries.append({"mac": "33:33:00:00:00:01"})
    left = after(entries, forwarding_changes("vx", entries, flooded(entries), wanted))
    assert flooded(left) == wanted
    assert {entry["dst"] for entry in left if "dst" in entry} <= wanted
    assert [entry for entry in left if entry.get("dst") in now & wanted] == [
        entry for entry in entries if entry.get("dst") in now & wanted
    ]
    assert forwarding_changes("vx", left, flooded(left), wanted) == ()
