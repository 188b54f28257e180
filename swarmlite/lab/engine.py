"""The few calls that the lab itself makes to its engines: is it there, load this, what has it.

Not through the `docker` SDK, whose import alone takes longer than a host takes to boot.
"""

import http.client
import json
import socket
from pathlib import Path
from typing import Any

from swarmlite.errors import EngineError, EngineUnavailable


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def request(path: Path, method: str, target: str, body: bytes | None = None, timeout: float = 60.0) -> bytes:
    """One call over the engine's socket; `body` is a tar."""
    connection = _Connection(path, timeout)
    try:
        headers = {"Content-Type": "application/x-tar"} if body is not None else {}
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise EngineUnavailable(f"the Docker Engine at {path} does not answer: {error}") from error
    finally:
        connection.close()
    if response.status >= 400:
        raise EngineError(_message(answer), response.status)
    return answer


def answers(path: Path) -> bool:
    try:
        request(path, "GET", "/_ping", timeout=2.0)
    except (EngineUnavailable, EngineError):
        return False
    return True


def version(path: Path) -> str:
    return str(_object(request(path, "GET", "/version", timeout=5.0)).get("Version", ""))


def has_image(path: Path, image: str) -> bool:
    try:
        request(path, "GET", f"/images/{image}/json")
    except EngineError as error:
        if error.engine_status == 404:
            return False
        raise
    return True


def load_image(path: Path, archive: bytes) -> list[str]:
    """Load a `docker save` archive; the names of what it held."""
    names = []
    for line in request(path, "POST", "/images/load?quiet=1", archive, timeout=300.0).splitlines():
        said = _object(line)
        if "error" in said:
            raise EngineError(str(said["error"]))
        text = str(said.get("stream", "")).strip()
        names += [text.partition(": ")[2]] if text.startswith("Loaded image") else []
    return names


def _object(answer: bytes) -> dict[str, Any]:
    found = json.loads(answer or b"{}")
    return found if isinstance(found, dict) else {}


def _message(answer: bytes) -> str:
    try:
        return str(_object(answer).get("message", "")) or answer.decode(errors="replace")
    except ValueError:
        return answer.decode(errors="replace")
