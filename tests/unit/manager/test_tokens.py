"""Join tokens as text: what is told of a wrong one, and what a right one pins."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmlite.errors import InvalidArgument
from swarmlite.manager.pki import make_ca
from swarmlite.manager.tokens import ca_digest, parse_token, token_text

CA = make_ca("cluster", datetime(2026, 1, 1, tzinfo=UTC)).certificate.decode()
SECRET = "0123456789abcdef0123456789abcdef"


def test_what_was_written_is_read() -> None:
    token = parse_token(f"  {token_text(CA, SECRET)}\n")
    assert (token.digest, token.secret) == (ca_digest(CA), SECRET)


def test_two_authorities_have_two_digests() -> None:
    other = make_ca("cluster", datetime(2026, 1, 1, tzinfo=UTC)).certificate.decode()
    assert ca_digest(CA) != ca_digest(other)
    assert len(ca_digest(CA)) == 50


def test_a_token_shows_no_secret_when_printed() -> None:
    assert SECRET not in repr(parse_token(token_text(CA, SECRET)))


GOOD = token_text(CA, SECRET)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not begin with SWMLT"),
        ("hello", "does not begin with SWMLT"),
        ("SWMTKN-1-" + "a" * 50 + "-" + "b" * 25, "Docker's own swarm mode"),
        ("SWMLT", "has 1 parts"),
        ("SWMLT-1", "has 2 parts"),
        (GOOD.replace("-1-", "-2-", 1), "of kind '2'"),
        (GOOD.rsplit("-", 1)[0], "has 3 parts"),
        (GOOD + "-x", "has 5 parts"),
        (GOOD.replace(ca_digest(CA), ca_digest(CA)[:-1]), "third part must be 50"),
        (GOOD.replace(ca_digest(CA), ca_digest(CA)[:-1] + "Z"), "third part must be 50"),
        (GOOD[:-20], "too short"),
        (GOOD[:-1] + "é", "odd characters"),
    ],
)
def test_a_wrong_token_is_told_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        parse_token(text)


@given(st.text())
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with suppress(InvalidArgument):
        parse_token(text)
