"""`.env` and `env_file` files as compose reads them: quotes, escapes, variables, `K: v`, and `K` alone.

Shells, python-dotenv and `docker run --env-file` each differ in the details.
"""

import re

from swarmlite.compose.template import Lookup, substitute

_BLANK = "\t\v\f\r \x85\xa0"
_EXPORT = re.compile(r"export\s+")
_ESCAPE = re.compile(r'\\(?:[abcfnrtv$"\\]|0\d{0,3})')
_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    "$": "$$",
}


class BadEnvFile(ValueError):
    """The message says the line and what is wrong with it."""


def parse(text: str, lookup: Lookup, known: dict[str, str] | None = None) -> dict[str, str]:
    """The variables of a file. `lookup` comes before `known` and the file's own earlier lines in `$NAME`."""
    variables: dict[str, str] = known if known is not None else {}

    def find(name: str) -> str | None:
        value = lookup(name)
        return variables.get(name) if value is None else value

    rest = text.removeprefix("\ufeff")
    while rest := _statement(rest):
        line = text.count("\n") - rest.count("\n") + 1
        name, rest, alone = _name(rest, line)
        if " " in name:
            raise BadEnvFile(f"line {line}: the name '{name}' has a space in it; write NAME=value")
        if alone:
            inherited = lookup(name)
            if inherited is not None:
                variables[name] = inherited
            continue
        variables[name], rest = _value(rest, find, line)
    return variables


def parse_raw(text: str, lookup: Lookup) -> dict[str, str]:
    """Format `raw`: NAME=value line by line, without quotes or variables, as `docker run --env-file` reads it."""
    variables: dict[str, str] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = line.lstrip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if any(blank in name for blank in " \t\n"):
            raise BadEnvFile(f"line {number}: the name '{name}' has a space in it; write NAME=value")
        inherited = value if equals else lookup(name)
        if inherited is not None:
            variables[name] = inherited
    return variables


def _statement(text: str) -> str:
    text = text.lstrip()
    while text.startswith("#"):
        _, newline, text = text.partition("\n")
        text = text.lstrip() if newline else ""
    return text


def _name(text: str, line: int) -> tuple[str, str, bool]:
    """The name, what follows it, and whether it stands alone."""
    if _EXPORT.match(text):
        text = text.removeprefix("export").lstrip(_BLANK)
    for index, char in enumerate(text):
        if char in "=:\n":
            return text[:index].rstrip(), text[index + 1 :].lstrip(_BLANK), char == "\n"
        if char not in _BLANK and char not in "_.-[]" and not char.isalnum():
            shown = text.split("\n")[0]
            raise BadEnvFile(f"line {line}: '{char}' cannot be part of a name, in '{shown}'; write NAME=value")
    return "", text.lstrip(_BLANK), False


def _value(text: str, lookup: Lookup, line: int) -> tuple[str, str]:
    if text[:1] not in ("'", '"'):
        value, _, rest = text.partition("\n")
        return substitute(value.split(" #")[0].rstrip(), lookup), rest
    quote = text[0]
    chars: list[str] = []
    escaped = False
    for index, char in enumerate(text[1:], start=1):
        if char == quote and not escaped:
            value = "".join(chars)
            return substitute(_ESCAPE.sub(_unescape, value), lookup) if quote == '"' else value, text[index + 1 :]
        if char == "\\" and not escaped:
            escaped = True
            continue
        if escaped and char != quote:
            chars.append("\\")
        escaped = False
        chars.append(char)
    shown = text.split("\n")[0]
    raise BadEnvFile(f"line {line}: the quote is never closed: {shown}")


def _unescape(match: re.Match[str]) -> str:
    code = match[0][1:]
    if code.startswith("0"):
        octal = code[1:]
        return chr(int(octal, 8)) if len(octal) == 3 and all(c in "01234567" for c in octal) else match[0]
    return _ESCAPES.get(code, match[0])
