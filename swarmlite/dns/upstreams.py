"""Which servers to ask about names that are not ours."""

import ipaddress
from collections.abc import Collection

_PORT = 53


def endpoint(upstream: str) -> tuple[str, int]:
    """`ip`, `ip:port`, `[ip6]:port` or a bare `ip6` taken apart."""
    if upstream.startswith("["):
        host, _, port = upstream[1:].partition("]")
        return host, int(port.lstrip(":") or _PORT)
    if upstream.count(":") == 1:
        host, _, port = upstream.partition(":")
        return host, int(port)
    return upstream, _PORT


def host_upstreams(resolv_conf: str, own: Collection[tuple[str, int]]) -> tuple[str, ...]:
    """The name servers of a resolv.conf, without ourselves: a query must not go in circles."""
    found = []
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        server = words[1]
        if _is_address(server) and not _is_own(server, own):
            found.append(server)
    return tuple(dict.fromkeys(found))


def _is_own(server: str, own: Collection[tuple[str, int]]) -> bool:
    everywhere = ipaddress.ip_address(server).is_loopback and ("0.0.0.0", _PORT) in own
    return everywhere or (server, _PORT) in own


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
