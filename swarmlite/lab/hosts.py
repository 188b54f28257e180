"""A Docker host of the lab: a node with an engine of its own, and the registry's node beside it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from swarmlite.errors import EngineError, EngineUnavailable, Timeout, Unavailable
from swarmlite.lab import engine, images, scripts
from swarmlite.lab.layout import REGISTRY_PORT, Layout, Node
from swarmlite.lab.nodes import (
    boot,
    enter,
    entered_environment,
    environment,
    last_words,
    pid_of,
    ready,
    running_pid,
)
from swarmlite.lab.processes import is_node

STOP_TIMEOUT = 60.0
READY_TIMEOUT = 60.0
"""Seconds; a machine under heavy load needs many for what takes one when it is idle."""

REGISTRY_CONFIG = """\
version: 0.1
log: {{level: info}}
storage:
  filesystem: {{rootdirectory: {directory}}}
  delete: {{enabled: true}}
http: {{addr: "{address}"}}
"""


CONTAINERD_CONFIG = """\
version = 2
root = {root}
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "/run/containerd/containerd.sock"
"""
"""Without the plugin that makes /opt/containerd on the machine, and the one for Kubernetes."""


def boot_switch(layout: Layout) -> int:
    """The pid of the switch, once it forwards."""
    process = boot(layout.switch, scripts.SWITCH, None)
    wait_booted([(layout.switch, process)])
    return process.pid


def boot_registry(layout: Layout, switch: int) -> subprocess.Popen[bytes]:
    node = layout.registry
    node.directory.mkdir(parents=True, exist_ok=True)
    config = REGISTRY_CONFIG.format(directory=json.dumps(str(node.directory / "data")), address=layout.registry_url)
    (node.directory / "config.yml").write_text(config)
    return boot(node, scripts.REGISTRY, switch)


def boot_host(layout: Layout, index: int, storage: str, switch: int) -> subprocess.Popen[bytes]:
    """Starts the host and its engine, on the data of its earlier life if it had one."""
    node = layout.host(index)
    node.directory.mkdir(parents=True, exist_ok=True)
    (node.directory / "daemon.json").write_text(json.dumps(engine_config(layout, node, storage), indent=2) + "\n")
    root = json.dumps(str(node.directory / "containerd"))
    (node.directory / "containerd.toml").write_text(CONTAINERD_CONFIG.format(root=root))
    return boot(node, scripts.HOST + scripts.ENGINE + scripts.STAY, switch)


def engine_config(layout: Layout, node: Node, storage: str) -> dict[str, object]:
    """`daemon.json`: all in the node's directory or its /run, and the lab's registry as Docker Hub's mirror."""
    return {
        "hosts": [f"unix://{node.socket}"],
        "data-root": str(node.directory / "docker"),
        "exec-root": "/run/docker",
        "containerd": "/run/containerd/containerd.sock",
        "pidfile": "/run/docker.pid",
        "storage-driver": storage,
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "cgroup-parent": node.cgroup,
        "insecure-registries": [layout.registry_url],
        "registry-mirrors": [f"http://{layout.registry_url}"],
        "bip": "172.17.0.1/16",
    }


def write_names(layout: Layout, hosts: int) -> None:
    """The `/etc/hosts` that nodes copy when they boot."""
    nodes = [layout.registry, *(layout.host(index) for index in range(1, hosts + 1))]
    lines = ["127.0.0.1 localhost", "::1 localhost", *(f"{node.address} {node.name}" for node in nodes)]
    (layout.directory / "hosts").write_text("\n".join(lines) + "\n")


def wait_booted(booting: Iterable[tuple[Node, subprocess.Popen[bytes]]]) -> None:
    """Wait until each node's script has come to its program; raise with its last words if it died."""
    deadline = time.monotonic() + READY_TIMEOUT
    for node, process in booting:
        while not ready(node):
            if process.poll() is not None:
                raise Unavailable(f"{node.name} did not boot: {last_words(node.log)}")
            if time.monotonic() > deadline:
                raise Timeout(f"{node.name} did not boot within {READY_TIMEOUT:.0f} s: {last_words(node.log)}")
            time.sleep(0.005)


