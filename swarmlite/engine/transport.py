"""One engine over HTTP, blocking: requests through the SDK's session, foreign errors translated.

`sdk` and `requests` are imported when the first engine is opened, so that a program that drives none (the command line)
does not carry them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from swarmlite.engine.address import EngineAddress
from swarmlite.engine.wording import plain
from swarmlite.errors import (
    AlreadyExists,
    EngineError,
    EngineUnavailable,
    NotFound,
    SwarmliteError,
    Timeout,
)

if TYPE_CHECKING:
    import requests

CONNECT_TIMEOUT = 5.0
"""Seconds until a connection must stand."""

Params = Mapping[str, str | int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request. `timeout`: seconds without a byte until it is given up, None for never."""

    method: str
    path: str
    params: Params | None = None
    body: object = None
    headers: Mapping[str, str] | None = None
    timeout: float | None = 60.0


class Transport:
    """Safe to use from many threads; keeps as many connections alive as there are threads."""

    def __init__(self, address: EngineAddress, connections: int) -> None:
        from swarmlite.engine.sdk import open_session

        self.url = address.url
        self.version = ""
        self._session = open_session(address, connections)

    def request(self, call: Call) -> Any:
        """The answer's JSON, its text where it is none, None where it is empty."""
        response = self._send(call, stream=False)
        try:
            return response.json() if response.content else None
        except ValueError:
            return response.text

    def stream(self, call: Call) -> "requests.Response":
        """The answer, its body unread. `hang_up` frees a thread that reads it."""
        return self._send(call, stream=True)

    def chunks(self, response: "requests.Response") -> Iterator[bytes]:
        """The body as it comes in, EngineUnavailable when the connection breaks."""
        with self._translated():
            yield from response.iter_content(chunk_size=None)

    def hang_up(self, response: "requests.Response") -> None:
        from swarmlite.engine.sdk import hang_up

        hang_up(response)

    def close(self) -> None:
        self._session.close()

    def _send(self, call: Call, stream: bool) -> "requests.Response":
        prefix = f"/v{self.version}" if self.version else ""
        headers = dict(call.headers or {})
        data = None
        if call.body is not None:
            data = json.dumps(call.body)
            headers["Content-Type"] = "application/json"
        with self._translated():
            response = self._session.request(
                call.method,
                f"{self._session.base_url}{prefix}{call.path}",
                params=call.params,
                data=data,
                headers=headers,
                timeout=(CONNECT_TIMEOUT, call.timeout),
                stream=stream,
                allow_redirects=False,
            )
            if response.status_code >= 400:
                raise refusal(response.status_code, _message(response))
        return response

    def _translated(self) -> "_Translated":
        return _Translated(self.url)


class _Translated:
    """Context: what `requests` and `urllib3` raise leaves as an error of ours."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import requests
        import urllib3

        if error is None or isinstance(error, SwarmliteError):
            return
        if isinstance(error, requests.exceptions.ReadTimeout | urllib3.exceptions.ReadTimeoutError):
            raise Timeout(f"Docker Engine at {self._url} gives no answer") from error
        if isinstance(error, requests.exceptions.RequestException | urllib3.exceptions.HTTPError | OSError):
            raise unreachable(self._url, error) from error


def unreachable(url: str, error: BaseException) -> EngineUnavailable:
    return EngineUnavailable(
        f"Docker Engine at {url} cannot be reached: {_cause(error)}. Start it or give --docker-host"
    )


def refusal(status: int, message: str) -> SwarmliteError:
    """The error for an HTTP status of the engine."""
    text = plain(message)
    lower = message.lower()
    if status == 404:
        return NotFound(text)
    if status == 409 and ("already in use by container" in lower or "already exists" in lower):
        return AlreadyExists(text)
    return EngineError(text, status)


def _message(response: "requests.Response") -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return response.text or response.reason


def _cause(error: BaseException) -> str:
    """The innermost system error in words: `requests` wraps it three deep."""
    seen: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        item = queue.pop(0)
        if isinstance(item, BaseException) and item not in seen:
            seen.append(item)
            queue += [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]
    for item in seen:
        if isinstance(item, OSError) and item.errno and item.strerror:
            return item.strerror[0].lower() + item.strerror[1:]
    return str(seen[-1]) or type(error).__name__
