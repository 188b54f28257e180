"""The loader against what docker compose itself makes of many files, where such a corpus is at hand.

SWARMLITE_COMPOSE_CORPUS names its folder: `manifest.jsonl` (path, compose_rc, v5, scored), and for each case
`case.json` (files, args, env, workdir), `files/`, and `expected.json` or `expected.v5.json`, docker compose's model.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swarmlite.errors import SwarmliteError
from tests.unit.compose.corpus import load

CORPUS = Path(os.environ.get("SWARMLITE_COMPOSE_CORPUS", "/nonexistent"))
OPTIONS = {
    "-p": "project_name",
    "--profile": "profiles",
    "--env-file": "env_files",
    "--project-directory": "project_dir",
}

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="SWARMLITE_COMPOSE_CORPUS names no folder")


def cases() -> Iterator[dict[str, Any]]:
    for line in (CORPUS / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry["scored"] == "yes" and (CORPUS / entry["path"]).is_dir():
            yield entry


def options(args: list[str]) -> dict[str, Any] | None:
    """None where the case needs options that the loader does not have."""
    found: dict[str, Any] = {"profiles": [], "env_files": []}
    while args:
        name, *args = args
        if name not in OPTIONS:
            return None
        value, *args = args
        if isinstance(found.get(OPTIONS[name]), list):
            found[OPTIONS[name]].append(value)
        else:
            found[OPTIONS[name]] = value
    return found


def without_defaults(value: Any) -> Any:
    """docker compose 2 prints `create_host_path: true`, its successor leaves the default out."""
    if isinstance(value, dict):
        kept = {key: child for key, child in value.items() if not (key == "create_host_path" and child is True)}
        return {key: without_defaults(child) for key, child in kept.items()}
    return [without_defaults(child) for child in value] if isinstance(value, list) else value


def outcome(case: Path, folder: Path) -> Any:
    """The model, None where it is refused, or a text that is no model where the case cannot be tried."""
    told = json.loads((case / "case.json").read_text())
    flags = options(told["args"])
    if flags is None:
        return "cannot be tried"
    shutil.copytree(case / "files", folder, symlinks=True)
    cwd = os.path.normpath(folder / told["workdir"])
    try:
        model = load(told["files"], cwd, {"PATH": "/bin", "HOME": "/home/refuser", "PWD": cwd, **told["env"]}, **flags)
    except SwarmliteError:
        return None
    text = json.dumps(model).replace(str(folder), "<<ROOT>>").replace("/home/refuser", "<<HOME>>")
    return without_defaults(json.loads(text))


def test_accepts_refuses_and_reads_as_docker_compose_does(tmp_path: Path) -> None:
    misses: list[str] = []
    for number, entry in enumerate(cases()):
        case = CORPUS / entry["path"]
        found = outcome(case, tmp_path / str(number) / "files")
        if found == "cannot be tried":
            continue
        wanted = [case / name for name in ("expected.json", "expected.v5.json") if (case / name).exists()]
        models = [without_defaults(json.loads(path.read_text())) for path in wanted]
        may_refuse = entry["compose_rc"] != 0 or entry.get("v5") == "rejects"
        if not (found in models or (found is None and may_refuse)):
            misses.append(entry["id"])
    assert misses == []
