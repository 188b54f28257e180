"""Containers of one network reach each other on any host, those of different networks do not; networks come and go."""

import json
import re

import pytest

from tests.lab.cluster import Cluster, Task

pytestmark = pytest.mark.lab

ANCHORS = """
x-web: &web
  image: swarmlite/whoami:latest
  deploy: {mode: global}
x-client: &client
  image: busybox:latest
  init: true
  command: sleep 3600
  deploy: {mode: global}
"""
ONE = ANCHORS + "services: {web: *web, client: *client}"
APART = (
    ANCHORS
    + """
services:
  web: {<<: *web, networks: [a]}
  near: {<<: *client, networks: [a]}
  far: {<<: *client, networks: [b]}
  shut: {<<: *client, networks: [c]}
  shut_web: {<<: *web, networks: [c]}
networks: {a: , b: , c: {internal: true}}
"""
)
OUTSIDE = "http://10.77.0.2:5000/v2/"  # the lab's registry is no member of the cluster


def reached(cluster: Cluster, client: Task, *urls: str) -> set[str]:
    """Those of the URLs that a container can fetch."""
    one = 'timeout 3 wget -q -O /dev/null "$url" && echo "$url" &'
    script = f"for url; do {one} done; wait"
    return set(cluster.exec(client, "sh", "-c", script, "sh", *urls).stdout.split())


def urls(tasks: list[Task]) -> set[str]:
    return {f"http://{task.address}/" for task in tasks}


def traces(cluster: Cluster, host: int) -> set[str]:
    """Networks of the engine, interfaces, and firewall tables on a host; containers' own cables apart."""
    networks = cluster.lab.docker(host, "network", "ls", "--format", "{{.Name}}").stdout.split()
    links = [link["ifname"] for link in json.loads(cluster.lab.run(host, "ip", "-json", "link").stdout)]
    tables = cluster.lab.run(host, "nft", "list", "tables").stdout.splitlines()
    return {*networks, *(link for link in links if not re.match("veth", link)), *tables}


def test_containers_of_one_network_reach_each_other_on_any_host(cluster: Cluster) -> None:
    cluster.deploy(ONE, "net")
    servers = cluster.running("net_web")
    assert {task.host for task in servers} == set(cluster.hosts)
    assert len({task.address for task in cluster.running()}) == 6
    expected = urls(servers) | {f"http://{name}/" for name in ("web", "web.net", "net_web", "tasks.web")}
    for client in cluster.running("net_client"):
        assert reached(cluster, client, *expected) == expected


def test_a_client_is_seen_by_its_own_address(cluster: Cluster) -> None:
    cluster.deploy(ONE, "own")
    for client in cluster.running("own_client"):
        for server in cluster.running("own_web"):
            seen = cluster.exec(client, "timeout", "2", "wget", "-q", "-O", "-", f"http://{server.address}/").stdout
            assert f"Client: {client.address}\n" in seen


def test_large_packets_pass_between_hosts(cluster: Cluster) -> None:
    cluster.deploy(ONE, "big")
    client = next(task for task in cluster.running("big_client") if task.host == 2)
    server = next(task for task in cluster.running("big_web") if task.host == 3)
    cluster.exec(server, "dd", "if=/dev/zero", "of=/var/www/big", "bs=64k", "count=64")
    script = f"timeout 10 wget -q -O - http://{server.address}/big | wc -c"
    assert int(cluster.exec(client, "sh", "-c", script).stdout) == 64 * 64 * 1024


def test_different_networks_are_apart_and_internal_ones_are_shut(cluster: Cluster) -> None:
    cluster.deploy(APART, "apart")
    servers, shut_servers = cluster.running("apart_web"), cluster.running("apart_shut_web")
    near, far, shut = (cluster.running(f"apart_{name}") for name in ("near", "far", "shut"))
    everything = urls(servers) | urls(shut_servers) | {OUTSIDE, "http://web/", "http://shut_web/"}
    for client in near:
        assert reached(cluster, client, *everything) == {*urls(servers), OUTSIDE, "http://web/"}
    for client in far:
        assert reached(cluster, client, *everything) == {OUTSIDE}
    for client in shut:
        assert reached(cluster, client, *everything) == {*urls(shut_servers), "http://shut_web/"}


def test_networks_vanish_with_their_stack(cluster: Cluster) -> None:
    before = {host: traces(cluster, host) for host in cluster.hosts}
    cluster.deploy(APART, "gone")
    assert all(len(traces(cluster, host) - before[host]) >= 9 for host in cluster.hosts)
    cluster.cli(1, "stack", "rm", "gone")
    for host in cluster.hosts:
        cluster.until(f"host {host} is as before", lambda host=host: traces(cluster, host) == before[host], timeout=20)
    assert not [row for row in cluster.rows("network", "ls") if row["name"].startswith("gone_")]


def test_a_network_leaves_a_host_that_no_longer_needs_it(cluster: Cluster) -> None:
    before = traces(cluster, 3)
    cluster.deploy(ONE, "move")
    assert traces(cluster, 3) != before
    cluster.cli(1, "node", "update", "--availability", "drain", "host3")
    try:
        cluster.until("host 3 is as before", lambda: traces(cluster, 3) == before, timeout=20)
        assert {task.host for task in cluster.running("move_web")} == {1, 2}
        client = cluster.running("move_client")[0]
        assert len(reached(cluster, client, *urls(cluster.running("move_web")))) == 2
    finally:
        cluster.cli(1, "node", "update", "--availability", "active", "host3")
    expected = urls(cluster.wait_running("move_web", 3))
    assert reached(cluster, client, *expected) == expected
