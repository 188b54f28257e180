"""Containers of one network reach each other on any host, those of different networks do not; networks come and go."""

import pytest

from tests.lab.cluster import Cluster

pytestmark = pytest.mark.lab

WEB = """
services:
  web:
    image: swarmlite/whoami:latest
    deploy: {mode: global}
  client:
    image: busybox:latest
    init: true
    command: sleep 3600
    deploy: {mode: global}
"""


def test_containers_of_one_network_reach_each_other_on_any_host(cluster: Cluster) -> None:
    cluster.deploy(WEB, "net")
    servers = cluster.running("net_web")
    assert {task.host for task in servers} == set(cluster.hosts)
    for client in cluster.running("net_client"):
        for server in servers:
            cluster.exec(client, "wget", "-q", "-T", "3", "-O", "-", f"http://{server.address}/")
