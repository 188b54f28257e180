"""A lab as tests use it: only through the command line, as a user types it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = str(Path(sys.executable).parent / "swarmlite")
PREFIX = "swarmlite-test-"

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Lab:
    """A lab in a directory of its own. Hosts are numbered from 1; every method raises AssertionError on a failure."""

    directory: Path
    hosts: int

    @property
    def registry(self) -> str:
        return self.command("registry").stdout.strip()

    @property
    def environment(self) -> dict[str, str]:
        return dict(os.environ) | {"SWARMLITE_LAB_DIR": str(self.directory)}

    def address(self, i: int) -> str:
        return f"10.77.0.{10 + i}"

    def socket(self, i: int) -> Path:
        """The Docker Engine's, for an SDK outside the host."""
        return self.directory / "nodes" / f"host{i}" / "docker.sock"

    def data_dir(self, i: int) -> Path:
        """Host `i`'s SWARMLITE_DATA_DIR."""
        return self.directory / "nodes" / f"host{i}" / "swarmlite"

    def command(self, *arguments: str, timeout: float = 60.0, check: bool = True, stdin: str = "") -> Done:
        """`swarmlite lab ARGUMENTS…`."""
        done = subprocess.run(
            [COMMAND, "lab", *arguments], capture_output=True, text=True, timeout=timeout, check=False, input=stdin,
            env=self.environment,
        )  # fmt: skip
        if check and done.returncode != 0:
            words = " ".join(arguments)
            raise AssertionError(f"`lab {words}` exited with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def docker(self, i: int, *arguments: str, timeout: float = 60.0, check: bool = True, stdin: str = "") -> Done:
        """Docker's command line on host `i`'s engine."""
        return self.command("docker", str(i), *arguments, timeout=timeout, check=check, stdin=stdin)

    def run(self, i: int, *command: str, timeout: float = 60.0, check: bool = True, stdin: str = "") -> Done:
        """A command on host `i`."""
        return self.command("run", str(i), "--", *command, timeout=timeout, check=check, stdin=stdin)

    def swarmlite(self, i: int, *arguments: str, timeout: float = 60.0, check: bool = True, stdin: str = "") -> Done:
        """Our own command line on host `i`, with that host's data directory and engine."""
        return self.run(i, "swarmlite", *arguments, timeout=timeout, check=check, stdin=stdin)

    def popen(self, i: int, *command: str) -> subprocess.Popen[str]:
        """A command on host `i` that goes on; the caller ends it."""
        return subprocess.Popen(
            [COMMAND, "lab", "run", str(i), "--", *command], env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def kill(self, i: int) -> None:
        self.command("kill", str(i))

    def start(self, i: int) -> None:
        self.command("start", str(i))

    def cut(self, i: int) -> None:
        self.command("cut", str(i))

    def heal(self, i: int) -> None:
        self.command("heal", str(i))

    def engine(self, action: str, i: int) -> None:
        """`stop`, `kill`, `start` or `restart` host `i`'s Docker Engine alone."""
        self.command("engine", action, str(i))

    def load(self, image: str) -> None:
        """Put an image on every host: one of the lab's own, or any that a host or this machine has."""
        self.command("load", image)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.command("status", "--format", "json").stdout)
        return found

    def down(self) -> None:
        self.command("down")
        shutil.rmtree(self.directory, ignore_errors=True)


@contextmanager
def lab_of(hosts: int) -> Iterator[Lab]:
    """A lab of its own, gone afterwards whatever happens."""
    lab = empty_lab(hosts)
    try:
        lab.command("up", "--hosts", str(hosts), timeout=120)
        yield lab
    finally:
        lab.down()


def empty_lab(hosts: int) -> Lab:
    """A directory for a lab that is not up. Its name carries this process, see `sweep`."""
    return Lab(Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir="/tmp")), hosts)


def sweep() -> None:
    """Take down labs of test runs that were killed before they could."""
    for directory in Path("/tmp").glob(f"{PREFIX}*-*"):
        pid = directory.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdecimal() and not Path("/proc", pid).exists():
            Lab(directory, 0).down()
