"""Booting a node, entering it, and its cable."""

import json
import os
import subprocess
from pathlib import Path

from swarmlite.errors import FailedPrecondition, Unavailable
from swarmlite.lab import scripts
from swarmlite.lab.layout import GATEWAY, NODE_VARIABLE, PREFIX, Node
from swarmlite.lab.needs import system_environment
from swarmlite.lab.processes import is_node

OTHER_ENGINES = ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
"""Variables by which the user's shell may point at an engine outside the lab."""


def boot(node: Node, script: str, switch: int | None) -> subprocess.Popen[bytes]:
    """Start the node's first process, which runs `script` after the common part and stays; does not wait for it.

    `switch` is the pid of the switch to plug into. The process makes its own namespaces, so that they die with it.
    """
    node.directory.mkdir(parents=True, exist_ok=True)
    (node.directory / "ready").unlink(missing_ok=True)
    body = scripts.BOOT + (scripts.PLUG if switch else "") + script
    with node.log.open("ab") as log:
        return subprocess.Popen(
            ["unshare", "--net", "--uts", "--mount", "--propagation", "slave", "sh", "-c", body, node.mark],
            env=environment(node) | {"LAB_SWITCH": str(switch or "")},
            cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def environment(node: Node) -> dict[str, str]:
    """What the scripts of a node find in their environment."""
    return system_environment() | {
        NODE_VARIABLE: node.mark,
        "LAB_ROOT": str(node.directory.parent.parent),
        "LAB_DIR": str(node.directory),
        "LAB_NAME": node.name,
        "LAB_MAC": node.mac,
        "LAB_ADDRESS": node.address,
        "LAB_PREFIX": str(PREFIX),
        "LAB_GATEWAY": GATEWAY,
    }


def pid_of(node: Node) -> int | None:
    """The node's first process, which holds its namespaces; None when it is off."""
    try:
        pid = int(node.pid_file.read_text())
    except (OSError, ValueError):
        return None
    return pid if is_node(pid, node.mark) else None


def running_pid(node: Node) -> int:
    pid = pid_of(node)
    if pid is not None:
        return pid
    if node.name.startswith("host"):
        raise FailedPrecondition(f"{node.name} is off: start it with `swarmlite lab start {node.name}`")
    raise FailedPrecondition(f"the lab's {node.name} is gone: run `swarmlite lab down`, then `swarmlite lab up`")


def enter(pid: int) -> list[str]:
    """The command line prefix that puts what follows into the namespaces of a node's first process."""
    return ["nsenter", "--target", str(pid), "--net", "--uts", "--mount", "--"]


def ready(node: Node) -> bool:
    return (node.directory / "ready").exists()


def last_words(log: Path) -> str:
    """The last line of a log, for a message about a failure."""
    try:
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    return lines[-1] if lines else "it said nothing"


def set_port(switch: Node, name: str, *, up: bool) -> None:
    _on_switch(switch, "link", "set", "dev", name, "up" if up else "down")


def unplug(switch: Node, name: str) -> None:
    """Remove a node's cable, both ends."""
    if name in ports(switch):
        _on_switch(switch, "link", "delete", "dev", name)


def ports(switch: Node) -> dict[str, bool]:
    """The switch's ports by node, and whether each is up; empty without a switch."""
    if pid_of(switch) is None:
        return {}
    links = json.loads(_on_switch(switch, "-json", "link", "show", "master", "switch") or "[]")
    return {str(link["ifname"]): "UP" in link["flags"] for link in links if link}


def _on_switch(switch: Node, *arguments: str) -> str:
    command = ["nsenter", "--target", str(running_pid(switch)), "--net", "ip", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=system_environment())
    if done.returncode != 0:
        raise Unavailable(f"the lab's switch said: {done.stderr.strip()}")
    return done.stdout


def entered_environment(node: Node, programs: Path) -> dict[str, str]:
    """The user's own environment as it is on the host: its engine, its data directory, no proxy."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and name not in OTHER_ENGINES
    }
    return kept | {
        NODE_VARIABLE: node.mark,
        "DOCKER_HOST": f"unix://{node.socket}",
        "SWARMLITE_DATA_DIR": str(node.data),
        "HOSTNAME": node.name,
        "PATH": f"{programs}:{system_environment()['PATH']}",
    }
