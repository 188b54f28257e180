import pytest

from swarmlite.compose.dotenv import BadEnvFile, parse, parse_raw

SHELL = {"HOST": "shell"}.get


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("A=1\n# a comment\nexport B = two words  # and another\n", {"A": "1", "B": "two words"}),
        ("A: yaml\nB=x#y", {"A": "yaml", "B": "x#y"}),
        ("A='$HOST \\n'\nB=\"$HOST\\n\"", {"A": "$HOST \\n", "B": "shell\n"}),
        ("A=1\nB=${A}2\nC=${NO:-d}", {"A": "1", "B": "12", "C": "d"}),
        ('A="two\nlines"\nB=3', {"A": "two\nlines", "B": "3"}),
        ("HOST\nNOWHERE\n", {"HOST": "shell"}),
        ("\ufeffA=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ('A="\\$x $$y \\101 \\0101"', {"A": "$x $y \\101 A"}),
        ("A=", {"A": ""}),
    ],
)
def test_reads_what_compose_reads(text: str, variables: dict[str, str]) -> None:
    assert parse(text, SHELL) == variables


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A=1\nB C=2", "line 2: the name 'B C' has a space in it"),
        ("A=1\n\nB%=2", "line 3: '%' cannot be part of a name"),
        ("A='x", "line 1: the quote is never closed"),
    ],
)
def test_says_in_which_line_the_fault_is(text: str, message: str) -> None:
    with pytest.raises(BadEnvFile) as raised:
        parse(text, SHELL)
    assert message in str(raised.value)


def test_raw_files_have_no_quotes_and_no_variables() -> None:
    assert parse_raw("A='x' $HOST\n# c\nHOST\nNO\n", SHELL) == {"A": "'x' $HOST", "HOST": "shell"}
