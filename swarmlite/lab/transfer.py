"""Moving images: onto the lab's hosts and into its registry, from wherever one is found."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from swarmlite.errors import EngineError, FailedPrecondition, NotFound
from swarmlite.lab import app, engine, images
from swarmlite.lab.layout import Layout, Node
from swarmlite.lab.nodes import pid_of

OFFICIAL = "library/"
"""Where Docker Hub, and so its mirror, keeps what is named by one word."""


def push(layout: Layout, image: str) -> list[str]:
    """Put an image (a name, or a `docker save` archive's path) into the lab's registry; its names there.

    Hosts then pull it by such a name, or by its plain name, as the registry is also their mirror of Docker Hub.
    """
    node = _running_hosts(layout)[0]
    pushed = []
    for name in _bring(layout, image, node):
        for target in registry_names(layout.registry_url, name):
            _docker(node, "tag", name, target)
            _docker(node, "push", "--quiet", target)
            if target != name:
                _docker(node, "rmi", target)
            pushed.append(target)
    return pushed


def load(layout: Layout, image: str) -> list[str]:
    """Put an image on every host that is on; its names."""
    names: list[str] = []
    for node in _running_hosts(layout):
        names = _bring(layout, image, node)
    return names


def registry_names(registry: str, image: str) -> list[str]:
    """The names under which the registry keeps an image: without another registry's address, official ones twice."""
    first, _, rest = image.partition("/")
    has_address = bool(rest) and ("." in first or ":" in first or first == "localhost")
    path = (rest if has_address else image).removeprefix(OFFICIAL)
    return [f"{registry}/{path}"] + ([] if "/" in path else [f"{registry}/{OFFICIAL}{path}"])


def _bring(layout: Layout, image: str, node: Node) -> list[str]:
    """See that the host has the image: a file, its own, one of the lab's own, another host's, or this machine's."""
    if Path(image).is_file():
        return _loaded(_docker(node, "load", "--input", image))
    if engine.has_image(node.socket, image):
        return [image]
    own = images.built_in(image)
    if own is not None:
        return engine.load_image(node.socket, images.IMAGES[own]())
    for other in _running_hosts(layout):
        if other != node and engine.has_image(other.socket, image):
            return _copy(["docker", "-H", f"unix://{other.socket}", "save", image], node)
    if subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0:
        return _copy(["docker", "save", image], node)
    raise NotFound(
        f"no image {image}: no host of the lab has it, nor this machine's own Docker Engine, there is no such file, "
        f"and the lab itself makes only {', '.join(images.IMAGES)}"
    )


def _copy(save: list[str], node: Node) -> list[str]:
    with subprocess.Popen(save, stdout=subprocess.PIPE) as source:
        names = _loaded(_docker(node, "load", stdin=source.stdout.fileno() if source.stdout else None))
    if source.returncode != 0:
        raise EngineError(f"`{' '.join(save)}` failed")
    return names


def _loaded(said: str) -> list[str]:
    prefix = "Loaded image: "
    return [line.removeprefix(prefix) for line in said.splitlines() if line.startswith(prefix)]


def _docker(node: Node, *arguments: str, stdin: int | None = None) -> str:
    command = ["docker", "-H", f"unix://{node.socket}", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=dict(os.environ),
        stdin=subprocess.DEVNULL if stdin is None else stdin,
    )  # fmt: skip
    if done.returncode != 0:
        raise EngineError(f"{node.name}: docker {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def _running_hosts(layout: Layout) -> list[Node]:
    found = _answering(layout.host(index) for index in range(1, app.running(layout).hosts + 1))
    if not found:
        raise FailedPrecondition("no host of the lab is on: start one with `swarmlite lab start`")
    return found


def _answering(nodes: Iterable[Node]) -> list[Node]:
    return [node for node in nodes if pid_of(node) is not None and engine.answers(node.socket)]
