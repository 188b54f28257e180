"""An engine in memory: a real implementation of `engine.base.ContainerEngine`, passing its contract suite.

Time is the event loop's, so under a simulated clock it costs nothing. Beside the Protocol it has the world's side:
`registry`, `fail`, `crash`, `set_health`, `go_down`, `come_up`, `restart`.
"""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from swarmlite.engine.base import (
    SUBSCRIBED,
    Body,
    Container,
    ContainerDetail,
    ContainerState,
    EngineInfo,
    EngineNetwork,
    Event,
    PortBinding,
)
from swarmlite.errors import AlreadyExists, EngineError, EngineUnavailable, NotFound, SwarmliteError
from tests.fakes.program import FOREVER, Exit, Say, steps

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_GONE = object()


@dataclass
class _Held:
    """One container as the fake holds it."""

    id: str
    name: str
    body: Mapping[str, Any]
    state: ContainerState = ContainerState.CREATED
    exit_code: int | None = None
    oom_killed: bool = False
    health: str = ""
    health_log: str = ""
    error: str = ""
    pid: int = 0
    started_at: str = ""
    finished_at: str = ""
    log: list[tuple[int, str, bytes, float]] = field(default_factory=list)
    networks: dict[str, str] = field(default_factory=dict)
    process: "asyncio.Task[None] | None" = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.body.get("Labels") or {})

    def touch(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class FakeEngine:
    """`images`: present on the host; `registry`: can be pulled. `delay`: seconds that every call takes.
    `calls`: every call made, as (method, first argument).
    """

    def __init__(self, name: str = "fake", images: tuple[str, ...] = ("bb",), delay: float = 0.0) -> None:
        self.info = EngineInfo(
            name=name,
            server_version="20.10.24",
            api_version="1.41",
            cpus=2,
            memory_bytes=4 << 30,
            os="linux",
            arch="amd64",
        )
        self.images = set(images)
        self.registry: set[str] = set()
        self.delay = delay
        self.pull_takes = 0.0
        self.stubborn: set[str] = set()
        self.calls: list[tuple[str, str]] = []
        self.volumes: dict[str, dict[str, str]] = {}
        self._held: dict[str, _Held] = {}
        self._networks: dict[str, EngineNetwork] = {}
        self._failures: defaultdict[str, list[SwarmliteError]] = defaultdict(list)
        self._down = ""
        self._listeners: list[asyncio.Queue[Any]] = []
        self._ids = itertools.count(1)

    # --- the world's side -------------------------------------------------------------------------------------------

    def fail(self, method: str, error: SwarmliteError, times: int = 1) -> None:
        """The next `times` calls of `method` raise `error`."""
        self._failures[method] += [error] * times

    def go_down(self, why: str = "connection refused") -> None:
        """The daemon is gone; containers go on (as with live-restore)."""
        self._down = why
        for queue in self._listeners:
            queue.put_nowait(_GONE)

    def come_up(self) -> None:
        self._down = ""

    def restart(self) -> None:
        """The daemon restarts and takes its containers with it, as without live-restore."""
        self.go_down()
        for held in self._held.values():
            if held.state.live:
                self._end(held, 143)
        self.come_up()

    def crash(self, container: str, exit_code: int = 1, oom_killed: bool = False) -> None:
        """The container's process ends by itself."""
        held = self._find(container)
        held.oom_killed = oom_killed
        self._end(held, exit_code)

    def set_health(self, container: str, health: str, output: str = "") -> None:
        """A health check's verdict: healthy, unhealthy or starting."""
        held = self._find(container)
        held.health, held.health_log = health, output
        self._emit(held, f"health_status: {health}")

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the containers that run now."""
        return tuple(held.name for held in self._held.values() if held.state.live)

    # --- the Protocol -----------------------------------------------------------------------------------------------

    async def connect(self) -> EngineInfo:
        await self._enter("connect")
        return self.info

    async def close(self) -> None:
        for held in self._held.values():
            if held.process is not None:
                held.process.cancel()
                with suppress(asyncio.CancelledError):
                    await held.process

    async def list_containers(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        await self._enter("list_containers")
        return tuple(self._row(held) for held in self._held.values() if _carries(held.labels, labels))

    async def inspect(self, container: str) -> ContainerDetail:
        await self._enter("inspect", container)
        held = self._find(container)
        return ContainerDetail(
            id=held.id,
            name=held.name,
            labels=held.labels,
            state=held.state,
            pid=held.pid,
            exit_code=held.exit_code,
            oom_killed=held.oom_killed,
            error=held.error,
            health=held.health,
            health_log=held.health_log,
            started_at=held.started_at,
            finished_at=held.finished_at,
            ports=_ports(held),
        )

    async def create(self, name: str, body: Body) -> str:
        await self._enter("create", name)
        if body["Image"] not in self.images:
            raise NotFound(f"image {body['Image']} is not on this host")
        if any(held.name == name for held in self._held.values()):
            raise AlreadyExists(f"container {name} exists already on this host")
        wanted = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
        for network in wanted:
            if network not in ("bridge", "host", "none"):
                self._network(network)
        held = _Held(id=f"{next(self._ids):064x}", name=name, body=body)
        held.networks = {network: _address(endpoint) for network, endpoint in wanted.items()}
        self._held[held.id] = held
        self._emit(held, "create")
        return held.id

    async def start(self, container: str) -> None:
        await self._enter("start", container)
        held = self._find(container)
        if held.state.live:
            return
        taken = {port for other in self._held.values() if other.state.live for port in _published(other)}
        if clash := taken & _published(held):
            raise EngineError(f"port {min(clash)[1]} is taken on this host by another container")
        held.state, held.pid, held.exit_code, held.oom_killed = (
            ContainerState.RUNNING,
            1000 + int(held.id, 16),
            None,
            False,
        )
        held.health = "starting" if held.body.get("Healthcheck") else ""
        held.started_at = self._stamp()
        held.process = asyncio.create_task(self._live(held))
        self._emit(held, "start")

    async def stop(self, container: str, timeout: float) -> None:
        await self._enter("stop", container)
        held = self._find(container)
        if not held.state.live:
            return
        if held.name in self.stubborn:
            await asyncio.sleep(timeout)
        self._end(held, 137 if held.name in self.stubborn else 143)

    async def kill(self, container: str, signal: str = "SIGKILL") -> None:
        await self._enter("kill", container)
        held = self._find(container)
        if held.state.live:
            self._end(held, 137 if signal == "SIGKILL" else 143)

    async def remove(self, container: str, force: bool = False) -> None:
        await self._enter("remove", container)
        held = self._held.get(container) or next((h for h in self._held.values() if h.name == container), None)
        if held is None:
            return
        if held.state.live:
            if not force:
                raise EngineError(f"container {held.name} runs: stop it before it is removed", 409)
            self._end(held, 137)
        if self._held.pop(held.id, None):
            held.touch()
            self._emit(held, "destroy")

    async def image_present(self, image: str) -> bool:
        await self._enter("image_present", image)
        return image in self.images

    async def pull(self, image: str, auth: str = "") -> None:
        await self._enter("pull", image)
        await asyncio.sleep(self.pull_takes)
        if image not in self.registry:
            raise EngineError(f"image {image}: not found in registry docker.io, or it needs a login")
        self.images.add(image)

    async def volume_create(
        self, name: str, driver: str = "", options: Mapping[str, str] = {}, labels: Mapping[str, str] = {}
    ) -> None:
        await self._enter("volume_create", name)
        self.volumes.setdefault(name, dict(labels))

    async def volume_remove(self, name: str) -> None:
        await self._enter("volume_remove", name)
        self.volumes.pop(name, None)

    async def networks(self, labels: Mapping[str, str]) -> tuple[EngineNetwork, ...]:
        await self._enter("networks")
        return tuple(network for network in self._networks.values() if _carries(network.labels, labels))

    async def create_network(self, name: str, body: Body) -> str:
        await self._enter("create_network", name)
        if any(network.name == name for network in self._networks.values()):
            raise AlreadyExists(f"network {name} exists already on this host")
        pool = ((body.get("IPAM") or {}).get("Config") or [{}])[0]
        network = EngineNetwork(
            id=f"{next(self._ids):064x}",
            name=name,
            labels=dict(body.get("Labels") or {}),
            driver=body.get("Driver") or "bridge",
            subnet=pool.get("Subnet", ""),
            gateway=pool.get("Gateway", ""),
            internal=bool(body.get("Internal")),
            options=dict(body.get("Options") or {}),
        )
        self._networks[network.id] = network
        return network.id

    async def attach(self, network: str, container: str, endpoint: Body) -> None:
        await self._enter("attach", network)
        held = self._find(container)
        held.networks[self._network(network).name] = _address(endpoint)

    async def detach(self, network: str, container: str) -> None:
        await self._enter("detach", network)
        held = self._find(container)
        with suppress(NotFound):
            held.networks.pop(self._network(network).name, None)

    async def remove_network(self, network: str) -> None:
        await self._enter("remove_network", network)
        try:
            found = self._network(network)
        except NotFound:
            return
        users = [h for h in self._held.values() if h.state.live and {found.name, found.id} & h.networks.keys()]
        if users:
            raise EngineError(f"network {found.name} has active endpoints", 403)
        del self._networks[found.id]

    async def events(self, filters: Mapping[str, tuple[str, ...]]) -> AsyncGenerator[Event, None]:
        await self._enter("events")
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self._listeners.append(queue)
        try:
            yield SUBSCRIBED
            while (event := await queue.get()) is not _GONE:
                if _wanted(event, filters):
                    yield event
            raise self._unavailable()
        finally:
            self._listeners.remove(queue)

    async def logs(
        self, container: str, follow: bool = False, tail: int | None = None, since: float = 0.0
    ) -> AsyncGenerator[tuple[int, str, bytes], None]:
        await self._enter("logs", container)
        held = self._find(container)
        lines = [line for line in held.log if line[3] >= since]
        shown = len(lines) if tail is None else min(tail, len(lines))
        position = len(held.log) - shown
        while True:
            for stream, stamp, text, _ in held.log[position:]:
                position += 1
                yield stream, stamp, text
            if not follow or not held.state.live or held.id not in self._held:
                return
            await held.changed.wait()

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _enter(self, method: str, subject: str = "") -> None:
        self.calls.append((method, subject))
        await asyncio.sleep(self.delay)
        if self._down:
            raise self._unavailable()
        if waiting := self._failures[method]:
            raise waiting.pop(0)

    def _unavailable(self) -> EngineUnavailable:
        return EngineUnavailable(
            f"Docker Engine at fake://{self.info.name} cannot be reached: {self._down or 'restarted'}. "
            "Start it or give --docker-host"
        )

    def _find(self, container: str) -> _Held:
        for held in self._held.values():
            if container in (held.id, held.name):
                return held
        raise NotFound(f"container {container} is not on this host")

    def _network(self, network: str) -> EngineNetwork:
        for found in self._networks.values():
            if network in (found.id, found.name):
                return found
        raise NotFound(f"network {network} is not on this host")

    async def _live(self, held: _Held) -> None:
        code = 0
        for step in steps(held.body):
            if isinstance(step, Say):
                now = self._now()
                held.log.append((step.stream, self._stamp(), step.text.encode(), now))
                held.touch()
            elif isinstance(step, Exit):
                code = step.code
                break
            else:
                await (asyncio.Event().wait() if step.seconds == FOREVER else asyncio.sleep(step.seconds))
        held.process = None
        self._end(held, code)

    def _end(self, held: _Held, code: int) -> None:
        if held.process is not None:
            held.process.cancel()
            held.process = None
        held.state, held.exit_code, held.pid, held.health = ContainerState.EXITED, code, 0, ""
        held.finished_at = self._stamp()
        held.touch()
        self._emit(held, "die", {"exitCode": str(code)})

    def _emit(self, held: _Held, action: str, more: Mapping[str, str] = {}) -> None:
        attributes = {**held.labels, "name": held.name, "image": held.body["Image"], **more}
        event = Event(type="container", action=action, id=held.id, attributes=attributes, time=self._now())
        for queue in self._listeners:
            queue.put_nowait(event)

    def _row(self, held: _Held) -> Container:
        detail = f"Exited ({held.exit_code}) now" if held.exit_code is not None else held.state.value
        return Container(
            id=held.id,
            name=held.name,
            labels=held.labels,
            state=held.state,
            status=detail + (f" ({held.health})" if held.health else ""),
            exit_code=held.exit_code,
            health=held.health,
            image=held.body["Image"],
            addresses=dict(held.networks) if held.state.live else {},
        )

    def _now(self) -> float:
        return _EPOCH.timestamp() + asyncio.get_running_loop().time()

    def _stamp(self) -> str:
        moment = _EPOCH + timedelta(seconds=asyncio.get_running_loop().time())
        return f"{moment:%Y-%m-%dT%H:%M:%S.%f}000Z"


def _carries(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(key in labels and (not value or labels[key] == value) for key, value in wanted.items())


def _wanted(event: Event, filters: Mapping[str, tuple[str, ...]]) -> bool:
    kinds, labels = filters.get("type", ()), filters.get("label", ())
    pairs = dict(label.partition("=")[::2] for label in labels)
    return (not kinds or event.type in kinds) and _carries(event.attributes, pairs)


def _address(endpoint: Body | None) -> str:
    return str(((endpoint or {}).get("IPAMConfig") or {}).get("IPv4Address", ""))


def _bindings(held: _Held) -> dict[str, list[dict[str, str]]]:
    return (held.body.get("HostConfig") or {}).get("PortBindings") or {}


def _published(held: _Held) -> set[tuple[str, int]]:
    return {
        (key.partition("/")[2] or "tcp", int(binding["HostPort"]))
        for key, bindings in _bindings(held).items()
        for binding in bindings
        if binding.get("HostPort")
    }


def _ports(held: _Held) -> tuple[PortBinding, ...]:
    if not held.state.live:
        return ()
    return tuple(
        PortBinding(
            protocol=key.partition("/")[2] or "tcp",
            container_port=int(key.partition("/")[0]),
            host_ip=binding.get("HostIp") or "0.0.0.0",
            host_port=int(binding.get("HostPort") or 32768 + int(held.id, 16)),
        )
        for key, bindings in _bindings(held).items()
        for binding in bindings
    )
