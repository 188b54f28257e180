"""The whole agent on a fake engine under a simulated clock: what a host does, whatever happens to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from swarmlite.errors import EngineError, EngineUnavailable
from swarmlite.model.spec import ContainerExtension, ContainerSpec, PullPolicy, RestartCondition, RestartPolicy
from swarmlite.model.states import TaskState
from swarmlite.protocol.link import AssignedNetwork, Dismissed, LogEnd, LogLines, LogRequest
from tests.fakes.host import CHECK, NET, Host, a_task
from tests.sim.virtual import run

R = TaskState.RUNNING


async def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait in simulated time."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - a simulated clock jumps
            await asyncio.sleep(0.001)


@asynccontextmanager
async def a_host() -> AsyncIterator[Host]:
    host = Host()
    host.start_agent()
    try:
        yield host
    finally:
        await host.kill_agent()
        await host.engine.close()


async def running(host: Host, *tasks: str) -> None:
    await until(lambda: all(host.manager.state(id) is R for id in tasks))


# --- the main path --------------------------------------------------------------------------------------------------


def test_an_assigned_task_runs_and_says_so_state_by_state() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.engine.delay = 0.5
            host.manager.assign(a_task("t1"))
            await running(host, "t1")
            assert host.engine.running == ("shop_web.1.t1",)
            ranks = list(TaskState)
            assert host.manager.history["t1"] == sorted(host.manager.history["t1"], key=ranks.index)
            assert TaskState.PREPARING in host.manager.history["t1"]

    run(story())


def test_starting_takes_two_engine_calls_and_no_questions() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.connect_network(NET)
            host.manager.assign(a_task("t0", address="10.128.0.9"))
            await running(host, "t0")
            host.engine.calls.clear()
            host.manager.assign(a_task("t1", address="10.128.0.10"))
            await running(host, "t1")
            assert [method for method, _ in host.engine.calls] == ["create", "start"]

    run(story())


def test_shutdown_keeps_the_container_and_remove_takes_it_away() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.assign(a_task("t1"))
            await running(host, "t1")
            host.manager.desire("t1", TaskState.SHUTDOWN)
            await until(lambda: host.manager.state("t1") is TaskState.SHUTDOWN)
            assert host.engine.running == ()
            assert await host.engine.list_containers({})
            host.manager.desire("t1", TaskState.REMOVE)
            await until(
                lambda: ("remove", host.manager.reports["t1"].status.container_status.container_id) in host.engine.calls
            )  # type: ignore[union-attr]
            assert not await host.engine.list_containers({})

    run(story())


def test_a_task_no_longer_assigned_is_stopped_and_removed_within_its_grace_period() -> None:
    async def story() -> None:
        async with a_host() as host:
            spec = ContainerSpec(image="bb", args=("serve",), stop_grace_period=3_000_000_000)
            host.engine.stubborn.add("shop_web.1.t1")
            host.manager.assign(a_task("t1", spec=spec))
            await running(host, "t1")
            before = asyncio.get_running_loop().time()
            host.manager.unassign("t1")
            await until(lambda: not host.engine.running)
            assert 3.0 <= asyncio.get_running_loop().time() - before < 3.5

    run(story())


def test_a_container_that_ends_by_itself_is_complete_or_failed() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.assign(
                a_task("good", spec=ContainerSpec(image="bb", args=("sh", "-c", "exit 0"))),
                a_task("bad", spec=ContainerSpec(image="bb", args=("sh", "-c", "exit 3"))),
            )
            await until(lambda: host.manager.state("good") is TaskState.COMPLETE)
            await until(lambda: host.manager.state("bad") is TaskState.FAILED)
            assert host.manager.err("bad") == "task: non-zero exit (3)"
            assert host.manager.reports["bad"].status.container_status.exit_code == 3  # type: ignore[union-attr]

    run(story())


def test_a_killed_container_is_reported_within_milliseconds() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.assign(a_task("t1"))
            await running(host, "t1")
            before = asyncio.get_running_loop().time()
            host.engine.crash("shop_web.1.t1", 137)
            await until(lambda: host.manager.state("t1") is TaskState.FAILED)
            assert asyncio.get_running_loop().time() - before < 0.02

    run(story())


def test_out_of_memory_is_said_in_words() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.assign(a_task("t1"))
            await running(host, "t1")
            host.engine.crash("shop_web.1.t1", 137, oom_killed=True)
            await until(lambda: host.manager.state("t1") is TaskState.FAILED)
            assert host.manager.err("t1") == "task: non-zero exit (137): out of memory"

    run(story())


# --- health ---------------------------------------------------------------------------------------------------------


def test_a_task_with_a_check_runs_only_once_it_is_healthy() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.assign(a_task("t1", spec=ContainerSpec(image="bb", args=("serve",), healthcheck=CHECK)))
            await until(lambda: host.manager.state("t1") is TaskState.STARTING)
            await asyncio.sleep(60)
            assert host.manager.state("t1") is TaskState.STARTING
            host.engine.set_health("shop_web.1.t1", "healthy")
            await running(host, "t1")

    run(story())


def test_an_unhealthy_task_fails_with_its_checks_words_and_is_stopped() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.connect_network(NET, web=("10.128.0.10", "10.128.0.11"))
            host.manager.assign(
                a_task("t1", address="10.128.0.10", spec=ContainerSpec(image="bb", args=("serve",), healthcheck=CHECK))
            )
            await until(lambda: host.manager.state("t1") is TaskState.STARTING)
            host.engine.set_health("shop_web.1.t1", "healthy")
            await until(lambda: host.dns.answer("web") == ("10.128.0.10", "10.128.0.11") or False)
            host.engine.set_health("shop_web.1.t1", "unhealthy", "connection refused")
            await until(lambda: host.dns.answer("web") == ("10.128.0.11",))
            await until(lambda: host.manager.state("t1") is TaskState.FAILED)
            assert host.manager.err("t1") == "unhealthy: connection refused"
            await until(lambda: not host.engine.running)
            assert host.manager.state("t1") is TaskState.FAILED

    run(story())


# --- refusals -------------------------------------------------------------------------------------------------------


def test_a_missing_image_is_pulled_once_for_all_tasks_that_want_it() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.engine.registry.add("new:1")
            host.engine.pull_takes = 5.0
            spec = ContainerSpec(image="new:1", args=("serve",))
            host.manager.assign(*(a_task(f"t{n}", spec=spec) for n in range(4)))
            await running(host, "t0", "t1", "t2", "t3")
            assert [method for method, _ in host.engine.calls].count("pull") == 1

    run(story())


def test_what_cannot_be_prepared_is_rejected_in_words() -> None:
    async def story() -> None:
        async with a_host() as host:
            never = ContainerSpec(image="x:1", swarmlite=ContainerExtension(pull_policy=PullPolicy.NEVER))
            host.manager.assign(
                a_task("nosuch", spec=ContainerSpec(image="nosuch:1")),
                a_task("never", spec=never),
            )
            await until(lambda: host.manager.state("nosuch") is TaskState.REJECTED)
            await until(lambda: host.manager.state("never") is TaskState.REJECTED)
            assert host.manager.err("nosuch") == (
                "image nosuch:1 is not on host1, and not found in registry docker.io, or it needs a login"
            )
            assert host.manager.err("never") == "image x:1: not on host1, and its pull policy is never"
            host.engine.fail("create", EngineError("the disk of this host is full (no space left on device)"))
            host.manager.assign(a_task("full"))
            await until(lambda: host.manager.state("full") is TaskState.REJECTED)
            assert host.manager.err("full") == "the disk of host1 is full (no space left on device)"

    run(story())


def test_a_failed_start_fails_the_task_and_leaves_no_container() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.engine.fail("start", EngineError("port 8080/tcp is taken on this host by another program"))
            host.manager.assign(a_task("t1"))
            await until(lambda: host.manager.state("t1") is TaskState.FAILED)
            assert host.manager.err("t1") == "port 8080/tcp is taken on host1 by another program"
            await until(lambda: host.engine.calls[-1][0] == "remove")
            await asyncio.sleep(60)
            assert not await host.engine.list_containers({})

    run(story())


def test_an_image_that_must_be_fresh_is_pulled_though_it_is_there() -> None:
    async def story() -> None:
        async with a_host() as host:
            fresh = ContainerSpec(
                image="bb", args=("serve",), swarmlite=ContainerExtension(pull_policy=PullPolicy.ALWAYS)
            )
            host.manager.assign(a_task("t1", spec=fresh))
            await until(lambda: host.manager.state("t1") is TaskState.REJECTED)
            assert "registry" in host.manager.err("t1")
            host.engine.registry.add("bb")
            host.manager.assign(a_task("t2", spec=fresh))
            await running(host, "t2")

    run(story())


# --- the agent dies -------------------------------------------------------------------------------------------------


def test_an_agent_killed_and_started_again_restarts_nothing() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.assign(*(a_task(f"t{n}") for n in range(5)))
            await running(host, *(f"t{n}" for n in range(5)))
            containers = await host.engine.list_containers({})
            host.engine.calls.clear()
            await host.kill_agent()
            host.manager.reports.clear()
            host.start_agent()
            await asyncio.sleep(60)
            assert await host.engine.list_containers({}) == containers
            assert {method for method, _ in host.engine.calls} <= {"connect", "events", "list_containers", "networks"}

    run(story())


def test_an_agent_killed_at_any_moment_ends_with_one_container_a_task() -> None:
    async def story(moment: float) -> None:
        async with a_host() as host:
            host.engine.delay = 0.05
            host.manager.connect_network(NET)
            host.manager.assign(*(a_task(f"t{n}", address=f"10.128.0.{10 + n}") for n in range(3)))
            await asyncio.sleep(moment)
            await host.kill_agent()
            host.start_agent()
            await running(host, "t0", "t1", "t2")
            await asyncio.sleep(5)
            rows = await host.engine.list_containers({})
            assert sorted(row.name for row in rows) == ["shop_web.1.t0", "shop_web.1.t1", "shop_web.1.t2"]
            started = [subject for method, subject in host.engine.calls if method == "start"]
            assert len(host.engine.running) == 3
            assert len(started) <= 6  # a call whose answer was lost may be made once more

    for moment in range(0, 40):
        run(story(moment * 0.0125))


def test_why_a_task_failed_is_still_known_after_the_agents_restart() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.assign(
                a_task("t1", spec=ContainerSpec(image="bb", args=("serve",), healthcheck=CHECK)), a_task("t2")
            )
            await running(host, "t2")
            host.engine.set_health("shop_web.1.t1", "unhealthy", "refused")
            await until(lambda: host.manager.state("t1") is TaskState.FAILED)
            await asyncio.sleep(1)
            await host.kill_agent()
            host.manager.reports.clear()
            await host.engine.remove("shop_web.1.t2", force=True)
            host.start_agent()
            await until(lambda: host.manager.state("t2") is TaskState.FAILED)
            assert host.manager.err("t1") == "unhealthy: refused"
            assert host.manager.err("t2") == "its container was removed from outside"

    run(story())


def test_what_was_unassigned_while_the_agent_was_dead_goes_when_the_manager_says_so() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.assign(a_task("t1"), a_task("t2"))
            await running(host, "t1", "t2")
            await host.kill_agent()
            host.memory.saved = None
            host.manager.unassign("t1")
            host.manager.cut()
            host.start_agent()
            await asyncio.sleep(30)
            assert len(host.engine.running) == 2
            host.manager.up = True
            await until(lambda: host.engine.running == ("shop_web.1.t2",))

    run(story())


# --- the manager is away --------------------------------------------------------------------------------------------


def test_without_a_manager_a_crashed_container_restarts_in_place_and_is_counted() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.connect_network(NET, web=("10.128.0.10",))
            host.manager.assign(a_task("t1", address="10.128.0.10"))
            await running(host, "t1")
            host.manager.cut()
            await asyncio.sleep(5)
            host.engine.delay = 0.05
            host.engine.crash("shop_web.1.t1")
            await until(lambda: host.dns.answer("web") == ())
            await until(lambda: host.engine.running == ("shop_web.1.t1",), 1.0)
            await until(lambda: host.dns.answer("web") == ("10.128.0.10",))
            assert host.starts() == 2
            await asyncio.sleep(1)
            await host.kill_agent()
            host.start_agent()
            await asyncio.sleep(5)
            assert host.starts() == 2
            assert host.dns.answer("web") == ("10.128.0.10",)
            host.manager.up = True
            await until(lambda: host.manager.reports["t1"].ran_in_place == 1)
            assert host.manager.state("t1") is R
            await asyncio.sleep(30)
            assert host.starts() == 2

    run(story())


def test_restarts_in_place_wait_longer_each_time_and_keep_to_the_policy() -> None:
    async def story() -> None:
        async with a_host() as host:
            crashing = ContainerSpec(image="bb", args=("sh", "-c", "sleep 3; exit 1"))
            policy = RestartPolicy(condition=RestartCondition.ON_FAILURE, max_attempts=4)
            host.manager.assign(a_task("t1", spec=crashing, policy=policy))
            await running(host, "t1")
            host.manager.cut()
            await asyncio.sleep(300)
            assert host.starts() == 5
            host.manager.up = True
            await until(lambda: host.manager.reports["t1"].ran_in_place == 4)
            await until(lambda: host.manager.state("t1") is TaskState.FAILED)

    run(story())


def test_a_task_that_completed_stays_so_without_a_manager_where_its_policy_says_so() -> None:
    async def story() -> None:
        async with a_host() as host:
            spec = ContainerSpec(image="bb", args=("sh", "-c", "sleep 20; exit 0"))
            host.manager.assign(
                a_task("t1", spec=spec, policy=RestartPolicy(condition=RestartCondition.ON_FAILURE)),
                a_task("t2", spec=spec, policy=RestartPolicy(condition=RestartCondition.NONE)),
            )
            await running(host, "t1", "t2")
            host.manager.cut()
            await asyncio.sleep(60)
            assert host.starts() == 2
            host.manager.up = True
            await until(lambda: host.manager.state("t1") is TaskState.COMPLETE)

    run(story())


def test_with_a_manager_a_crashed_container_stays_ended() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.assign(a_task("t1"))
            await running(host, "t1")
            host.engine.crash("shop_web.1.t1")
            await asyncio.sleep(60)
            assert host.manager.state("t1") is TaskState.FAILED
            assert host.starts() == 1

    run(story())


def test_a_short_break_of_the_link_changes_nothing() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.assign(a_task("t1"))
            await running(host, "t1")
            host.manager.cut()
            host.engine.crash("shop_web.1.t1")
            await asyncio.sleep(0.5)
            host.manager.up = True
            await until(lambda: host.manager.state("t1") is TaskState.FAILED)
            await asyncio.sleep(20)
            assert host.starts() == 1

    run(story())


# --- the engine goes away -------------------------------------------------------------------------------------------


def test_an_engine_restarted_under_the_agent_is_found_again_and_the_truth_reported() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.assign(a_task("t1"))
            await running(host, "t1")
            host.engine.go_down()
            await until(lambda: "cannot be reached" in host.manager.engine_error)
            host.manager.assign(a_task("t2"))
            await asyncio.sleep(20)
            host.engine.restart()
            await until(lambda: host.manager.state("t1") is TaskState.FAILED)
            await running(host, "t2")
            assert host.manager.engine_error == ""

    run(story())


def test_containers_that_an_engines_restart_took_come_back_without_a_manager() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.assign(a_task("t1"))
            await running(host, "t1")
            host.manager.cut()
            await asyncio.sleep(10)
            host.engine.restart()
            await until(lambda: host.engine.running == ("shop_web.1.t1",))

    run(story())


def test_calls_that_fail_for_want_of_an_engine_are_made_again() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.engine.fail("create", EngineUnavailable("gone"), times=3)
            host.engine.fail("start", EngineUnavailable("gone"), times=3)
            host.manager.assign(a_task("t1"))
            await running(host, "t1")

    run(story())


def test_a_container_removed_by_hand_fails_its_task() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.assign(a_task("t1"))
            await running(host, "t1")
            await host.engine.remove("shop_web.1.t1", force=True)
            await until(lambda: host.manager.state("t1") is TaskState.FAILED)

    run(story())


def test_a_strangers_container_of_the_same_name_is_not_touched() -> None:
    async def story() -> None:
        async with a_host() as host:
            await host.engine.create("shop_web.1.t1", {"Image": "bb", "Labels": {}})
            host.manager.assign(a_task("t1"))
            await until(lambda: host.manager.state("t1") is TaskState.REJECTED)
            assert len(await host.engine.list_containers({})) == 1

    run(story())


# --- networks -------------------------------------------------------------------------------------------------------


def test_a_network_comes_with_its_first_task_and_goes_after_its_last_container() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.connect_network(NET)
            host.engine.stubborn.add("shop_web.1.t1")
            host.manager.assign(a_task("t1", address="10.128.0.10"))
            await running(host, "t1")
            assert host.dns.listening == {(NET.gateway, 53)}
            host.manager.unassign("t1")
            host.manager.drop_network(NET.id)
            await asyncio.sleep(5)
            assert await host.engine.networks({})
            await asyncio.sleep(10)
            assert not await host.engine.networks({})
            assert host.dns.listening == set()

    run(story())


def test_a_container_that_is_only_kept_for_its_logs_keeps_no_network() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.connect_network(NET)
            host.manager.assign(a_task("t1", address="10.128.0.10"))
            await running(host, "t1")
            host.manager.drop_network(NET.id)
            await asyncio.sleep(5)
            assert await host.engine.networks({})
            host.manager.desire("t1", TaskState.SHUTDOWN)
            await asyncio.sleep(5)
            assert not await host.engine.networks({})
            assert [container.state.live for container in await host.engine.list_containers({})] == [False]

    run(story())


def test_networks_that_an_earlier_agent_left_are_cleared_away() -> None:
    async def story() -> None:
        host = Host()
        await host.overlay.ensure(AssignedNetwork(id="old", name="old", subnet="", gateway="", vni=1))
        host.start_agent()
        await asyncio.sleep(5)
        assert not await host.engine.networks({})
        await host.kill_agent()

    run(story())


# --- the rest -------------------------------------------------------------------------------------------------------


def test_the_agent_beats_every_second() -> None:
    async def story() -> None:
        async with a_host() as host:
            await asyncio.sleep(10.5)
            assert host.manager.beats == 10

    run(story())


def test_logs_are_streamed_until_their_end() -> None:
    async def story() -> None:
        async with a_host() as host:
            host.manager.assign(a_task("t1", spec=ContainerSpec(image="bb", args=("sh", "-c", "echo hi; exit 0"))))
            await until(lambda: host.manager.state("t1") is TaskState.COMPLETE)
            host.manager.say(LogRequest(request="r1", task_id="t1"))
            host.manager.say(LogRequest(request="r2", task_id="nosuch"))
            await until(lambda: sum(isinstance(message, LogEnd) for message in host.manager.heard) == 2)
            lines = [m.lines for m in host.manager.heard if isinstance(m, LogLines)]
            assert [(stream, line) for stream, _, line in lines[0]] == [(1, b"hi")]
            ends = {m.request: m.error for m in host.manager.heard if isinstance(m, LogEnd)}
            assert ends == {"r1": "", "r2": "task nosuch has no container on this host"}

    run(story())


def test_a_dismissed_host_leaves_nothing_behind() -> None:
    async def story() -> None:
        host = Host()
        host.start_agent()
        host.manager.connect_network(NET)
        await until(lambda: host.manager.wire is not None)
        host.manager.assign(a_task("t1", address="10.128.0.10"))
        await running(host, "t1")
        host.manager.say(Dismissed(reason="removed with node rm"))
        assert await host.dismissal() == "removed with node rm"
        assert not await host.engine.list_containers({})
        assert not await host.engine.networks({})
        assert host.memory.saved is None

    run(story())
