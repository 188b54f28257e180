"""The same engine calls as a deployment makes, in parallel, from a script that knows nothing else.

What no orchestrator can beat: a network on each host, a container created and started for each replica.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.bench import engine
from tests.bench.peers import wait_gone
from tests.lab.handle import Lab

SERVICE = "bench_direct"
NETWORK = "bench_direct"
SUBNET = "10.213.0"
STATIC_FROM = 20
"""The last byte of the first replica's address; the hosts' gateways have those before."""


def deploy(lab: Lab, replicas: int) -> float:
    """Seconds from the first call to the last answer."""
    hosts = range(1, lab.hosts + 1)
    with ThreadPoolExecutor(replicas) as pool:
        started = time.monotonic()
        networks = dict(zip(hosts, pool.map(lambda host: _network(lab, host), hosts), strict=True))

        def replica(number: int) -> None:
            host = hosts[number % len(hosts)]
            body = _body(number, networks[host], host)
            socket = lab.socket(host)
            made = engine.call(socket, "POST", "/v1.40/containers/create", body, name=f"{SERVICE}.{number}")
            engine.call(socket, "POST", f"/v1.40/containers/{made['Id']}/start")

        list(pool.map(replica, range(replicas)))
        return time.monotonic() - started


def remove(lab: Lab) -> None:
    label = {"com.docker.swarm.service.name": SERVICE}
    made = [
        (lab.socket(host), row["Id"])
        for host in range(1, lab.hosts + 1)
        for row in engine.containers(lab.socket(host), label, everything=True)
    ]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda one: engine.call(one[0], "DELETE", f"/v1.40/containers/{one[1]}", force="1"), made))
    wait_gone(lab, SERVICE)
    for host in range(1, lab.hosts + 1):
        engine.call(lab.socket(host), "DELETE", f"/v1.40/networks/{NETWORK}")


def _network(lab: Lab, host: int) -> str:
    gateway = f"{SUBNET}.{host}"
    config = {"Subnet": f"{SUBNET}.0/24", "Gateway": gateway, "IPRange": f"{gateway}/32"}
    body = {
        "Name": NETWORK,
        "CheckDuplicate": True,
        "Driver": "bridge",
        "Attachable": True,
        "IPAM": {"Driver": "default", "Config": [config]},
        "Options": {"com.docker.network.driver.mtu": "1450"},
    }
    return str(engine.call(lab.socket(host), "POST", "/v1.40/networks/create", body)["Id"])


def _body(number: int, network: str, host: int) -> dict[str, Any]:
    """As `agent.body` makes it for the benchmark's service."""
    labels = {
        "com.docker.stack.namespace": "bench",
        "com.docker.compose.project": "bench",
        "com.docker.compose.service": "direct",
        "com.docker.compose.container-number": str(number + 1),
        "com.docker.compose.oneoff": "False",
        "com.docker.swarm.node.id": f"host{host}",
        "com.docker.swarm.service.id": SERVICE,
        "com.docker.swarm.service.name": SERVICE,
        "com.docker.swarm.task": "",
        "com.docker.swarm.task.id": str(number),
        "com.docker.swarm.task.name": f"{SERVICE}.{number}",
    }
    endpoint = {"IPAMConfig": {"IPv4Address": f"{SUBNET}.{STATIC_FROM + number}"}}
    return {
        "Image": "swarmlite/whoami:latest",
        "Cmd": ["sleep", "1000000"],
        "Labels": labels,
        "StopTimeout": 1,
        "HostConfig": {
            "Init": True,
            "RestartPolicy": {"Name": "no"},
            "NetworkMode": network,
            "Dns": [f"{SUBNET}.{host}"],
            "DnsSearch": ["cluster.internal"],
            "DnsOptions": ["attempts:2"],
        },
        "NetworkingConfig": {"EndpointsConfig": {network: endpoint}},
    }
