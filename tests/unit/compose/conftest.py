"""A folder with Compose files in it, and the loader on it."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from swarmlite.compose.load import Loaded, load
from swarmlite.errors import ComposeError


class Folder:
    """`write` files, then `load` them; `faults` are the lines of the error that loading must end with."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(dedent(text))

    def load(self, text: str = "", *names: str, env: Mapping[str, str] | None = None, **options: object) -> Loaded:
        if text:
            self.write({"compose.yaml": text})
        return load([Path(name) for name in names], self.path, env or {}, **options)  # type: ignore[arg-type]

    def faults(self, text: str = "", *names: str, env: Mapping[str, str] | None = None, **options: object) -> list[str]:
        with pytest.raises(ComposeError) as raised:
            self.load(text, *names, env=env, **options)
        return raised.value.message.splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "shop"
    path.mkdir()
    return Folder(path)
