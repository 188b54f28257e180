"""New objects and new versions of old ones, as use cases write them. Pure: ids and the time come in."""

from datetime import datetime

from msgspec.structs import replace

from swarmlite.errors import FailedPrecondition, OutOfSequence
from swarmlite.model.objects import (
    Cluster,
    Endpoint,
    Network,
    NetworkExtension,
    Service,
    UpdateStatus,
    Version,
)
from swarmlite.model.spec import EndpointSpec, NetworkSpec, ServiceSpec
from swarmlite.model.view import View
from swarmlite.plan import addresses, ingress


def service(view: View, id: str, spec: ServiceSpec, now: datetime) -> Service:
    return Service(
        id=id,
        version=Version(index=view.version + 1),
        created_at=now,
        updated_at=now,
        spec=spec,
        endpoint=_endpoint(view, id, spec),
    )


def updated_service(view: View, old: Service, spec: ServiceSpec, now: datetime) -> Service:
    """A changed task template starts an update; the status of the one before goes in the same write."""
    status = None
    if spec.task_template != old.spec.task_template:
        status = UpdateStatus(state="updating", started_at=now, message="update in progress")
    return replace(
        old,
        version=Version(index=view.version + 1),
        updated_at=now,
        spec=spec,
        previous_spec=old.spec,
        endpoint=_endpoint(view, old.id, spec),
        update_status=status,
    )


def network(view: View, id: str, spec: NetworkSpec, now: datetime, beside: tuple[Network, ...] = ()) -> Network:
    """A network with its subnet and VXLAN id. `beside`: networks that the same write makes, whose subnets are taken."""
    others = (*view.networks.values(), *beside)
    taken = {other.subnet for other in others} | {
        f"{node.status.addr}/24" for node in view.nodes.values() if node.status.addr
    }
    asked = spec.ipam.config[0].subnet if spec.ipam and spec.ipam.config else ""
    if asked:
        clash = next((other for other in others if addresses.overlap(asked, other.subnet)), None)
        if clash is not None:
            raise FailedPrecondition(
                f"network {spec.name}: subnet {asked} overlaps {clash.subnet} of network {clash.name}; choose another"
            )
    subnet = asked or addresses.free_subnet(view.cluster.pools, view.cluster.subnet_size, taken)
    return Network(
        id=id,
        version=Version(index=view.version + 1),
        created_at=now,
        updated_at=now,
        spec=spec,
        subnet=subnet,
        swarmlite=NetworkExtension(vni=_free_vni(view.cluster, others)),
    )


def ingress_network(view: View, id: str, now: datetime, beside: tuple[Network, ...] = ()) -> Network:
    """The network behind published ports, which the first service that publishes any brings with it."""
    spec = NetworkSpec(name=ingress.INGRESS, internal=True, labels={"io.swarmlite.ingress": "true"})
    return network(view, id, spec, now, beside)


def check_version(current: Version, given: int) -> None:
    if given != current.index:
        raise OutOfSequence


def _free_vni(cluster: Cluster, networks: tuple[Network, ...]) -> int:
    taken = {network.swarmlite.vni for network in networks}
    vni = cluster.next_vni
    while vni in taken:
        vni += 1
    return vni


def _endpoint(view: View, id: str, spec: ServiceSpec) -> Endpoint:
    """The ports with their numbers: one that the spec leaves open keeps the number that the service has for it."""
    asked = spec.endpoint_spec or EndpointSpec()
    old = view.services.get(id)
    kept = {(port.protocol, port.target_port): port for port in old.endpoint.ports} if old else {}
    ports = tuple(
        port if port.published_port else kept.get((port.protocol, port.target_port), port) for port in asked.ports
    )
    taken = {
        (port.protocol, port.published_port)
        for other in view.services.values()
        if other.id != id
        for port in ingress.given(other)
    }
    return Endpoint(spec=asked, ports=ingress.settle(ports, taken))
