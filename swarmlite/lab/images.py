"""The lab's own small images, made of programs of this machine, so that no registry on the internet is needed.

To add one: a function that returns the archive, and a row in IMAGES.
"""

import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from swarmlite.errors import FailedPrecondition
from swarmlite.lab.archive import Entry, archive, layer, unique
from swarmlite.lab.files import find, libraries, python, system_program, with_libraries
from swarmlite.lab.needs import system_environment

BUSYBOX = "busybox:latest"
WHOAMI = "swarmlite/whoami:latest"
GLIBC = "glibc:lab"
MUSL = "musl:lab"

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
    Entry(path="etc/nsswitch.conf", mode=0o644, data=b"hosts: files dns\nservices: files\nprotocols: files\n"),
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

LOOKUP = rb"""
#include <stdio.h>
#include <string.h>
#include <netdb.h>
#include <arpa/inet.h>
int main(int argc, char **argv) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found, *each;
  char text[64];
  if (argc > 2) hints.ai_family = argv[2][0] == '6' ? AF_INET6 : AF_INET;
  int failed = getaddrinfo(argc > 1 ? argv[1] : "", 0, &hints, &found);
  if (failed) { fprintf(stderr, "%s\n", gai_strerror(failed)); return 2; }
  for (each = found; each; each = each->ai_next) {
    void *address = each->ai_family == AF_INET6 ? (void *)&((struct sockaddr_in6 *)each->ai_addr)->sin6_addr
                                                : (void *)&((struct sockaddr_in *)each->ai_addr)->sin_addr;
    puts(inet_ntop(each->ai_family, address, text, sizeof text));
  }
  return 0;
}
"""


def busybox() -> bytes:
    """Debian's busybox. Its `wget` crashes at `-T`: put `timeout 2` in front instead."""
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


def glibc() -> bytes:
    """GNU libc with its resolver, `getent` and `python3`; the rest is busybox."""
    layers = [_busybox_layer(), layer(unique([*with_libraries(_name_services()), *python()]))]
    return archive(GLIBC, layers, {"Cmd": ["sh"], "Env": [PATH]})


def musl() -> bytes:
    """`lookup NAME [4|6]` prints the addresses that musl's resolver finds, one a line; the rest is busybox."""
    compiler = find("musl-gcc")
    if compiler is None:
        raise FailedPrecondition("the image musl:lab is compiled when it is wanted: apt install musl-tools gcc")
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory) / "lookup"
        command = [compiler, "-static", "-O1", "-o", str(program), "-x", "c", "-"]
        done = subprocess.run(command, input=LOOKUP, capture_output=True, check=False, env=system_environment())
        if done.returncode != 0:
            raise FailedPrecondition(f"musl-gcc cannot compile (apt install gcc): {done.stderr.decode().strip()}")
        content = program.read_bytes()
    layers = [_busybox_layer(), layer([Entry(path="usr/bin/lookup", data=content)])]
    return archive(MUSL, layers, {"Cmd": ["sh"], "Env": [PATH]})


def built_in(image: str) -> str | None:
    """The full name of one of the lab's own images, by its name with or without the tag."""
    return next((name for name in (image, f"{image}:latest", f"{image}:lab") if name in IMAGES), None)


def _name_services() -> list[Path]:
    getent = system_program("getent", "libc-bin")
    where = next(path.parent for path in libraries(getent) if path.name.startswith("libc.so"))
    return [getent, *sorted(where.glob("libnss_dns.so*")), *sorted(where.glob("libnss_files.so*"))]


@cache
def _busybox_layer() -> bytes:
    program = find("busybox")
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


IMAGES: dict[str, Callable[[], bytes]] = {BUSYBOX: busybox, WHOAMI: whoami, GLIBC: glibc, MUSL: musl}
ON_EVERY_HOST = (BUSYBOX, WHOAMI)
"""What `up` and `start` load, so that a first deployment has something to run."""
