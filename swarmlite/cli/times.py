"""Times as people write and read them: `10m`, `2026-11-23T12:00:00Z`, `5 seconds ago`. Pure."""

import re
from datetime import UTC, datetime

from swarmlite.errors import InvalidArgument

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_STEPS = ((60, 1, "second"), (3600, 60, "minute"), (172_800, 3600, "hour"), (1_209_600, 86400, "day"))


def duration(text: str) -> float:
    """Seconds of `90s`, `10m`, `1h30m`, `7d`, or a bare number of seconds."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise InvalidArgument(f"{text!r} is no duration: write it like 90s, 10m, 1h30m or 7d")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def moment(text: str, now: datetime) -> float:
    """Unix time of `10m` (ago), an RFC 3339 time, or Unix seconds."""
    if re.fullmatch(r"\d{9,}(\.\d+)?", text):
        return float(text)
    if _PART.match(text) and "-" not in text:
        return now.timestamp() - duration(text)
    try:
        then = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidArgument(f"{text!r} is no time: write 10m (ago), 2026-11-23T12:00:00Z or Unix seconds") from error
    return (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()


def ago(then: datetime, now: datetime) -> str:
    """`5 seconds ago`, in Docker's steps."""
    return f"{span((now - then).total_seconds())} ago"


def span(seconds: float) -> str:
    if seconds < 1:
        return "less than a second"
    for limit, size, unit in _STEPS:
        if seconds < limit:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{int(seconds // 604_800)} weeks"


def size(count: int) -> str:
    """Bytes in binary units: `3.9GiB`."""
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    power = min(max(count.bit_length() - 1, 0) // 10, len(units) - 1)
    return f"{count / 1024**power:.4g}{units[power]}"
