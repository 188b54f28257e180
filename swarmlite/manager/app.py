"""The daemon of a host: a manager with its own agent, or an agent alone.

Everything runs in one group of tasks; the daemon ends by cancellation, and containers run on.
"""

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from swarmlite import __version__, logs
from swarmlite.errors import FailedPrecondition, SwarmliteError, Unavailable
from swarmlite.manager.background import background_of
from swarmlite.manager.datadir import DataDir, NodeRecord
from swarmlite.model.spec import Role

log = logs.logger(__name__)


@dataclass(frozen=True, kw_only=True)
class DaemonOptions:
    """What is given here is used instead of what `init` or `join` noted; None: as noted."""

    data_dir: Path
    docker_host: str | None = None
    dns_listen: str | None = None


async def run_daemon(options: DaemonOptions) -> None:
    """Until SIGTERM or SIGINT, or until this host is no member any more."""
    datadir = DataDir(options.data_dir)
    record = datadir.record()
    if record.leaving:
        raise FailedPrecondition("this host was leaving its cluster: run `swarmlite leave` again to finish that")
    docker_host = record.docker_host if options.docker_host is None else options.docker_host
    dns_listen = record.dns_listen if options.dns_listen is None else options.dns_listen
    record = replace(record, docker_host=docker_host, dns_listen=dns_listen)
    with datadir.locked():
        try:
            await _until_signalled(asyncio.create_task(_serve(datadir, record)))
        except OSError as error:
            raise Unavailable(str(error)) from error
        except BaseExceptionGroup as several:  # of the tasks in a group; one reason is enough to end
            expected, bugs = several.split((SwarmliteError, OSError))
            if bugs is not None or expected is None:
                raise
            raise _first(expected) from several


async def _until_signalled(main: asyncio.Task[None]) -> None:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, main.cancel)
    try:
        await main
    except asyncio.CancelledError:
        log.info("stopped")
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _first(error: BaseException) -> SwarmliteError:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, SwarmliteError) else Unavailable(str(error))


async def _serve(datadir: DataDir, record: NodeRecord) -> None:
    """Each role imports its own parts, as a worker has no use for what a manager's cost in memory."""
    log.info("starting", version=__version__, node=record.node_id, cluster=record.cluster_id, role=record.role)
    if record.role is Role.MANAGER:
        from swarmlite.manager.managing import run_manager

        await run_manager(datadir, record)
        return
    from swarmlite.manager.worker import run_worker

    reason = await run_worker(datadir, record)
    log.warning("no member any more", why=reason)
    await background_of(datadir).forget()
    await asyncio.to_thread(datadir.remove_all)
