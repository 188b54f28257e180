"""`/services`: Docker's paths and JSON."""

from aiohttp import web

from swarmlite.api import decode, filters, render
from swarmlite.api.http import BACKEND, Route, answer, empty
from swarmlite.control import lookup
from swarmlite.errors import InvalidArgument
from swarmlite.model.objects import Service
from swarmlite.model.spec import ServiceMode

_FILTERS = ("id", "name", "label", "mode", "runtime")


async def listing(request: web.Request) -> web.Response:
    view = request.app[BACKEND].view
    wanted = filters.parse(request.query.get("filters", ""), _FILTERS)
    with_status = filters.boolean(request.query.get("status"))
    out = []
    for service in view.services.values():
        if _matches(service, wanted):
            row = render.service(service)
            if with_status:
                row["ServiceStatus"] = render.service_status(view, service)
            out.append(row)
    return answer(out)


async def inspect(request: web.Request) -> web.Response:
    service = lookup.service(request.app[BACKEND].view, request.match_info["ref"])
    return answer(render.service(service, filters.boolean(request.query.get("insertDefaults"))))


async def create(request: web.Request) -> web.Response:
    backend = request.app[BACKEND]
    spec = decode.service(await request.read())
    service = await backend.create_service(spec)
    return answer({"ID": service.id, "Warnings": None}, 201)


async def update(request: web.Request) -> web.Response:
    """`rollback=previous` swaps in the spec before; the body then only echoes the current one."""
    backend = request.app[BACKEND]
    service = lookup.service(backend.view, request.match_info["ref"])
    version = decode.version(request.query.get("version"), "service")
    rollback = request.query.get("rollback", "")
    if rollback not in ("", "none", "previous"):
        raise InvalidArgument(f"invalid rollback '{rollback}': say previous or none")
    if rollback == "previous":
        await backend.rollback_service(service.id, version)
        return answer({"Warnings": None})
    spec = decode.keeping_extensions(decode.service(await request.read()), service.spec)
    await backend.update_service(service.id, version, spec)
    return answer({"Warnings": None})


async def remove(request: web.Request) -> web.Response:
    backend = request.app[BACKEND]
    await backend.remove_service(lookup.service(backend.view, request.match_info["ref"]).id)
    return empty()


ROUTES = (
    Route("GET", "/services", listing),
    Route("POST", "/services/create", create),
    Route("GET", "/services/{ref}", inspect),
    Route("POST", "/services/{ref}/update", update),
    Route("DELETE", "/services/{ref}", remove),
)


def _matches(service: Service, wanted: filters.Filters) -> bool:
    return (
        filters.has_prefix(wanted, "id", service.id)
        and filters.has_prefix(wanted, "name", service.name)
        and filters.has_labels(wanted, "label", service.spec.labels)
        and filters.equals(wanted, "mode", _kind(service.spec.mode))
        and filters.equals(wanted, "runtime", "container")
    )


def _kind(mode: ServiceMode) -> str:
    kinds = {"global": mode.global_, "replicated-job": mode.replicated_job, "global-job": mode.global_job}
    return next((kind for kind, said in kinds.items() if said is not None), "replicated")
