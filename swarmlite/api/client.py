"""The typed client of the manager's API: what the command line and tests speak."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec.structs import replace

from swarmlite import settings
from swarmlite.api import transport
from swarmlite.api.wire import (
    Deployed,
    LogRecord,
    StackSummary,
    Status,
    TokenCreated,
    TokenRequest,
    TokenSummary,
    Version,
)
from swarmlite.errors import (
    AlreadyExists,
    Conflict,
    FailedPrecondition,
    Forbidden,
    InvalidArgument,
    NotFound,
    NotImplementedHere,
    NotInCluster,
    OutOfSequence,
    SwarmliteError,
    Unauthorized,
    Unavailable,
)
from swarmlite.model.base import Record, named
from swarmlite.model.objects import Node, Service, Task
from swarmlite.model.spec import IPAM, NodeSpec, ReplicatedMode, ServiceMode, ServiceSpec, StackSpec

_T = TypeVar("_T")
Filters = Mapping[str, Iterable[str]]

_MEMBERSHIP = "node.json"  # what a member's data directory holds, and only a member's
_BY_STATUS: Mapping[int, type[SwarmliteError]] = {
    400: FailedPrecondition,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: AlreadyExists,
    501: NotImplementedHere,
    503: Unavailable,
}


class NetworkInfo(Record, frozen=True, kw_only=True):
    """A network as `/networks` tells it."""

    id: str
    name: str
    created: datetime
    driver: str = ""
    scope: str = ""
    internal: bool = False
    attachable: bool = False
    labels: dict[str, str] = {}
    ipam: IPAM | None = named("IPAM", None)
    containers: dict[str, dict[str, str]] = {}

    @property
    def subnet(self) -> str:
        return self.ipam.config[0].subnet if self.ipam and self.ipam.config else ""


class ServiceStatus(Record, frozen=True, kw_only=True):
    running_tasks: int = 0
    desired_tasks: int = 0
    completed_tasks: int = 0


class ServiceInfo(Service, frozen=True, kw_only=True):
    """A service with how many of its tasks run."""

    service_status: ServiceStatus = ServiceStatus()


class Client:
    """`data_dir` holds the daemon's socket. Each call is a connection of its own; answers are the model's records."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._socket = data_dir / settings.CLI_SOCKET

    # --- what the cluster is ---

    async def status(self) -> Status:
        return await self._get("/swarmlite/status", Status)

    async def changes(self, after: int, timeout: float) -> int:
        """Wait until the cluster's version is above `after`, at most `timeout` seconds; answers the version."""
        query = {"after": str(after), "timeout": f"{timeout:.3f}"}
        return (await self._get("/swarmlite/changes", Version, query)).version

    # --- nodes ---

    async def nodes(self, filters: Filters | None = None) -> list[Node]:
        return await self._get("/nodes", list[Node], _filters(filters))

    async def node(self, ref: str) -> Node:
        return await self._get(f"/nodes/{quote(ref, safe='')}", Node)

    async def update_node(self, node: Node, spec: NodeSpec) -> None:
        await self._call("POST", f"/nodes/{node.id}/update", {"version": str(node.version.index)}, spec)

    async def remove_node(self, ref: str, force: bool = False) -> None:
        await self._call("DELETE", f"/nodes/{quote(ref, safe='')}", {"force": "1"} if force else {})

    # --- services and tasks ---

    async def services(self, filters: Filters | None = None) -> list[ServiceInfo]:
        return await self._get("/services", list[ServiceInfo], {"status": "1", **_filters(filters)})

    async def service(self, ref: str) -> Service:
        return await self._get(f"/services/{quote(ref, safe='')}", Service)

    async def create_service(self, spec: ServiceSpec) -> str:
        """Answers the new service's id."""
        out = msgspec.json.decode(await self._call("POST", "/services/create", {}, spec))
        return str(out["ID"])

    async def update_service(self, service: Service, spec: ServiceSpec) -> None:
        await self._call("POST", f"/services/{service.id}/update", {"version": str(service.version.index)}, spec)

    async def scale(self, ref: str, replicas: int) -> Service:
        """Change only the number of replicas; a change by someone else meanwhile stays, since we read again."""
        for last in (False, False, True):
            service = await self.service(ref)
            if service.spec.is_global:
                raise InvalidArgument(f"service {service.name} is global: it runs once on every node and has no scale")
            mode = ServiceMode(replicated=ReplicatedMode(replicas=replicas))
            try:
                await self.update_service(service, replace(service.spec, mode=mode))
                return await self.service(service.id)
            except OutOfSequence:
                if last:
                    raise
        raise AssertionError

    async def remove_service(self, ref: str) -> None:
        await self._call("DELETE", f"/services/{quote(ref, safe='')}")

    async def tasks(self, filters: Filters | None = None) -> list[Task]:
        return await self._get("/tasks", list[Task], _filters(filters))

    # --- networks ---

    async def networks(self, filters: Filters | None = None) -> list[NetworkInfo]:
        return await self._get("/networks", list[NetworkInfo], _filters(filters))

    async def network(self, ref: str) -> NetworkInfo:
        return await self._get(f"/networks/{quote(ref, safe='')}", NetworkInfo)

    # --- stacks ---

    async def stacks(self) -> list[StackSummary]:
        return await self._get("/swarmlite/stacks", list[StackSummary])

    async def deploy(self, stack: StackSpec, prune: bool = False) -> Deployed:
        path = f"/swarmlite/stacks/{quote(stack.name, safe='')}"
        return _decode(await self._call("POST", path, {"prune": "1"} if prune else {}, stack), Deployed)

    async def remove_stack(self, name: str) -> Deployed:
        return _decode(await self._call("DELETE", f"/swarmlite/stacks/{quote(name, safe='')}"), Deployed)

    # --- join tokens ---

    async def tokens(self) -> list[TokenSummary]:
        return await self._get("/swarmlite/tokens", list[TokenSummary])

    async def create_token(self, asked: TokenRequest) -> TokenCreated:
        return _decode(await self._call("POST", "/swarmlite/tokens", {}, asked), TokenCreated)

    async def revoke_token(self, ref: str) -> None:
        await self._call("DELETE", f"/swarmlite/tokens/{quote(ref, safe='')}")

    # --- streams and raw answers ---

    async def logs(
        self, names: Sequence[str], follow: bool = False, tail: int | None = None, since: float = 0.0
    ) -> AsyncGenerator[LogRecord, None]:
        """Lines of stacks, services or tasks from all hosts. `since`: Unix seconds."""
        query = [("ref", name) for name in names]
        query += [("follow", "1")] if follow else []
        query += [("since", f"{since:.9f}")] if since else []
        query += [("tail", str(tail))] if tail is not None else []
        async with self._request("GET", "/swarmlite/logs?" + urlencode(query)) as response:
            if response.status >= 300:
                raise _error(response.status, await response.read())
            rest = b""
            async with aclosing(response.chunks) as chunks:
                async for chunk in chunks:
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield _decode(line, LogRecord)

    async def raw(self, path: str) -> Any:
        """An object's JSON as the API tells it, for `inspect`."""
        return msgspec.json.decode(await self._call("GET", path))

    # --- the wire ---

    async def _get(self, path: str, type: type[_T], query: Mapping[str, str] | None = None) -> _T:
        return _decode(await self._call("GET", path, query), type)

    async def _call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: msgspec.Struct | None = None
    ) -> bytes:
        target = f"{path}?{urlencode(query)}" if query else path
        data = None if body is None else msgspec.json.encode(body)
        async with self._request(method, target, data) as response:
            answer = await response.read()
        if response.status >= 300:
            raise _error(response.status, answer)
        return answer

    def _request(self, method: str, target: str, body: bytes | None = None) -> "_Connected":
        return _Connected(self._data_dir, transport.request(self._socket, method, target, body))


