"""A manager's daemon: the store and the ring on it, its sockets and its port, and the agent of its own host."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial

from msgspec.structs import replace

from swarmlite import logs
from swarmlite.agent.app import run_agent
from swarmlite.api.app import cli_app, docker_app
from swarmlite.api.backend import ManagerFacts
from swarmlite.control.cluster import ClusterControl
from swarmlite.control.controllers import Controllers
from swarmlite.control.dispatch import Dispatch
from swarmlite.control.mirror import Mirror
from swarmlite.manager import tls
from swarmlite.manager.datadir import DataDir, NodeRecord
from swarmlite.manager.door import Door, application, opened
from swarmlite.manager.host import HostPort, parse_listen
from swarmlite.manager.link import Links
from swarmlite.manager.members import Members
from swarmlite.manager.notify import notify
from swarmlite.manager.pki import Identity, Pair
from swarmlite.manager.renewal import Renewal, by_ca
from swarmlite.manager.sockets import served
from swarmlite.manager.tokens import token_text
from swarmlite.manager.worker import agent_config
from swarmlite.model.spec import Role
from swarmlite.store.sqlite import SqliteStore

log = logs.logger(__name__)

DOCKER_GROUP = "docker"


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


def _dialled(listen: HostPort) -> HostPort:
    """Where a manager's own agent finds it."""
    anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    return HostPort(anywhere.get(listen.host, listen.host), listen.port)
