"""The examples that the product ships load, and say nothing that a reader would have to explain away."""

from pathlib import Path

import pytest

from swarmlite.compose.load import load
from swarmlite.control import validate

FOLDER = Path(__file__).parents[3] / "compose_examples"
ENVIRON = {"DB_PASSWORD": "x", "DB_HOST": "host1"}
LAB_IMAGES = ("busybox:latest", "swarmlite/whoami:latest")
FILES = sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "compose.production.yaml")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_an_example_loads_without_a_warning_and_is_a_valid_stack(path: Path) -> None:
    loaded = load([path], path.parent, ENVIRON)
    assert loaded.warnings == ()
    for service in loaded.stack.services:
        validate.service_spec(service)
    for network in loaded.stack.networks:
        validate.network_spec(network)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_an_example_runs_in_the_lab_or_says_what_it_needs(path: Path) -> None:
    images = {
        service.task_template.container_spec.image for service in load([path], path.parent, ENVIRON).stack.services
    }
    if not images <= set(LAB_IMAGES):
        assert "Docker Hub" in path.read_text()


def test_the_override_of_hello_changes_what_it_says() -> None:
    folder = FOLDER / "hello"
    files = [folder / "compose.yaml", folder / "compose.production.yaml"]
    (web,) = load(files, folder, {}).stack.services
    assert web.replicas == 3
    assert "GREETING=Welcome" in web.task_template.container_spec.env
    assert "LOG_LEVEL=info" in web.task_template.container_spec.env
