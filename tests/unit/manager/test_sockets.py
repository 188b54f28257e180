"""Unix sockets: whose they are, and what happens to one that a killed daemon left."""

import os
import socket
from pathlib import Path

import pytest
from aiohttp import web

from swarmlite.api import transport
from swarmlite.errors import FailedPrecondition
from swarmlite.manager.notify import notify
from swarmlite.manager.sockets import check_length, served


def application() -> web.Application:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    return app


async def test_it_answers_to_its_owner_and_is_gone_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    async with served(application(), path):
        assert path.stat().st_mode & 0o777 == 0o600
        async with transport.request(path, "GET", "/") as response:
            assert await response.read() == b"hello"
    assert os.listdir(tmp_path) == []


async def test_a_group_may_use_it_where_it_exists(tmp_path: Path) -> None:
    async with served(application(), tmp_path / "a.sock", "root"):
        assert (tmp_path / "a.sock").stat().st_mode & 0o777 == 0o660
    async with served(application(), tmp_path / "b.sock", "no-such-group"):
        assert (tmp_path / "b.sock").stat().st_mode & 0o777 == 0o600


async def test_one_left_by_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with served(application(), path), transport.request(path, "GET", "/") as response:
        assert response.status == 200


def test_a_path_too_long_for_the_kernel_is_said() -> None:
    check_length(Path("/var/lib/swarmlite/docker.sock"))
    with pytest.raises(FailedPrecondition, match="shorter data directory"):
        check_length(Path("/" + "a" * 100) / "docker.sock")


def test_readiness_is_told_to_who_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        notify("READY=1")
        assert listener.recv(100) == b"READY=1"
    notify("STOPPING=1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("READY=1")
