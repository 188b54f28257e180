"""Where everything of one lab lies and what it is called: all of it follows from the lab's directory.

Labs in different directories share nothing but the machine: their networks are not connected, so that every lab can
have the same addresses.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from swarmlite.errors import InvalidArgument
from swarmlite.settings import CLI_SOCKET

DIRECTORY = Path("/var/lib/swarmlite-lab")
DIRECTORY_VARIABLE = "SWARMLITE_LAB_DIR"
NODE_VARIABLE = "SWARMLITE_LAB_NODE"
"""In the environment of every process of a lab, as LAB/NODE: by this they are found again."""

MAX_HOSTS = 200
PREFIX = 24
GATEWAY = "10.77.0.1"
REGISTRY_ADDRESS = "10.77.0.2"
REGISTRY_PORT = 5000
SOCKET_PATH_MAX = 107
"""Bytes that the kernel allows in the path of a Unix socket."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A machine on the lab's switch; its name is also the name of its port there."""

    lab: str
    name: str
    directory: Path
    address: str
    index: int

    @property
    def mark(self) -> str:
        """The value of NODE_VARIABLE in its processes."""
        return f"{self.lab}/{self.name}"

    @property
    def cgroup(self) -> str:
        return f"/{cgroup_root(self.lab)}/{self.name}"

    @property
    def mac(self) -> str:
        """The same after every boot, as a real network card's."""
        pairs = [self.lab[at : at + 2] for at in (0, 2, 4)]
        return ":".join(["02", *pairs, "00", f"{self.index:02x}"])

    @property
    def pid_file(self) -> Path:
        return self.directory / "pid"

    @property
    def socket(self) -> Path:
        return self.directory / "docker.sock"

    @property
    def data(self) -> Path:
        """What `SWARMLITE_DATA_DIR` is on this host."""
        return self.directory / "swarmlite"

    @property
    def log(self) -> Path:
        return self.directory / "boot.log"

    @property
    def engine_log(self) -> Path:
        return self.directory / "dockerd.log"


@dataclass(frozen=True)
class Layout:
    """One lab, by its directory (absolute, without symbolic links)."""

    directory: Path

    @property
    def lab(self) -> str:
        """Six hexadecimal digits that no other directory's lab has."""
        return hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:6]

    @property
    def state_file(self) -> Path:
        return self.directory / "state.json"

    @property
    def nodes(self) -> Path:
        return self.directory / "nodes"

    @property
    def switch(self) -> Node:
        return self._node("switch", GATEWAY, 1)

    @property
    def registry(self) -> Node:
        return self._node("registry", REGISTRY_ADDRESS, 2)

    @property
    def registry_url(self) -> str:
        """As it stands in front of an image's name."""
        return f"{REGISTRY_ADDRESS}:{REGISTRY_PORT}"

    def host(self, index: int) -> Node:
        """Host `index`, from 1."""
        number = 10 + index
        return self._node(f"host{index}", f"10.77.0.{number}", number)

    def _node(self, name: str, address: str, index: int) -> Node:
        return Node(lab=self.lab, name=name, directory=self.nodes / name, address=address, index=index)


def cgroup_root(lab: str) -> str:
    return f"swarmlite-lab-{lab}"


def layout_of(environ: dict[str, str]) -> Layout:
    """The lab that the environment names, or the default one."""
    directory = Path(os.path.realpath(environ.get(DIRECTORY_VARIABLE) or DIRECTORY))
    layout = Layout(directory)
    if "," in str(directory):
        raise InvalidArgument(f"the Docker Engine takes no comma in {directory}: choose another {DIRECTORY_VARIABLE}")
    if len(os.fsencode(layout.host(MAX_HOSTS).data / CLI_SOCKET)) > SOCKET_PATH_MAX:
        raise InvalidArgument(
            f"the path {directory} is too long for the sockets of a lab: choose a shorter {DIRECTORY_VARIABLE}"
        )
    return layout
