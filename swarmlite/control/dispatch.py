"""Hands each connected agent its own part of the view, whole at first and then what changes, and takes its reports in.

Nothing queues up for a slow agent: a change marks its node, and when the link is free the difference to what was last
sent is computed then. Reports of all agents that arrive close together become one write.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from msgspec.structs import replace

from swarmlite.control.clock import steady_clock, utc_now
from swarmlite.control.logs import LogLine, LogQuery
from swarmlite.control.mirror import Mirror
from swarmlite.control.session import NodeView, Send, Session
from swarmlite.control.streams import LogStreams
from swarmlite.errors import NotFound, SwarmliteError
from swarmlite.logs import logger
from swarmlite.model.objects import Network, Node, NodeExtension, NodeState, NodeStatus, Object, Service, Task
from swarmlite.model.states import ORDER, TaskState, is_ahead
from swarmlite.model.view import Change, Put, View
from swarmlite.plan import endpoints, ingress, networks
from swarmlite.plan.liveness import Pulse
from swarmlite.protocol.link import Describe, Dismissed, Hello, PublishedPort, TaskReport
from swarmlite.protocol.names import NetworkNames
from swarmlite.settings import AGENT_AWAITED

log = logger(__name__)

WRITE_AGAIN = 1.0
"""Seconds until reports are written again that could not be."""

GATHER = 0.004
"""Seconds that a report waits for others before all are written as one: well under what anyone notices."""


def _extension(engine_error: str) -> NodeExtension | None:
    return NodeExtension(engine_error=engine_error) if engine_error else None


_DISPATCHED = ORDER[TaskState.ASSIGNED]


class Dispatch:
    """`run` does the writing; `attach` is called by the link for each agent that says hello."""

    def __init__(
        self, mirror: Mirror, clock: Callable[[], datetime] = utc_now, steady: Callable[[], datetime] | None = None
    ) -> None:
        self._mirror = mirror
        self.steady = steady or steady_clock()
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._engineless: set[str] = set()
        self._suspects: frozenset[str] = frozenset()
        self._told_all: set[str] = set()
        self._names: dict[str, NetworkNames] = {}
        self._members: dict[str, frozenset[str]] = {}
        self._published: tuple[PublishedPort, ...] | None = None
        self._reports: list[tuple[str, TaskReport]] = []
        self._reported = asyncio.Event()
        self.streams = LogStreams()
        self.pulses: dict[str, Pulse] = {}
        mirror.listen(self._on_change)

    # --- agents ---

    async def attach(self, node_id: str, send: Send, hello: Hello) -> Session:
        """An agent has connected. Its session before, if any, is over. Raises NotFound for a node that was removed."""
        old = self._sessions.pop(node_id, None)
        if old is not None:
            old.close()
        await self._mirror.transact(lambda view: (self._welcome(view, node_id, hello), None))
        session = Session(node_id, send, self)
        self._sessions[node_id] = session
        self._engineless.discard(node_id)
        (self._told_all.add if hello.all_names else self._told_all.discard)(node_id)
        self.beat(node_id)
        self.report(node_id, hello.tasks)
        return session

    def detach(self, session: Session, *, peer_closed: bool) -> None:
        """The link is down. `peer_closed`: the host hung up, so it lives, and only its agent has gone."""
        session.close()
        if self._sessions.get(session.node_id) is not session:
            return
        del self._sessions[session.node_id]
        self.streams.lost(session.node_id)
        pulse = self.pulses.get(session.node_id)
        if pulse is not None and peer_closed:
            until = self.steady() + timedelta(seconds=AGENT_AWAITED)
            self.pulses[session.node_id] = replace(pulse, closed="its agent has gone", awaited=until)
        log.info("agent disconnected", node=session.node_id, peer_closed=peer_closed)

    def beat(self, node_id: str) -> None:
        """A sign of life. A host whose engine does not answer is heard, but not well."""
        if node_id not in self._engineless:
            self.pulses[node_id] = Pulse(self.steady())

    def forgive(self, pause: timedelta) -> None:
        """This process itself stood still for `pause`: nobody's beats could be heard meanwhile."""
        self.pulses = {node: replace(pulse, heard=pulse.heard + pause) for node, pulse in self.pulses.items()}

    def awaited(self) -> list[Node]:
        """The nodes whose agents may still come back to a machine that lives."""
        now = self.steady()
        ids = [id for id, pulse in self.pulses.items() if pulse.awaited is not None and now < pulse.awaited]
        return [node for id in ids if (node := self._mirror.view.nodes.get(id)) is not None]

    def lives(self, node_id: str) -> None:
        """The machine answers though its agent is away."""
        pulse = self.pulses.get(node_id)
        if pulse is not None and pulse.awaited is not None:
            self.pulses[node_id] = replace(pulse, heard=self.steady())

    def report(self, node_id: str, reports: Sequence[TaskReport]) -> None:
        """Take reports in; they are written within a few milliseconds."""
        self._reports.extend((node_id, report) for report in reports)
        if reports:
            self._reported.set()

    async def describe(self, node_id: str, described: Describe) -> None:
        def decide(view: View) -> tuple[list[Change], None]:
            node = view.nodes.get(node_id)
            if node is None:
                return [], None
            updated = replace(node, description=described.description, swarmlite=_extension(described.engine_error))
            return ([] if updated == node else [Put(replace(updated, updated_at=self._clock()))]), None

        if described.engine_error:
            self._engineless.add(node_id)
            heard = self.pulses.get(node_id, Pulse(self.steady()))
            self.pulses[node_id] = replace(heard, closed="its engine does not answer")
        else:
            self._engineless.discard(node_id)
            self.beat(node_id)
        await self._mirror.transact(decide)

    async def dismiss(self, node_id: str, reason: str) -> None:
        """Tell a node that it is no longer in the cluster, if it can be told."""
        self.pulses.pop(node_id, None)
        session = self._sessions.get(node_id)
        if session is not None:
            session.say(Dismissed(reason=reason))

    async def run(self) -> None:
        """Write reports as they come, many at a time."""
        while True:
            await self._reported.wait()
            await asyncio.sleep(GATHER)
            self._reported.clear()
            batch, self._reports = self._reports, []
            try:
                await self._mirror.transact(partial(self._absorbed, batch))
            except SwarmliteError as error:  # a disk is full: what agents said is kept until it can be written
                log.error("reports not written", reports=len(batch), error=str(error))
                self._reports[:0] = batch
                await asyncio.sleep(WRITE_AGAIN)
                self._reported.set()

    def suspect(self, nodes: frozenset[str]) -> None:
        """These hosts missed beats: their addresses leave every answer, and those of others come back."""
        if nodes == self._suspects:
            return
        changed = nodes ^ self._suspects
        self._suspects = nodes
        for node_id in changed:
            log.info("node suspect" if node_id in nodes else "node heard again", node=node_id)
            self._touch_networks(self._networks_of(node_id))

    # --- what a session sends ---

    def node_view(self, node_id: str) -> NodeView:
        """All that the node should hold now."""
        view = self._mirror.view
        tasks = {
            id: task for id, task in view.tasks_of_node(node_id).items() if ORDER[task.status.state] >= _DISPATCHED
        }
        entry = ingress.network_of(view)
        candidates = self._networks_of(node_id) | ({entry.id} if entry else set())
        wanted = {id for id in candidates if node_id in self._members_of(id) and id in view.networks}
        nets = {id: networks.assigned(view, view.networks[id], node_id, self._members_of(id)) for id in sorted(wanted)}
        named = view.networks if node_id in self._told_all else wanted
        names = {id: self._names_of(id) for id in sorted(named)}
        if entry is None or entry.id not in wanted:
            return NodeView(view.cluster.domain, tasks, nets, names)
        if self._published is None:
            self._published = ingress.published(view, entry, self._suspects)
        return NodeView(view.cluster.domain, tasks, nets, names, entry.id, self._published)

    # --- log streams ---

    async def logs(self, query: LogQuery) -> AsyncIterator[LogLine]:
        """Lines of all tasks asked for as they come; hosts that cannot be reached are passed over."""
        view = self._mirror.view
        tasks = [task for id in query.task_ids if (task := view.tasks.get(id)) is not None]
        if not tasks:
            raise NotFound("no task has logs to show")
        reachable = [(self._sessions[task.node_id], task) for task in tasks if task.node_id in self._sessions]
        async for line in self.streams.read(query, reachable):
            yield line

    # --- inside ---

    def _welcome(self, view: View, node_id: str, hello: Hello) -> list[Change]:
        node = view.nodes.get(node_id)
        if node is None:
            raise NotFound(f"node {node_id} is not in the cluster")
        status = NodeStatus(state=NodeState.READY, message="", addr=hello.address)
        updated = replace(node, description=hello.description, status=status, swarmlite=None)
        return [] if updated == node else [Put(replace(updated, updated_at=self._clock()))]

    def _absorbed(self, batch: Sequence[tuple[str, TaskReport]], view: View) -> tuple[list[Change], None]:
        return self._absorb(view, batch), None

    def _absorb(self, view: View, batch: Sequence[tuple[str, TaskReport]]) -> list[Change]:
        latest: dict[str, Task] = {}
        for node_id, report in batch:
            task = latest.get(report.id) or view.tasks.get(report.id)
            if task is None or task.node_id != node_id or not is_ahead(report.status.state, task.status.state):
                continue
            if report.status != task.status or report.ran_in_place != task.swarmlite.ran_in_place:
                extension = replace(task.swarmlite, ran_in_place=report.ran_in_place)
                latest[task.id] = replace(
                    task, status=report.status, swarmlite=extension, updated_at=report.status.timestamp
                )
        return [Put(task) for task in latest.values()]

    def _on_change(self, changes: Sequence[Change]) -> None:
        nodes: set[str] = set()
        nets: set[str] = set()
        for change in changes:
            if isinstance(change, Put):
                self._touched_by(change.object, nodes, nets)
            else:
                nodes.update(self._sessions)
                if change.kind in ("service", "node"):  # what they were on is no longer known: look everywhere
                    nets.update(self._mirror.view.networks)
        self._touch_networks(nets)
        for node_id in nodes:
            self._touch(node_id)

    def _touched_by(self, item: Object, nodes: set[str], nets: set[str]) -> None:
        if isinstance(item, Task):
            nodes.add(item.node_id)
            nets.update(attached.network.id for attached in item.networks_attachments)
        elif isinstance(item, Node):
            nets.update(self._networks_of(item.id))
        elif isinstance(item, Network):
            nets.add(item.id)
        elif isinstance(item, Service):
            nets.update(config.target for config in item.spec.task_template.networks)
            entry = ingress.network_of(self._mirror.view)
            if entry is not None and item.endpoint.ports:
                nets.add(entry.id)

    def _touch_networks(self, ids: set[str]) -> None:
        nodes: set[str] = set()
        if ids:
            self._published = None
            nodes |= self._told_all
        for id in ids:
            self._names.pop(id, None)
            nodes |= self._members.pop(id, frozenset()) | networks.hosts(self._mirror.view, id)
        for node_id in nodes:
            self._touch(node_id)

    def _touch(self, node_id: str) -> None:
        session = self._sessions.get(node_id)
        if session is not None:
            session.touch()

    def _networks_of(self, node_id: str) -> set[str]:
        tasks = self._mirror.view.tasks_of_node(node_id).values()
        return {attached.network.id for task in tasks for attached in task.networks_attachments}

    def _members_of(self, network_id: str) -> frozenset[str]:
        members = self._members.get(network_id)
        if members is None:
            members = self._members[network_id] = networks.hosts(self._mirror.view, network_id)
        return members

    def _names_of(self, network_id: str) -> NetworkNames:
        names = self._names.get(network_id)
        if names is None:
            network = self._mirror.view.networks[network_id]
            names = self._names[network_id] = endpoints.names(self._mirror.view, network, self._suspects)
        return names
