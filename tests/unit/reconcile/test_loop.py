"""The loop: every name that is touched is looked at, a failed one comes back later and later, and stops no other."""

from collections.abc import Mapping

from swarmlite.errors import Unavailable
from swarmlite.reconcile.agenda import FIRST_BACKOFF, LONGEST_BACKOFF, Agenda
from swarmlite.reconcile.loop import Loop


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_name_is_due_once_however_often_it_was_touched() -> None:
    agenda: Agenda[str] = Agenda()
    for _ in range(3):
        agenda.add("a", 1.0)
    agenda.add("b", 0.5)
    assert agenda.take(1.0) == ("b", "a")
    assert agenda.take(9.0) == ()


def test_the_earlier_of_two_times_counts() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.add("a", 5.0)
    agenda.add("a", 2.0)
    agenda.add("a", 9.0)
    assert agenda.next_at() == 2.0
    assert agenda.take(2.0) == ("a",)
    assert agenda.next_at() is None


def test_a_failed_name_backs_off_to_a_limit_and_a_success_forgets_it() -> None:
    agenda: Agenda[str] = Agenda()
    waits = []
    for _ in range(12):
        agenda.failed(("a",), 0.0)
        waits.append(agenda.next_at())
        agenda.take(LONGEST_BACKOFF)
    assert waits[:3] == [FIRST_BACKOFF, 2 * FIRST_BACKOFF, 4 * FIRST_BACKOFF]
    assert waits[-1] == LONGEST_BACKOFF
    agenda.succeeded(("a",))
    agenda.failed(("a",), 0.0)
    assert agenda.next_at() == FIRST_BACKOFF


async def test_a_turn_that_fails_as_a_whole_brings_all_its_names_back() -> None:
    clock, seen = Clock(), []

    async def turn(names: tuple[str, ...]) -> Mapping[str, float | None]:
        seen.append(names)
        if len(seen) == 1:
            raise Unavailable("the store is full")
        return {}

    loop: Loop[str] = Loop(turn, clock)
    loop.touch(("a", "b"))
    await loop.once()
    clock.now += FIRST_BACKOFF
    await loop.once()
    assert [sorted(names) for names in seen] == [["a", "b"], ["a", "b"]]


async def test_one_name_that_fails_comes_back_without_the_others() -> None:
    clock, seen = Clock(), []

    async def turn(names: tuple[str, ...]) -> Mapping[str, float | None]:
        seen.append(names)
        return dict.fromkeys(name for name in names if name == "bad")

    loop: Loop[str] = Loop(turn, clock)
    loop.touch(("good", "bad"))
    for _ in range(3):
        await loop.once()
        clock.now += 1.0
    assert [set(names) for names in seen] == [{"good", "bad"}, {"bad"}, {"bad"}]
