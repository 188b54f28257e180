"""The agent's judgement: from anything that may be assigned and seen, its steps lead to what is wanted, and end."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from swarmlite.agent.decide import Examine, Forget, Prepare, Remove, Start, Step, Stop, Wait, decide
from swarmlite.agent.held import (
    Again,
    Checked,
    Created,
    Ended,
    Examined,
    Held,
    Listed,
    OutOfMemory,
    Said,
    Seen,
    Started,
    Starting,
    Vanished,
    learn,
)
from swarmlite.engine.base import ContainerState
from swarmlite.model.spec import RestartCondition, RestartPolicy
from swarmlite.model.states import TaskState, is_terminal
from tests.fakes.host import START, a_task

NOW = START + timedelta(hours=1)
C = ContainerState
DESIRED = (TaskState.READY, TaskState.RUNNING, TaskState.SHUTDOWN, TaskState.REMOVE)

seen = st.builds(
    Seen,
    id=st.just("c1"),
    state=st.sampled_from(ContainerState),
    exit_code=st.sampled_from((None, 0, 1, 137)),
    health=st.sampled_from(("", "starting", "healthy", "unhealthy")),
    oom=st.booleans(),
    examined=st.booleans(),
    ended_at=st.sampled_from((None, NOW)),
)
policies = st.sampled_from((None, *(RestartPolicy(condition=condition) for condition in RestartCondition)))
assigned = st.one_of(
    st.none(),
    st.builds(lambda desired, policy: a_task("t1", desired=desired, policy=policy), st.sampled_from(DESIRED), policies),
)
states = st.sampled_from([state for state in TaskState if state not in (TaskState.NEW, TaskState.PENDING)])
held = st.builds(
    lambda task, state, seen: Held(id="t1", task=task, status=replace(a_task("t1").status, state=state), seen=seen),
    assigned,
    states,
    st.one_of(st.none(), seen),
)


class World:
    """One engine that does as it is told, and how often a container was made."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self.steps: list[Step] = []
        self.now = NOW

    def turn(self, alone: bool) -> bool:
        """One decision carried out; whether there was anything to do."""
        step = decide(self.held, self.now, alone)
        if isinstance(step, Wait | Forget):
            return False
        self.steps.append(step)
        seen = self.held.seen
        match step:
            case Said():
                self.tell(step)
            case Prepare(again):
                assert seen is None, "a second container for one task"
                self.tell(Again(TaskState.PREPARING, "") if again else Said(TaskState.PREPARING, ""))
                self.tell(Created("c2"))
            case Start(container, again):
                assert seen is not None
                assert not seen.state.live, "started twice"
                self.tell(Again(TaskState.STARTING, "") if again else Said(TaskState.STARTING, ""))
                self.tell(Starting(container))
                self.tell(Started(container, ""))
            case Stop(container):
                self.tell(Ended(container, self.now, 143))
            case Remove(container):
                self.tell(Vanished(container))
            case Examine():
                assert seen is not None
                code = seen.exit_code if seen.exit_code is not None else 1
                self.tell(Examined(replace(seen, examined=True, exit_code=None if seen.state.live else code)))
        return True

    def tell(self, fact: object) -> None:
        self.held = learn(self.held, fact, self.now)  # type: ignore[arg-type]


@given(held, st.booleans(), st.integers(0, 8))
def test_steps_lead_to_what_is_wanted_and_end(start: Held, alone: bool, interrupted_after: int) -> None:
    world = World(start)
    for turn in range(30):
        if turn == interrupted_after:  # the agent dies and a new one sees only what the engine lists
            now_seen = world.held.seen
            world.held = replace(world.held, seen=None, started_at=None)
            world.tell(Listed(now_seen and Seen(id=now_seen.id, state=now_seen.state, exit_code=now_seen.exit_code)))
        if not world.turn(alone):
            if turn >= interrupted_after:
                break
            continue
    else:
        raise AssertionError(f"no rest: {world.steps}")
    goal_reached(world.held, alone)


