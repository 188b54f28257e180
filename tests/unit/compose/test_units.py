import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmlite.compose.units import duration, show_duration, size, words

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("10s", 10 * SECOND),
        ("1m30s", 90 * SECOND),
        ("1.5h", 5400 * SECOND),
        ("500ms", SECOND // 2),
        ("1us", 1000),
        ("1d", 86400 * SECOND),
        ("1w", 7 * 86400 * SECOND),
        ("0s", 0),
        ("0", 0),
    ],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["90", "", "10 s", "1H", "1y", "s", "1s2", "1000000000h", "--1s"])
def test_what_is_no_duration_says_what_is(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration; write a number and a unit, such as 10s"):
        duration(text)


@given(st.integers(min_value=0, max_value=10**17))
def test_a_printed_duration_reads_the_same(nanoseconds: int) -> None:
    assert duration(show_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("512", 512),
        ("512b", 512),
        ("1k", 1024),
        ("1.5g", 3 * 2**29),
        ("1GB", 2**30),
        ("1GiB", 2**30),
        ("1 g", 2**30),
        ("-1", -1),
        ("2t", 2**41),
    ],
)
def test_sizes(text: str, number: int) -> None:
    assert size(text) == number


@pytest.mark.parametrize("text", ["1Gi", "abc", "", "1kk", "-5m", "1 0"])
def test_what_is_no_size_says_what_is(text: str) -> None:
    with pytest.raises(ValueError, match="is no size; write a number and b, k, m, g, t or p"):
        size(text)


@pytest.mark.parametrize(
    ("line", "found", "cut"),
    [
        ("echo hello  world", ["echo", "hello", "world"], ""),
        ("sh -c 'a \"b\" c'", ["sh", "-c", 'a "b" c'], ""),
        ('a "b c"d e\\ f ""', ["a", "b cd", "e f", ""], ""),
        ("a | b", ["a"], "| b"),
        ("a 2> b", ["a"], "> b"),
        ("a 'x;y'", ["a", "x;y"], ""),
        ("a $(b c) `d e`", ["a", "$(b c)", "`d e`"], ""),
        ("", [], ""),
    ],
)
def test_command_lines(line: str, found: list[str], cut: str) -> None:
    assert words(line) == (found, cut)


@pytest.mark.parametrize("line", ["a 'b", 'a "b', "a \\", "a (b)", "a )"])
def test_quotes_must_match(line: str) -> None:
    with pytest.raises(ValueError, match="list"):
        words(line)
