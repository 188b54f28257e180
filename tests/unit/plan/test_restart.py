"""Restart policies: the first restart at once, then slower and slower, and an end where one was set."""

from datetime import UTC, datetime, timedelta

import pytest

from swarmlite.model.objects import Task, TaskExtension, TaskStatus
from swarmlite.model.spec import RestartCondition, RestartPolicy, TaskTemplate
from swarmlite.model.states import TaskState
from swarmlite.plan.restart import GiveUp, Restart, decide

START = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = 10**9


def ended(state: TaskState = TaskState.FAILED, restarts: int = 0, lived: float = 1.0) -> Task:
    return Task(
        id="t",
        created_at=START,
        updated_at=START,
        spec=TaskTemplate(),
        status=TaskStatus(timestamp=START + timedelta(seconds=lived), state=state),
        desired_state=TaskState.RUNNING,
        swarmlite=TaskExtension(restarts=restarts),
    )


def wait(task: Task, policy: RestartPolicy | None = None) -> float:
    decision = decide(task, policy)
    assert isinstance(decision, Restart)
    return (decision.at - task.status.timestamp).total_seconds()


def test_the_first_restart_is_at_once_and_each_next_one_waits_twice_as_long_up_to_a_minute() -> None:
    waits = [wait(ended(restarts=number)) for number in range(13)]
    assert waits[:5] == [0, 0.1, 0.2, 0.4, 0.8]
    assert waits[-1] == 60


def test_a_task_that_lived_starts_the_count_anew() -> None:
    decision = decide(ended(restarts=8, lived=11), None)
    assert isinstance(decision, Restart)
    assert (decision.restarts, decision.at) == (1, START + timedelta(seconds=11))


def test_a_delay_that_was_asked_for_is_the_least() -> None:
    policy = RestartPolicy(delay=5 * SECOND)
    assert [wait(ended(restarts=number), policy) for number in (0, 1, 10)] == [5, 5, 51.2]


@pytest.mark.parametrize(
    ("condition", "state", "goes_on"),
    [
        (RestartCondition.ANY, TaskState.COMPLETE, True),
        (RestartCondition.ANY, TaskState.FAILED, True),
        (RestartCondition.ANY, TaskState.REJECTED, True),
        (RestartCondition.ON_FAILURE, TaskState.COMPLETE, False),
        (RestartCondition.ON_FAILURE, TaskState.FAILED, True),
        (RestartCondition.NONE, TaskState.FAILED, False),
    ],
)
def test_the_condition_decides(condition: RestartCondition, state: TaskState, goes_on: bool) -> None:
    assert isinstance(decide(ended(state), RestartPolicy(condition=condition)), Restart if goes_on else GiveUp)


def test_attempts_end_and_a_window_forgives_them() -> None:
    policy = RestartPolicy(max_attempts=2)
    assert isinstance(decide(ended(restarts=1), policy), Restart)
    assert isinstance(decide(ended(restarts=2, lived=3600), policy), GiveUp)
    forgiving = RestartPolicy(max_attempts=2, window=60 * SECOND)
    assert isinstance(decide(ended(restarts=2, lived=61), forgiving), Restart)
