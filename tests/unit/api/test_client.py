"""The typed client against the served API: what it sends is what the server takes, and errors keep their kind."""

import pytest
from msgspec.structs import replace

from swarmlite.api.client import Client
from swarmlite.api.wire import TokenRequest
from swarmlite.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, OutOfSequence
from swarmlite.model.spec import (
    Availability,
    ContainerExtension,
    ContainerSpec,
    EndpointSpec,
    GlobalMode,
    NetworkAttachmentConfig,
    NetworkSpec,
    PortConfig,
    PublishMode,
    PullPolicy,
    ReplicatedMode,
    ServiceMode,
    ServiceSpec,
    StackSpec,
    TaskTemplate,
    UpdateConfig,
)
from tests.fakes.cluster import FakeCluster


def spec(name: str = "shop_web", network: str = "shop_default") -> ServiceSpec:
    return ServiceSpec(
        name=name,
        labels={"com.docker.stack.namespace": "shop"},
        task_template=TaskTemplate(
            container_spec=ContainerSpec(
                image="demo:1", init=False, swarmlite=ContainerExtension(pull_policy=PullPolicy.ALWAYS)
            ),
            networks=(NetworkAttachmentConfig(target=network, aliases=("web",)),),
        ),
        mode=ServiceMode(replicated=ReplicatedMode(replicas=2)),
        update_config=UpdateConfig(parallelism=0, failure_action="rollback"),
        endpoint_spec=EndpointSpec(
            ports=(PortConfig(target_port=80, published_port=8080, publish_mode=PublishMode.HOST),)
        ),
    )


def stack(*services: ServiceSpec) -> StackSpec:
    label = {"com.docker.stack.namespace": "shop"}
    return StackSpec(name="shop", services=services, networks=(NetworkSpec(name="shop_default", labels=label),))


async def test_a_stack_is_deployed_whole_and_changes_only_what_differs(client: Client, cluster: FakeCluster) -> None:
    result = await client.deploy(stack(spec(), spec("shop_db")))
    assert set(result.created) == {"shop_web", "shop_db"}
    assert result.networks_created == ("shop_default",)
    result = await client.deploy(stack(spec()))
    assert (result.unchanged, result.orphans) == (("shop_web",), ("shop_db",))
    result = await client.deploy(stack(spec()), prune=True)
    assert result.removed == ("shop_db",)
    assert [(one.name, one.services, one.networks) for one in await client.stacks()] == [("shop", 1, 1)]
    assert (await client.remove_stack("shop")).removed == ("shop_web",)
    assert await client.stacks() == []


async def test_a_spec_survives_the_way_there_and_back(client: Client, cluster: FakeCluster) -> None:
    await client.deploy(stack(spec()))
    stored = cluster.service("shop_web").spec
    seen = (await client.service("shop_web")).spec
    assert replace(seen, task_template=replace(seen.task_template, runtime="")) == stored
    await client.update_service(await client.service("shop_web"), seen)
    assert cluster.service("shop_web").spec == stored


async def test_scaling_changes_nothing_else(client: Client, cluster: FakeCluster) -> None:
    await client.deploy(stack(spec()))
    before = cluster.service("shop_web").spec
    assert (await client.scale("shop_web", 7)).spec.replicas == 7
    after = cluster.service("shop_web").spec
    assert replace(after, mode=before.mode) == before


async def test_errors_keep_their_kind(client: Client) -> None:
    await client.deploy(stack(spec()))
    service = await client.service("shop_web")
    await client.scale("shop_web", 2)
    with pytest.raises(OutOfSequence):
        await client.update_service(service, service.spec)
    with pytest.raises(NotFound, match="service x not found"):
        await client.service("x")
    with pytest.raises(AlreadyExists):
        await client.create_service(spec())
    with pytest.raises(FailedPrecondition):
        await client.create_service(replace(spec("no image"), task_template=TaskTemplate()))
    await client.create_service(replace(spec("agent"), mode=ServiceMode(global_=GlobalMode()), endpoint_spec=None))
    with pytest.raises(InvalidArgument, match="global"):
        await client.scale("agent", 2)


async def test_nodes_and_tokens(client: Client) -> None:
    node = await client.node("h2")
    await client.update_node(node, replace(node.spec, availability=Availability.PAUSE))
    assert (await client.node("h2")).spec.availability is Availability.PAUSE
    made = await client.create_token(TokenRequest(uses=1, expires_in=60))
    assert made.text.startswith("SWMLT-1-digest-")
    assert [one.id for one in await client.tokens()] == [made.token.id]
    await client.revoke_token(made.token.id)
    assert await client.tokens() == []


async def test_networks_show_who_is_on_them(client: Client, cluster: FakeCluster) -> None:
    await client.deploy(stack(spec()))
    tasks = await cluster.run("shop_web")
    network = await client.network("shop_default")
    assert network.subnet == "10.128.0.0/24"
    assert [one["Name"] for one in network.containers.values()] == [task.name for task in tasks]


async def test_status_says_what_this_host_is(client: Client) -> None:
    status = await client.status()
    assert (status.role, status.node_name, status.nodes_ready) == ("manager", "h1", 3)
