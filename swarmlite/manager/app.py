"""The daemon of a host: a manager with its own agent, or an agent alone. It only puts the parts together.

Everything runs in one group of tasks; the daemon ends by cancellation, and containers run on.
"""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from swarmlite import __version__, logs
from swarmlite.agent.app import AgentConfig, run_agent
from swarmlite.api.app import cli_app, docker_app, worker_app
from swarmlite.api.backend import ManagerFacts
from swarmlite.api.wire import Status
from swarmlite.control.cluster import ClusterControl
from swarmlite.control.controllers import Controllers
from swarmlite.control.dispatch import Dispatch
from swarmlite.control.mirror import Mirror
from swarmlite.errors import FailedPrecondition, SwarmliteError, Unavailable
from swarmlite.manager import tls
from swarmlite.manager.background import background_of
from swarmlite.manager.datadir import DataDir, NodeRecord
from swarmlite.manager.door import Door, application, opened
from swarmlite.manager.host import HostPort, parse_listen
from swarmlite.manager.link import Links
from swarmlite.manager.members import Members
from swarmlite.manager.notify import notify
from swarmlite.manager.pki import Identity, Pair
from swarmlite.manager.renewal import Renewal, by_ca, by_manager
from swarmlite.manager.sockets import served
from swarmlite.manager.tokens import token_text
from swarmlite.model.spec import Role
from swarmlite.store.sqlite import SqliteStore

log = logs.logger(__name__)

DOCKER_GROUP = "docker"


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
    log.info("starting", version=__version__, node=record.node_id, cluster=record.cluster_id, role=record.role)
    if record.role is Role.MANAGER:
        await run_manager(datadir, record)
        return
    reason = await run_worker(datadir, record)
    log.warning("no member any more", why=reason)
    await background_of(datadir).forget()
    await asyncio.to_thread(datadir.remove_all)


async def run_manager(datadir: DataDir, record: NodeRecord) -> None:
    """Until cancelled."""
    store = SqliteStore(datadir.state)
    try:
        await _manage(datadir, record, await Mirror.open(store))
    finally:
        await store.close()


async def _manage(datadir: DataDir, record: NodeRecord, mirror: Mirror) -> None:
    dispatch = Dispatch(mirror)
    cluster = ClusterControl(mirror, dispatch)
    ca = Pair(datadir.ca.read_bytes(), datadir.ca_key.read_bytes())
    members = Members(cluster, ca, lambda: datetime.now(UTC))
    port = application(Door())
    port.add_routes([*members.routes(), *Links(members, dispatch).routes()])
    facts = ManagerFacts(
        node_id=record.node_id,
        address=record.manager,
        token_text=partial(token_text, ca.certificate.decode()),
        data_dir=str(datadir.root),
    )
    context = tls.server_context(datadir.ca, datadir.credentials)
    identity = Identity(node_id=record.node_id, cluster_id=record.cluster_id, role=Role.MANAGER)
    renewal = Renewal(datadir, by_ca(ca, identity), lambda: context.load_cert_chain(datadir.credentials))
    listen = parse_listen(record.listen, record.address)
    async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
        await renewal.look(datetime.now(UTC))  # a manager that was away for months still can
        for work in (dispatch.run(), Controllers(mirror, dispatch).run(), renewal.run()):
            group.create_task(work)
        await stack.enter_async_context(opened(port, listen.host, listen.port, context))
        await stack.enter_async_context(served(cli_app(cluster, facts), datadir.cli_socket))
        await stack.enter_async_context(served(docker_app(cluster, facts), datadir.docker_socket, DOCKER_GROUP))
        agent = group.create_task(run_agent(agent_config(datadir, replace(record, manager=str(_dialled(listen))))))
        notify("READY=1")
        log.info("manager ready", listen=listen, nodes=len(mirror.view.nodes))
        log.error("the manager's own agent was dismissed", why=await agent)
        await asyncio.Event().wait()


class Worker:
    """What a worker tells its own users."""

    def __init__(self, record: NodeRecord) -> None:
        self._record = record
        self._linked = False

    def link(self, up: bool) -> None:
        self._linked = up

    def status(self) -> Status:
        record = self._record
        return Status(
            role=Role.WORKER,
            node_id=record.node_id,
            node_name=record.name,
            cluster_id=record.cluster_id,
            manager_address=record.manager,
            connected=self._linked,
            version=__version__,
        )

    async def leave(self, force: bool) -> None:
        raise FailedPrecondition("a host leaves its cluster with `swarmlite leave`, run on it")


async def run_worker(datadir: DataDir, record: NodeRecord) -> str:
    """Until cancelled, or dismissed by the manager: then the reason, and nothing of the cluster is left running."""
    worker = Worker(record)
    renewal = Renewal(datadir, by_manager(datadir), lambda: None)  # the agent reads it anew when it dials
    async with served(worker_app(worker), datadir.cli_socket), asyncio.TaskGroup() as group:
        renewing = group.create_task(renewal.run())
        notify("READY=1")
        reason = await run_agent(agent_config(datadir, record, worker.link))
        renewing.cancel()
    return reason


def agent_config(datadir: DataDir, record: NodeRecord, linked: Callable[[bool], None] = lambda _: None) -> AgentConfig:
    """For the agent of this host. `linked` is told when its link is there, and when it is lost."""
    return AgentConfig(
        data_dir=datadir.agent,
        node_id=record.node_id,
        hostname=record.name,
        address=record.address,
        managers=(record.manager,),
        ca=datadir.ca,
        certificate=datadir.credentials,
        key=datadir.credentials,
        docker_host=record.docker_host or None,
        dns_listen=record.dns_listen,
        linked=linked,
    )


def _dialled(listen: HostPort) -> HostPort:
    """Where a manager's own agent finds it."""
    anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    return HostPort(anywhere.get(listen.host, listen.host), listen.port)
