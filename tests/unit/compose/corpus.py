"""The adapter between the loader and a corpus scorer that calls `load(files, cwd, environ, …)`."""

from collections.abc import Mapping, Sequence
from typing import Any

from swarmlite.compose.project import Sources, load_project
from swarmlite.compose.report import Report


def load(
    files: Sequence[str],
    cwd: str,
    environ: Mapping[str, str],
    profiles: Sequence[str] = (),
    env_files: Sequence[str] = (),
    project_name: str | None = None,
    project_dir: str | None = None,
) -> dict[str, Any]:
    """The normalised model of one case."""
    sources = Sources(
        files=files,
        cwd=cwd,
        environ=environ,
        profiles=profiles,
        env_files=env_files,
        project_name=project_name,
        project_dir=project_dir,
    )
    return load_project(sources, Report()).model
