"""The whole control plane under a simulated clock: what users are promised when things come, go and break."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from swarmlite.model.objects import NodeState, Task
from swarmlite.model.spec import (
    Availability,
    ContainerSpec,
    GlobalMode,
    Placement,
    ReplicatedMode,
    RestartCondition,
    RestartPolicy,
    ServiceMode,
    ServiceSpec,
    TaskTemplate,
)
from swarmlite.model.states import TaskState, is_terminal
from swarmlite.protocol.link import Describe
from tests.sim.cluster import SimCluster, started
from tests.sim.virtual import run

Story = Callable[[SimCluster], Awaitable[None]]


def service(name: str = "web", replicas: int = 3, **template: object) -> ServiceSpec:
    return ServiceSpec(
        name=name,
        task_template=TaskTemplate(container_spec=ContainerSpec(image="busybox"), **template),  # type: ignore[arg-type]
        mode=ServiceMode(replicated=ReplicatedMode(replicas=replicas)),
    )


def play(story: Story, hosts: int = 3, seed: int = 0) -> None:
    async def main() -> None:
        async with started(hosts, seed) as cluster:
            await story(cluster)

    run(main())


async def up(cluster: SimCluster, name: str = "web", replicas: int = 3, timeout: float = 10) -> float:
    def whole() -> bool:
        slots = cluster.slots(name)
        return len(slots) == replicas and set(slots.values()) <= {1}

    return await cluster.until(whole, timeout, f"{replicas} replicas of {name}, one a slot")


def test_replicas_run_spread_over_the_hosts() -> None:
    async def story(cluster: SimCluster) -> None:
        await cluster.control.create_service(service(replicas=9))
        await up(cluster, replicas=9)
        assert sorted(len(host.running) for host in cluster.hosts) == [3, 3, 3]

    play(story)


def test_a_dead_container_is_replaced_at_once_in_its_slot() -> None:
    async def story(cluster: SimCluster) -> None:
        await cluster.control.create_service(service())
        await up(cluster)
        await asyncio.sleep(60)
        victim = cluster.running("web")[0]
        host = next(host for host in cluster.hosts if victim.id in host.running)
        host.crash(victim.id)
        assert await up(cluster) < 1.0
        assert victim.slot in {task.slot for task in cluster.running("web")}

    play(story)


def test_a_crash_loop_slows_down() -> None:
    async def story(cluster: SimCluster) -> None:
        cluster.failure = lambda task: "task: non-zero exit (1)"
        await cluster.control.create_service(service(replicas=1))
        await asyncio.sleep(120)
        restarts = max(task.swarmlite.restarts for task in cluster.mirror.view.tasks.values())
        assert 8 <= restarts <= 14

    play(story)


def test_max_attempts_ends_the_restarts() -> None:
    async def story(cluster: SimCluster) -> None:
        cluster.failure = lambda task: "task: non-zero exit (1)"
        policy = RestartPolicy(condition=RestartCondition.ANY, max_attempts=3)
        await cluster.control.create_service(service(replicas=1, restart_policy=policy))
        await asyncio.sleep(60)
        assert len(cluster.mirror.view.tasks) == 4

    play(story)


def test_a_lost_host_is_out_of_dns_in_three_seconds_and_replaced_in_six() -> None:
    async def story(cluster: SimCluster) -> None:
        await cluster.control.create_service(service(replicas=6))
        await up(cluster, replicas=6)
        lost = cluster.hosts[1]
        lost.power_off()
        assert await up(cluster, replicas=6) <= 6.0
        assert cluster.mirror.view.nodes[lost.id].status.state is NodeState.DOWN
        lost.power_on()
        await cluster.until(lambda: cluster.mirror.view.nodes[lost.id].status.state is NodeState.READY, 5, "back")
        await asyncio.sleep(5)
        await up(cluster, replicas=6)

    play(story)


def test_a_healed_cut_leaves_nothing_running_twice() -> None:
    async def story(cluster: SimCluster) -> None:
        await cluster.control.create_service(service(replicas=6))
        await up(cluster, replicas=6)
        cut = cluster.hosts[0]
        cut.cut()
        await cluster.until(lambda: len(cluster.running("web")) > 6, 10, "replacements beside the cut host's")
        cut.heal()
        assert await up(cluster, replicas=6, timeout=5) < 3

    play(story)


def test_a_host_without_an_engine_gets_nothing_new_and_soon_keeps_nothing() -> None:
    async def story(cluster: SimCluster) -> None:
        await cluster.control.create_service(service(replicas=6))
        await up(cluster, replicas=6)
        host = cluster.hosts[0]
        description = cluster.mirror.view.nodes[host.id].description
        assert host.session is not None
        await host.session.receive(Describe(description=description, engine_error="connection refused"))
        await cluster.control.scale("web", 8)
        await up(cluster, replicas=8, timeout=5)
        assert len(host.running) == 2
        await asyncio.sleep(15)
        node = cluster.mirror.view.nodes[host.id]
        assert (node.status.state, node.engine_error) == (NodeState.DOWN, "connection refused")
        await host.session.receive(Describe(description=description))
        await cluster.until(lambda: cluster.mirror.view.nodes[host.id].status.state is NodeState.READY, 2, "ready")
        await up(cluster, replicas=8)

    play(story)


def test_a_machine_that_lives_is_given_a_minute_to_bring_its_agent_back() -> None:
    async def story(cluster: SimCluster) -> None:
        await cluster.control.create_service(service(replicas=6))
        await up(cluster, replicas=6)
        before = {task.id for task in cluster.running("web")}
        host = cluster.hosts[0]
        host.lose_agent()
        await asyncio.sleep(45)
        host.has_agent = True
        await asyncio.sleep(20)
        assert {task.id for task in cluster.running("web")} == before
        host.lose_agent()
        await asyncio.sleep(75)
        assert cluster.mirror.view.nodes[host.id].status.state is NodeState.DOWN

    play(story)


def test_a_machine_that_hung_up_and_went_off_is_replaced_after_ten_seconds() -> None:
    async def story(cluster: SimCluster) -> None:
        await cluster.control.create_service(service(replicas=6))
        await up(cluster, replicas=6)
        host = cluster.hosts[0]
        host.lose_agent()
        host.power_off()
        assert 9 < await up(cluster, replicas=6, timeout=15) < 13

    play(story)


def test_a_short_cut_replaces_nothing() -> None:
    async def story(cluster: SimCluster) -> None:
        await cluster.control.create_service(service(replicas=6))
        await up(cluster, replicas=6)
        before = {task.id for task in cluster.running("web")}
        cluster.hosts[0].cut()
        await asyncio.sleep(2.5)
        cluster.hosts[0].heal()
        await asyncio.sleep(20)
        assert {task.id for task in cluster.running("web")} == before

    play(story)


def test_scaling_up_and_down_keeps_the_balance() -> None:
    async def story(cluster: SimCluster) -> None:
        await cluster.control.create_service(service(replicas=3))
        await up(cluster, replicas=3)
        await cluster.control.scale("web", 12)
        await up(cluster, replicas=12)
        await cluster.control.scale("web", 6)
        await up(cluster, replicas=6)
        assert sorted(len(host.running) for host in cluster.hosts) == [2, 2, 2]
        await cluster.until(lambda: len(cluster.mirror.view.tasks) == 6, 5, "surplus tasks forgotten")

    play(story)


def test_a_new_spec_replaces_one_task_at_a_time() -> None:
    async def story(cluster: SimCluster) -> None:
        created = await cluster.control.create_service(service(replicas=4))
        await up(cluster, replicas=4)
        changed = replace(
            created.spec, task_template=TaskTemplate(container_spec=ContainerSpec(image="busybox", env=("A=1",)))
        )
        updated = await cluster.control.update_service("web", created.version.index, changed)
        fewest = 4

        def done() -> bool:
            nonlocal fewest
            running = cluster.running("web")
            fewest = min(fewest, len(running))
            return len(running) == 4 and all(task.spec.container_spec.env for task in running)

        await cluster.until(done, 20, "all tasks run the new spec")
        assert fewest == 3
        await asyncio.sleep(1)
        status = cluster.mirror.view.services[updated.id].update_status
        assert status is not None
        assert status.state == "completed"

    play(story)


def test_a_removed_service_leaves_no_task() -> None:
    async def story(cluster: SimCluster) -> None:
        await cluster.control.create_service(service())
        await up(cluster)
        await cluster.control.remove_service("web")
        await cluster.until(lambda: not cluster.running("web"), 5, "all stopped")
        await cluster.until(lambda: not cluster.mirror.view.tasks, 5, "all forgotten")

    play(story)


def test_a_global_service_runs_once_on_every_host_and_on_those_that_come() -> None:
    async def story(cluster: SimCluster) -> None:
        spec = replace(service("agent"), mode=ServiceMode(global_=GlobalMode()))
        await cluster.control.create_service(spec)
        await up(cluster, "agent", 3)
        async with asyncio.TaskGroup() as group:
            host = await cluster.add_host(group)
            await up(cluster, "agent", 4)
            host.cancel()

    play(story)


def test_a_drained_host_is_emptied_and_refilled_only_by_new_work() -> None:
    async def story(cluster: SimCluster) -> None:
        await cluster.control.create_service(service(replicas=6))
        await up(cluster, replicas=6)
        node = cluster.mirror.view.nodes[cluster.hosts[2].id]
        await cluster.control.update_node(
            node.id, node.version.index, replace(node.spec, availability=Availability.DRAIN)
        )
        await cluster.until(lambda: not cluster.hosts[2].running, 5, "drained")
        await up(cluster, replicas=6)

    play(story)


def test_a_task_that_fits_nowhere_says_why_and_is_placed_when_something_changes() -> None:
    async def story(cluster: SimCluster) -> None:
        placement = Placement(constraints=("node.labels.zone == a",))
        await cluster.control.create_service(service(replicas=1, placement=placement))
        await asyncio.sleep(2)
        task = next(iter(cluster.mirror.view.tasks.values()))
        assert task.status.state is TaskState.PENDING
        assert "no suitable node" in task.status.err
        node = cluster.mirror.view.nodes[cluster.hosts[1].id]
        await cluster.control.update_node(node.id, node.version.index, replace(node.spec, labels={"zone": "a"}))
        assert await up(cluster, replicas=1) < 2

    play(story)


@pytest.mark.parametrize("seed", range(60))
def test_after_any_storm_every_slot_runs_exactly_once(seed: int) -> None:
    """Faults at random for a minute; when they end, the cluster comes to rest whole."""

    async def story(cluster: SimCluster) -> None:
        await cluster.control.create_service(service("web", 7))
        await cluster.control.create_service(service("db", 2))
        chance = cluster.chance
        for _ in range(60):
            await asyncio.sleep(chance.uniform(0, 2))
            host = chance.choice(cluster.hosts)
            fault = chance.choice((host.power_off, host.power_on, host.cut, host.heal, None))
            if fault is not None:
                fault()
            elif host.running:
                host.crash(chance.choice(sorted(host.running)))
        for host in cluster.hosts:
            host.power_on()
            host.heal()
        await asyncio.sleep(90)
        await up(cluster, "web", 7)
        await up(cluster, "db", 2)
        _check_books(cluster)

    play(story, seed=seed)


def _check_books(cluster: SimCluster) -> None:
    """The books say what is: one wanted live task a slot, and each really runs where they say."""
    live: list[Task] = [
        task
        for task in cluster.mirror.view.tasks.values()
        if task.desired_state is TaskState.RUNNING and not is_terminal(task.status.state)
    ]
    assert len({(task.service_id, task.slot) for task in live}) == len(live) == 9
    for task in live:
        assert any(host.id == task.node_id and task.id in host.running for host in cluster.hosts)
