"""The worker's one application, apart from the manager's, whose routes cost memory that a worker need not spend."""

from typing import Protocol

from aiohttp import web

from swarmlite.api.http import Route, answer, application
from swarmlite.api.wire import Status
from swarmlite.errors import NotInCluster


class WorkerBackend(Protocol):
    """What a host that is no manager can tell its own users."""

    def status(self) -> Status: ...


def worker_app(backend: WorkerBackend) -> web.Application:
    """A worker's swarmlite.sock: its status, and for all else where the manager is."""

    async def ping(request: web.Request) -> web.Response:
        return web.Response(text="" if request.method == "HEAD" else "OK", headers={"Swarm": "active/worker"})

    async def status(_: web.Request) -> web.Response:
        return answer(backend.status())

    async def elsewhere(_: web.Request) -> web.Response:
        raise NotInCluster(
            "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state."
            f" Please run this command on the manager, {backend.status().manager_address}."
        )

    routes = (
        Route("HEAD", "/_ping", ping),
        Route("GET", "/_ping", ping),
        Route("GET", "/swarmlite/status", status),
        Route("*", "/{rest:.*}", elsewhere),
    )
    return application((routes,))
