"""The lab and the cluster that lab tests share, started once. A test that breaks something mends it."""

import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

import pytest

from tests.lab.cluster import Cluster, cluster_of
from tests.lab.handle import Lab, lab_of, sweep


@pytest.fixture(scope="session")
def _needs_root() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("lab tests need Linux and root")
    sweep()


@pytest.fixture(scope="session")
def _unwinds_when_ended(_needs_root: None) -> Iterator[None]:
    """Let SIGTERM run the fixtures' ends, as Ctrl-C does."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def lab(_unwinds_when_ended: None) -> Iterator[Lab]:
    """Three hosts, shared by the whole session."""
    with lab_of(3) as found:
        yield found


@pytest.fixture
def one_host(_unwinds_when_ended: None) -> Iterator[Lab]:
    """A lab of one host, for one test."""
    with lab_of(1) as found:
        yield found


@pytest.fixture(scope="session")
def _shared_cluster(_unwinds_when_ended: None) -> Iterator[Cluster]:
    with cluster_of(3) as found:
        yield found


@pytest.fixture
def cluster(_shared_cluster: Cluster) -> Iterator[Cluster]:
    """Three hosts in a cluster, shared by the whole session; a test's stacks are removed after it."""
    before = _shared_cluster.stacks()
    yield _shared_cluster
    _shared_cluster.clear(keep=before)


@pytest.fixture(scope="module")
def _fresh_cluster(_unwinds_when_ended: None) -> Iterator[Cluster]:
    with cluster_of(3) as found:
        yield found


@pytest.fixture
def fresh_cluster(_fresh_cluster: Cluster) -> Iterator[Cluster]:
    """Three hosts in a cluster of this module's own, for tests that break much; stacks are removed after each."""
    yield _fresh_cluster
    _fresh_cluster.clear()
