"""The manager's two applications and the worker's one, put together from the route tables."""

from typing import Protocol

from aiohttp import web

from swarmlite.api import (
    routes_events,
    routes_logs,
    routes_networks,
    routes_nodes,
    routes_services,
    routes_swarmlite,
    routes_system,
    routes_tasks,
)
from swarmlite.api.backend import Backend, ManagerFacts
from swarmlite.api.http import BACKEND, FACTS, Route, answer, application
from swarmlite.api.wire import Status
from swarmlite.errors import NotInCluster

_DOCKER = (
    routes_nodes.ROUTES,
    routes_services.ROUTES,
    routes_tasks.ROUTES,
    routes_networks.ROUTES,
    routes_logs.DOCKER_ROUTES,
    routes_events.ROUTES,
    routes_system.ROUTES,
)


class WorkerBackend(Protocol):
    """What a host that is no manager can tell its own users."""

    def status(self) -> Status: ...


def docker_app(backend: Backend, facts: ManagerFacts) -> web.Application:
    """Docker's API alone, for docker.sock."""
    return _with(application(_DOCKER), backend, facts)


def cli_app(backend: Backend, facts: ManagerFacts) -> web.Application:
    """Docker's API and our own routes, for swarmlite.sock."""
    return _with(application((routes_swarmlite.ROUTES, routes_logs.ROUTES, *_DOCKER)), backend, facts)


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


def _with(app: web.Application, backend: Backend, facts: ManagerFacts) -> web.Application:
    app[BACKEND] = backend
    app[FACTS] = facts
    return app
