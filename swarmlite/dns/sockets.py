"""Listening sockets and the door where the next parent knocks; both outlive the process that answers."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from swarmlite.errors import InvalidArgument, Unavailable

DOOR = "dns.sock"
_RECEIVE_BUFFER = 4 << 20  # what must wait while a killed process is replaced
_PORT = 53
_IP_FREEBIND, _SO_RCVBUFFORCE = 15, 33


class Sockets(msgspec.Struct, frozen=True):
    """One listening address. `outside`: for askers who are no tasks, such as `--dns-listen`."""

    udp: socket.socket
    tcp: socket.socket
    outside: bool

    def close(self) -> None:
        self.udp.close()
        self.tcp.close()


def bind(address: str, port: int, *, outside: bool) -> Sockets:
    """Sockets for both transports, on an address that may come later."""
    if address in ("0.0.0.0", "::") and port == _PORT:
        raise InvalidArgument(
            f"DNS cannot listen on {address} port {port}: the cluster networks' own addresses need that port; "
            "name one address of this host, or another port"
        )
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    tcp = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        with contextlib.suppress(PermissionError):
            udp.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for sock in (udp, tcp):
            sock.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        udp.bind((address, port))
        tcp.bind((address, port))
        tcp.listen(128)
    except OSError as error:
        udp.close()
        tcp.close()
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise Unavailable(f"DNS cannot listen on {address} port {port}: {reason}") from error
    return Sockets(udp, tcp, outside)


def open_door(run_dir: Path) -> socket.socket:
    """A new door; who knocks at the old one knocks at the process that has it open."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / DOOR).unlink(missing_ok=True)
    with short_path(run_dir) as path:
        door.bind(path)
        os.chmod(path, 0o600)
    door.listen(4)
    return door


@contextlib.contextmanager
def short_path(run_dir: Path) -> Iterator[str]:
    """The door's path in under the 108 bytes that a Unix socket's may have."""
    fd = os.open(run_dir, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{fd}/{DOOR}"
    finally:
        os.close(fd)