class _Connected:
    """A request whose failures to reach the daemon say what to do."""

    def __init__(self, data_dir: Path, request: Any) -> None:
        self._data_dir = data_dir
        self._request = request

    async def __aenter__(self) -> transport.Response:
        try:
            response: transport.Response = await self._request.__aenter__()
        except PermissionError as error:
            raise Unavailable(f"no permission to use {error.filename or self._data_dir}: become root (sudo)") from error
        except OSError as error:
            raise unreachable(self._data_dir) from error
        return response

    async def __aexit__(self, *problem: Any) -> Any:
        return await self._request.__aexit__(*problem)


def unreachable(data_dir: Path) -> Unavailable:
    """Why nobody answers: this host is in no cluster, or its daemon does not run."""
    here = "" if data_dir == settings.DATA_DIR else f" --data-dir {data_dir}"
    try:
        joined = (data_dir / _MEMBERSHIP).exists()
    except PermissionError:
        return Unavailable(f"no permission to read {data_dir}: become root (sudo)")
    if joined:
        unit = "" if here else "`systemctl start swarmlite`, or without systemd "
        return Unavailable(
            f"the swarmlite daemon of this host is not running: start it with {unit}`swarmlite daemon{here}`"
        )
    return NotInCluster(
        f"this host is in no cluster ({data_dir} holds none): run `swarmlite init{here}` to make one, or"
        f" `swarmlite join{here}` as `swarmlite init` printed it on the manager"
    )


def _error(status: int, body: bytes) -> SwarmliteError:
    try:
        message = str(msgspec.json.decode(body)["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        message = body.decode("utf-8", "replace").strip() or f"the daemon answered {status}"
    if "update out of sequence" in message:
        return OutOfSequence()
    if status == 409 and "race" in message:
        return Conflict(message)
    return _BY_STATUS.get(status, SwarmliteError)(message)


def _decode(data: bytes, type: type[_T]) -> _T:
    try:
        return msgspec.json.decode(data, type=type)
    except msgspec.DecodeError as error:
        raise SwarmliteError(f"the daemon's answer cannot be read ({error}): is it of another version?") from error


def _filters(filters: Filters | None) -> dict[str, str]:
    if not filters:
        return {}
    asked = {key: dict.fromkeys(values, True) for key, values in filters.items()}
    return {"filters": msgspec.json.encode(asked).decode()}
