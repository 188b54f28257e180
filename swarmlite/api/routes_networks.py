"""`/networks`: those that span hosts. A node's own networks are its engine's business."""

from typing import Any

import msgspec
from aiohttp import web

from swarmlite.api import decode, filters, render
from swarmlite.api.http import BACKEND, Route, answer, empty
from swarmlite.api.routes_system import on_a_node
from swarmlite.control import lookup
from swarmlite.errors import InvalidArgument
from swarmlite.model.objects import Network
from swarmlite.model.spec import NetworkSpec
from swarmlite.model.view import View

_FILTERS = ("id", "name", "label", "driver", "scope", "type", "dangling")


async def listing(request: web.Request) -> web.Response:
    """A network that is only waiting for its last task to go is not shown."""
    view = request.app[BACKEND].view
    wanted = filters.parse(request.query.get("filters", ""), _FILTERS)
    alive = (one for one in view.networks.values() if not one.swarmlite.pending_delete)
    return answer([render.network(one) for one in alive if _matches(view, one, wanted)])


async def inspect(request: web.Request) -> web.Response:
    view = request.app[BACKEND].view
    return answer(render.network(lookup.network(view, request.match_info["ref"]), view))


async def create(request: web.Request) -> web.Response:
    spec = network_spec(await request.read())
    network = await request.app[BACKEND].create_network(spec)
    return answer({"Id": network.id, "Warning": ""}, 201)


async def remove(request: web.Request) -> web.Response:
    backend = request.app[BACKEND]
    await backend.remove_network(lookup.network(backend.view, request.match_info["ref"]).id)
    return empty(204)


ROUTES = (
    Route("GET", "/networks", listing),
    Route("POST", "/networks/create", create),
    Route("POST", "/networks/prune", on_a_node),
    Route("GET", "/networks/{ref}", inspect),
    Route("DELETE", "/networks/{ref}", remove),
    Route("POST", "/networks/{ref}/{verb:connect|disconnect}", on_a_node),
)


class _Created(NetworkSpec, frozen=True, kw_only=True):
    """What the Engine API's call has beside the spec and we must not drop in silence."""

    driver: str = ""
    scope: str = ""
    ingress: bool = False
    config_only: bool = False


def network_spec(data: bytes) -> NetworkSpec:
    asked = decode.body(data, _Created)
    if asked.driver not in ("", "overlay") or asked.scope not in ("", "swarm"):
        raise InvalidArgument(
            f"a network of driver {asked.driver or 'bridge'!r} is a single host's; cluster networks have driver overlay"
        )
    if asked.ingress or asked.config_only:
        raise InvalidArgument("ingress and config-only networks are not supported")
    names = (field.name for field in msgspec.structs.fields(NetworkSpec))
    values: dict[str, Any] = {name: getattr(asked, name) for name in names}
    return NetworkSpec(**{**values, "driver": "overlay"})


def _matches(view: View, network: Network, wanted: filters.Filters) -> bool:
    return (
        filters.has_prefix(wanted, "id", network.id)
        and filters.contains(wanted, "name", network.name)
        and filters.has_labels(wanted, "label", network.spec.labels)
        and filters.equals(wanted, "driver", network.spec.driver)
        and filters.equals(wanted, "scope", "swarm")
        and filters.equals(wanted, "type", "custom")
        and ("dangling" not in wanted or _is_dangling(view, network) is filters.boolean(wanted["dangling"][0]))
    )


def _is_dangling(view: View, network: Network) -> bool:
    return not view.tasks_of_network(network.id)
