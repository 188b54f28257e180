"""`?filters=` as Docker's clients write it: `{"label":{"a=b":true}}` (Go) or `{"label":["a=b"]}` (Python).

Values of one key are alternatives, keys add up, labels add up too. Names and ids match by prefix.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from swarmlite.errors import InvalidArgument

Filters = Mapping[str, tuple[str, ...]]


def parse(text: str, known: Collection[str]) -> Filters:
    """The wanted values of each key; a key that is not `known` is refused, since ignoring it would show too much."""
    if not text:
        return {}
    try:
        raw = msgspec.json.decode(text.encode())
    except msgspec.DecodeError as error:
        raise InvalidArgument("invalid filter") from error
    if not isinstance(raw, dict):
        raise InvalidArgument("invalid filter")
    for key in raw:
        if key not in known:
            raise InvalidArgument(f"invalid filter '{key}'")
    return {key: _values(value) for key, value in raw.items()}


def boolean(text: str | None) -> bool:
    """A query's boolean: `1`, `true` and `True` say yes; absence, `0` and `false` no."""
    return (text or "").strip().lower() not in ("", "0", "no", "false", "none")


def has_prefix(filters: Filters, key: str, *values: str) -> bool:
    wanted = filters.get(key)
    return wanted is None or any(value.startswith(one) for one in wanted for value in values)


def contains(filters: Filters, key: str, *values: str) -> bool:
    wanted = filters.get(key)
    return wanted is None or any(one in value for one in wanted for value in values)


def equals(filters: Filters, key: str, *values: str) -> bool:
    wanted = filters.get(key)
    return wanted is None or any(value in wanted for value in values)


def has_labels(filters: Filters, key: str, labels: Mapping[str, str]) -> bool:
    return all(_has_label(labels, one) for one in filters.get(key, ()))


def _has_label(labels: Mapping[str, str], wanted: str) -> bool:
    name, equal, value = wanted.partition("=")
    return name in labels and (not equal or labels[name] == value)


def _values(raw: Any) -> tuple[str, ...]:
    if isinstance(raw, dict):
        return tuple(str(value) for value, on in raw.items() if on)
    if isinstance(raw, list):
        return _texts(raw)
    if isinstance(raw, str | bool | int):
        return _texts([raw])
    raise InvalidArgument("invalid filter")


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
