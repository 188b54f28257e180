"""How a host becomes a member, stays one and ends being one: the routes of the manager's port but the link itself.

Only `/swarmlite/ca` and `/swarmlite/join` are for strangers. All others ask whom the client's certificate names, and
whether that node is in the cluster now.
"""

import asyncio
import ipaddress
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec
from aiohttp import web

from swarmlite import __version__
from swarmlite.control.cluster import NewNode
from swarmlite.errors import FailedPrecondition, Forbidden, InvalidArgument, Unauthorized, Unavailable
from swarmlite.logs import logger
from swarmlite.manager import pki, tls
from swarmlite.manager.door import answer
from swarmlite.manager.pki import Identity, Pair
from swarmlite.model.objects import Node
from swarmlite.model.view import View
from swarmlite.protocol.link import PROTOCOL
from swarmlite.protocol.membership import Authority, Joined, JoinRequest, Renewed, RenewRequest

log = logger(__name__)

JOINS = 200
"""Attempts to join that may come at once; then so many a second as `JOINS_PER_SECOND` says."""

JOINS_PER_SECOND = 20.0

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?")

T = TypeVar("T")


class Admission(Protocol):
    """What membership needs of the cluster."""

    @property
    def view(self) -> View: ...
    async def admit(self, token_secret: str, node: NewNode) -> Node: ...
    async def remove_node(self, ref: str, force: bool) -> object: ...


@dataclass
class Pace:
    """A bound on how often something may be done: a bucket that fills again."""

    left: float = JOINS
    filled: float = 0.0

    def take(self, now: float) -> bool:
        self.left = min(JOINS, self.left + (now - self.filled) * JOINS_PER_SECOND)
        self.filled = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Members:
    """`ca` signs; `clock` is the time of day."""

    def __init__(self, cluster: Admission, ca: Pair, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._ca = ca
        self._clock = clock
        self._pace = Pace()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/swarmlite/ca", self.authority),
            web.post("/swarmlite/join", self.join),
            web.post("/swarmlite/renew", self.renew),
            web.post("/swarmlite/leave", self.leave),
        ]

    def member(self, request: web.Request) -> Node:
        """The node that the client's certificate names, if it is in the cluster in that role."""
        transport = request.transport
        identity = tls.identity_of(transport.get_extra_info("peercert") if transport else None)
        if identity is None:
            raise Unauthorized("only members of the cluster may do this: no node's certificate was shown")
        node = self._cluster.view.nodes.get(identity.node_id)
        if node is None:
            raise Forbidden(f"node {identity.node_id} is not in this cluster any more")
        if node.spec.role is not identity.role:
            raise Unauthorized(f"node {identity.node_id} has a certificate for another role than it has in the cluster")
        return node

    async def authority(self, _: web.Request) -> web.Response:
        return answer(
            Authority(
                certificate=self._ca.certificate.decode(),
                cluster_id=self._cluster.view.cluster.id,
                now=self._clock(),
                version=__version__,
            )
        )

    async def join(self, request: web.Request) -> web.Response:
        if not self._pace.take(time.monotonic()):
            raise Unavailable("too many hosts try to join at once: try again in a few seconds")
        asked = await _body(request, JoinRequest)
        if asked.protocol != PROTOCOL:
            raise FailedPrecondition(
                f"the manager runs swarmlite {__version__}, whose protocol is {PROTOCOL}; this host speaks "
                f"{asked.protocol}: install the same version on both"
            )
        if not _NAME.fullmatch(asked.name):
            raise InvalidArgument(
                f"{asked.name!r} is no name for a node: letters, digits, '-', '_' and '.', at most 64"
            )
        address = checked_address(asked.address or request.remote or "")
        await asyncio.to_thread(pki.check_request, asked.request.encode())
        new = NewNode(name=asked.name, address=address, description=asked.description)
        node = await self._cluster.admit(asked.secret, new)
        log.info("node joined", node=node.id, name=node.name, role=node.spec.role, address=new.address)
        certificate = await self._certificate(node, asked.request)
        return answer(
            Joined(
                node_id=node.id,
                cluster_id=self._cluster.view.cluster.id,
                role=node.spec.role,
                certificate=certificate,
                renew_at=pki.renew_at(self._clock()),
            )
        )

    async def renew(self, request: web.Request) -> web.Response:
        node = self.member(request)
        asked = await _body(request, RenewRequest)
        certificate = await self._certificate(node, asked.request)
        log.info("certificate renewed", node=node.id, name=node.name)
        return answer(Renewed(certificate=certificate, renew_at=pki.renew_at(self._clock())))

    async def leave(self, request: web.Request) -> web.Response:
        node = self.member(request)
        await self._cluster.remove_node(node.id, force=True)
        log.info("node left", node=node.id, name=node.name)
        return answer({})

    async def _certificate(self, node: Node, request: str) -> str:
        identity = Identity(node_id=node.id, cluster_id=self._cluster.view.cluster.id, role=node.spec.role)
        return (await asyncio.to_thread(pki.sign, self._ca, request.encode(), identity, self._clock())).decode()


def checked_address(text: str) -> str:
    """A host's own address as it tells it; other hosts will send to it."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise InvalidArgument(f"{text!r} is no IP address") from error


async def _body(request: web.Request, type: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read(), type=type)
    except msgspec.MsgspecError as error:
        raise InvalidArgument(f"the request cannot be read ({error}): is it of another version?") from error
