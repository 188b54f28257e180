"""Puts the answering process first on its processor, or a host that starts containers makes look-ups wait 50 ms.

Niceness does little for that, since kernels weigh sessions against each other before the processes in them; the lowest
real-time priority does it. The kernel keeps watch: a process that has not slept for `PATIENCE` is being flooded, and
goes back into the common queue for a while, so that no flood of queries takes a processor away from all others.
"""

import os
import resource
import signal
from types import FrameType

PATIENCE = 50_000
"""Microseconds: some thousand answers without a pause."""

PENANCE = 1.0
"""Seconds in the common queue."""

_NICENESS = -10
_FIRST = os.sched_param(1)
_COMMON = os.sched_param(0)


def go_first() -> None:
    """Of this process; where the host does not allow it, only as far as it does."""
    _, most = resource.getrlimit(resource.RLIMIT_RTTIME)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
        resource.setrlimit(resource.RLIMIT_RTTIME, (PATIENCE, most))
        signal.signal(signal.SIGXCPU, _step_back)
        signal.signal(signal.SIGALRM, _step_forward)
        os.sched_setscheduler(0, os.SCHED_RR, _FIRST)
    except (OSError, ValueError):
        return


def _step_back(_: int, __: FrameType | None) -> None:
    os.sched_setscheduler(0, os.SCHED_OTHER, _COMMON)
    signal.setitimer(signal.ITIMER_REAL, PENANCE)


def _step_forward(_: int, __: FrameType | None) -> None:
    os.sched_setscheduler(0, os.SCHED_RR, _FIRST)
