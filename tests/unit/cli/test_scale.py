"""Scaling waits until it is so, and says why when it is not."""

import asyncio

from swarmlite.model.states import TaskState
from tests.unit.cli.conftest import Served, Swarmlite
from tests.unit.cli.test_lists import web


async def when_scaled(served: Served, count: int, state: TaskState, err: str = "") -> None:
    """Play the ring: give the service its tasks as soon as it asks for `count`."""
    async with asyncio.timeout(10):
        while served.cluster.service("shop_web").spec.replicas != count:
            await served.cluster.control.wait_for_change(served.cluster.view.version, 1)
        await served.cluster.run("shop_web", state, err)


def test_scale_waits_until_the_replicas_run(swarmlite: Swarmlite, served: Served) -> None:
    served.do(served.cluster.control.create_service(web(1)))
    served.soon(when_scaled(served, 3, TaskState.RUNNING))
    result = swarmlite("service", "scale", "--timeout", "5", "shop_web=3")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[0] == "shop_web scaled to 3"
    assert result.stdout.splitlines()[-1] == "shop_web: 3/3 running"


def test_scale_says_at_its_time_out_which_task_waits_and_why(swarmlite: Swarmlite, served: Served) -> None:
    served.do(served.cluster.control.create_service(web(1)))
    served.soon(when_scaled(served, 3, TaskState.PENDING, "no suitable node (3 nodes: insufficient memory)"))
    result = swarmlite("service", "scale", "--timeout", "0.6", "shop_web=3")
    assert result.exit_code == 1
    assert "shop_web: 0/3 waiting (3 pending: no suitable node (3 nodes: insufficient memory))" in result.stdout
    assert "not there after 0.6 s" in result.stderr
    assert "has no node, pending: no suitable node (3 nodes: insufficient memory)" in result.stderr


def test_scale_detached_returns_at_once(swarmlite: Swarmlite, served: Served) -> None:
    served.do(served.cluster.control.create_service(web(1)))
    assert swarmlite("service", "scale", "-d", "shop_web=9").output == "shop_web scaled to 9\n"
    assert served.cluster.service("shop_web").spec.replicas == 9


def test_a_global_service_has_no_scale(swarmlite: Swarmlite, served: Served) -> None:
    assert swarmlite("service", "scale", "nope=2").exit_code == 1
