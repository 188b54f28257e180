"""The Docker Engine of this host, over the `docker` SDK.

The SDK blocks, so short calls run in `CALLS` threads, calls that wait for a container to end in threads of their own
pool, and endless answers in one thread each. No call inspects what another one has already said.
"""

import json
import os
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from swarmlite import settings
from swarmlite.engine import address, frames, parse, streams, version, wording
from swarmlite.engine.base import (
    SUBSCRIBED,
    Body,
    Container,
    ContainerDetail,
    EngineInfo,
    EngineNetwork,
    Event,
)
from swarmlite.engine.threads import Workers
from swarmlite.engine.transport import Call, Params, Transport
from swarmlite.errors import EngineError, EngineUnavailable, NotFound

CALLS = 16
WAITS = 64
PULL_SILENCE = 300.0
"""Seconds without a word of progress until a pull is given up."""

CALL_TIMEOUT = 120.0
"""Seconds until a call is given up; an engine under load takes tens of seconds to create a container."""


class Engine:
    """`url` None: as Docker's own clients decide. Nothing is opened before the first call."""

    def __init__(self, url: str | None = None) -> None:
        self.address = address.find(url, os.environ, Path.home())
        self._transport: Transport | None = None
        self._opening = threading.Lock()
        self._calls = Workers(CALLS, "engine")
        self._waits = Workers(WAITS, "engine-wait")

    async def connect(self) -> EngineInfo:
        transport = await self._ready()
        transport.version = ""
        found = await self._call(Call(method="GET", path="/version", timeout=10.0))
        chosen = version.choose(
            found.get("Version", "?"), found["ApiVersion"], found.get("MinAPIVersion", ""), settings.MIN_ENGINE_API
        )
        transport.version = chosen
        return parse.engine_info(await self._call(Call(method="GET", path="/info", timeout=30.0)), chosen)

    async def close(self) -> None:
        self._calls.close()
        self._waits.close()
        if self._transport is not None:
            self._transport.close()

    # --- containers ---

    async def list_containers(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        rows = await self._get("/containers/json", {"all": 1, "filters": _label_filter(labels)})
        return tuple(parse.container(row) for row in rows or ())

    async def inspect(self, container: str) -> ContainerDetail:
        return parse.container_detail(await self._get(f"/containers/{_part(container)}/json"))

    async def create(self, name: str, body: Body) -> str:
        made = await self._post("/containers/create", {"name": name}, body)
        return str(made["Id"])

    async def start(self, container: str) -> None:
        await self._post(f"/containers/{_part(container)}/start")

    async def stop(self, container: str, timeout: float) -> None:
        grace = max(0, round(timeout))
        path = f"/containers/{_part(container)}/stop"
        await self._call(Call(method="POST", path=path, params={"t": grace}, timeout=grace + CALL_TIMEOUT), self._waits)

    async def kill(self, container: str, signal: str = "SIGKILL") -> None:
        try:
            await self._post(f"/containers/{_part(container)}/kill", {"signal": signal})
        except EngineError as error:
            if "is not running" not in error.message:
                raise

    async def remove(self, container: str, force: bool = False) -> None:
        try:
            await self._delete(f"/containers/{_part(container)}", {"v": 1, "force": int(force)}, self._waits)
        except NotFound:
            return
        except EngineError as error:
            if "already in progress" not in error.message:
                raise

    # --- images and volumes ---

    async def image_present(self, image: str) -> bool:
        try:
            await self._get(f"/images/{_part(image)}/json")
        except NotFound:
            return False
        return True

    async def pull(self, image: str, auth: str = "") -> None:
        reference = image if "@" in image or ":" in image.rpartition("/")[2] else f"{image}:latest"
        call = Call(
            method="POST",
            path="/images/create",
            params={"fromImage": reference},
            headers={"X-Registry-Auth": auth} if auth else None,
            timeout=PULL_SILENCE,
        )
        try:
            async for progress in streams.items(await self._ready(), call, frames.json_lines):
                if failure := progress.get("error"):  # comes after the answer's 200
                    raise EngineError(str(failure))
        except (NotFound, EngineError) as error:
            raise EngineError(wording.plain_pull(image, error.message)) from error

    async def volume_create(
        self, name: str, driver: str = "", options: Mapping[str, str] = {}, labels: Mapping[str, str] = {}
    ) -> None:
        body = {"Name": name, "Driver": driver or "local", "DriverOpts": dict(options), "Labels": dict(labels)}
        await self._post("/volumes/create", None, body)

    async def volume_remove(self, name: str) -> None:
        try:
            await self._delete(f"/volumes/{_part(name)}")
        except NotFound:
            return

    # --- networks ---

    async def networks(self, labels: Mapping[str, str]) -> tuple[EngineNetwork, ...]:
        rows = await self._get("/networks", {"filters": _label_filter(labels)})
        return tuple(parse.network(row) for row in rows or ())

    async def create_network(self, name: str, body: Body) -> str:
        made = await self._post("/networks/create", None, {"CheckDuplicate": True, **body, "Name": name})
        return str(made["Id"])

    async def attach(self, network: str, container: str, endpoint: Body) -> None:
        body = {"Container": container, "EndpointConfig": endpoint}
        await self._post(f"/networks/{_part(network)}/connect", None, body)

    async def detach(self, network: str, container: str) -> None:
        try:
            await self._post(f"/networks/{_part(network)}/disconnect", None, {"Container": container, "Force": True})
        except NotFound:
            return
        except EngineError as error:
            if "is not connected" not in error.message:
                raise

    async def remove_network(self, network: str) -> None:
        try:
            await self._delete(f"/networks/{_part(network)}")
        except NotFound:
            return

    # --- streams ---

    async def events(self, filters: Mapping[str, tuple[str, ...]]) -> AsyncGenerator[Event, None]:
        call = Call(
            method="GET",
            path="/events",
            params={"filters": json.dumps({key: list(values) for key, values in filters.items()})},
            timeout=None,
        )

        def cut(chunks: Iterator[bytes]) -> Iterator[Event]:
            yield SUBSCRIBED  # the answer's head is here, so the engine has subscribed us
            yield from (parse.event(row) for row in frames.json_lines(chunks))

        async for event in streams.items(await self._ready(), call, cut):
            yield event
        raise EngineUnavailable(f"Docker Engine at {self.address.url} has ended its event stream")

    async def logs(
        self, container: str, follow: bool = False, tail: int | None = None, since: float = 0.0
    ) -> AsyncGenerator[tuple[int, str, bytes], None]:
        detail = await self._get(f"/containers/{_part(container)}/json")
        terminal = bool((detail.get("Config") or {}).get("Tty"))
        params: dict[str, str | int] = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": int(follow)}
        params["tail"] = "all" if tail is None else tail
        if since:
            params["since"] = f"{since:.9f}"
        call = Call(
            method="GET", path=f"/containers/{_part(container)}/logs", params=params, timeout=None if follow else 60.0
        )
        async for entry in streams.items(await self._ready(), call, partial(frames.log_lines, terminal=terminal)):
            yield entry

    # --- requests ---

    async def _get(self, path: str, params: Params | None = None) -> Any:
        return await self._call(Call(method="GET", path=path, params=params, timeout=CALL_TIMEOUT))

    async def _post(self, path: str, params: Params | None = None, body: object = None) -> Any:
        return await self._call(Call(method="POST", path=path, params=params, body=body, timeout=CALL_TIMEOUT))

    async def _delete(self, path: str, params: Params | None = None, workers: Workers | None = None) -> Any:
        return await self._call(Call(method="DELETE", path=path, params=params, timeout=CALL_TIMEOUT), workers)

    async def _call(self, call: Call, workers: Workers | None = None) -> Any:
        transport = await self._ready()
        return await (workers or self._calls).run(partial(transport.request, call))

    async def _ready(self) -> Transport:
        if self._transport is None:
            return await self._calls.run(self._open)
        return self._transport

    def _open(self) -> Transport:
        with self._opening:
            transport = self._transport or Transport(self.address, CALLS)
            self._transport = transport
            return transport


def _label_filter(labels: Mapping[str, str]) -> str:
    return json.dumps({"label": [f"{key}={value}" if value else key for key, value in labels.items()]})


def _part(name: str) -> str:
    return quote(name, safe="/:@")
