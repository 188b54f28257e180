"""The table of keys as a page for users: `python -m swarmlite.compose.reference > docs/compose.md`."""

from collections.abc import Iterator
from itertools import groupby

from swarmlite.compose.keys import Key
from swarmlite.compose.keytable import KEYS

_HEAD = """\
# Compose in a cluster: every key

This page is made from the table that the loader follows (`swarmlite/compose/keytable.py`).

- **honoured**: it happens.
- **no effect**: it is read, and there is nothing to do in a cluster.
- **not done**: the file is accepted; each use is named in a warning, with its file and line.
- **refused**: a deployment would not be what the file says, so it is an error, with its file and line.

Keys that begin with `x-` are yours. YAML anchors, `<<`, several documents in a file, `!reset` and `!override`,
`extends`, `include`, profiles, `.env` and `${NAME:-default}` work as in docker compose.
"""


def page() -> str:
    """The whole page, as Markdown."""
    told = [key for key in KEYS if key.support is not None]
    sections = groupby(told, key=lambda key: key.path.partition(".")[0] if "*" in key.path else "top level")
    return _HEAD + "".join(_section(name, keys) for name, keys in sections)


def _section(name: str, keys: Iterator[Key]) -> str:
    lines = ["", f"## {name}", "", "| key | | in a cluster |", "|---|---|---|"]
    lines += [f"| `{_short(key)}` | {key.support} | {key.effect.replace('|', chr(92) + '|')} |" for key in keys]
    return "\n".join(lines) + "\n"


def _short(key: Key) -> str:
    """Without the name of the section and of the resource."""
    parts = key.path.split(".")
    return ".".join(parts[2:]) or ".".join(parts) if "*" in parts else key.path


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
