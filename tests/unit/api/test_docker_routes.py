"""Docker's paths, JSON, filters and errors, as its clients send and read them."""

from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from swarmlite.model.states import TaskState
from tests.fakes.cluster import FakeCluster
from tests.unit.api.conftest import Call

WEB = {"Name": "web", "TaskTemplate": {"ContainerSpec": {"Image": "demo:1"}}, "Mode": {"Replicated": {"Replicas": 2}}}


def filters(**values: Any) -> str:
    return "filters=" + quote(msgspec.json.encode(values).decode())


async def create(call: Call, spec: dict[str, Any] | None = None) -> str:
    status, out = await call("POST", "/v1.47/services/create", spec or WEB)
    assert status == 201, out
    return str(out["ID"])


@pytest.mark.parametrize("prefix", ["", "/v1.24", "/v1.47", "/v1.99"])
async def test_every_version_prefix_and_none_is_taken(call: Call, prefix: str) -> None:
    assert (await call("GET", f"{prefix}/_ping")) == (200, "OK")
    status, out = await call("GET", f"{prefix}/nodes")
    assert status == 200
    assert len(out) == 3


async def test_ping_by_head_has_no_body(call: Call) -> None:
    assert (await call("HEAD", "/_ping")) == (200, None)


async def test_an_unknown_route_is_page_not_found(call: Call) -> None:
    assert (await call("GET", "/v1.47/nothing")) == (404, {"message": "page not found"})
    assert (await call("PUT", "/v1.47/nodes")) == (404, {"message": "page not found"})


async def test_what_only_one_engine_can_do_says_so(call: Call) -> None:
    status, out = await call("POST", "/v1.47/containers/create", {})
    assert status == 501
    assert "not a single Docker Engine" in out["message"]


