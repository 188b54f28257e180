"""What constraints mean on a node."""

from datetime import UTC, datetime

import pytest

from swarmlite.model.objects import EngineDescription, Node, NodeDescription, NodeStatus
from swarmlite.model.spec import NodeSpec, Platform, Role
from swarmlite.scheduler.constraints import fits_platform, refusal

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NODE = Node(
    id="abc123",
    created_at=NOW,
    updated_at=NOW,
    spec=NodeSpec(labels={"zone": "a"}, role=Role.MANAGER),
    description=NodeDescription(
        hostname="host1",
        platform=Platform(architecture="x86_64", os="linux"),
        engine=EngineDescription(labels={"disk": "ssd"}),
    ),
    status=NodeStatus(addr="10.0.0.7"),
)


@pytest.mark.parametrize(
    "text",
    [
        "node.id == abc123",
        "node.hostname == HOST1",
        "node.hostname != host2",
        "node.ip == 10.0.0.7",
        "node.ip == 10.0.0.0/24",
        "node.ip != 10.0.1.0/24",
        "node.role == manager",
        "node.role != worker",
        "node.platform.os == linux",
        "node.platform.arch == x86_64",
        "node.platform.arch == amd64",
        "node.labels.zone == a",
        "node.labels.rack != 1",
        "engine.labels.disk == ssd",
    ],
)
def test_met(text: str) -> None:
    assert refusal(NODE, (text,)) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("node.hostname == host2", "constraint node.hostname == host2: hostname is host1"),
        ("node.labels.zone != a", "constraint node.labels.zone != a: zone is a"),
        ("node.labels.rack == 1", "constraint node.labels.rack == 1: rack is not set"),
        ("engine.labels.disk == hdd", "constraint engine.labels.disk == hdd: disk is ssd"),
        ("node.ip == 10.0.1.0/24", "constraint node.ip == 10.0.1.0/24: ip is 10.0.0.7"),
        ("node.ip == nonsense/24", "constraint node.ip == nonsense/24: ip is 10.0.0.7"),
        ("node.role == worker", "constraint node.role == worker: role is manager"),
    ],
)
def test_refused(text: str, why: str) -> None:
    assert refusal(NODE, ("node.platform.os == linux", text)) == why


def test_a_constraint_that_cannot_be_read_is_met_by_no_node() -> None:
    why = refusal(NODE, ("zone=a",))
    assert why is not None
    assert "zone=a" in why


@pytest.mark.parametrize(
    ("platforms", "fits"),
    [
        ((), True),
        ((("linux", "amd64"),), True),
        ((("", "x86_64"),), True),
        ((("linux", ""),), True),
        ((("linux", "arm64"),), False),
        ((("windows", "amd64"),), False),
        ((("linux", "arm64"), ("linux", "amd64")), True),
    ],
)
def test_platforms(platforms: tuple[tuple[str, str], ...], fits: bool) -> None:
    assert fits_platform(platforms, "linux", "x86_64") is fits
