"""The answering process goes first, but not when it never rests. Tried in a process of its own."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, time
from swarmlite.dns import priority
priority.PENANCE = 0.1
priority.go_first()
print(os.sched_getscheduler(0))
def until(policy):
    end = time.monotonic() + 5
    while os.sched_getscheduler(0) != policy and time.monotonic() < end:
        pass
    print(os.sched_getscheduler(0))
until(os.SCHED_OTHER)
end = time.monotonic() + 5
while os.sched_getscheduler(0) != os.SCHED_RR and time.monotonic() < end:
    time.sleep(0.01)
print(os.sched_getscheduler(0))
"""


def allowed() -> bool:
    check = "import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))"
    return subprocess.run([sys.executable, "-c", check], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not allowed(), reason="this host allows no real-time priority")
def test_who_does_not_rest_goes_back_into_the_common_queue_and_comes_forward_again_later() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.split() == [str(os.SCHED_RR), str(os.SCHED_OTHER), str(os.SCHED_RR)]
