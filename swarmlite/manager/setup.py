"""What the command line needs of this room, in one place: a host's way into a cluster, its daemon, and its way out."""

from swarmlite.manager.app import DaemonOptions, run_daemon
from swarmlite.manager.boot import boot
from swarmlite.manager.init import InitOptions, init
from swarmlite.manager.join import JoinOptions, join
from swarmlite.manager.leave import LeaveOptions, leave

__all__ = [
    "DaemonOptions",
    "InitOptions",
    "JoinOptions",
    "LeaveOptions",
    "boot",
    "init",
    "join",
    "leave",
    "run_daemon",
]
