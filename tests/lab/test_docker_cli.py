"""A stock Docker command line on the manager's `docker.sock`: it lists, waits, changes and deploys as with Swarm."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster
from tests.lab.handle import Done

pytestmark = pytest.mark.lab

SHOP = """
services:
  web:
    image: swarmlite/whoami:latest
    labels: {tier: front}
    ports: ["8070:80"]
    deploy: {replicas: 2}
  talk:
    image: busybox:latest
    command: ["sh", "-c", "trap 'exit 0' TERM; echo here I am; while :; do sleep 3600 & wait $$!; done"]
"""


def docker(cluster: Cluster, line: str, check: bool = True, timeout: float = 60.0) -> Done:
    """`docker LINE` with the manager's socket as its daemon."""
    socket = cluster.lab.data_dir(1) / "docker.sock"
    done = subprocess.run(
        ["docker", "-H", f"unix://{socket}", *line.split()],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"`docker {line}` exited with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def test_what_docker_lists(cluster: Cluster) -> None:
    cluster.deploy(SHOP, "shop")
    nodes = docker(cluster, "node ls").stdout
    assert re.search(r"\*? +host1 +Ready +Active +Leader", nodes)
    assert re.search(r"host3 +Ready +Active", nodes)
    services = docker(cluster, "service ls").stdout
    assert re.search(r"shop_web +replicated +2/2 +swarmlite/whoami:latest +\*:8070->80/tcp", services)
    tasks = docker(cluster, "service ps shop_web").stdout
    assert re.search(r"shop_web\.1 +swarmlite/whoami:latest +host\d +Running +Running ", tasks)
    pretty = docker(cluster, "service inspect --pretty shop_web").stdout
    for line in ("Name:\t\tshop_web", "Service Mode:\tReplicated", " Replicas:\t2", "PublishedPort = 8070"):
        assert line in pretty
    [raw] = json.loads(docker(cluster, "service inspect shop_web").stdout)
    assert raw["Spec"]["TaskTemplate"]["ContainerSpec"]["Labels"]["tier"] == "front"
    assert re.search(r"shop +2", docker(cluster, "stack ls").stdout)
    assert "shop_talk" in docker(cluster, "stack services shop").stdout
    assert len(docker(cluster, "stack ps -q shop").stdout.split()) == 3
    assert re.search(r"shop_default +overlay +swarm", docker(cluster, "network ls").stdout)
    [network] = json.loads(docker(cluster, "network inspect shop_default").stdout)
    assert network["Driver"] == "overlay"
    info = docker(cluster, "info").stdout
    for line in ("Swarm: active", "Is Manager: true", "Nodes: 3", "Managers: 1"):
        assert line in info
    assert "swarmlite" in docker(cluster, "version").stdout
    assert "host2" in docker(cluster, "node ps host2").stdout or docker(cluster, "node ps -q host2").stdout == ""
    assert "Availability:         \tActive" in docker(cluster, "node inspect --pretty host2").stdout
    only = docker(cluster, "service ls --filter name=shop_t --format {{.Name}}").stdout.split()
    assert only == ["shop_talk"]
    names = docker(cluster, "service ps shop_web --filter desired-state=running --format {{.Name}}").stdout.split()
    assert sorted(names) == ["shop_web.1", "shop_web.2"]


def test_logs_of_services_and_tasks(cluster: Cluster) -> None:
    cluster.deploy(SHOP, "shop")
    cluster.until("it has spoken", lambda: "here I am" in docker(cluster, "service logs shop_talk").stdout)
    assert re.search(r"shop_talk\.1\.\w+@host\d +\| here I am", docker(cluster, "service logs shop_talk").stdout)
    [task] = cluster.running("shop_talk")
    assert docker(cluster, f"service logs --raw {task.id}").stdout == "here I am\n"


def test_scale_waits_until_the_replicas_run(cluster: Cluster) -> None:
    cluster.deploy(SHOP, "shop")
    done = docker(cluster, "service scale shop_web=4")
    assert "converged" in done.stdout
    assert len(cluster.running("shop_web")) == 4
    assert docker(cluster, "service scale nosuch=1", check=False).returncode == 1


def test_a_services_whole_life(cluster: Cluster) -> None:
    made = docker(cluster, "service create --name solo --replicas 2 --env A=one --label kind=test swarmlite/whoami")
    assert "converged" in made.stdout
    assert len(cluster.running("solo")) == 2
    before = {task.container_id for task in cluster.running("solo")}
    docker(cluster, "service update --env-add A=two --update-parallelism 2 solo")
    after = cluster.wait_running("solo", 2)
    assert not before & {task.container_id for task in after}
    assert cluster.exec(after[0], "sh", "-c", "echo $A").stdout == "two\n"
    docker(cluster, "service rollback solo")
    assert cluster.exec(cluster.wait_running("solo", 2)[0], "sh", "-c", "echo $A").stdout == "one\n"
    assert docker(cluster, "service create --name solo swarmlite/whoami", check=False).returncode == 1
    docker(cluster, "service rm solo")
    assert docker(cluster, "service inspect solo", check=False).returncode == 1
    cluster.until("its tasks are gone", lambda: not cluster.tasks())


def test_nodes_are_labelled_and_drained(cluster: Cluster) -> None:
    cluster.deploy(SHOP, "shop")
    try:
        docker(cluster, "node update --label-add disk=ssd --availability drain host2")
        cluster.until("host2 is empty", lambda: "host2" not in {task.node for task in cluster.running()})
        assert '"disk": "ssd"' in docker(cluster, "node inspect host2").stdout
    finally:
        docker(cluster, "node update --label-rm disk --availability active host2")


def test_a_stack_is_deployed_again_removed_and_deployed_at_once(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "stack.yaml"
    file.write_text('version: "3.8"\n' + SHOP)
    docker(cluster, f"stack deploy --detach=true -c {file} dock")
    cluster.wait_running("dock_web", 2)
    before = {task.container_id for task in cluster.running("dock_web")}
    docker(cluster, f"stack deploy --detach=true -c {file} dock")
    assert {task.container_id for task in cluster.wait_running("dock_web", 2)} == before, "nothing changed"
    assert [row["name"] for row in cluster.rows("stack", "ls")] == ["dock"]
    docker(cluster, "stack rm --detach=true dock")
    assert cluster.rows("stack", "ls") == []
    docker(cluster, f"stack deploy --detach=true -c {file} dock")
    cluster.wait_running("dock_web", 2)


def test_what_is_not_there_is_told_in_words(cluster: Cluster) -> None:
    for line in ("ps", "images", "volume ls", "run busybox"):
        done = docker(cluster, line, check=False)
        assert done.returncode != 0
        assert "swarmlite" in done.stderr, (line, done.stderr)
