"""The one place of this room that opens files."""

import json
import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib import resources

from swarmlite.compose.tree import Json
from swarmlite.errors import ComposeError

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
STDIN = "-"


def read(path: str) -> str:
    """A file's text; ValueError says why it cannot be read."""
    try:
        if path == STDIN:
            return _stdin().decode()
        with open(path, "rb") as file:
            return file.read().decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 text: byte {error.object[error.start]:#04x} at {error.start}") from error
    except OSError as error:
        raise ValueError(f"cannot be read: {(error.strerror or str(error)).lower()}") from error


@cache
def _stdin() -> bytes:
    """Read once: the project's name is looked for before the file is loaded."""
    return sys.stdin.buffer.read()


def exists(path: str) -> bool:
    return os.path.exists(path)


def is_file(path: str) -> bool:
    return os.path.isfile(path)


def real(path: str) -> str:
    """The path with its symbolic links followed."""
    return os.path.realpath(path)


def discover(folder: str) -> list[str]:
    """The compose file of a folder or of the nearest one above it, and the override beside it."""
    while True:
        found = _first(folder, NAMES)
        if found:
            return [*found, *_first(folder, OVERRIDES)]
        above = os.path.dirname(folder)
        if above == folder:
            names = ", ".join(NAMES)
            raise ComposeError(f"there is no compose file here or in a folder above; name one with -c, or make {names}")
        folder = above


def _first(folder: str, names: Sequence[str]) -> list[str]:
    return [path for path in (os.path.join(folder, name) for name in names) if os.path.exists(path)][:1]


@cache
def schema() -> dict[str, Json]:
    """The Compose specification's JSON schema."""
    text = resources.files("swarmlite.compose").joinpath("compose-spec.json").read_text()
    loaded: dict[str, Json] = json.loads(text)
    return loaded
