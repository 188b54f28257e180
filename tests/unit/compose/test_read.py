"""YAML by YAML 1.2 and go-yaml's rules, with the place of everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmlite.compose.read import MAX_DEPTH, documents
from swarmlite.compose.report import Report
from swarmlite.compose.scalars import resolve, show
from swarmlite.compose.tree import Json, find, plain
from swarmlite.errors import ComposeError


def read(text: str) -> Json:
    report = Report()
    (root,) = documents(text, "f.yaml", report)
    report.stop()
    return plain(root)


def fault(text: str) -> str:
    report = Report()
    documents(text, "f.yaml", report)
    with pytest.raises(ComposeError) as raised:
        report.stop()
    return raised.value.message


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("True", True),
        ("~", None),
        ("22:22", "22:22"),
        ("010", 8),
        ("0o10", 8),
        ("08", 8.0),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("1.10", 1.1),
        ("1e3", 1000.0),
        ("+.5", 0.5),
        ("99999999999999999999", 1e20),
        ("2024-01-01", "2024-01-01 00:00:00 +0000 UTC"),
        ("2024-01-01T10:00:00Z", "2024-01-01 10:00:00 +0000 UTC"),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        ("12ab", "12ab"),
    ],
)
def test_unquoted_scalars_are_what_go_yaml_makes_of_them(written: str, value: Json) -> None:
    assert resolve(written) == value
    assert type(resolve(written)) is type(value)


def test_quoted_and_tagged_scalars_are_texts() -> None:
    assert read("[ '010', \"yes\", !!str 12, 12 ]") == ["010", "yes", "12", 12]


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (1234567.0, "1.234567e+06"), (1.1, "1.1"), (1e-5, "1e-05"), (100000.0, "100000"), (None, "<nil>")],
)
def test_values_are_printed_as_go_prints_them(value: object, text: str) -> None:
    assert show(value) == text


def test_merge_keys_give_what_is_not_said() -> None:
    text = """
        base: &base {a: 1, b: 1}
        more: &more {b: 2, c: 2}
        one: {<<: *base, b: 9}
        two: {<<: [*base, *more]}
    """
    found = read(text)
    assert isinstance(found, dict)
    assert found["one"] == {"a": 1, "b": 9}
    assert found["two"] == {"a": 1, "b": 1, "c": 2}


def test_every_value_knows_its_place() -> None:
    (root,) = documents("a:\n  b: [x, yy]\n", "f.yaml", Report())
    assert str(find(root, ("a",)).where) == "f.yaml:1:1"
    assert str(find(root, ("a", "b", 1)).where) == "f.yaml:2:10"
    assert str(find(root, ("a", "b", 7)).where) == "f.yaml:2:3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml:3:1: the key 'a' is already there, in line 1; remove one of the two"),
        ("a:\n  1: x", "f.yaml:2:3: a: the key 1 is no text; write it in quotes"),
        ("a: &a [*a]", "f.yaml:1:4: a[0]: the alias stands for something that contains itself"),
        ("a:\n\t- b", "f.yaml:2:1: this is not YAML: found character that cannot start any token; indent with spaces"),
        ("a: [1", "this is not YAML"),
        ("a: .inf", "f.yaml:1:4: a: .inf is no number that can be used here; write it in quotes"),
        ("a: {<<: [1]}", "'<<' takes a mapping or a list of mappings, by alias"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text: str, message: str) -> None:
    assert message in fault(text)


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    assert "more than 100000 values" in fault("\n".join(lines))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000 + "]" * 200_000,
        "- " * 100_000 + "x",
        "[" * 150 + "]" * 150,
        "a0: &a0 {}\n" + "\n".join(f"a{n}: &a{n} {{x: *a{n - 1}}}" for n in range(1, 3000)),
    ],
)
def test_endless_nesting_is_refused_and_does_no_harm(text: str) -> None:
    assert f"nested more than {MAX_DEPTH} levels deep" in fault(text)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#\n\t ,<", max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    report = Report()
    documents(text, "f.yaml", report)
    faults = [str(fault) for fault in report.faults]
    assert all(line.startswith("f.yaml:") for line in faults)
