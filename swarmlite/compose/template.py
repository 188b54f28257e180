"""`$NAME`, `${NAME:-default}` and their kin, with compose's exact reading of nested and odd ones.

A lone `$` is text. The outermost `${…}` is found greedily, cut at its closing brace, and what follows is read again.
"""

import re
from collections.abc import Callable

Lookup = Callable[[str], str | None]
"""The value of a variable; None where it is not set."""

_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<named>[_a-z][_a-z0-9]*)"
    r"|\{(?:(?P<braced>[_a-z][_a-z0-9]*(?::?[-+?](?:.*))?)\}|(?P<invalid>)))",
    re.IGNORECASE,
)
_OPERATORS = (":?", "?", ":-", "-", ":+", "+")


class BadTemplate(ValueError):
    """The text is no template, or a variable that it requires is missing; the message says which."""


def substitute(text: str, lookup: Lookup, missing: Callable[[str], None] | None = None) -> str:
    """`text` with its variables filled in. `missing` is told of each plain variable that is not set."""
    if "$" not in text:
        return text
    return _VARIABLE.sub(lambda match: _fill(match[0], text, lookup, missing), text)


def _fill(part: str, text: str, lookup: Lookup, missing: Callable[[str], None] | None) -> str:
    operator = min(_OPERATORS, key=lambda known: part.find(known) if known in part else len(part))
    end = _closing_brace(part)
    part, rest = (part[: end + 1], part[end + 1 :]) if end >= 0 else (part, "")
    match = _VARIABLE.search(part)
    if match is None or match["invalid"] is not None:
        raise BadTemplate(_explain(text))
    if match["escaped"]:
        return "$"
    braced = match["braced"]
    if braced and operator in braced:
        return _apply(braced, operator, lookup, missing) + substitute(rest, lookup, missing)
    name = braced or match["named"]
    value = lookup(name)
    if value is None and missing is not None:
        missing(name)
    return value or ""


def _apply(braced: str, operator: str, lookup: Lookup, missing: Callable[[str], None] | None) -> str:
    name, _, word = braced.partition(operator)
    value = lookup(name)
    counts = value is not None and not (operator.startswith(":") and value == "")
    if operator.endswith("+"):
        return substitute(word, lookup, missing) if counts else value or ""
    if counts:
        return value or ""
    word = substitute(word, lookup, missing)
    if operator.endswith("?"):
        raise BadTemplate(f"the variable {name} is required and has no value{': ' + word if word else ''}")
    return word


def _closing_brace(text: str) -> int:
    depth = index = 0
    while index < len(text):
        if text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
        if text[index] == "{":
            depth += 1
            index += 1
        index += 1
    return -1


def _explain(text: str) -> str:
    start = next((m.start() for m in _VARIABLE.finditer(text) if m["invalid"] is not None), 0)
    shown = text[start : start + 30].split("\n")[0]
    return (
        f"'{shown}' cannot be read as a variable; write ${{NAME}}, ${{NAME:-default}}, ${{NAME:?message}} or "
        "${NAME:+other}, and $$ for a dollar sign"
    )
