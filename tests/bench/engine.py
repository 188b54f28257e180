"""The few calls that a benchmark makes to an engine's or a manager's socket: a small HTTP client, nothing between."""

import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=120)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def call(path: Path, method: str, target: str, body: object = None, **query: str) -> Any:
    """The answer's JSON, None without one. Raises RuntimeError with the engine's words."""
    connection = _Connection(path)
    try:
        text = None if body is None else json.dumps(body)
        where = f"{target}?{urlencode(query)}" if query else target
        connection.request(method, where, text, {"Content-Type": "application/json"} if text else {})
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status >= 400:
        raise RuntimeError(f"{method} {target}: {response.status} {answer.decode(errors='replace')}")
    return json.loads(answer) if answer.strip() else None


def filtered(**filters: str) -> str:
    return json.dumps({name.replace("_", "-"): [value] for name, value in filters.items()})


def containers(path: Path, labels: Mapping[str, str], everything: bool = False) -> list[dict[str, Any]]:
    wanted = json.dumps({"label": [f"{key}={value}" for key, value in labels.items()]})
    found: list[dict[str, Any]] = call(
        path, "GET", "/v1.40/containers/json", filters=wanted, all="1" if everything else "0"
    )
    return found


def name_part(text: str) -> str:
    return quote(text, safe="")
