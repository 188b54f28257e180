"""The time of day, for records, and a steady clock for silences, which never jumps whatever is done to the host's."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def utc_now() -> datetime:
    return datetime.now(UTC)


def steady_clock() -> Callable[[], datetime]:
    start, began = datetime.now(UTC), time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - began)
