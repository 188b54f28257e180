"""When a deployment counts as done, and when as failed, by one look after the other."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from swarmlite.cli.progress import Assessment, Progress, Snapshot, in_the_way
from swarmlite.model.objects import Node, NodeState, Service, Task, TaskExtension, TaskStatus, UpdateStatus
from swarmlite.model.spec import (
    ContainerSpec,
    GlobalMode,
    Healthcheck,
    ReplicatedMode,
    RestartCondition,
    RestartPolicy,
    ServiceMode,
    ServiceSpec,
    TaskTemplate,
)
from swarmlite.model.states import TaskState
from tests.fakes.cluster import node

T0 = datetime(2026, 11, 23, 12, tzinfo=UTC)
NODES = {one.id: one for one in (node(1), node(2))}
IDS = list(NODES)


def service(replicas: int = 2, health: bool = False, policy: RestartPolicy | None = None) -> Service:
    container = ContainerSpec(image="demo:1", healthcheck=Healthcheck(test=("CMD", "true")) if health else None)
    spec = ServiceSpec(
        name="web",
        task_template=TaskTemplate(container_spec=container, restart_policy=policy),
        mode=ServiceMode(replicated=ReplicatedMode(replicas=replicas)),
    )
    return Service(id="s", created_at=T0, updated_at=T0, spec=spec)


def task(of: Service, slot: int, state: TaskState = TaskState.RUNNING, err: str = "", age: int = 0) -> Task:
    """`age`: which attempt of its slot, later ones being newer."""
    at = T0 + timedelta(seconds=age)
    return Task(
        id=f"t{slot}-{age}",
        created_at=at,
        updated_at=at,
        spec=of.spec.task_template,
        service_id=of.id,
        slot=slot,
        node_id=IDS[slot % 2] if state is not TaskState.PENDING else "",
        status=TaskStatus(timestamp=at, state=state, message=state.value, err=err),
        desired_state=TaskState.RUNNING,
        swarmlite=TaskExtension(service_name=of.name),
    )


def look(progress: Progress, now: float, of: Service, *tasks: Task, nodes: dict[str, Node] = NODES) -> Assessment:
    return progress.observe(Snapshot((of,), tasks, nodes), now)


def test_it_is_done_when_all_replicas_run_and_stay_for_a_second() -> None:
    web, progress = service(), Progress()
    assert not look(progress, 0, web, task(web, 1), task(web, 2, TaskState.STARTING)).done
    running = (task(web, 1), task(web, 2))
    assert not look(progress, 1, web, *running).done
    assert look(progress, 2, web, *running).done


def test_another_task_in_the_slot_begins_the_second_anew() -> None:
    web, progress = service(1), Progress()
    look(progress, 0, web)
    look(progress, 1, web, task(web, 1))
    assert not look(progress, 2, web, task(web, 1, age=1)).done


def test_a_healthcheck_makes_running_enough() -> None:
    web, progress = service(1, health=True), Progress()
    assert not look(progress, 0, web).done
    assert look(progress, 0.1, web, task(web, 1)).done


def test_what_runs_already_at_the_first_look_is_done_at_once() -> None:
    web = service(1)
    assert look(Progress(), 0, web, task(web, 1)).done


def test_tasks_of_the_old_spec_do_not_count() -> None:
    web = service(1)
    old = replace(task(web, 1), spec=TaskTemplate(container_spec=ContainerSpec(image="demo:0")))
    assessment = look(Progress(), 0, web, old)
    assert not assessment.done
    assert "1 still on the old spec" in assessment.services[0].note


def test_a_replica_on_a_host_that_is_down_does_not_count() -> None:
    web = service(1)
    lost = {id: replace(one, status=replace(one.status, state=NodeState.DOWN)) for id, one in NODES.items()}
    assert look(Progress(), 0, web, task(web, 1), nodes=lost).services[0].ready == 0


def test_a_service_scaled_down_is_done_when_the_surplus_is_no_longer_wanted() -> None:
    web = service(1)
    assert not look(Progress(), 0, web, task(web, 1), task(web, 2)).done


def test_why_a_task_waits_is_in_the_note_and_the_blame_at_the_time_out() -> None:
    web, progress = service(1), Progress()
    waiting = task(web, 1, TaskState.PENDING, "no suitable node (2 nodes: insufficient memory)")
    assessment = look(progress, 0, web, waiting)
    assert assessment.services[0].note == "1 pending"
    assert assessment.services[0].reason == "no suitable node (2 nodes: insufficient memory)"
    assert assessment.failures == ()
    blame = in_the_way(Snapshot((web,), (waiting,), NODES), assessment)
    assert blame[0].why == "no suitable node (2 nodes: insufficient memory)"
    assert blame[0].node == ""


@pytest.mark.parametrize(
    ("policy", "restarts"),
    [(RestartPolicy(condition=RestartCondition.NONE), 0), (RestartPolicy(max_attempts=2), 2)],
)
def test_a_restart_policy_that_gave_up_is_a_failure(policy: RestartPolicy, restarts: int) -> None:
    web = service(1, policy=policy)
    ended = replace(task(web, 1, TaskState.FAILED, "exit code 3"), swarmlite=TaskExtension(restarts=restarts))
    failure = look(Progress(), 0, web, ended).failures[0]
    assert failure.why.startswith("exit code 3; ")
    assert failure.node == "h2"


def test_a_task_that_completed_for_good_is_done() -> None:
    job = service(1, policy=RestartPolicy(condition=RestartCondition.ON_FAILURE))
    assert look(Progress(), 0, job, task(job, 1, TaskState.COMPLETE)).done


def test_three_rejected_tasks_over_three_seconds_are_a_failure() -> None:
    web, progress = service(1), Progress()
    rejected = [task(web, 1, TaskState.REJECTED, "image demo:1 not found", age=n) for n in range(3)]
    assert not look(progress, 0, web, *rejected[:1]).failures
    assert not look(progress, 1, web, *rejected).failures
    failure = look(progress, 3, web, *rejected).failures[0]
    assert failure.why == "image demo:1 not found; rejected again and again"
    assert failure.task is not None


def test_a_container_that_crashes_has_twenty_seconds_to_find_what_it_waits_for() -> None:
    web, progress = service(1), Progress()
    crashed = [task(web, 1, TaskState.FAILED, "exit code 1", age=n) for n in range(5)]
    assert not look(progress, 0, web, *crashed).failures
    assert not look(progress, 19, web, *crashed).failures
    assert look(progress, 20, web, *crashed).failures[0].why == "exit code 1; it fails again and again"


def test_an_update_that_was_paused_is_a_failure() -> None:
    web = replace(service(1), update_status=UpdateStatus(state="paused", message="update paused due to failure"))
    assert "update paused due to failure" in look(Progress(), 0, web, task(web, 1)).failures[0].why


def test_a_global_service_counts_its_nodes() -> None:
    base = service()
    agent = replace(base, spec=replace(base.spec, mode=ServiceMode(global_=GlobalMode())))
    tasks = [replace(task(agent, 0), id=id, node_id=id) for id in IDS]
    assessment = look(Progress(), 0, agent, *tasks)
    assert (assessment.services[0].ready, assessment.services[0].wanted) == (2, 2)
    assert assessment.done


def test_a_global_service_without_a_node_is_done_after_a_while() -> None:
    base, progress = service(), Progress()
    agent = replace(base, spec=replace(base.spec, mode=ServiceMode(global_=GlobalMode())))
    first = look(progress, 0, agent)
    assert not first.done
    assert first.services[0].reason == "no node matches"
    look(progress, 3, agent)
    assert look(progress, 4, agent).done
