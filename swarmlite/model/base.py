"""What all records share: frozen, tuples for lists, and the Engine API's spelling in JSON.

Each class says `frozen=True, kw_only=True` again: msgspec does not inherit the second, type checkers not the first.
"""

from typing import Any

import msgspec


class Record(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True):
    """A value whose JSON is the Engine API's. Unknown fields are ignored: clients and older records may have more."""


class Extension(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True, forbid_unknown_fields=True):
    """What the Engine API has no word for. It stands under the one key `Swarmlite`; unknown fields are refused."""


def named(name: str, default: Any = msgspec.UNSET) -> Any:
    """A field whose JSON name is not the pascal case of its Python name (`NanoCPUs`)."""
    if default is msgspec.UNSET:
        return msgspec.field(name=name)
    return msgspec.field(name=name, default=default)
