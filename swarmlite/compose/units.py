"""Durations, sizes and command lines as people write them in Compose files."""

import re

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_UNITS |= {"d": 24 * 3600 * 10**9, "w": 7 * 24 * 3600 * 10**9}
_DURATION = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w)")
_SIZE = re.compile(r"\s*([0-9]*\.?[0-9]+|[0-9]+\.)(?:e([-+]?[0-9]+))? ?(b|[kmgtp](?:i?b)?)?", re.IGNORECASE)
_POWERS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def duration(text: str) -> int:
    """Nanoseconds of `1m30s`; ValueError says what is allowed."""
    sign = -1 if text.startswith("-") else 1
    body = text[1:] if text[:1] in ("-", "+") else text
    if body == "0":
        return 0
    total = end = 0
    for match in _DURATION.finditer(body):
        if match.start() != end:
            break
        whole, _, fraction = match[1].partition(".")
        unit = _UNITS[match[2]]
        total += int(whole or 0) * unit + int(fraction or 0) * unit // 10 ** len(fraction)
        end = match.end()
    if not body or end != len(body) or total >= 2**63:
        raise ValueError(f"'{text}' is no duration; write a number and a unit, such as 10s, 1m30s or 500ms")
    return sign * total


def show_duration(nanoseconds: int) -> str:
    """`1m30s`, as Go prints it."""
    if nanoseconds == 0:
        return "0s"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    for unit, size in (("ns", 1), ("µs", 10**3), ("ms", 10**6)):
        if rest < min(size * 1000, 10**9):
            return f"{sign}{_decimal(rest, size)}{unit}"
    minutes, seconds = divmod(rest, _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h" if hours else ""
    text += f"{minutes}m" if minutes or hours else ""
    return f"{sign}{text}{_decimal(seconds, 10**9)}s"


def _decimal(value: int, size: int) -> str:
    whole, fraction = divmod(value, size)
    digits = str(fraction).rjust(len(str(size)) - 1, "0").rstrip("0") if fraction else ""
    return f"{whole}.{digits}" if digits else str(whole)


def size(text: str) -> int:
    """Bytes of `512m`, `1.5GiB` or `-1`; units are powers of 1024. ValueError says what is allowed."""
    if re.fullmatch(r"[-+]?[0-9]+", text):
        return int(text)
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no size; write a number and b, k, m, g, t or p, such as 512m or 1.5g")
    number = float(match[1] + (f"e{match[2]}" if match[2] else ""))
    return int(number * 1024 ** _POWERS[(match[3] or "").lower()[:1]])


class _Quotes:
    """Which quotes are open: at most one of ' and ", and beside it a backquote or a `$(`."""

    def __init__(self) -> None:
        self.kind = ""
        self.back = False
        self.dollar = False

    @property
    def any(self) -> bool:
        return bool(self.kind) or self.back or self.dollar

    def toggle(self, char: str) -> bool:
        """Whether the char is a quote that is not part of the word."""
        if char in "'\"" and self.kind in ("", char) and not self.dollar:
            self.kind = "" if self.kind else char
            return True
        if char == "`" and not self.kind and not self.dollar:
            self.back = not self.back
        if char == ")" and not self.kind and not self.back:
            self.dollar = not self.dollar
        return False

    def opens(self, char: str, word: str | None) -> bool:
        """Whether a `(` may stand here; only `$(` may."""
        if char != "(" or self.kind or self.back:
            return True
        if self.dollar or not (word or "").endswith("$"):
            return False
        self.dollar = True
        return True


def words(line: str) -> tuple[list[str], str]:
    """The words of a command line, and the part from an unquoted | & ; < > on, where compose stops reading."""
    found: list[str] = []
    word: str | None = None
    quotes = _Quotes()
    escaped = False
    for index, char in enumerate(line):
        if escaped:
            word, escaped = (word or "") + {"t": "\t", "n": "\n"}.get(char, char), False
        elif char == "\\" and quotes.kind != "'":
            escaped = True
        elif char in " \t\r\n" and not quotes.any:
            found += [] if word is None else [word]
            word = None
        elif char in ";&|<>" and not quotes.any:
            keep = word is not None and not (char == ">" and word[:1].isdigit())
            return [*found, *([word] if keep and word is not None else [])], line[index:]
        elif not quotes.opens(char, word):
            raise ValueError(f"the command {line!r} has a '(' outside of quotes; quote it or write a list")
        else:
            word = (word or "") + ("" if quotes.toggle(char) else char)
    if quotes.any or escaped:
        raise ValueError(f"the quotes or backslashes of the command {line!r} do not match; write it as a list")
    return [*found, *([] if word is None else [word])], ""
