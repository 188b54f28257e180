"""The syntax of placement constraints. Here, since both the Compose loader and the scheduler read it."""

import re

import msgspec

from swarmlite.errors import InvalidArgument

KEYS = (
    "node.id",
    "node.hostname",
    "node.ip",
    "node.role",
    "node.platform.os",
    "node.platform.arch",
)
LABEL_PREFIXES = ("node.labels.", "engine.labels.")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9\-_.]*")
_ALLOWED = (
    "KEY == VALUE or KEY != VALUE, where KEY is node.id, node.hostname, node.ip, node.role, node.platform.os, "
    "node.platform.arch, node.labels.NAME or engine.labels.NAME"
)


class Constraint(msgspec.Struct, frozen=True, kw_only=True):
    """`key` in lower case but for a label's name; `value` as written, compared without regard to case."""

    key: str
    equal: bool
    value: str


def parse(text: str) -> Constraint:
    """Read one constraint; raises InvalidArgument with what is allowed."""
    operator = re.search(r"==|!=", text)
    if operator is None:
        raise InvalidArgument(f"the constraint '{text}' has neither == nor !=; write {_ALLOWED}")
    key, value = text[: operator.start()].strip(), text[operator.end() :].strip()
    if not value:
        raise InvalidArgument(f"the constraint '{text}' has no value; write {_ALLOWED}")
    if value.startswith("=") or "==" in value or "!=" in value:
        raise InvalidArgument(f"the constraint '{text}' compares more than once; write one constraint for each")
    key = _known(key, text)
    if key == "node.role" and value.lower() not in ("manager", "worker"):
        raise InvalidArgument(f"the constraint '{text}' asks for the role '{value}'; a role is manager or worker")
    return Constraint(key=key, equal=operator[0] == "==", value=value)


def _known(key: str, text: str) -> str:
    lower = key.lower()
    if lower in KEYS:
        return lower
    for prefix in LABEL_PREFIXES:
        if lower.startswith(prefix) and _NAME.fullmatch(key[len(prefix) :]):
            return prefix + key[len(prefix) :]
    raise InvalidArgument(f"the constraint '{text}' has the unknown key '{key}'; write {_ALLOWED}")
