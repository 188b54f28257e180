"""Which nodes a service may run on, with its constraints read once so that mistakes are found before a deployment."""

from swarmlite.compose import wanted
from swarmlite.compose.report import Place
from swarmlite.errors import InvalidArgument
from swarmlite.model import constraint
from swarmlite.model.spec import Placement, Platform, Preference, SpreadOver

_ONE_NODE = ("node.id", "node.hostname", "node.ip")


def placement(told: wanted.Service, place: Place) -> Placement | None:
    """None where the service may run anywhere."""
    asked = told.deploy.placement
    where = place.at("deploy", "placement")
    for index, text in enumerate(asked.constraints):
        try:
            constraint.parse(text)
        except InvalidArgument as error:
            where.at("constraints", index).fault(str(error))
    for index, preference in enumerate(asked.preferences):
        if not preference.spread.startswith(constraint.LABEL_PREFIXES):
            message = f"tasks cannot be spread over '{preference.spread}'; write spread: node.labels.NAME"
            where.at("preferences", index).fault(message)
    platforms = (_platform(told.platform, place.at("platform")),) if told.platform else ()
    if not (asked.constraints or asked.preferences or asked.max_replicas_per_node or platforms):
        return None
    spreads = tuple(Preference(spread=SpreadOver(spread_descriptor=p.spread)) for p in asked.preferences)
    return Placement(
        constraints=tuple(asked.constraints),
        preferences=spreads,
        max_replicas=asked.max_replicas_per_node,
        platforms=platforms,
    )


def is_pinned(told: wanted.Service) -> bool:
    """Whether tasks find what earlier ones left on their node: they run on one node, or on every one."""
    if told.deploy.mode == "global":
        return True
    for text in told.deploy.placement.constraints:
        try:
            read = constraint.parse(text)
        except InvalidArgument:
            continue
        if read.equal and read.key in _ONE_NODE:
            return True
    return False


def _platform(text: str, place: Place) -> Platform:
    """`linux/amd64`, `linux/arm64/v8` or an architecture alone."""
    parts = text.split("/")
    if len(parts) > 3 or "" in parts:
        place.fault(f"'{text}' is no platform; write one such as linux/amd64")
    return Platform(os=parts[0] if len(parts) > 1 else "linux", architecture=parts[1] if len(parts) > 1 else parts[0])
