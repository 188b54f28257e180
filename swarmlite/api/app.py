"""The manager's two applications, put together from the route tables."""

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
from swarmlite.api.http import BACKEND, FACTS, application

_DOCKER = (
    routes_nodes.ROUTES,
    routes_services.ROUTES,
    routes_tasks.ROUTES,
    routes_networks.ROUTES,
    routes_logs.DOCKER_ROUTES,
    routes_events.ROUTES,
    routes_system.ROUTES,
)


def docker_app(backend: Backend, facts: ManagerFacts) -> web.Application:
    """Docker's API alone, for docker.sock."""
    return _with(application(_DOCKER), backend, facts)


def cli_app(backend: Backend, facts: ManagerFacts) -> web.Application:
    """Docker's API and our own routes, for swarmlite.sock."""
    return _with(application((routes_swarmlite.ROUTES, routes_logs.ROUTES, *_DOCKER)), backend, facts)


def _with(app: web.Application, backend: Backend, facts: ManagerFacts) -> web.Application:
    app[BACKEND] = backend
    app[FACTS] = facts
    return app