async def test_a_service_comes_back_as_it_was_sent_with_docker_s_additions(call: Call) -> None:
    spec = {
        **WEB,
        "EndpointSpec": {"Ports": [{"TargetPort": 80, "PublishedPort": 8080, "PublishMode": "host"}]},
        "UpdateConfig": {"Parallelism": 0, "FailureAction": "rollback"},
    }
    id = await create(call, spec)
    status, out = await call("GET", f"/services/{id[:8]}")
    assert status == 200
    assert out["Spec"]["Labels"] == {}
    assert out["Spec"]["TaskTemplate"]["Runtime"] == "container"
    assert out["Spec"]["TaskTemplate"]["ForceUpdate"] == 0
    assert out["Spec"]["UpdateConfig"]["Parallelism"] == 0
    assert out["Spec"]["Mode"] == {"Replicated": {"Replicas": 2}}
    assert out["Endpoint"]["Ports"] == [
        {"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8080, "PublishMode": "host"}
    ]


async def test_keys_are_taken_in_any_case_and_users_maps_are_left_alone(call: Call) -> None:
    spec = {
        "name": "web",
        "taskTemplate": {"containerspec": {"IMAGE": "demo:1", "labels": {"MixedCase": "1"}}, "placement": None},
        "mode": {"replicated": {}},
        "labels": {"Other": "x"},
    }
    id = await create(call, spec)
    _, out = await call("GET", f"/services/{id}")
    assert out["Spec"]["Mode"] == {"Replicated": {"Replicas": 1}}
    assert out["Spec"]["TaskTemplate"]["ContainerSpec"]["Labels"] == {"MixedCase": "1"}
    assert out["Spec"]["Labels"] == {"Other": "x"}


async def test_a_service_scaled_to_nothing_stays_at_nothing(call: Call) -> None:
    id = await create(call, {**WEB, "Mode": {"Replicated": {"Replicas": 0}}})
    _, out = await call("GET", f"/services/{id}")
    assert out["Spec"]["Mode"] == {"Replicated": {"Replicas": 0}}


async def test_a_fault_in_a_body_names_its_field(call: Call) -> None:
    spec = {**WEB, "TaskTemplate": {"ContainerSpec": {"Image": "demo:1", "Env": "A=B"}}}
    status, out = await call("POST", "/services/create", spec)
    assert status == 400
    assert out["message"].startswith("TaskTemplate.ContainerSpec.Env: Expected array")


async def test_a_stale_version_is_docker_s_500(call: Call) -> None:
    id = await create(call)
    _, out = await call("GET", f"/services/{id}")
    index = out["Version"]["Index"]
    assert (await call("POST", f"/services/{id}/update?version={index}", out["Spec"]))[0] == 200
    status, answer = await call("POST", f"/services/{id}/update?version={index}", out["Spec"])
    assert status == 500
    assert answer["message"] == "rpc error: code = Unknown desc = update out of sequence"
    assert (await call("POST", f"/services/{id}/update", out["Spec"]))[0] == 400


@pytest.mark.parametrize("target", ["back", "id"])
async def test_a_service_names_networks_by_name_or_id(call: Call, target: str) -> None:
    _, network = await call("POST", "/networks/create", {"Name": "back", "Driver": "overlay", "IPAM": None})
    wanted = network["Id"] if target == "id" else target
    id = await create(call, {**WEB, "TaskTemplate": {**WEB["TaskTemplate"], "Networks": [{"Target": wanted}]}})  # type: ignore[dict-item]
    _, out = await call("GET", f"/services/{id}")
    assert [one["Target"] for one in out["Spec"]["TaskTemplate"]["Networks"]] == [network["Id"]]


async def test_errors_have_docker_s_statuses(call: Call) -> None:
    await create(call)
    assert (await call("POST", "/services/create", WEB))[0] == 409
    assert (await call("GET", "/services/none")) == (404, {"message": "service none not found"})
    assert (await call("GET", "/services?filters=nonsense")) == (400, {"message": "invalid filter"})
    assert (await call("GET", f"/services?{filters(foo=['x'])}")) == (400, {"message": "invalid filter 'foo'"})
    assert (await call("GET", f"/tasks?{filters(service=['none'])}")) == (404, {"message": "service none not found"})
    assert (await call("POST", "/swarm/join", {}))[0] == 503
    assert (await call("POST", "/networks/create", {"Name": "x", "Driver": "bridge"}))[0] == 400


async def test_service_status_counts_what_runs(call: Call, cluster: FakeCluster) -> None:
    await create(call)
    await cluster.run("web")
    _, out = await call("GET", "/services?status=true")
    assert out[0]["ServiceStatus"] == {"RunningTasks": 2, "DesiredTasks": 2, "CompletedTasks": 0}
    _, out = await call("GET", "/services")
    assert "ServiceStatus" not in out[0]


async def test_tasks_are_found_by_service_node_state_and_label(call: Call, cluster: FakeCluster) -> None:
    await create(call, {**WEB, "Labels": {"com.docker.stack.namespace": "shop"}})
    await cluster.run("web")
    await cluster.run("web")

    async def count(**wanted: Any) -> int:
        status, out = await call("GET", f"/tasks?{filters(**wanted)}")
        assert status == 200, out
        return len(out)

    assert await count() == 4
    assert await count(service={"web": True}) == 4
    assert await count(service=["web"], **{"desired-state": ["running"]}) == 2
    assert await count(node=["h1"]) == 2
    assert await count(label=["com.docker.stack.namespace=shop"]) == 4
    assert await count(label=["com.docker.stack.namespace=other"]) == 0
    assert await count(name=["web.1"]) == 2


async def test_tasks_up_to_date_are_those_of_the_present_spec(call: Call, cluster: FakeCluster) -> None:
    id = await create(call)
    await cluster.run("web")
    _, out = await call("GET", f"/services/{id}")
    changed = {**out["Spec"], "TaskTemplate": {"ContainerSpec": {"Image": "demo:2"}}}
    await call("POST", f"/services/{id}/update?version={out['Version']['Index']}", changed)
    assert (await call("GET", f"/tasks?{filters(**{'_up-to-date': {'true': True}})}"))[1] == []
    assert len((await call("GET", f"/tasks?{filters(**{'_up-to-date': ['false']})}"))[1]) == 2


async def test_a_task_tells_its_networks_and_image(call: Call, cluster: FakeCluster) -> None:
    await call("POST", "/networks/create", {"Name": "back", "Driver": "overlay"})
    await create(call, {**WEB, "TaskTemplate": {**WEB["TaskTemplate"], "Networks": [{"Target": "back"}]}})  # type: ignore[dict-item]
    task, _ = await cluster.run("web")
    _, out = await call("GET", f"/tasks/{task.id}")
    assert out["Spec"]["ContainerSpec"]["Image"] == "demo:1"
    assert out["Status"]["State"] == "running"
    attachment = out["NetworksAttachments"][0]
    assert attachment["Network"]["Spec"]["Name"] == "back"
    assert attachment["Addresses"] == ["10.128.0.10/24"]


async def test_a_node_is_updated_whole_and_removed_only_when_down(call: Call, cluster: FakeCluster) -> None:
    _, node = await call("GET", "/nodes/h2")
    assert node["Spec"] == {"Name": "h2", "Labels": {}, "Role": "worker", "Availability": "active"}
    spec = {"Role": "worker", "Availability": "drain", "Labels": {"zone": "a"}}
    assert (await call("POST", f"/nodes/{node['ID']}/update?version={node['Version']['Index']}", spec))[0] == 200
    _, node = await call("GET", "/nodes/h2")
    assert node["Spec"]["Availability"] == "drain"
    assert len((await call("GET", f"/nodes?{filters(**{'node.label': ['zone=a']})}"))[1]) == 1
    assert (await call("DELETE", "/nodes/h2"))[0] == 400
    assert (await call("DELETE", "/nodes/h2?force=True"))[0] == 200
    assert cluster.dispatch.dismissed == [node["ID"]]


async def test_networks_are_listed_by_part_of_the_name(call: Call) -> None:
    for name in ("shop_front", "shop_back"):
        await call("POST", "/networks/create", {"Name": name, "Driver": "overlay", "CheckDuplicate": True})
    _, out = await call("GET", f"/networks?{filters(name=['back'])}")
    assert [one["Name"] for one in out] == ["shop_back"]
    assert out[0]["Scope"] == "swarm"
    assert (await call("DELETE", "/networks/shop_back"))[0] == 204
    assert len((await call("GET", "/networks"))[1]) == 1


async def test_info_says_this_is_a_manager(call: Call) -> None:
    _, info = await call("GET", "/info")
    assert info["Swarm"]["ControlAvailable"] is True
    assert info["Swarm"]["LocalNodeState"] == "active"
    assert info["Swarm"]["Nodes"] == 3
    assert info["NCPU"] == 6


async def test_a_task_on_a_lost_host_does_not_count_as_running(call: Call, cluster: FakeCluster) -> None:
    await create(call)
    await cluster.run("web", TaskState.STARTING)
    _, out = await call("GET", "/services?status=1")
    assert out[0]["ServiceStatus"]["RunningTasks"] == 0
