"""The short forms of ports and volumes: `127.0.0.1:8080-8081:80-81/udp`, `data:/var/lib/x:ro`."""

from ipaddress import ip_address
from typing import NamedTuple

from swarmlite.compose.tree import Json

_PROPAGATIONS = ("rprivate", "private", "rshared", "shared", "rslave", "slave")
_PORTS = "write [address:][published:]target[/tcp|udp|sctp], such as 8080:80"


class Range(NamedTuple):
    first: int
    last: int


def ports(text: str) -> list[dict[str, Json]]:
    """The long forms that a short form stands for, one for each target port; ValueError says what is allowed."""
    *before, target = text.split(":")
    published = before.pop() if before else ""
    address = ":".join(before)
    target, _, protocol = target.partition("/")
    protocol = protocol.partition("/")[0].lower() or "tcp"
    if protocol not in ("tcp", "udp", "sctp"):
        raise ValueError(f"'{text}' has the unknown protocol '{protocol}'; {_PORTS}")
    inside = _range(target, text)
    outside = _range(published, text) if published else None
    if outside and _width(inside) != _width(outside) and _width(inside) > 0:
        counts = f"{_width(outside) + 1} ports for {_width(inside) + 1}"
        raise ValueError(f"'{text}' publishes {counts}; write as many of both")
    common: dict[str, Json] = {"mode": "ingress", "protocol": protocol}
    if address:
        common["host_ip"] = _address(address, text)
    found = [
        {**common, "target": inside.first + i, **_published(outside, i, _width(inside) == 0)}
        for i in range(_width(inside) + 1)
    ]
    return sorted(found, key=lambda port: str(port["target"]))


def _published(outside: Range | None, offset: int, one_target: bool) -> dict[str, Json]:
    if outside is None:
        return {}
    dynamic = one_target and outside.first != outside.last
    first = str(outside.first + offset)
    return {"published": f"{first}-{outside.last}" if dynamic else first}


def _width(ports: Range) -> int:
    return ports.last - ports.first


def _range(text: str, whole: str) -> Range:
    first, dash, last = text.partition("-")
    numbers = [first, last if dash else first]
    if not all(n.isascii() and n.isdigit() and int(n) < 65536 for n in numbers) or int(numbers[0]) > int(numbers[1]):
        raise ValueError(f"'{text}' in '{whole}' is no port; {_PORTS}")
    return Range(int(numbers[0]), int(numbers[1]))


def _address(text: str, whole: str) -> str:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        ip_address(bare)
    except ValueError:
        raise ValueError(f"'{text}' in '{whole}' is no IP address; {_PORTS}") from None
    return bare


def volume(text: str) -> dict[str, Json]:
    """The long form of `[source:]target[:options]`; ValueError says what is allowed."""
    if not text:
        raise ValueError("the volume is empty; write source:target or a long form")
    if len(text) <= 2:
        return {"type": "volume", "target": text}
    parts = _split(text)
    if "" in parts:
        raise ValueError(f"'{text}' has nothing between two colons; write source:target[:ro]")
    if len(parts) > 3:
        raise ValueError(f"'{text}' has too many colons; write source:target[:ro]")
    long: dict[str, Json] = {"source": parts[0], "target": parts[1]} if len(parts) > 1 else {"target": parts[0]}
    bind: dict[str, Json] = {}
    inner: dict[str, Json] = {}
    for option in parts[2].split(",") if len(parts) > 2 else ():
        if option in ("ro", "rw"):
            long["read_only"] = option == "ro"
        elif option == "nocopy":
            inner["nocopy"] = True
        elif option in _PROPAGATIONS:
            bind["propagation"] = option
        elif option in ("z", "Z"):
            bind["selinux"] = option
    if is_path(str(long.get("source", ""))):
        beside: dict[str, Json] = {"volume": inner} if inner else {}
        return {"type": "bind", **long, "bind": {**bind, "create_host_path": True}, **beside}
    beside = {"bind": bind} if bind else {}
    return {"type": "volume", **long, "volume": inner, **beside}


def unknown_options(text: str) -> list[str]:
    """Options of a short form that no one reads."""
    parts = _split(text)
    known = ("ro", "rw", "nocopy", "z", "Z", "cached", "delegated", "consistent", *_PROPAGATIONS)
    return [option for option in parts[2].split(",") if option not in known] if len(parts) == 3 else []


def is_path(source: str) -> bool:
    """Whether a volume's source is a path on the host rather than a volume's name."""
    return source[:1] in tuple("./~") or source.startswith("\\\\") or (source[:1].isalpha() and source[1:2] == ":")


def _split(text: str) -> list[str]:
    """At colons, but for those of a Windows drive and of a `${…}` that is not filled in."""
    parts = [""]
    depth = 0
    for index, char in enumerate(text):
        if text.startswith("${", index):
            depth += 1
        elif char == "}" and depth:
            depth -= 1
        if char == ":" and not depth and not (len(parts[-1]) == 1 and parts[-1].isalpha()):
            parts.append("")
        else:
            parts[-1] += char
    return parts
