"""What a lab looks like now, as its processes and its switch show it."""

from typing import Literal

import msgspec

from swarmlite.lab import app, hosts, nodes, processes
from swarmlite.lab.layout import Layout, Node


class HostStatus(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    name: str
    address: str
    power: Literal["on", "off"]
    link: Literal["up", "cut", "none"]
    """The host's port on the switch; `none` while the host is off."""
    engine: str
    """Its Docker Engine's version, empty while it does not answer."""
    daemon: Literal["on", "off", ""]
    """Its swarmlite daemon; empty where the host is in no cluster."""
    memory: int
    """Resident bytes of all its processes but containers: engine, containerd, shims, what `lab run` left there."""
    pid: int
    """The process that holds the host's namespaces (`nsenter --target`), 0 while it is off."""
    docker_host: str
    data_dir: str


class LabStatus(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    directory: str
    registry: str
    hosts: tuple[HostStatus, ...]


def status(layout: Layout) -> LabStatus:
    """Raise unless the lab is up."""
    count = app.running(layout).hosts
    ports = nodes.ports(layout.switch)
    pids: dict[str, list[int]] = {}
    for process in processes.processes_of(layout.lab):
        pids.setdefault(process.mark, []).append(process.pid)
    found = [layout.host(index) for index in range(1, count + 1)]
    return LabStatus(
        directory=str(layout.directory),
        registry=layout.registry_url,
        hosts=tuple(_host(node, ports, pids.get(node.mark, [])) for node in found),
    )


def _host(node: Node, ports: dict[str, bool], pids: list[int]) -> HostStatus:
    pid = nodes.pid_of(node)
    up = ports.get(node.name)
    return HostStatus(
        name=node.name,
        address=node.address,
        power="on" if pid else "off",
        link="none" if pid is None or up is None else "up" if up else "cut",
        engine=hosts.engine_version(node) if pid else "",
        daemon=hosts.daemon_state(node),
        memory=processes.resident_bytes(pids),
        pid=pid or 0,
        docker_host=f"unix://{node.socket}",
        data_dir=str(node.data),
    )
