"""Ports published on every host: which there are, and which tasks stand behind each.

They need one more network, `ingress`, on every host while any service publishes: each publishing task has an address
there, and each host a gateway, from which it reaches the tasks of other hosts.
"""

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from swarmlite.model.objects import Network, Service
from swarmlite.model.spec import PortConfig, PublishMode, ServiceSpec
from swarmlite.model.view import View
from swarmlite.plan.actions import Settle
from swarmlite.plan.addresses import Addresses
from swarmlite.plan.endpoints import address_on, serves
from swarmlite.protocol.link import PublishedPort

INGRESS = "ingress"
FIRST_PORT, LAST_PORT = 30000, 32767
"""Docker Swarm's range for ports that nobody named."""


def wanted(spec: ServiceSpec) -> tuple[PortConfig, ...]:
    """The ports that the spec wants on every host; `published_port` 0 asks for any free one."""
    endpoint = spec.endpoint_spec
    return tuple(port for port in endpoint.ports if port.publish_mode is PublishMode.INGRESS) if endpoint else ()


def given(service: Service) -> tuple[PortConfig, ...]:
    """The same with their numbers settled."""
    return tuple(port for port in service.endpoint.ports if port.publish_mode is PublishMode.INGRESS)


def settle(ports: Sequence[PortConfig], taken: Collection[tuple[str, int]]) -> tuple[PortConfig, ...]:
    """Give a number to each port that has none. `taken`: protocol and number of those in use."""
    used = {*taken, *((port.protocol, port.published_port) for port in ports)}
    settled = []
    for port in ports:
        if port.publish_mode is PublishMode.INGRESS and not port.published_port:
            free = (number for number in range(FIRST_PORT, LAST_PORT + 1) if (port.protocol, number) not in used)
            port = replace(port, published_port=next(free, 0))
        used.add((port.protocol, port.published_port))
        settled.append(port)
    return tuple(settled)


def network_of(view: View) -> Network | None:
    return view.network_named(INGRESS)


def is_needed(view: View) -> bool:
    return any(wanted(service.spec) for service in view.services.values())


def gateways(view: View, network: Network) -> Settle | None:
    """A gateway on every node that has none, while anything is published."""
    missing = [id for id in sorted(view.nodes) if id not in network.swarmlite.gateways]
    if not missing or not is_needed(view):
        return None
    addresses = Addresses(network, view.tasks_of_network(network.id).values())
    known = {id: address for id, address in network.swarmlite.gateways.items() if id in view.nodes}
    given_now = {id: addresses.take() for id in missing}
    extension = replace(network.swarmlite, gateways=known | given_now, last_address=addresses.last)
    return Settle(network=replace(network, swarmlite=extension), why="every host publishes")


def published(view: View, network: Network, suspects: Collection[str]) -> tuple[PublishedPort, ...]:
    """All published ports, each with the addresses of the tasks that serve it now."""
    ports: list[PublishedPort] = []
    for service in view.services.values():
        configs = given(service)
        if not configs:
            continue
        tasks = view.tasks_of_service(service.id).values()
        found = [address_on(task, network.id) for task in tasks if serves(view, task, suspects)]
        addresses = sorted(address for address in found if address)
        ports += [
            PublishedPort(
                protocol=config.protocol,
                port=config.published_port,
                backends=tuple(f"{address}:{config.target_port}" for address in addresses),
            )
            for config in configs
        ]
    return tuple(sorted(ports, key=lambda port: (port.port, port.protocol)))
