"""`/events`: what became of services, nodes and networks, found by comparing the view with the one before."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from swarmlite.api import filters
from swarmlite.api.http import BACKEND, Route
from swarmlite.api.render import Json
from swarmlite.errors import InvalidArgument
from swarmlite.model.view import View

_FILTERS = ("type", "event", "service", "node", "network", "scope", "label", "container", "image", "volume", "daemon")
_LOOK = 1.0  # seconds between looks whether the client is still there, and whether `until` has come

State = dict[tuple[str, str], dict[str, str]]


async def events(request: web.Request) -> web.StreamResponse:
    """Only what happens from now on: nothing is kept, so `since` replays nothing."""
    backend = request.app[BACKEND]
    wanted = filters.parse(request.query.get("filters", ""), _FILTERS)
    until = _time(request.query.get("until"))
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    before, version = snapshot(backend.view), backend.view.version
    while request.transport is not None and not request.transport.is_closing():
        if until is not None and datetime.now(UTC).timestamp() >= until:
            break
        newer = await backend.wait_for_change(version, _LOOK)
        if newer == version:
            continue
        version, after = newer, snapshot(backend.view)
        for event in differences(before, after):
            if _matches(event, wanted):
                await response.write(msgspec.json.encode(_stamped(event)) + b"\n")
        before = after
        await asyncio.sleep(0)
    return response


ROUTES = (Route("GET", "/events", events),)


def snapshot(view: View) -> State:
    """What of each object makes an event when it changes."""
    state: State = {}
    for service in view.services.values():
        status = service.update_status.state if service.update_status else ""
        facts = {"name": service.name, "replicas": "" if service.spec.is_global else str(service.spec.replicas)}
        image = service.spec.task_template.container_spec.image
        state["service", service.id] = {**facts, "image": image, "updatestate": status, "": str(service.version.index)}
    for node in view.nodes.values():
        facts = {"name": node.name, "state": node.status.state, "availability": node.spec.availability}
        state["node", node.id] = {**facts, "role": node.spec.role, "": str(node.version.index)}
    for network in view.networks.values():
        if not network.swarmlite.pending_delete:
            state["network", network.id] = {"name": network.name, "type": network.spec.driver}
    return state


def differences(before: State, after: State) -> Iterator[Json]:
    for (kind, id), facts in after.items():
        old = before.get((kind, id))
        if old is None:
            yield _event(kind, id, "create", {"name": facts["name"]})
        elif old != facts:
            changed = {key for key in facts if key and facts[key] != old[key]}
            pairs = {f"{key}.{when}": values[key] for key in changed for when, values in (("old", old), ("new", facts))}
            yield _event(kind, id, "update", {"name": facts["name"], **{k: v for k, v in pairs.items() if v}})
    for (kind, id), facts in before.items():
        if (kind, id) not in after:
            yield _event(kind, id, "remove", {"name": facts["name"]})


def _event(kind: str, id: str, action: str, attributes: dict[str, str]) -> Json:
    return {"Type": kind, "Action": action, "Actor": {"ID": id, "Attributes": attributes}, "scope": "swarm"}


def _stamped(event: Json) -> Json:
    now = datetime.now(UTC).timestamp()
    return {**event, "time": int(now), "timeNano": int(now * 1_000_000_000)}


def _matches(event: Json, wanted: filters.Filters) -> bool:
    actor: dict[str, Any] = event["Actor"]
    name, kind = actor["Attributes"]["name"], event["Type"]
    objects = [key for key in ("service", "node", "network") if key in wanted]
    return (
        filters.equals(wanted, "type", kind)
        and filters.equals(wanted, "event", event["Action"])
        and filters.equals(wanted, "scope", "swarm")
        and (not objects or (kind in objects and filters.equals(wanted, kind, name, actor["ID"])))
    )


def _time(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError as error:
        raise InvalidArgument(f"until must be a Unix time, not {text!r}") from error
