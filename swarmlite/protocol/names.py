"""The endpoint table as it travels: which addresses stand behind a name, network by network."""

import msgspec


class NetworkNames(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`names`: lower-case name -> addresses of running and healthy replicas; an empty tuple is a known name that has
    none now. `pointers`: address -> the task's own name. `ipv6`: containers have an IPv6 address there (a link-local
    one is enough), so glibc sorts every answer by the prefix shared with its own address.
    """

    id: str
    subnet: str
    names: dict[str, tuple[str, ...]] = {}
    pointers: dict[str, str] = {}
    ipv6: bool = False


class Client(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A local task that may ask: the networks it is on and its addresses there."""

    networks: tuple[str, ...]
    addresses: tuple[str, ...]


class NameTable(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All that one answering process knows. `networks` by id, `clients` by address, `upstreams`: `ip` or
    `ip:port`, none for the host's own.
    """

    version: int
    domain: str = "swarmlite.internal"
    networks: dict[str, NetworkNames] = {}
    clients: dict[str, Client] = {}
    upstreams: tuple[str, ...] = ()


class NameUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The difference to the table before: whole networks and clients, put or dropped. `upstreams`: None leaves them."""

    version: int
    networks: tuple[NetworkNames, ...] = ()
    gone_networks: tuple[str, ...] = ()
    clients: dict[str, Client] = {}
    gone_clients: tuple[str, ...] = ()
    upstreams: tuple[str, ...] | None = None


def updated(table: NameTable, update: NameUpdate) -> NameTable:
    """The table after the update; networks and clients that it does not name are shared, not copied."""
    gone, left = set(update.gone_networks), set(update.gone_clients)
    networks = {key: value for key, value in table.networks.items() if key not in gone}
    clients = {key: value for key, value in table.clients.items() if key not in left}
    return NameTable(
        version=update.version,
        domain=table.domain,
        networks=networks | {network.id: network for network in update.networks},
        clients=clients | update.clients,
        upstreams=table.upstreams if update.upstreams is None else update.upstreams,
    )