def goal_reached(held: Held, alone: bool) -> None:
    seen, task = held.seen, held.task
    if seen is not None and seen.state is C.REMOVING:
        return
    if task is None or task.desired_state is TaskState.REMOVE:
        assert seen is None
        return
    assert held.status is not None
    state = held.status.state
    live = seen is not None and seen.state.live
    if task.desired_state is TaskState.SHUTDOWN:
        assert not live
        assert is_terminal(state)
    elif state is TaskState.RUNNING or state is TaskState.STARTING:
        waits = decide(held, NOW, alone)
        assert live or (alone and isinstance(waits, Wait) and waits.until is not None)
    elif task.desired_state is TaskState.RUNNING:
        assert is_terminal(state)
        assert not live
    else:
        assert not is_terminal(state) or not live


def one(task_state: TaskState, seen: Seen | None, **more: object) -> Held:
    task = a_task("t1", **more)  # type: ignore[arg-type]
    return Held(id="t1", task=task, status=replace(task.status, state=task_state), seen=seen)


def test_a_container_created_before_a_crash_of_the_agent_is_only_started() -> None:
    assert decide(one(TaskState.PREPARING, Seen(id="c", state=C.CREATED)), NOW, False) == Start("c")


def test_a_running_container_is_adopted_without_a_step() -> None:
    running = Seen(id="c", state=C.RUNNING)
    assert decide(one(TaskState.RUNNING, running), NOW, False) == Wait()
    assert decide(one(TaskState.ASSIGNED, running), NOW, False) == Said(TaskState.RUNNING, "started")


def test_the_engine_is_asked_about_a_kill_since_only_it_knows_why() -> None:
    assert decide(one(TaskState.RUNNING, Seen(id="c", state=C.EXITED, exit_code=137)), NOW, False) == Examine("c")


def test_restarts_in_place_come_at_once_then_later_and_later() -> None:
    waits = []
    state = one(TaskState.RUNNING, None)
    now = NOW
    for _ in range(4):
        state = replace(
            state, seen=Seen(id="c", state=C.EXITED, exit_code=1, examined=True, ended_at=now), started_at=now
        )
        step = decide(state, now, True)
        until = step.until if isinstance(step, Wait) else now
        assert until is not None
        waits.append((until - now).total_seconds())
        now = until
        assert decide(state, now, True) == Start("c", again=True)
        state = learn(learn(state, Again(TaskState.STARTING, ""), now), Starting("c"), now)
    assert waits[0] == 0
    assert waits == sorted(waits)
    assert waits[3] > waits[1] > 0
    assert state.ran_in_place == 4


def test_a_policy_of_none_leaves_a_crashed_container_alone() -> None:
    crashed = Seen(id="c", state=C.EXITED, exit_code=1)
    policy = RestartPolicy(condition=RestartCondition.NONE)
    assert decide(one(TaskState.RUNNING, crashed, policy=policy), NOW, True) == Said(
        TaskState.FAILED, "failed", "task: non-zero exit (1)"
    )


# --- facts in any order ---------------------------------------------------------------------------------------------


def test_a_container_that_dies_before_its_start_call_returns_is_dead() -> None:
    state = learn(one(TaskState.STARTING, Seen(id="c", state=C.CREATED)), Starting("c"), NOW)
    for fact in (Started("c"), Ended("c", NOW, 3), Started("c", "")):
        state = learn(state, fact, NOW)
    assert state.seen is not None
    assert (state.seen.state, state.seen.exit_code) == (C.EXITED, 3)


def test_news_of_the_run_before_do_not_end_this_one() -> None:
    state = learn(one(TaskState.RUNNING, Seen(id="c", state=C.EXITED)), Starting("c"), NOW)
    state = learn(state, Started("c", ""), NOW)
    state = learn(state, Ended("c", NOW - timedelta(seconds=1), 1), NOW)
    assert state.seen is not None
    assert state.seen.state is C.RUNNING


def test_news_of_another_container_change_nothing() -> None:
    state = one(TaskState.RUNNING, Seen(id="c", state=C.RUNNING))
    for fact in (Ended("x", NOW, 1), Vanished("x"), Checked("x", "unhealthy"), OutOfMemory("x")):
        assert learn(state, fact, NOW) == state


def test_a_health_verdict_that_overtakes_the_start_call_is_kept() -> None:
    state = learn(one(TaskState.STARTING, Seen(id="c", state=C.CREATED)), Starting("c"), NOW)
    for fact in (Started("c"), Checked("c", "healthy"), Started("c", "starting")):
        state = learn(state, fact, NOW)
    assert state.seen is not None
    assert state.seen.health == "healthy"
