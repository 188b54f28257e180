"""The endpoint table as it travels: which addresses stand behind a name, network by network."""

import msgspec


class NetworkNames(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`names`: lower-case name -> addresses of running and healthy replicas; an empty tuple is a known name that has
    none now. `pointers`: address -> the task's own name.
    """

    id: str
    subnet: str
    names: dict[str, tuple[str, ...]] = {}
    pointers: dict[str, str] = {}


class Client(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A local task that may ask: the networks it is on and its addresses there."""

    networks: tuple[str, ...]
    addresses: tuple[str, ...]


class NameTable(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All that one answering process knows. `networks` by id, `clients` by address, `upstreams`: `ip` or `ip:port`."""

    version: int
    domain: str
    networks: dict[str, NetworkNames]
    clients: dict[str, Client]
    upstreams: tuple[str, ...]


class NameUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The difference to the table before: whole networks and clients, put or dropped."""

    version: int
    networks: tuple[NetworkNames, ...] = ()
    gone_networks: tuple[str, ...] = ()
    clients: dict[str, Client] = {}
    gone_clients: tuple[str, ...] = ()
