"""Names that a user wrote, turned into what the cluster keeps: networks by id. Pure."""

from collections.abc import Mapping

from msgspec.structs import replace

from swarmlite.control import lookup
from swarmlite.errors import NotFound
from swarmlite.model.objects import Network
from swarmlite.model.spec import NetworkAttachmentConfig, ServiceSpec
from swarmlite.model.view import View


def networks(view: View, spec: ServiceSpec, new: Mapping[str, Network] | None = None) -> ServiceSpec:
    """The spec with each network's target an id. `new`: networks made by the same write, by name.

    Older clients give networks beside the task template; they move into it.
    """
    asked = spec.task_template.networks or spec.networks
    targets = tuple(replace(config, target=_id(view, config, spec.name, new or {})) for config in asked)
    return replace(spec, networks=(), task_template=replace(spec.task_template, networks=targets))


def _id(view: View, config: NetworkAttachmentConfig, service: str, new: Mapping[str, Network]) -> str:
    if config.target in new:
        return new[config.target].id
    try:
        return lookup.network(view, config.target).id
    except NotFound:
        raise NotFound(
            f"service {service}: network {config.target} not found; create it or name one of `swarmlite network ls`"
        ) from None
