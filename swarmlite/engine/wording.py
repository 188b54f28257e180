"""The engine's sentences made fit for users. Pure: a table of patterns and what each means.

An engine's message carries layers of its own making (`driver failed programming external connectivity on endpoint …`);
what a user needs is the fact, on which thing, and what to do.
"""

import re

from swarmlite.engine.credentials import registry_of

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), text)
    for pattern, text in (
        (r"no space left on device", "the disk of this host is full (no space left on device)"),
        (r"disk quota exceeded", "the disk quota of this host is used up (disk quota exceeded)"),
        (
            r"bind for (?P<address>\S+):(?P<port>\d+) failed: port is already allocated",
            "port {port} is taken on this host by another container",
        ),
        (
            r"listen (?P<protocol>tcp|udp|sctp)\d? \S*:(?P<port>\d+): bind: address already in use",
            "port {port}/{protocol} is taken on this host by another program",
        ),
        (
            r"failed to bind host port for \S+?:(?P<port>\d+):\S+/(?P<protocol>tcp|udp|sctp): address already in use",
            "port {port}/{protocol} is taken on this host by another program",
        ),
        (
            r"listen (?P<protocol>tcp|udp|sctp)\d? (?P<address>\S*):\d+: bind: cannot assign requested address",
            "this host has no address {address} to publish a port on",
        ),
        (r"bind source path does not exist: (?P<path>\S+)", "bind mount: {path} does not exist on this host"),
        (r"error while creating mount source path '(?P<path>[^']+)'", "bind mount: {path} cannot be made on this host"),
        (
            r"exec: \\?\"(?P<command>[^\"\\]+)\\?\": (executable file not found|stat [^:]*: no such file)",
            "command {command!r} is not in the image",
        ),
        (r"exec: \\?\"(?P<command>[^\"\\]+)\\?\": permission denied", "command {command!r} is not executable"),
        (r"unable to find user (?P<user>\S+?):", "user {user!r} is not in the image"),
        (r"no command specified", "neither the image nor the service names a command to run"),
        (r"cannot allocate memory", "this host is out of memory (cannot allocate memory)"),
        (
            r"minimum memory limit allowed is (?P<least>\w+)",
            "the memory limit is too low: the engine's least is {least}",
        ),
        (r"no such image: (?P<image>\S+)", "image {image} is not on this host"),
        (r"no such container: (?P<name>\S+)", "container {name} is not on this host"),
        (r"no such volume: (?P<name>\S+)|get (?P<other>\S+): no such volume", "volume {name} is not on this host"),
        (r"network (?P<name>\S+) not found", "network {name} is not on this host"),
        (
            r"network (?P<name>\S+) id \S+ has active endpoints",
            "network {name} still has containers on this host (active endpoints)",
        ),
        (
            r"container name \"/?(?P<name>[^\"]+)\" is already in use by container",
            "container {name} exists already on this host",
        ),
        (r"network with name (?P<name>\S+) already exists", "network {name} exists already on this host"),
        (
            r"pool overlaps with other one on this address space|networks have overlapping ipv4",
            "the subnet overlaps with another network of this host's engine",
        ),
        (r"could not find an available.*address pool", "this host's engine has no address pool left for a network"),
        (r"unknown runtime specified (?P<runtime>\S+)", "this host's engine has no runtime {runtime}"),
        (
            r"could not select device driver .*capabilities: \[\[(?P<what>[^\]]*)",
            "this host has no device driver for {what}",
        ),
    )
)

_PULL_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), text)
    for pattern, text in (
        (r"no space left on device", "image {image}: the disk of this host is full (no space left on device)"),
        (r"toomanyrequests|rate limit", "image {image}: registry {registry} allows no more pulls now (rate limit)"),
        (
            r"pull access denied|insufficient_scope|denied: requested access",
            "image {image}: not found in registry {registry}, or it needs a login",
        ),
        (
            r"unauthorized|authentication required|no basic auth credentials|401",
            "image {image}: registry {registry} wants a login that it accepts",
        ),
        (
            r"manifest .*unknown|manifest .*not found|not found: manifest|404",
            "image {image}: not found in registry {registry}",
        ),
        (r"no matching manifest for (?P<platform>\S+)", "image {image}: not made for {platform}"),
        (
            r"server gave http response to https client",
            "registry {registry} speaks no TLS: list it under insecure-registries in the engine's daemon.json",
        ),
        (r"x509: (?P<cause>.+)", "registry {registry}: its certificate is not trusted: {cause}"),
        (
            r"(?P<cause>connection refused|no such host|i/o timeout|no route to host|network is unreachable"
            r"|client\.timeout exceeded|context deadline exceeded|server misbehaving|connection reset by peer"
            r"|tls handshake timeout|EOF)",
            "registry {registry} cannot be reached: {cause}",
        ),
        (r"invalid reference format", "image {image}: this is not an image reference"),
    )
)

_NOISE = re.compile(
    r"^(error response from daemon: |failed to create shim task: |failed to create task for container: )", re.I
)


def plain(message: str) -> str:
    """What the engine's `message` means, or the message itself without its wrapping."""
    return _apply(_RULES, message, {}) or _tidy(message)


def plain_pull(image: str, message: str) -> str:
    """The same for a failed pull of `image`."""
    known = {"image": image, "registry": registry_of(image)}
    return _apply(_PULL_RULES, message, known) or f"image {image}: {_tidy(message)}"


def exit_reason(exit_code: int | None, oom_killed: bool, error: str) -> str:
    """Why a container ended, for a task's status."""
    if error:
        return plain(error)
    if oom_killed:
        return "out of memory: the container passed its memory limit and was killed"
    return f"task: non-zero exit ({exit_code})" if exit_code else ""


def _apply(rules: tuple[tuple[re.Pattern[str], str], ...], message: str, known: dict[str, str]) -> str:
    for pattern, text in rules:
        if found := pattern.search(message):
            groups = {name: value or found.groupdict().get("other") or "" for name, value in found.groupdict().items()}
            return text.format(**{**known, **groups})
    return ""


def _tidy(message: str) -> str:
    text = " ".join(message.split())
    while found := _NOISE.match(text):
        text = text[found.end() :]
    return text or "the engine gave no reason"
