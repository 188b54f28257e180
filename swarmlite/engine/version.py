"""Which API version to speak with an engine. Pure."""

from swarmlite.errors import FailedPrecondition

Version = tuple[int, int]

NEWEST = (1, 47)
"""The newest version whose answers this program has been tried with; engines up to 29 (least 1.44) speak it."""


def parse(text: str) -> Version:
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def choose(server: str, newest: str, least: str, ours: Version) -> str:
    """The version to speak with an engine `server` that speaks `least` to `newest`; `ours` is the least of ours."""
    if parse(newest) < ours:
        raise FailedPrecondition(
            f"Docker Engine {server} is too old: it speaks API {newest}, swarmlite needs {ours[0]}.{ours[1]} "
            "(Docker Engine 19.03) or newer. Upgrade the engine on this host"
        )
    if least and parse(least) > NEWEST:
        raise FailedPrecondition(
            f"Docker Engine {server} is too new: it speaks API {least} and newer, this swarmlite up to "
            f"{NEWEST[0]}.{NEWEST[1]}. Upgrade swarmlite on this host"
        )
    chosen = min(parse(newest), NEWEST)
    return f"{chosen[0]}.{chosen[1]}"
