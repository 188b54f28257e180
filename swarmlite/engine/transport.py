"""One engine over HTTP, blocking: requests through the SDK's session, foreign errors translated.

Everything that knows `requests` and `docker` is in this file. The SDK is imported when the first engine is made, so a
program that drives none (a manager alone, the command line) does not carry its 8 MB.
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
    InvalidArgument,
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
        from docker import APIClient
        from docker.errors import DockerException

        self.url = address.url
        self.version = ""
        try:
            self._session = APIClient(
                base_url=address.url,
                version="1.40",  # any: named so that the SDK asks nothing now; ours goes into each path
                tls=_tls(address) or False,
                max_pool_size=connections,
            )
        except (DockerException, OSError) as error:
            raise InvalidArgument(f"Docker Engine at {address.url}: {error}") from error
        if address.url.startswith("unix://"):
            self._session.trust_env = False  # no proxies and no netrc on a local socket; reading them costs 1 ms a call

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
        """Ends an answer from another thread than the one that reads it."""
        from docker.types import CancellableStream

        try:
            CancellableStream(iter(()), response).close()
        except (OSError, AttributeError):  # it has ended by itself
            response.close()

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


def _tls(address: EngineAddress) -> Any:
    if address.certificates is None:
        return None
    from docker.tls import TLSConfig

    folder = address.certificates
    authority = folder / "ca.pem"
    return TLSConfig(
        client_cert=(str(folder / "cert.pem"), str(folder / "key.pem")),
        ca_cert=str(authority) if authority.exists() else None,
        verify=address.verify,
    )
