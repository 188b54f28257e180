"""Finding a lab's processes, whatever they are doing at that moment."""

import os
import subprocess
import sys

import pytest

from swarmlite.lab.layout import NODE_VARIABLE
from swarmlite.lab.processes import is_node

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="labs are on Linux")
MARK = "abcdef/host1"


def test_a_process_that_becomes_another_program_is_not_taken_for_dead() -> None:
    again = '[ "$0" = xxxxxxxxxx ] && exec sleep 60; exec sh -c "$again" "x$0"'
    environment = dict(os.environ) | {NODE_VARIABLE: MARK, "again": again}
    for _ in range(20):
        process = subprocess.Popen(["sh", "-c", again, "x"], env=environment)
        try:
            assert all(is_node(process.pid, MARK) for _ in range(100))
        finally:
            process.kill()
            process.wait()
        assert not is_node(process.pid, MARK)


def test_a_process_of_another_mark_or_none_is_not_the_node() -> None:
    for environment in ({}, {NODE_VARIABLE: "abcdef/host2"}, {NODE_VARIABLE: MARK + "0"}):
        process = subprocess.Popen(["/bin/sleep", "60"], env=environment)
        try:
            assert not is_node(process.pid, MARK)
        finally:
            process.kill()
            process.wait()