def wait_engine(node: Node) -> None:
    """Wait until the host's engine answers; raise with its last words if it died."""
    deadline = time.monotonic() + READY_TIMEOUT
    while not engine.answers(node.socket):
        if _engine_ended(node):
            raise EngineUnavailable(f"the Docker Engine of {node.name} stopped: {last_words(node.engine_log)}")
        if time.monotonic() > deadline:
            said = last_words(node.engine_log)
            raise Timeout(f"no Docker Engine on {node.name} within {READY_TIMEOUT:.0f} s: {said}")
        time.sleep(0.02)


def _engine_ended(node: Node) -> bool:
    try:
        parent = (node.directory / "engine.parent").read_text().strip()
    except OSError:
        return False
    return (node.directory / f"engine.exit.{parent}").exists()


def wait_registry(layout: Layout) -> None:
    """Wait until something listens on the registry's port, seen from its own node."""
    deadline = time.monotonic() + READY_TIMEOUT
    tables = Path(f"/proc/{running_pid(layout.registry)}/net")
    listening = f":{REGISTRY_PORT:04X} 00000000"
    while not any(listening in (tables / name).read_text() for name in ("tcp", "tcp6")):
        log = layout.registry.directory / "registry.log"
        if (layout.registry.directory / "registry.exit").exists():
            raise Unavailable(f"the registry stopped: {last_words(log)}")
        if time.monotonic() > deadline:
            raise Timeout(f"the registry did not start within {READY_TIMEOUT:.0f} s: {last_words(log)}")
        time.sleep(0.01)


def tell_names(layout: Layout, running: Iterable[Node]) -> None:
    """Give nodes that run the current names of all."""
    for node in running:
        pid = pid_of(node)
        if pid is not None:
            copy = ["cp", str(layout.directory / "hosts"), "/etc/hosts"]
            subprocess.run([*enter(pid), *copy], check=True, stdin=subprocess.DEVNULL)


def start_engine(node: Node) -> None:
    """Start the engine of a host that is on, and wait for it."""
    (node.directory / "ready").unlink(missing_ok=True)
    with node.log.open("ab") as log:
        process = subprocess.Popen(
            [*enter(running_pid(node)), "sh", "-c", f"set -e\n{scripts.ENGINE}", node.mark],
            env=environment(node), cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    wait_booted([(node, process)])
    wait_engine(node)


def start_daemon(node: Node) -> bool:
    """Start the host's swarmlite daemon if it is in a cluster, as systemd does at boot on a real host."""
    if not (node.data / "node.json").exists():
        return False
    command = [*enter(running_pid(node)), sys.executable, "-m", "swarmlite", "daemon", "--detach"]
    environment = entered_environment(node, Path(sys.executable).parent)
    done = subprocess.run(command, env=environment, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise Unavailable(f"the swarmlite daemon of {node.name} did not start: {done.stderr.strip()}")
    return True


def daemon_state(node: Node) -> Literal["on", "off", ""]:
    """Of the host's swarmlite daemon; empty where the host is in no cluster."""
    if not (node.data / "node.json").exists():
        return ""
    try:
        pid = int((node.data / "daemon.pid").read_text())
    except (OSError, ValueError):
        return "off"
    return "on" if is_node(pid, node.mark) else "off"


def stop_engine(node: Node, number: int) -> None:
    """Send the host's `dockerd` this signal, and wait for its end."""
    pid = engine_pid(node)
    if pid is None:
        return
    os.kill(pid, number)
    deadline = time.monotonic() + STOP_TIMEOUT
    while is_node(pid, node.mark):
        if time.monotonic() > deadline:
            raise Timeout(f"the Docker Engine of {node.name} did not stop within {STOP_TIMEOUT:.0f} s")
        time.sleep(0.02)


def engine_pid(node: Node) -> int | None:
    """The pid of the host's `dockerd`, None if it does not run; its pid file lies in the host's own /run."""
    try:
        pid = int(Path(f"/proc/{running_pid(node)}/root/run/docker.pid").read_text())
    except (OSError, ValueError):
        return None
    return pid if is_node(pid, node.mark) else None


def load_own_images(node: Node) -> None:
    """Load what every host has from the start, unless it is there from an earlier life."""
    for name in images.ON_EVERY_HOST:
        if not engine.has_image(node.socket, name):
            engine.load_image(node.socket, images.IMAGES[name]())


def engine_version(node: Node) -> str:
    """Empty while the engine does not answer."""
    try:
        return engine.version(node.socket)
    except (EngineUnavailable, EngineError):
        return ""
