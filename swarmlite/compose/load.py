"""The way in: Compose files to the specs of one stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from swarmlite.compose.convert import convert
from swarmlite.compose.lint import lint
from swarmlite.compose.project import Sources, load_project
from swarmlite.compose.report import Report, Warning
from swarmlite.compose.tree import Json
from swarmlite.model.spec import StackSpec


@dataclass(frozen=True)
class Loaded:
    """`project`: the normalised Compose model, JSON-able. `warnings`: what will not happen as it is written."""

    stack: StackSpec
    project: dict[str, Json]
    warnings: tuple[Warning, ...]


def load(
    files: Sequence[Path],
    cwd: Path,
    environ: Mapping[str, str],
    project_name: str | None = None,
    profiles: Sequence[str] = (),
    env_files: Sequence[Path] = (),
) -> Loaded:
    """Load and convert; raises ComposeError with every fault, one a line. No files: as docker compose finds them."""
    report = Report()
    sources = Sources(
        files=[str(file) for file in files],
        cwd=str(cwd.absolute()),
        environ=environ,
        project_name=project_name,
        profiles=profiles,
        env_files=[str(file) for file in env_files],
    )
    project = load_project(sources, report)
    lint(project.model, project.tree, report)
    stack = convert(project, report)
    report.stop()
    return Loaded(stack, project.model, report.warnings)
