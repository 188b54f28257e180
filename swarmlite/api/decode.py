"""Request bodies into specs. Docker's own decoder ignores the case of keys and takes null for absent; so do we."""

import types
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec.structs import replace

from swarmlite.errors import InvalidArgument
from swarmlite.model.spec import EndpointSpec, GlobalMode, ReplicatedMode, ServiceMode, ServiceSpec

_T = TypeVar("_T")


def body(data: bytes, type: type[_T]) -> _T:
    """Decode JSON; a fault names its field."""
    try:
        raw = msgspec.json.decode(data or b"{}")
    except msgspec.DecodeError as error:
        raise InvalidArgument(f"invalid JSON: {error}") from error
    return convert(raw, type)


def convert(raw: Any, type: type[_T]) -> _T:
    try:
        return msgspec.convert(canonical(type, raw), type)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        field = where.rstrip("`").lstrip(".")
        text = f"{field}: {what}" if field else what
        raise InvalidArgument(text.replace("`", "")) from error


def service(data: bytes) -> ServiceSpec:
    """A service's spec with its mode filled in, and without what rendering adds: a spec that was read and is sent back
    must be the same, or a change of scale would replace every task.
    """
    spec = body(data, ServiceSpec)
    template = spec.task_template
    return replace(
        spec,
        mode=_mode(spec.mode),
        task_template=replace(template, runtime="" if template.runtime == "container" else template.runtime),
        endpoint_spec=None if spec.endpoint_spec == EndpointSpec() else spec.endpoint_spec,
    )


def keeping_extensions(spec: ServiceSpec, old: ServiceSpec) -> ServiceSpec:
    """Docker's clients read a spec, change it and send it back without what they do not know: ours stays then."""
    template = spec.task_template
    container = template.container_spec
    if container.swarmlite is None:
        container = replace(container, swarmlite=old.task_template.container_spec.swarmlite)
    return replace(
        spec,
        swarmlite=old.swarmlite if spec.swarmlite is None else spec.swarmlite,
        task_template=replace(template, container_spec=container),
    )


def version(text: str | None, kind: str) -> int:
    """The `?version=` of an update, in Docker's own words when it is not a number."""
    if not (text or "").isdecimal():
        raise InvalidArgument(f"invalid {kind} version '{text or ''}': it must be the number that Version.Index showed")
    return int(text or "")


def canonical(type: Any, value: Any) -> Any:
    """Keys in the model's spelling, nulls and empty choices left out; users' own maps stay as they are."""
    type = _inner(type)
    if isinstance(type, _STRUCT) and isinstance(value, dict):
        fields = _fields(type)
        named = ((fields.get(str(key).lower(), (key, Any)), item) for key, item in value.items())
        return {name: canonical(kind, item) for (name, kind), item in named if not _absent(kind, item)}
    if get_origin(type) is tuple and isinstance(value, list):
        kind = get_args(type)[0]
        return [canonical(kind, item) for item in value]
    return value


_STRUCT = type(msgspec.Struct)


@cache
def _fields(struct: type[msgspec.Struct]) -> dict[str, tuple[str, Any]]:
    return {one.encode_name.lower(): (one.encode_name, one.type) for one in msgspec.structs.fields(struct)}


def _inner(kind: Any) -> Any:
    if isinstance(kind, types.UnionType) or get_origin(kind) is Union:
        return next((one for one in get_args(kind) if one is not types.NoneType), kind)
    return kind


def _absent(kind: Any, value: Any) -> bool:
    inner = _inner(kind)
    return value is None or (value == "" and isinstance(inner, type) and issubclass(inner, Enum))


def _mode(mode: ServiceMode) -> ServiceMode:
    chosen = [one for one in (mode.replicated, mode.global_, mode.replicated_job, mode.global_job) if one is not None]
    if len(chosen) > 1:
        raise InvalidArgument("Mode: say one of Replicated, Global, ReplicatedJob and GlobalJob")
    if isinstance(mode.global_, GlobalMode) or mode.replicated_job or mode.global_job:
        return mode
    replicas = mode.replicated.replicas if mode.replicated else None
    return ServiceMode(replicated=ReplicatedMode(replicas=1 if replicas is None else replicas))
