"""The table that this host's DNS process answers from: the manager's, less what this host knows better. Pure.

A local replica that dies leaves the answers at once, without waiting for the manager's word; while there is no manager,
one that runs again is put back under the names that it had.
"""

from collections.abc import Iterable, Mapping

import msgspec

from swarmlite.agent.board import answers
from swarmlite.agent.body import addresses
from swarmlite.agent.held import Held
from swarmlite.protocol.names import Client, NameTable, NameUpdate, NetworkNames

Address = tuple[str, str]
"""Network id, address."""


class NameBook:
    """Gathers what the manager says and what the host sees; `update` gives the difference since the last one."""

    def __init__(self) -> None:
        self._said: dict[str, NetworkNames] = {}
        self._known_as: dict[Address, frozenset[str]] = {}
        self._up: set[Address] = set()
        self._down: set[Address] = set()
        self._clients: dict[str, Client] = {}
        self._version = 0
        self._told_networks: dict[str, NetworkNames] = {}
        self._told_clients: dict[str, Client] = {}

    def put(self, names: Iterable[NetworkNames], gone: Iterable[str] = ()) -> None:
        """The manager's tables, whole networks."""
        for network in names:
            self._said[network.id] = network
            known_as: dict[Address, frozenset[str]] = {}
            for name, found in network.names.items():
                for address in found:
                    key = (network.id, address)
                    known_as[key] = known_as.get(key, frozenset()) | {name}
            self._known_as |= known_as
        for id in gone:
            self._said.pop(id, None)
            for key in [key for key in self._known_as if key[0] == id]:
                del self._known_as[key]

    def replace(self, names: Iterable[NetworkNames]) -> None:
        """The manager's tables, all of them: a network that is not among them is gone."""
        names = tuple(names)
        self.put(names, set(self._said) - {network.id for network in names})

    def look(self, tasks: Iterable[Held], sure: bool, alone: bool) -> None:
        """What this host sees of its own tasks; not `sure` before the engine has been asked for the first time."""
        self._up.clear()
        self._down.clear()
        self._clients = {}
        for held in tasks:
            if held.task is None:
                continue
            own = [(id, address) for id, address in addresses(held.task) if address]
            client = Client(networks=tuple(id for id, _ in own), addresses=tuple(address for _, address in own))
            self._clients |= {address: client for _, address in own}
            if not answers(held):
                self._down.update(own if sure else ())
            elif alone:
                self._up.update(own)

    def table(self, domain: str) -> NameTable:
        """All of it, for a process that knows nothing yet."""
        self._version += 1
        self._told_networks = {id: self._seen(network) for id, network in self._said.items()}
        self._told_clients = dict(self._clients)
        return NameTable(version=self._version, domain=domain, networks=self._told_networks, clients=self._told_clients)

    def update(self) -> NameUpdate | None:
        """What differs from the table that was told before; None for nothing."""
        networks = {id: self._seen(network) for id, network in self._said.items()}
        clients = dict(self._clients)
        changed = tuple(network for id, network in networks.items() if self._told_networks.get(id) != network)
        joined = {address: client for address, client in clients.items() if self._told_clients.get(address) != client}
        gone_networks = tuple(id for id in self._told_networks if id not in networks)
        gone_clients = tuple(address for address in self._told_clients if address not in clients)
        if not (changed or joined or gone_networks or gone_clients):
            return None
        self._version += 1
        self._told_networks, self._told_clients = networks, clients
        return NameUpdate(
            version=self._version,
            networks=changed,
            gone_networks=gone_networks,
            clients=joined,
            gone_clients=gone_clients,
        )

    def _seen(self, network: NetworkNames) -> NetworkNames:
        """The manager's table of one network, corrected by what this host sees of its own."""
        down = {address for id, address in self._down if id == network.id}
        back = {address: self._known_as.get((id, address), frozenset()) for id, address in self._up if id == network.id}
        if not down and not back:
            return network
        names = {name: _corrected(name, found, down, back) for name, found in network.names.items()}
        return msgspec.structs.replace(network, names=names)


def _corrected(
    name: str, found: tuple[str, ...], down: set[str], back: Mapping[str, frozenset[str]]
) -> tuple[str, ...]:
    stay = tuple(address for address in found if address not in down)
    return stay + tuple(sorted(address for address, names in back.items() if name in names and address not in stay))
