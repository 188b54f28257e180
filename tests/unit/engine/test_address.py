"""Where the engine is, as Docker's own clients decide."""

import hashlib
import json
from pathlib import Path

import pytest

from swarmlite.engine.address import DEFAULT_URL, EngineAddress, find
from swarmlite.errors import InvalidArgument


def context(home: Path, name: str, host: str, current: bool = True) -> None:
    docker = home / ".docker"
    meta = docker / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    if current:
        (docker / "config.json").write_text(json.dumps({"currentContext": name}))


def test_without_anything_it_is_the_socket(tmp_path: Path) -> None:
    assert find(None, {}, tmp_path) == EngineAddress(url=DEFAULT_URL)


def test_what_is_given_wins_then_the_environment_then_the_context(tmp_path: Path) -> None:
    context(tmp_path, "rootless", "unix:///run/user/1/docker.sock")
    environment = {"DOCKER_HOST": "unix:///env.sock"}
    assert find("unix:///given.sock", environment, tmp_path).url == "unix:///given.sock"
    assert find(None, environment, tmp_path).url == "unix:///env.sock"
    assert find(None, {}, tmp_path).url == "unix:///run/user/1/docker.sock"
    assert find(None, {"DOCKER_CONTEXT": "default"}, tmp_path).url == DEFAULT_URL


def test_tls_comes_from_the_environment(tmp_path: Path) -> None:
    found = find(None, {"DOCKER_HOST": "tcp://h:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}, tmp_path)
    assert found == EngineAddress(url="tcp://h:2376", certificates=Path("/c"), verify=True)


def test_a_context_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"docker context 'gone' is not in .*docker context ls"):
        find(None, {"DOCKER_CONTEXT": "gone"}, tmp_path)


def test_an_engine_of_another_machine_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"ssh://box.*must run here.*--docker-host"):
        find("ssh://box", {}, tmp_path)


def test_a_broken_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text("{")
    with pytest.raises(InvalidArgument, match=r"config\.json cannot be read"):
        find(None, {}, tmp_path)
