"""The options that say which Compose files are meant, and how they are read."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from swarmlite.cli import render

if TYPE_CHECKING:
    from swarmlite.compose.load import Loaded

_F = TypeVar("_F", bound=Callable[..., Any])
_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class Sources:
    """`files` empty: what lies in the directory, as the Compose specification looks for it."""

    files: tuple[Path, ...] = ()
    env_files: tuple[Path, ...] = ()
    profiles: tuple[str, ...] = ()

    def load(self, stack: str | None) -> "Loaded":
        """Read the files; what will not happen as written is warned of on standard error."""
        from swarmlite.compose.load import load  # brings YAML and the schema, which no other command needs

        found = load(self.files, Path.cwd(), dict(os.environ), stack, self.profiles, self.env_files)
        for warning in found.warnings:
            render.warning(str(warning))
        return found


def sources(function: _F) -> Any:
    """Adds the options; the command gets them as one argument `sources`."""

    @click.option(
        "-c", "--compose-file", "-f", "--file", "files", multiple=True, type=_PATH, metavar="FILE",
        help="Compose file, `-` for standard input; later ones override earlier ones.  [default: compose.yaml]",
    )  # fmt: skip
    @click.option(
        "--env-file", "env_files", multiple=True, type=_PATH, metavar="FILE",
        help="Where variables come from.  [default: .env]",
    )  # fmt: skip
    @click.option("--profile", "profiles", multiple=True, metavar="NAME", help="Take in services of this profile too.")
    @wraps(function)
    def wrapper(
        *args: Any, files: tuple[Path, ...], env_files: tuple[Path, ...], profiles: tuple[str, ...], **rest: Any
    ) -> Any:
        return function(*args, sources=Sources(files, env_files, profiles), **rest)

    return wrapper
