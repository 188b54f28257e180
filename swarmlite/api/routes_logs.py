"""Logs, in Docker's multiplexed frames for its clients and as lines of JSON for our own."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

import msgspec
from aiohttp import web

from swarmlite.api import filters
from swarmlite.api.http import BACKEND, Route
from swarmlite.api.streams import Choose, Item, LogOptions, Missing, merged
from swarmlite.api.wire import LogRecord
from swarmlite.control import lookup
from swarmlite.control.logs import LogLine
from swarmlite.errors import InvalidArgument
from swarmlite.model.objects import Task
from swarmlite.model.view import View
from swarmlite.plan.endpoints import STACK_LABEL

_SYSTEM_ERROR = 3  # the stream whose text Docker's client prints as an error and ends with
_HANG_UP = 1.0  # seconds between looks whether the client is still there


async def of_service(request: web.Request) -> web.StreamResponse:
    id = lookup.service(request.app[BACKEND].view, request.match_info["ref"]).id
    return await _docker(request, lambda view: view.tasks_of_service(id).values())


async def of_task(request: web.Request) -> web.StreamResponse:
    id = lookup.task(request.app[BACKEND].view, request.match_info["ref"]).id
    return await _docker(request, lambda view: [view.tasks[id]] if id in view.tasks else [])


async def of_any(request: web.Request) -> web.StreamResponse:
    """Lines of JSON. `ref`, again and again: a stack, a service or a task."""
    view = request.app[BACKEND].view
    chooses = [_choose(view, ref) for ref in request.query.getall("ref", [])]
    if not chooses:
        raise InvalidArgument("say whose logs: a stack, a service or a task")
    response = await _open(request, "application/jsonl")

    def choose(view: View) -> Iterable[Task]:
        return list({task.id: task for one in chooses for task in one(view)}.values())

    async for item in _items(request, choose):
        await response.write(msgspec.json.encode(_record(request.app[BACKEND].view, item)) + b"\n")
    return response


DOCKER_ROUTES = (
    Route("GET", "/services/{ref}/logs", of_service),
    Route("GET", "/tasks/{ref}/logs", of_task),
)
ROUTES = (Route("GET", "/swarmlite/logs", of_any),)


async def _docker(request: web.Request, choose: Choose) -> web.StreamResponse:
    wanted = {n for n, key in ((1, "stdout"), (2, "stderr")) if filters.boolean(request.query.get(key))}
    if not wanted:
        raise InvalidArgument("bad parameters: you must choose at least one stream")
    _options(request)
    response = await _open(request, "application/vnd.docker.multiplexed-stream")
    missing = []
    async for item in _items(request, choose):
        if isinstance(item, Missing):
            missing.append(item)
        elif item.stream in wanted:
            await response.write(frame(item.stream, _payload(request, item)))
    if missing:
        reasons = "; ".join(f"task {one.task_id}: {one.reason}" for one in missing)
        text = f"warning: incomplete log stream. some logs could not be retrieved for the following reasons: {reasons}"
        await response.write(frame(_SYSTEM_ERROR, text.encode()))
    return response


def frame(stream: int, payload: bytes) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(payload).to_bytes(4, "big") + payload


def _payload(request: web.Request, line: LogLine) -> bytes:
    """`STAMP DETAILS TEXT`: clients find the task by the details and refuse lines without them."""
    head = ""
    if filters.boolean(request.query.get("timestamps")):
        head = f"{line.stamp} "
    if filters.boolean(request.query.get("details")):
        task = request.app[BACKEND].view.tasks.get(line.task_id)
        node, service = (task.node_id, task.service_id) if task else ("", "")
        prefix = "com.docker.swarm"
        head += f"{prefix}.node.id={node},{prefix}.service.id={service},{prefix}.task.id={line.task_id} "
    return head.encode() + line.line + (b"" if line.line.endswith(b"\n") else b"\n")


def _record(view: View, item: Item) -> LogRecord:
    task = view.tasks.get(item.task_id)
    name = task.name.removesuffix(f".{task.id}") if task else item.task_id
    host = view.nodes.get(task.node_id) if task else None
    node = host.name if host else ""
    if isinstance(item, Missing):
        return LogRecord(task_id=item.task_id, name=name, node=node, error=item.reason)
    text = item.line.decode("utf-8", "replace").rstrip("\r\n")
    return LogRecord(task_id=item.task_id, name=name, node=node, stream=item.stream, stamp=item.stamp, line=text)


def _choose(view: View, ref: str) -> Choose:
    """A stack's name wins over a service's: a stack's services are named after it, never like it."""
    ids = {one.id for one in view.services.values() if one.spec.labels.get(STACK_LABEL) == ref}
    if ids:
        return lambda view: [
            task
            for one in list(view.services.values())
            if one.spec.labels.get(STACK_LABEL) == ref
            for task in view.tasks_of_service(one.id).values()
        ]
    if ref in view.tasks:
        return lambda view: [view.tasks[ref]] if ref in view.tasks else []
    id = lookup.service(view, ref).id
    return lambda view: view.tasks_of_service(id).values()


async def _open(request: web.Request, content_type: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": content_type})
    await response.prepare(request)
    return response


async def _items(request: web.Request, choose: Choose) -> AsyncGenerator[Item, None]:
    """All items until the end, or until the client has gone: with nothing to write, only looking shows it."""
    source = merged(request.app[BACKEND], choose, _options(request))
    async with aclosing(source) as items:
        while True:
            step = asyncio.ensure_future(anext(items, None))
            try:
                while not (await asyncio.wait([step], timeout=_HANG_UP))[0]:
                    if request.transport is None or request.transport.is_closing():
                        return
                item = step.result()
            finally:
                step.cancel()
                await asyncio.gather(step, return_exceptions=True)
            if item is None:
                return
            yield item


def _options(request: web.Request) -> LogOptions:
    query = request.query
    tail, since = query.get("tail", "all"), query.get("since", "")
    try:
        lines = None if tail in ("", "all") else max(int(tail), 0)
        start = float(since or 0)
    except ValueError as error:
        raise InvalidArgument(f"tail {tail!r} must be a number or all, since {since!r} a Unix time") from error
    return LogOptions(follow=filters.boolean(query.get("follow")), tail=lines, since=start)
