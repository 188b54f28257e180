"""Plain YAML scalars by YAML 1.2 and go-yaml's rules, and Go's way of printing them.

PyYAML follows YAML 1.1, where `no` is false and the port `22:22` is 1342.
"""

import math
import re
import struct
from decimal import Decimal

from swarmlite.compose.tree import Scalar

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INTEGER = re.compile(r"[-+]?(?:0x[0-9a-f]+|0b[01]+|0o?[0-7]+|0|[1-9][0-9]*)", re.IGNORECASE)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]| +)([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(\.[0-9]*)? *(Z|[-+][0-9]{2}:[0-9]{2})?)?"
)
_MAX_UINT64 = 2**64 - 1


def resolve(text: str) -> Scalar:
    """What an unquoted scalar stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if time := _TIME.fullmatch(text):
        return _show_time(time)
    digits = text.replace("_", "")
    if _INTEGER.fullmatch(digits):
        value = _integer(digits)
        if -(2**63) <= value <= _MAX_UINT64:
            return value
    return float(digits) if _FLOAT.fullmatch(digits) else text


def _show_time(time: re.Match[str]) -> str:
    """A time stamp as Go prints it; there is no other use of one in a compose file than as a text."""
    year, month, day, hour, minute, second = (int(part or 0) for part in time.groups()[:6])
    fraction = (time[7] or "").rstrip("0.")
    zone = "+0000 UTC" if time[8] in (None, "Z") else " ".join([time[8].replace(":", "")] * 2)
    return f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction} {zone}"


def _integer(digits: str) -> int:
    sign, body = (-1, digits[1:]) if digits[0] == "-" else (1, digits.lstrip("+"))
    octal = len(body) > 1 and body[0] == "0" and body[1].isdigit()
    return sign * (int(body, 8) if octal else int(body, 0))


def show(value: object) -> str:
    """A value as Go's `fmt.Sprint` prints it: `true`, `1.234567e+06`."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _show_float(value)
    return str(value)


def _show_float(value: float) -> str:
    if not math.isfinite(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    number = Decimal(repr(value)).normalize()
    power = number.adjusted()
    if -4 <= power < 6:
        return format(number, "f")
    digits = "".join(map(str, number.as_tuple().digits))
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{'-' if value < 0 else ''}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02}"


def single(value: float) -> float | int:
    """A number through 32 bits, as compose keeps CPU counts: the shortest decimal that is the same float32."""
    packed = struct.unpack("f", struct.pack("f", value))[0]
    for precision in range(1, 10):
        short = float(f"{packed:.{precision}g}")
        if struct.unpack("f", struct.pack("f", short))[0] == packed:
            return int(short) if short == int(short) else short
    return float(packed)
