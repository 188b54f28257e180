"""`python -m swarmlite.dns CONTROL_FD DOOR_FD ORPHAN_SECONDS`: the answering process. Only its parent starts it."""

import contextlib
import os
import resource
import signal
import socket
import sys

from swarmlite.dns.child import Child

_NICENESS = -10  # a deployment next door must not make look-ups wait


def main() -> None:
    control, door, orphan_seconds = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    Child(socket.socket(fileno=int(control)), socket.socket(fileno=int(door)), float(orphan_seconds)).run()


main()
