"""What every route shares: one table row, JSON answers, and errors as Docker's `{"message": …}`."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from swarmlite import settings
from swarmlite.api.backend import Backend, ManagerFacts
from swarmlite.errors import SwarmliteError
from swarmlite.logs import logger

log = logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BACKEND: web.AppKey[Backend] = web.AppKey("backend")
FACTS: web.AppKey[ManagerFacts] = web.AppKey("facts")


class Route(NamedTuple):
    method: str
    path: str
    handler: Handler


def add(app: web.Application, routes: Iterable[Route]) -> None:
    """Every route stands under `/v1.NN` of any number and bare, since clients pin versions or leave them out."""
    for route in routes:
        app.router.add_route(route.method, route.path, route.handler)
        app.router.add_route(route.method, "/v{api:[0-9]+[.][0-9]+}" + route.path, route.handler)


def answer(value: Any, status: int = 200) -> web.Response:
    """JSON with the exact content type that Go clients compare."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def empty(status: int = 200) -> web.Response:
    return web.Response(status=status)


def failure(message: str, status: int) -> web.Response:
    return answer({"message": message}, status)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Our errors know their status. An unknown one is logged whole and told in one sentence."""
    try:
        return await handler(request)
    except SwarmliteError as error:
        return failure(error.message, error.status)
    except web.HTTPException as error:
        lost = error.status in (404, 405)
        return failure("page not found" if lost else error.reason, 404 if lost else error.status)
    except Exception as error:
        log.exception("request failed", method=request.method, path=request.path)
        return failure(f"internal error: {type(error).__name__}: {error} (the manager's log has more)", 500)


async def head(request: web.Request, response: web.StreamResponse) -> None:
    """What clients learn from any answer, and agree on versions by."""
    response.headers["Api-Version"] = settings.API_VERSION
    response.headers["Docker-Experimental"] = "false"
    response.headers["Ostype"] = "linux"
    response.headers["Server"] = "swarmlite (linux)"


def application(tables: Sequence[Iterable[Route]]) -> web.Application:
    app = web.Application(middlewares=[errors], client_max_size=16 * 1024 * 1024)
    app.on_response_prepare.append(head)
    for table in tables:
        add(app, table)
    return app
