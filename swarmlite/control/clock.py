"""A clock for silences: it starts at the time of day and then never jumps, whatever is done to the host's clock."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def steady_clock() -> Callable[[], datetime]:
    start, began = datetime.now(UTC), time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - began)
