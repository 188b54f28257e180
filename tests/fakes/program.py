"""What the fake engine's containers run: a few words of shell, enough to live, speak, wait and end."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FOREVER = float("inf")


@dataclass(frozen=True)
class Say:
    text: str
    stream: int


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Exit:
    code: int


Step = Say | Wait | Exit


def steps(body: Mapping[str, Any]) -> tuple[Step, ...]:
    """What a create body's command does. `sh -c 'echo A; sleep 1; exit 3'` and `sleep N` are understood; any other
    command runs for ever.
    """
    words = [*(body.get("Entrypoint") or ()), *(body.get("Cmd") or ())]
    if words and words[0].endswith("busybox"):
        words = words[1:]
    if len(words) == 3 and words[:2] == ["sh", "-c"]:
        return tuple(_script(words[2]))
    return tuple(_one(words))


def _script(text: str) -> Iterator[Step]:
    for statement in text.split(";"):
        yield from _one(shlex.split(statement))


def _one(words: list[str]) -> Iterator[Step]:
    match words:
        case ["echo", *rest, ">&2"]:
            yield Say(" ".join(rest), 2)
        case ["echo", *rest]:
            yield Say(" ".join(rest), 1)
        case ["sleep", seconds]:
            yield Wait(float(seconds))
        case ["exit", code]:
            yield Exit(int(code))
        case ["exec", *rest]:
            yield from _one(rest)
        case ["true"] | []:
            return
        case ["false"]:
            yield Exit(1)
        case _:
            yield Wait(FOREVER)
