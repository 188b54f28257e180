"""`python -m swarmlite.dns CONTROL_FD DOOR_FD ORPHAN_SECONDS`: the answering process. Only its parent starts it."""

import resource
import signal
import socket
import sys

from swarmlite.dns.child import Child
from swarmlite.dns.priority import go_first


def main() -> None:
    control, door, orphan_seconds = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    go_first()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    Child(socket.socket(fileno=int(control)), socket.socket(fileno=int(door)), float(orphan_seconds)).run()


main()
