"""Programs of this machine as entries of an image's layer, with the shared libraries they need."""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from swarmlite.errors import FailedPrecondition
from swarmlite.lab.archive import Entry
from swarmlite.lab.needs import system_environment

LIBRARY = re.compile(r"(/\S+) \(0x")
PYTHON = re.compile(r"/usr/bin/python3\.\d+$")
LEFT_OUT = {
    "test", "idlelib", "tkinter", "ensurepip", "lib2to3", "distutils", "pydoc_data", "turtledemo", "venv", "unittest",
    "site-packages", "dist-packages", "__phello__",
}  # fmt: skip
"""Parts of Python's library that a test inside a container has no use for."""


def system_program(name: str, package: str) -> Path:
    """The machine's own program, not one of a virtual environment or a version manager."""
    for directory in ("/usr/bin", "/usr/sbin", "/bin", "/sbin"):
        found = Path(directory) / name
        if found.exists():
            return found.resolve()
    raise FailedPrecondition(f"the program `{name}` is not installed: apt install {package}")


def with_libraries(programs: Iterable[Path]) -> Iterator[Entry]:
    """These programs and libraries, and the libraries that they name, each at its own path."""
    wanted: dict[Path, None] = {}
    for program in programs:
        wanted[program] = None
        wanted |= dict.fromkeys(libraries(program))
    for path in wanted:
        yield from parents(path)
        yield file(path)


def libraries(program: Path) -> list[Path]:
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False, env=system_environment())
    return [Path(found) for found in LIBRARY.findall(done.stdout)]


def python() -> Iterator[Entry]:
    """The machine's Python and those of its modules that need nothing but Python's own libraries."""
    program = system_program("python3", "python3")
    if not PYTHON.match(str(program)):
        raise FailedPrecondition(f"{program} is not Debian's Python: apt install python3")
    yield from with_libraries([program])
    yield Entry(path="usr/bin/python3", link=str(program))
    home = Path("/usr/lib") / program.name
    known = {*libraries(program), *libraries(system_program("getent", "libc-bin"))}
    yield Entry(path=str(home))
    for path in sorted(home.rglob("*")):
        inside = path.relative_to(home)
        if inside.parts[0] in LEFT_OUT or inside.parts[0].startswith("config-"):
            continue
        if path.is_dir():
            yield Entry(path=str(path))
        elif path.is_file() and (path.suffix != ".so" or known.issuperset(libraries(path))):
            yield file(path)


def file(path: Path) -> Entry:
    """With its time, by which Python knows whether compiled modules are current."""
    found = path.stat()
    return Entry(path=str(path), mode=found.st_mode & 0o777, data=path.read_bytes(), modified=int(found.st_mtime))


def parents(path: Path) -> Iterator[Entry]:
    for parent in reversed(path.parents[:-1]):
        yield Entry(path=str(parent))


def find(name: str) -> str | None:
    return shutil.which(name, path=system_environment()["PATH"])
