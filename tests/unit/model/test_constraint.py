import pytest

from swarmlite.errors import InvalidArgument
from swarmlite.model.constraint import Constraint, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node.role == manager", Constraint(key="node.role", equal=True, value="manager")),
        ("node.role!=worker", Constraint(key="node.role", equal=False, value="worker")),
        ("node.labels.Zone==a b", Constraint(key="node.labels.Zone", equal=True, value="a b")),
        ("Node.Hostname == h1", Constraint(key="node.hostname", equal=True, value="h1")),
        ("node.ip != 10.0.0.0/8", Constraint(key="node.ip", equal=False, value="10.0.0.0/8")),
        ("engine.labels.a.b == x", Constraint(key="engine.labels.a.b", equal=True, value="x")),
    ],
)
def test_reads_what_swarm_reads(text: str, expected: Constraint) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("node.role = manager", "neither == nor !="),
        ("node.rol == manager", "unknown key 'node.rol'"),
        ("node.role == boss", "manager or worker"),
        ("node.id ==", "no value"),
        ("node.labels. == x", "unknown key"),
        ("node.id == a == b", "more than once"),
    ],
)
def test_says_what_is_wrong_and_what_is_allowed(text: str, word: str) -> None:
    with pytest.raises(InvalidArgument, match=word):
        parse(text)
