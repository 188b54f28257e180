from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmlite.compose.template import BadTemplate, substitute

VARIABLES = {"A": "1", "EMPTY": "", "NAME": "web"}.get


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$A ${A} $$A $${A}", "1 1 $A ${A}"),
        ("${EMPTY:-x} ${EMPTY-x} ${NO-x} ${NO:-x}", "x  x x"),
        ("${A:+y} ${EMPTY:+y} ${EMPTY+y} ${NO+y}", "y  y "),
        ("${NO-${A}} ${NO:-${EMPTY:-deep}} end", "1 deep end"),
        ('${A:-{"a":1}}/${NO:-{"a":1}}', '1/{"a":1}'),
        ("$ $1 $(date) a$", "$ $1 $(date) a$"),
        ("${NO:-a-b:+c}", "a-b:+c"),
        ("${A?needed} ${EMPTY?needed}", "1 "),
        ("$NAME-$A", "web-1"),
    ],
)
def test_fills_in_variables(text: str, result: str) -> None:
    assert substitute(text, VARIABLES) == result


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${1A}", "'${1A}' cannot be read as a variable"),
        ("${A:}", "cannot be read"),
        ("${A!B}", "cannot be read"),
        ("${A/x/y}", "cannot be read"),
        ("x ${A", "'${A' cannot be read"),
        ("${NO:?set it to $NAME}", "the variable NO is required and has no value: set it to web"),
        ("${EMPTY:?}", "the variable EMPTY is required and has no value"),
    ],
)
def test_says_what_is_wrong_with_a_variable(text: str, message: str) -> None:
    with pytest.raises(BadTemplate, match="variable") as raised:
        substitute(text, VARIABLES)
    assert message in str(raised.value)


def test_tells_which_plain_variables_are_missing() -> None:
    missing: list[str] = []
    assert substitute("$NO ${GONE} ${THERE:-x}", VARIABLES, missing.append) == "  x"
    assert missing == ["NO", "GONE"]


@given(st.text(alphabet="$A{}:-+?_ 1", max_size=40))
def test_any_text_is_filled_in_or_refused(text: str) -> None:
    with suppress(BadTemplate):
        assert isinstance(substitute(text, VARIABLES), str)


@given(st.text(max_size=40).filter(lambda text: "$" not in text))
def test_text_without_a_dollar_stays(text: str) -> None:
    assert substitute(text, VARIABLES) == text
    assert substitute(text + "$$", VARIABLES) == text + "$"
