"""`swarmlite leave`: makes this host no member. Run again after a crash, it goes on where it was."""

from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from swarmlite import settings
from swarmlite.agent.app import depart
from swarmlite.agent.body import LABEL_NODE
from swarmlite.engine.client import Engine
from swarmlite.errors import (
    FailedPrecondition,
    Forbidden,
    SwarmliteError,
    Unavailable,
)
from swarmlite.manager import tls
from swarmlite.manager.background import background_of
from swarmlite.manager.datadir import DataDir, NodeRecord
from swarmlite.manager.fresh import Say, check_root
from swarmlite.manager.outbound import ManagerPort
from swarmlite.manager.worker import agent_config
from swarmlite.model.spec import Role


@dataclass(frozen=True, kw_only=True)
class LeaveOptions:
    data_dir: Path = settings.DATA_DIR
    force: bool = False
    say: Say = field(default=lambda _: None)


async def leave(options: LeaveOptions) -> None:
    """Make this host no member: its containers and networks of the cluster go, and so does the data directory."""
    check_root()
    datadir = DataDir(options.data_dir)
    record = datadir.record()
    if record.role is Role.MANAGER and not options.force:
        raise FailedPrecondition(
            "this host is the cluster's manager: if it leaves, the cluster ends. Its services, networks and tokens are "
            "lost, its containers on this host are removed, and other hosts keep theirs until "
            "`swarmlite leave --force` runs there. To do it all the same: swarmlite leave --force"
        )
    if record.role is Role.WORKER and not record.leaving:
        await _say_goodbye(datadir, record, options)
    datadir.write_record(replace(record, leaving=True))
    await background_of(datadir).stop()
    if datadir.find_record() is not None:  # a daemon that the manager dismissed may have been quicker
        with datadir.locked():
            await _clean_up(datadir, record, options)
            datadir.remove_all()
    options.say(f"This host has left the cluster {record.cluster_id}.")


async def _say_goodbye(datadir: DataDir, record: NodeRecord, options: LeaveOptions) -> None:
    try:
        await ManagerPort(record.manager, tls.client_context(datadir.ca, datadir.credentials)).leave()
    except Forbidden:
        return  # it was removed there already
    except (SwarmliteError, OSError) as error:
        if not options.force:
            raise Unavailable(
                f"{error} To leave without telling the manager: swarmlite leave --force, "
                f"and there: swarmlite node rm {record.name}"
            ) from error
        options.say(f"The manager does not know yet ({error}); there: swarmlite node rm {record.name}")


async def _clean_up(datadir: DataDir, record: NodeRecord, options: LeaveOptions) -> None:
    """What cannot be removed is said: a member must be able to leave though its engine is gone."""
    engine = Engine(record.docker_host or None)
    try:
        await engine.connect()
        await depart(agent_config(datadir, record))
        left = await engine.list_containers({LABEL_NODE: record.node_id})
    except SwarmliteError as error:
        if not options.force:
            raise
        options.say(f"Containers of the cluster may be left on this host: {error}")
        return
    finally:
        await engine.close()
    if left:
        options.say(f"Containers left on this host: {', '.join(container.name for container in left)}")
