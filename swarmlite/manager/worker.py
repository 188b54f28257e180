"""A worker's daemon: an agent, and a socket that says where the manager is."""

import asyncio
from collections.abc import Callable

from swarmlite import __version__
from swarmlite.agent.app import AgentConfig, run_agent
from swarmlite.api.wire import Status
from swarmlite.api.worker import worker_app
from swarmlite.manager.datadir import DataDir, NodeRecord
from swarmlite.manager.notify import notify
from swarmlite.manager.renewal import Renewal, by_manager
from swarmlite.manager.sockets import served
from swarmlite.model.spec import Role


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
