"""The lab's own small images, made of programs of this machine, so that no registry on the internet is needed.

To add one: a function that returns the archive, and a row in IMAGES.
"""

import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

from swarmlite.errors import FailedPrecondition
from swarmlite.lab.archive import Entry, archive, layer
from swarmlite.lab.needs import system_environment

BUSYBOX = "busybox:latest"
WHOAMI = "swarmlite/whoami:latest"

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DIRECTORIES = ("bin", "sbin", "usr", "usr/bin", "usr/sbin", "lib", "etc", "dev", "proc", "sys", "root", "run", "home",
               "var", "var/run", "var/www")  # fmt: skip
SKELETON = (
    *(Entry(path=path) for path in DIRECTORIES),
    Entry(path="tmp", mode=0o1777),
    Entry(
        path="etc/passwd", mode=0o644, data=b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"
    ),
    Entry(path="etc/group", mode=0o644, data=b"root:x:0:\nnogroup:x:65534:\n"),
    Entry(path="etc/nsswitch.conf", mode=0o644, data=b"hosts: files dns\n"),
)

SERVE = b"""#!/bin/sh
# The shell is process 1 and hears SIGTERM, which httpd as process 1 would not.
trap 'exit 0' TERM INT
httpd -f -p "${PORT:-80}" -h /var/www &
wait $!
"""
ANSWER = b"""#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
echo "Hostname: $(hostname)"
echo "Address: $(hostname -i 2>/dev/null)"
client=${REMOTE_ADDR#[::ffff:}
echo "Client: ${client%]}"
"""


def busybox() -> bytes:
    return archive(BUSYBOX, [_busybox_layer()], {"Cmd": ["sh"], "Env": [PATH]})


def whoami() -> bytes:
    """Answers HTTP on port 80 (or `PORT`) with its host name, address and client; stops at once on SIGTERM."""
    page = layer(
        (
            Entry(path="bin/whoami-server", data=SERVE),
            Entry(path="var/www/cgi-bin"),
            Entry(path="var/www/cgi-bin/index.cgi", data=ANSWER),
        )
    )
    config = {"Cmd": ["/bin/whoami-server"], "Env": [PATH], "ExposedPorts": {"80/tcp": {}}, "WorkingDir": "/"}
    return archive(WHOAMI, [_busybox_layer(), page], config)


def built_in(image: str) -> str | None:
    """The full name of one of the lab's own images, by its name with or without the tag."""
    return next((name for name in (image, f"{image}:latest", f"{image}:lab") if name in IMAGES), None)


@cache
def _busybox_layer() -> bytes:
    program = shutil.which("busybox", path=system_environment()["PATH"])
    if program is None:
        raise FailedPrecondition("the image busybox is made of Debian's static busybox: apt install busybox-static")
    listed = subprocess.run([program, "--list-full"], capture_output=True, text=True, check=True).stdout.split()
    applets = sorted({path for path in listed if path not in ("bin/busybox", "linuxrc")})
    return layer(
        (
            *SKELETON,
            Entry(path="bin/busybox", data=Path(program).read_bytes()),
            *(Entry(path=path, mode=0o777, link="/bin/busybox") for path in applets),
        )
    )


IMAGES: dict[str, Callable[[], bytes]] = {BUSYBOX: busybox, WHOAMI: whoami}
ON_EVERY_HOST = (BUSYBOX, WHOAMI)
"""What `up` and `start` load, so that a first deployment has something to run."""
