"""What is left once the processes of a lab are dead: control groups and files. Works without a state file."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from swarmlite.errors import Unavailable
from swarmlite.lab.layout import Layout, cgroup_root

OURS = ("nodes", "hosts", "state.json", "state.new", "probe")
CGROUP_TIMEOUT = 5.0


def remove_cgroups(lab: str, node: str | None = None) -> None:
    """Remove the control groups of dead containers; the kernel lets go of each a moment after its last process."""
    deadline = time.monotonic() + CGROUP_TIMEOUT
    for root in _cgroup_mounts():
        top = root / cgroup_root(lab)
        for group in _deepest_first(top / node if node else top):
            while not _removed(group):
                if time.monotonic() > deadline:
                    raise Unavailable(f"the control group {group} cannot be removed: something still runs in it")
                time.sleep(0.01)


def remove_files(layout: Layout) -> None:
    """Remove what the lab wrote."""
    for name in OURS:
        path = layout.directory / name
        if path.is_dir() and not path.is_symlink():
            remove_tree(path)
        else:
            path.unlink(missing_ok=True)


def remove_directory(layout: Layout) -> None:
    """Remove the lab's directory, unless something else lies there too."""
    try:
        layout.directory.rmdir()
    except OSError:
        if not layout.directory.is_dir():
            raise


def has_remains(layout: Layout) -> bool:
    """Whether any file or control group of the lab is there."""
    files = any((layout.directory / name).exists() for name in OURS)
    return files or any((root / cgroup_root(layout.lab)).exists() for root in _cgroup_mounts())


def remove_tree(path: Path) -> None:
    """As a file system that was in use a moment ago may still be busy or fill up again, try more than once."""
    for pause in (0.02, 0.1, 0.5):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(pause)
    shutil.rmtree(path)


def _cgroup_mounts() -> Iterator[Path]:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        fields = line.split()
        if fields[2] in ("cgroup", "cgroup2"):
            yield Path(fields[1])


def _deepest_first(top: Path) -> Iterator[Path]:
    for path, _, _ in os.walk(top, topdown=False):
        yield Path(path)


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
