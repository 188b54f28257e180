"""What a deployment changes, and what it leaves alone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

import pytest
from msgspec.structs import replace

from swarmlite.control.stacks import Deployment, DeployResult
from swarmlite.errors import FailedPrecondition, InvalidArgument, NotFound
from swarmlite.model.objects import Cluster, Service
from swarmlite.model.spec import (
    IPAM,
    ContainerSpec,
    EndpointSpec,
    GlobalMode,
    IPAMConfig,
    NetworkAttachmentConfig,
    NetworkSpec,
    PortConfig,
    ServiceMode,
    ServiceSpec,
    StackSpec,
    TaskTemplate,
)
from swarmlite.model.view import Change, View
from swarmlite.plan.endpoints import STACK_LABEL

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OURS = {STACK_LABEL: "shop"}
DEFAULT = NetworkSpec(name="shop_default", labels=OURS)


def service(name: str, image: str = "busybox", port: int = 0) -> ServiceSpec:
    ports = (PortConfig(target_port=80, published_port=port),) if port else ()
    return ServiceSpec(
        name=name,
        labels=OURS,
        task_template=TaskTemplate(
            container_spec=ContainerSpec(image=image), networks=(NetworkAttachmentConfig(target="shop_default"),)
        ),
        endpoint_spec=EndpointSpec(ports=ports) if ports else None,
    )


def stack(*services: ServiceSpec, networks: Sequence[NetworkSpec] = (DEFAULT,)) -> StackSpec:
    return StackSpec(name="shop", services=services, networks=tuple(networks))


class World:
    def __init__(self) -> None:
        self.view = View([Cluster(id="c", created_at=NOW, updated_at=NOW)], 1)
        self._ids = count(1)

    def deploy(self, wish: StackSpec, *, prune: bool = False) -> tuple[DeployResult, list[Change]]:
        deployment = Deployment(self.view, wish, NOW, lambda: f"id{next(self._ids)}")
        result = deployment.decide(prune)
        self.view.apply(deployment.changes, self.view.version + 1)
        return result, deployment.changes

    def service(self, name: str) -> Service:
        found = self.view.service_named(name)
        assert found is not None
        return found


def test_a_stack_comes_with_its_network_and_services_name_it_by_id() -> None:
    world = World()
    result, _ = world.deploy(stack(service("shop_web"), service("shop_db")))
    assert (result.created, result.networks_created) == (("shop_web", "shop_db"), ("shop_default",))
    network = world.view.network_named("shop_default")
    assert network is not None
    assert world.service("shop_web").spec.task_template.networks[0].target == network.id


def test_the_same_again_writes_nothing() -> None:
    world = World()
    world.deploy(stack(service("shop_web")))
    result, changes = world.deploy(stack(service("shop_web")))
    assert (result.unchanged, changes) == (("shop_web",), [])


def test_only_what_differs_is_updated_and_can_be_rolled_back() -> None:
    world = World()
    world.deploy(stack(service("shop_web"), service("shop_db")))
    result, changes = world.deploy(stack(service("shop_web", image="other"), service("shop_db")))
    assert (result.updated, result.unchanged, len(changes)) == (("shop_web",), ("shop_db",), 1)
    web = world.service("shop_web")
    assert web.previous_spec is not None
    assert web.previous_spec.task_template.container_spec.image == "busybox"
    assert web.update_status is not None
    assert web.update_status.state == "updating"


def test_services_that_the_file_no_longer_names_stay_unless_pruned() -> None:
    world = World()
    world.deploy(stack(service("shop_web"), service("shop_db")))
    result, _ = world.deploy(stack(service("shop_web")))
    assert (result.orphans, result.removed) == (("shop_db",), ())
    result, _ = world.deploy(stack(service("shop_web")), prune=True)
    assert (result.orphans, result.removed) == ((), ("shop_db",))
    assert world.view.service_named("shop_db") is None


def test_a_changed_mode_is_a_new_service() -> None:
    world = World()
    world.deploy(stack(service("shop_web")))
    before = world.service("shop_web").id
    world.deploy(stack(replace(service("shop_web"), mode=ServiceMode(global_=GlobalMode()))))
    assert world.service("shop_web").id != before


def test_a_network_that_is_leaving_is_taken_back() -> None:
    world = World()
    world.deploy(stack(service("shop_web")))
    network = world.view.network_named("shop_default")
    assert network is not None
    world.deploy(stack(networks=()), prune=True)
    assert world.view.network_named("shop_default") is None
    result, _ = world.deploy(stack(service("shop_web")))
    assert result.networks_created == ()
    back = world.view.network_named("shop_default")
    assert back is not None
    assert back.id == network.id


def test_a_network_cannot_change_under_its_containers() -> None:
    world = World()
    world.deploy(stack(service("shop_web")))
    with pytest.raises(FailedPrecondition, match="shop_default exists with other settings"):
        world.deploy(stack(service("shop_web"), networks=(replace(DEFAULT, internal=True),)))


def test_two_networks_never_share_an_address() -> None:
    world = World()
    front = NetworkSpec(name="shop_front", ipam=IPAM(config=(IPAMConfig(subnet="10.9.0.0/16"),)))
    back = NetworkSpec(name="shop_back", ipam=IPAM(config=(IPAMConfig(subnet="10.9.3.0/24"),)))
    with pytest.raises(FailedPrecondition, match=r"10\.9\.3\.0/24 overlaps 10\.9\.0\.0/16 of network shop_front"):
        world.deploy(stack(networks=(front, back)))


def test_an_external_network_must_exist() -> None:
    with pytest.raises(NotFound, match="external network outside not found"):
        World().deploy(StackSpec(name="shop", external_networks=("outside",)))


def test_the_first_published_port_brings_the_ingress_network() -> None:
    world = World()
    world.deploy(stack(service("shop_web")))
    assert world.view.network_named("ingress") is None
    world.deploy(stack(service("shop_web", port=8080)))
    ingress = world.view.network_named("ingress")
    assert ingress is not None
    assert ingress.spec.internal


def test_a_port_can_be_published_by_one_service_only() -> None:
    world = World()
    world.deploy(stack(service("shop_web", port=8080)))
    with pytest.raises(FailedPrecondition, match="port '8080' is already in use by service 'shop_web'"):
        world.deploy(stack(service("shop_web", port=8080), service("shop_api", port=8080)))


def test_a_faulty_service_changes_nothing() -> None:
    world = World()
    with pytest.raises(InvalidArgument, match="shop_db: no image"):
        world.deploy(stack(service("shop_web"), service("shop_db", image="")))
    assert not world.view.services
