"""What `init` and `join` share: a look at the host before anything is written, and the start of its daemon."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from swarmlite.agent.describe import describe
from swarmlite.engine.client import Engine
from swarmlite.errors import (
    AlreadyExists,
    FailedPrecondition,
    SwarmliteError,
)
from swarmlite.manager.background import background_of
from swarmlite.manager.datadir import DataDir, NodeRecord
from swarmlite.manager.ready import await_ready
from swarmlite.manager.sockets import check_length
from swarmlite.model.objects import NodeDescription
from swarmlite.model.spec import Role

Say = Callable[[str], None]


def check_root() -> None:
    if os.geteuid() != 0:
        raise FailedPrecondition("this needs root, as it works on the Docker Engine's networks: run it with sudo")


def fresh(root: Path) -> DataDir:
    """The data directory of a host that is in no cluster yet."""
    check_root()
    datadir = DataDir(root)
    record = datadir.find_record()
    if record is not None:
        what = "is leaving" if record.leaving else f"is a {record.role} in"
        raise AlreadyExists(
            f"this host {what} the cluster {record.cluster_id} of {record.manager} already (node {record.name}, "
            f"{datadir.root}). To leave it: swarmlite leave{' --force' if record.role is Role.MANAGER else ''}"
        )
    check_length(datadir.docker_socket)
    return datadir


@contextmanager
def undone_on_failure(datadir: DataDir) -> Iterator[None]:
    """Nothing of an attempt stays, unless another process works on the directory, or it was a member's before."""
    try:
        yield
    except BaseException:
        begun = datadir.unfinished.exists() or datadir.node.exists()
        if datadir.daemon_pid() is None:
            datadir.remove_all() if begun else datadir.remove_empty()
        raise


async def look_at_engine(docker_host: str, name: str) -> tuple[NodeDescription, str]:
    """What this host has, and where its engine listens: the daemon must find the same one in another environment."""
    engine = Engine(docker_host or None)
    try:
        described = describe(await engine.connect(), name)
    finally:
        await engine.close()
    return described, docker_host if engine.address.certificates else engine.address.url


async def start(datadir: DataDir, record: NodeRecord) -> None:
    """Start the daemon and wait until this node is part of its cluster; if that fails, it does not run either."""
    background = background_of(datadir)
    try:
        await background.start()
        await await_ready(datadir, record, background)
    except SwarmliteError as error:
        words = await background.last_words()
        await background.stop()
        raise type(error)(f"{error}\nThe daemon's last words:\n{words}" if words else str(error)) from error
    except BaseException:
        await background.stop()
        raise
