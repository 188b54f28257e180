"""`/nodes`: Docker's paths and JSON."""

from aiohttp import web

from swarmlite.api import decode, filters, render
from swarmlite.api.http import BACKEND, Route, answer, empty
from swarmlite.control import lookup
from swarmlite.model.objects import Node
from swarmlite.model.spec import NodeSpec

_FILTERS = ("id", "name", "role", "membership", "label", "node.label")


async def listing(request: web.Request) -> web.Response:
    wanted = filters.parse(request.query.get("filters", ""), _FILTERS)
    return answer([render.node(node) for node in request.app[BACKEND].view.nodes.values() if _matches(node, wanted)])


async def inspect(request: web.Request) -> web.Response:
    return answer(render.node(lookup.node(request.app[BACKEND].view, request.match_info["ref"])))


async def update(request: web.Request) -> web.Response:
    backend = request.app[BACKEND]
    node = lookup.node(backend.view, request.match_info["ref"])
    version = decode.version(request.query.get("version"), "node")
    await backend.update_node(node.id, version, decode.body(await request.read(), NodeSpec))
    return empty()


async def remove(request: web.Request) -> web.Response:
    backend = request.app[BACKEND]
    node = lookup.node(backend.view, request.match_info["ref"])
    await backend.remove_node(node.id, filters.boolean(request.query.get("force")))
    return empty()


ROUTES = (
    Route("GET", "/nodes", listing),
    Route("GET", "/nodes/{ref}", inspect),
    Route("POST", "/nodes/{ref}/update", update),
    Route("DELETE", "/nodes/{ref}", remove),
)


def _matches(node: Node, wanted: filters.Filters) -> bool:
    return (
        filters.has_prefix(wanted, "id", node.id)
        and filters.has_prefix(wanted, "name", node.name, node.description.hostname)
        and filters.equals(wanted, "role", node.spec.role)
        and filters.equals(wanted, "membership", "accepted")
        and filters.has_labels(wanted, "node.label", node.spec.labels)
        and filters.has_labels(wanted, "label", node.description.engine.labels)
    )
