"""Waiting for a condition with a deadline, for tests that look at a running system from outside."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(what: str, look: Callable[[], T | None], timeout: float = 10.0, pause: float = 0.05) -> T:
    """The first truthy thing that `look` returns; fails with `what` and the last thing seen after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}; last seen: {seen!r}")
        time.sleep(pause)
