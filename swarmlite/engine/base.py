"""What an engine is to the rest of the program: a Protocol and the records that it speaks in.

Two implementations pass one contract suite (`tests/contract/test_engine.py`): `engine.client.Engine` on a real daemon,
and the fake of the tests. All methods raise only errors of `swarmlite.errors`: `EngineUnavailable` when there is no
answer, `NotFound` for a container, network, volume or image that is not there, `AlreadyExists` for a name in use,
`EngineError` for every other refusal, its message fit for a user.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

Body = Mapping[str, Any]
"""A request's JSON as the Engine API defines it."""


class ContainerState(StrEnum):
    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"

    @property
    def live(self) -> bool:
        """It has a process, or is about to have one again."""
        return self in (ContainerState.RUNNING, ContainerState.PAUSED, ContainerState.RESTARTING)


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineInfo:
    """`os` and `arch` as images name them (linux, amd64); `labels`: those of the daemon's configuration."""

    name: str
    server_version: str
    api_version: str
    cpus: int
    memory_bytes: int
    os: str
    arch: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """One row of a listing. `status` is Docker's sentence (`Up 3 seconds (healthy)`); `exit_code` only once exited.
    `addresses`: network name -> address, of running containers.
    """

    id: str
    name: str
    labels: dict[str, str]
    state: ContainerState
    status: str = ""
    exit_code: int | None = None
    health: str = ""
    image: str = ""
    addresses: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class PortBinding:
    """`container_port` of the container is reached at `host_ip`:`host_port` of the host. `protocol`: tcp, udp, sctp."""

    protocol: str
    container_port: int
    host_ip: str
    host_port: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerDetail:
    """`health`: "" where there is no check, else starting, healthy or unhealthy; `health_log`: the last check's output.
    Times are RFC 3339 as the engine gives them, "" where it did not happen. `exit_code` is None until it has ended.
    """

    id: str
    name: str
    labels: dict[str, str]
    state: ContainerState
    pid: int = 0
    exit_code: int | None = None
    oom_killed: bool = False
    error: str = ""
    health: str = ""
    health_log: str = ""
    started_at: str = ""
    finished_at: str = ""
    ports: tuple[PortBinding, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineNetwork:
    id: str
    name: str
    labels: dict[str, str]
    driver: str = "bridge"
    subnet: str = ""
    gateway: str = ""
    internal: bool = False
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """`type`: container, network, image, volume, daemon; `action`: start, die, `health_status: healthy` …
    `attributes` holds the container's labels, `name`, `exitCode`; `time`: Unix seconds.
    """

    type: str
    action: str
    id: str
    attributes: dict[str, str]
    time: float


SUBSCRIBED = Event(type="daemon", action="subscribed", id="", attributes={}, time=0.0)


class ContainerEngine(Protocol):
    """Cancelling any of these frees the caller at once; the engine may still carry the call out."""

    async def connect(self) -> EngineInfo:
        """Agree on an API version and say what the engine is. Call it first, and again after `EngineUnavailable`."""
        ...

    async def close(self) -> None: ...

    # containers

    async def list_containers(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        """All containers, running or not, that carry all of `labels` (an empty value: the label with any value)."""
        ...

    async def inspect(self, container: str) -> ContainerDetail: ...

    async def create(self, name: str, body: Body) -> str:
        """The new container's id. An engine older than API 1.44 takes one network here; `attach` the others."""
        ...

    async def start(self, container: str) -> None:
        """Nothing happens to one that runs already."""
        ...

    async def stop(self, container: str, timeout: float) -> None:
        """Its stop signal, and SIGKILL after `timeout` seconds; returns when it has ended."""
        ...

    async def kill(self, container: str, signal: str = "SIGKILL") -> None:
        """Nothing happens to one that does not run."""
        ...

    async def remove(self, container: str, force: bool = False) -> None:
        """With its anonymous volumes. Nothing happens where there is none."""
        ...

    # images and volumes

    async def image_present(self, image: str) -> bool: ...

    async def pull(self, image: str, auth: str = "") -> None:
        """`auth`: the X-Registry-Auth text (see `engine.credentials`), "" for none."""
        ...

    async def volume_create(
        self, name: str, driver: str = "", options: Mapping[str, str] = {}, labels: Mapping[str, str] = {}
    ) -> None:
        """Nothing happens where it exists with the same driver."""
        ...

    async def volume_remove(self, name: str) -> None:
        """Nothing happens where there is none."""
        ...

    # networks

    async def networks(self, labels: Mapping[str, str]) -> tuple[EngineNetwork, ...]: ...

    async def create_network(self, name: str, body: Body) -> str:
        """The new network's id. `AlreadyExists` where the engine has one of that name."""
        ...

    async def attach(self, network: str, container: str, endpoint: Body) -> None:
        """Put a created container on one more network. `endpoint`: the API's EndpointConfig."""
        ...

    async def detach(self, network: str, container: str) -> None:
        """Nothing happens where it is not attached."""
        ...

    async def remove_network(self, network: str) -> None:
        """Nothing happens where there is none."""
        ...

    # streams

    def events(self, filters: Mapping[str, tuple[str, ...]]) -> AsyncGenerator[Event, None]:
        """From now on, without end; `EngineUnavailable` when the engine goes away. The first one is `SUBSCRIBED`: what
        is listed after it, together with the events that follow, misses nothing.
        """
        ...

    def logs(
        self, container: str, follow: bool = False, tail: int | None = None, since: float = 0.0
    ) -> AsyncGenerator[tuple[int, str, bytes], None]:
        """Lines as (1 stdout or 2 stderr, RFC 3339 time with nanoseconds, line without its newline)."""
        ...
