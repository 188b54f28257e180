"""The client against a socket that behaves as engines do on bad days."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

import pytest

from swarmlite.engine.client import CALLS, Engine
from swarmlite.engine.credentials import auth_text, registry_of
from swarmlite.errors import EngineError, EngineUnavailable, FailedPrecondition, NotFound

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        path = self.path.partition("?")[0]
        for ending, answer in self.server.answers.items():
            if path.endswith(ending):
                answer(self)
                return
        self.say(404, {"message": f"no route {path}"})

    do_POST = do_DELETE = do_GET

    def say(self, status: int, body: object) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        return

    def address_string(self) -> str:
        return "unix"


def hang(handler: Handler) -> None:
    handler.server.stop.wait(20)


class Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), Handler)
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.stop = threading.Event()
        self.connections = 0
        self.answers: dict[str, Answer] = {
            "/version": lambda handler: handler.say(
                200, {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12"}
            ),
            "/info": lambda handler: handler.say(
                200,
                {"Name": "box", "ServerVersion": "20.10.24", "NCPU": 2, "MemTotal": 1, "Architecture": "x86_64",
                 "OSType": "linux", "Labels": ["zone=a"]},
            ),
        }  # fmt: skip

    def get_request(self) -> tuple[Any, Any]:
        self.connections += 1
        return super().get_request()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "docker.sock")
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.stop.set()
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def engine(server: Server) -> Engine:
    return Engine(f"unix://{server.server_address!s}")


async def test_an_engine_that_is_not_there_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"unix://.*none cannot be reached: no such file.*--docker-host"):
        await Engine(f"unix://{tmp_path}/none").connect()


async def test_connect_agrees_on_a_version_and_uses_it(server: Server, engine: Engine) -> None:
    info = await engine.connect()
    assert (info.api_version, info.arch, info.labels) == ("1.41", "amd64", {"zone": "a"})
    assert [path for _, path, _ in server.seen] == ["/version", "/v1.41/info"]
    await engine.close()


async def test_an_engine_too_old_is_refused(server: Server, engine: Engine) -> None:
    server.answers["/version"] = lambda handler: handler.say(200, {"Version": "17.03", "ApiVersion": "1.26"})
    with pytest.raises(FailedPrecondition, match=r"17\.03 is too old: it speaks API 1\.26"):
        await engine.connect()
    await engine.close()


async def test_a_call_to_an_engine_that_hangs_can_be_left(server: Server, engine: Engine) -> None:
    server.answers["/json"] = hang
    await engine.connect()
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await engine.inspect("web")
    assert time.monotonic() - started < 2
    assert (await engine.connect()).name == "box", "other calls go on"
    await engine.close()


async def test_a_stream_that_never_begins_can_be_left(server: Server, engine: Engine) -> None:
    server.answers["/events"] = hang
    await engine.connect()
    async with aclosing(engine.events({})) as events:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await anext(events)
    await engine.close()


async def test_an_event_stream_that_breaks_says_so(server: Server, engine: Engine) -> None:
    def some(handler: Handler) -> None:
        handler.say(200, b'{"Type":"container","Action":"start","Actor":{"ID":"c1"},"timeNano":1500000000}\n')

    server.answers["/events"] = some
    await engine.connect()
    async with aclosing(engine.events({})) as events:
        assert (await anext(events)).action == "subscribed"
        started = await anext(events)
        assert (started.action, started.id, started.time) == ("start", "c1", 1.5)
        with pytest.raises(EngineUnavailable, match="event stream"):
            await anext(events)
    await engine.close()


async def test_a_pulls_failure_inside_its_stream_is_an_error(server: Server, engine: Engine) -> None:
    said = b'{"status":"Pulling"}\n{"error":"manifest for r:5000/w:1 not found: manifest unknown"}\n'
    server.answers["/images/create"] = lambda handler: handler.say(200, said)
    await engine.connect()
    with pytest.raises(EngineError, match="image r:5000/w:1: not found in registry r:5000"):
        await engine.pull("r:5000/w:1", auth_text("me", "secret", "r:5000"))
    _, path, headers = server.seen[-1]
    assert path == "/v1.41/images/create?fromImage=r%3A5000%2Fw%3A1"
    login = json.loads(base64.urlsafe_b64decode(headers["X-Registry-Auth"]))
    assert login == {"username": "me", "password": "secret", "serveraddress": "r:5000"}
    await engine.close()


async def test_an_untagged_image_is_its_latest_not_all_of_them(server: Server, engine: Engine) -> None:
    server.answers["/images/create"] = lambda handler: handler.say(200, b'{"status":"Downloaded"}\n')
    await engine.connect()
    await engine.pull("web")
    assert server.seen[-1][1].endswith("fromImage=web%3Alatest")
    await engine.close()


async def test_many_calls_at_once_share_few_connections(server: Server, engine: Engine) -> None:
    server.answers["/json"] = lambda handler: handler.say(404, {"message": "No such image: x"})
    await engine.connect()
    assert not any(await asyncio.gather(*(engine.image_present(f"i{number}") for number in range(100))))
    assert len(server.seen) == 102
    assert server.connections <= CALLS
    with pytest.raises(NotFound):
        await engine.inspect("x")
    await engine.close()


def test_the_registry_of_an_image() -> None:
    assert registry_of("web") == registry_of("shop/web:2") == "docker.io"
    assert registry_of("localhost/web") == "localhost"
    assert registry_of("r:5000/a/b@sha256:00") == "r:5000"
    assert registry_of("reg.example/web") == "reg.example"
