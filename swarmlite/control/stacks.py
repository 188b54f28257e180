"""What a deployment changes: the difference between a stack's wish and what the cluster has. Pure."""

from collections.abc import Callable
from datetime import datetime

import msgspec
from msgspec.structs import replace

from swarmlite.control import make, resolve, validate
from swarmlite.errors import FailedPrecondition, NotFound
from swarmlite.model.objects import Network, Service
from swarmlite.model.spec import NetworkSpec, ServiceSpec, StackSpec
from swarmlite.model.view import Change, Delete, Put, View
from swarmlite.plan import ingress
from swarmlite.plan.endpoints import STACK_LABEL


class DeployResult(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Names of services. `orphans`: of this stack, no longer named by its file, and left alone."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    networks_created: tuple[str, ...] = ()


class Deployment:
    """One deployment being decided; `changes` is what to write, `result` what to tell."""

    def __init__(self, view: View, stack: StackSpec, now: datetime, new_id: Callable[[], str]) -> None:
        self._view = view
        self._stack = stack
        self._now = now
        self._new_id = new_id
        self._networks: dict[str, Network] = {}
        self.changes: list[Change] = []
        self._created: list[str] = []
        self._updated: list[str] = []
        self._unchanged: list[str] = []

    def decide(self, prune: bool) -> DeployResult:
        for name in self._stack.external_networks:
            if self._view.network_named(name) is None:
                raise NotFound(f"external network {name} not found; create it first, or let this file define it")
        created = [spec.name for spec in self._stack.networks if self._network(spec)]
        for spec in self._stack.services:
            self._service(spec)
        self._ingress()
        orphans = self._orphans()
        if prune:
            self.changes += [Delete("service", service.id) for service in orphans]
            self.changes += [Put(retired(network)) for network in self._unnamed_networks()]
        names = tuple(service.name for service in orphans)
        return DeployResult(
            created=tuple(self._created),
            updated=tuple(self._updated),
            unchanged=tuple(self._unchanged),
            removed=names if prune else (),
            orphans=() if prune else names,
            networks_created=tuple(created),
        )

    def _network(self, spec: NetworkSpec) -> bool:
        """Whether the network is new. One on its way out is taken back if it is the same."""
        validate.network_spec(spec)
        named = [network for network in self._view.networks.values() if network.name == spec.name]
        if not named:
            network = make.network(self._view, self._new_id(), spec, self._now, tuple(self._networks.values()))
            self._networks[spec.name] = network
            self.changes.append(Put(network))
            return True
        network = named[0]
        if fabric(network.spec) != fabric(spec):
            raise FailedPrecondition(
                f"network {spec.name} exists with other settings (driver, internal, options or subnet), and a network "
                f"cannot be changed under its containers; remove it first (`swarmlite stack rm {self._stack.name}`)"
            )
        revived = taken_back(network, spec)
        if revived != network:
            self.changes.append(Put(revived))
        self._networks[spec.name] = revived
        return False

    def _ingress(self) -> None:
        if any(ingress.wanted(spec) for spec in self._stack.services) and ingress.network_of(self._view) is None:
            beside = tuple(self._networks.values())
            self.changes.append(Put(make.ingress_network(self._view, self._new_id(), self._now, beside)))

    def _service(self, asked: ServiceSpec) -> None:
        validate.service_spec(asked)
        spec = resolve.networks(self._view, asked, self._networks)
        old = self._view.service_named(spec.name)
        validate.free_ports(self._view, spec, old.id if old else "")
        if old is None:
            self.changes.append(Put(make.service(self._view, self._new_id(), spec, self._now)))
            self._created.append(spec.name)
        elif old.spec == spec:
            self._unchanged.append(spec.name)
        elif old.spec.is_global != spec.is_global:
            self.changes.append(Delete("service", old.id))
            self.changes.append(Put(make.service(self._view, self._new_id(), spec, self._now)))
            self._updated.append(spec.name)
        else:
            self.changes.append(Put(make.updated_service(self._view, old, spec, self._now)))
            self._updated.append(spec.name)

    def _orphans(self) -> list[Service]:
        named = {spec.name for spec in self._stack.services}
        return [service for service in services(self._view, self._stack.name) if service.name not in named]

    def _unnamed_networks(self) -> list[Network]:
        named = {spec.name for spec in self._stack.networks}
        return [network for network in networks(self._view, self._stack.name) if network.name not in named]


def services(view: View, stack: str) -> list[Service]:
    return [service for service in view.services.values() if service.spec.labels.get(STACK_LABEL) == stack]


def networks(view: View, stack: str) -> list[Network]:
    return [
        network
        for network in view.networks.values()
        if network.spec.labels.get(STACK_LABEL) == stack and not network.swarmlite.pending_delete
    ]


def retired(network: Network) -> Network:
    """A network that was removed gives its name up and goes when its last task has gone."""
    return replace(network, swarmlite=replace(network.swarmlite, pending_delete=True))


def taken_back(network: Network, spec: NetworkSpec) -> Network:
    """A network that is wanted (again), with the labels that it is wanted with."""
    return replace(network, spec=spec, swarmlite=replace(network.swarmlite, pending_delete=False))


def fabric(spec: NetworkSpec) -> NetworkSpec:
    """What of a network cannot change while it stands: all but its labels."""
    return replace(spec, labels={})
