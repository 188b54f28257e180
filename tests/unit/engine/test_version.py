import pytest

from swarmlite.engine.version import choose
from swarmlite.errors import FailedPrecondition


@pytest.mark.parametrize(
    ("newest", "least", "chosen"),
    [("1.41", "1.12", "1.41"), ("1.47", "1.24", "1.47"), ("1.52", "1.44", "1.47"), ("1.40", "", "1.40")],
)
def test_the_newest_that_both_speak(newest: str, least: str, chosen: str) -> None:
    assert choose("x", newest, least, (1, 40)) == chosen


def test_an_engine_too_old_is_named_with_what_is_needed() -> None:
    with pytest.raises(FailedPrecondition, match=r"18\.09\.1 is too old: it speaks API 1\.39, swarmlite needs 1\.40"):
        choose("18.09.1", "1.39", "1.12", (1, 40))


def test_an_engine_too_new_asks_for_a_newer_swarmlite() -> None:
    with pytest.raises(FailedPrecondition, match=r"40\.0 is too new: it speaks API 1\.60 and newer"):
        choose("40.0", "1.70", "1.60", (1, 40))
