"""The one port between hosts, with real TLS on this machine: who gets in, who does not, and that nobody does harm."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import msgspec
import pytest

from swarmlite.control.cluster import ClusterControl, digest_of
from swarmlite.control.dispatch import Dispatch
from swarmlite.control.mirror import Mirror
from swarmlite.errors import AlreadyExists, FailedPrecondition, Forbidden, Unauthorized, Unavailable
from swarmlite.manager import pki, tls, tokens
from swarmlite.manager.door import Door, application, opened
from swarmlite.manager.link import Links
from swarmlite.manager.members import JOINS, JOINS_PER_SECOND, Members, Pace
from swarmlite.manager.outbound import ManagerPort, looking_at
from swarmlite.manager.pki import Identity, Pair
from swarmlite.model.objects import Cluster, Node, NodeDescription, NodeState, Token
from swarmlite.model.spec import NodeSpec, Role
from swarmlite.model.view import Put
from swarmlite.protocol.link import Assignments, Beat, Dismissed, Hello, ManagerMessage
from swarmlite.protocol.membership import Joined, JoinRequest
from swarmlite.store.memory import MemoryStore

NOW = datetime.now(UTC)
CA = pki.make_ca("c1", NOW)
SECRET = "s" * 32
PATIENCE = 0.6


@dataclass
class Manager:
    address: str
    cluster: ClusterControl
    dispatch: Dispatch
    mirror: Mirror
    files: Path

    @property
    def port(self) -> ManagerPort:
        return ManagerPort(self.address, tls.joining_context(CA.certificate.decode()))

    def context(self, joined: Joined, key: bytes) -> ssl.SSLContext:
        path = self.files / joined.node_id
        path.write_bytes(key + joined.certificate.encode())
        return tls.client_context(self.files / "ca", path)

    async def admit(self, name: str = "worker1") -> ssl.SSLContext:
        key, asked = request(name)
        return self.context(await self.port.join(asked), key)

    def node(self, name: str = "worker1") -> Node:
        return next(node for node in self.cluster.view.nodes.values() if node.name == name)


def request(name: str = "worker1", secret: str = SECRET, protocol: int = 1) -> tuple[bytes, JoinRequest]:
    key, csr = pki.make_request()
    description = NodeDescription(hostname=name)
    return key, JoinRequest(
        secret=secret, name=name, address="", request=csr.decode(), description=description, protocol=protocol
    )


def credentials(node_id: str, role: Role, ca: Pair = CA) -> bytes:
    key, csr = pki.make_request()
    return key + pki.sign(ca, csr, Identity(node_id, "c1", role), NOW)


def token(secret: str, **fields: object) -> Token:
    made = Token(id=secret[:8], created_at=NOW, updated_at=NOW, role=Role.WORKER, digest=digest_of(secret))
    return msgspec.structs.replace(made, **fields)


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[Manager]:
    store = MemoryStore()
    own = Node(id="m1", created_at=NOW, updated_at=NOW, spec=NodeSpec(name="manager", role=Role.MANAGER))
    cluster = Cluster(id="c1", created_at=NOW, updated_at=NOW)
    await store.commit([Put(cluster), Put(own), Put(token(SECRET))], 0)
    mirror = await Mirror.open(store)
    dispatch = Dispatch(mirror)
    control = ClusterControl(mirror, dispatch)
    members = Members(control, CA, lambda: datetime.now(UTC))
    app = application(Door(patience=PATIENCE, strangers=40))
    app.add_routes([*members.routes(), *Links(members, dispatch).routes()])
    (tmp_path / "ca").write_bytes(CA.certificate)
    (tmp_path / "m1").write_bytes(credentials("m1", Role.MANAGER))
    context = tls.server_context(tmp_path / "ca", tmp_path / "m1")
    writing = asyncio.create_task(dispatch.run())
    async with opened(app, "127.0.0.1", 0, context) as port:
        yield Manager(f"127.0.0.1:{port}", control, dispatch, mirror, tmp_path)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)


# --- joining --------------------------------------------------------------------------------------------------------


async def test_a_stranger_learns_the_ca_and_the_clock(manager: Manager) -> None:
    authority = await looking_at(manager.address).authority()
    assert tokens.ca_digest(authority.certificate) == tokens.ca_digest(CA.certificate.decode())
    assert abs(authority.now - datetime.now(UTC)) < timedelta(seconds=5)
    assert authority.cluster_id == "c1"


async def test_a_host_joins_with_a_token_as_a_worker_that_has_not_connected_yet(manager: Manager) -> None:
    _, asked = request()
    joined = await manager.port.join(asked)
    node = manager.node()
    assert (joined.node_id, joined.cluster_id, joined.role) == (node.id, "c1", Role.WORKER)
    assert node.status.state is NodeState.UNKNOWN
    assert node.status.addr == "127.0.0.1"
    assert timedelta(days=59) < joined.renew_at - NOW < timedelta(days=61)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"expires_at": NOW - timedelta(seconds=1)}, "expired"),
        ({"uses_left": 0}, "used up"),
        ({"revoked": True}, "revoked"),
        ({"digest": digest_of("another")}, "not one of this cluster's"),
    ],
)
async def test_a_token_that_counts_no_more_is_told_why(manager: Manager, fields: dict[str, object], said: str) -> None:
    await manager.mirror.commit([Put(token("t" * 32, **fields))])
    with pytest.raises(Unauthorized, match=said):
        await manager.port.join(request(secret="t" * 32)[1])
    assert len(manager.cluster.view.nodes) == 1


async def test_a_token_for_one_use_lets_one_of_many_in(manager: Manager) -> None:
    await manager.mirror.commit([Put(token("t" * 32, uses_left=1))])
    results = await asyncio.gather(
        *(manager.port.join(request(f"w{i}", secret="t" * 32)[1]) for i in range(6)), return_exceptions=True
    )
    assert sum(isinstance(result, Joined) for result in results) == 1
    assert sum(isinstance(result, Unauthorized) for result in results) == 5


async def test_a_name_that_is_taken_is_told_with_its_state(manager: Manager) -> None:
    own = manager.node("manager")
    ready = msgspec.structs.replace(own, status=msgspec.structs.replace(own.status, state=NodeState.READY))
    await manager.mirror.commit([Put(ready)])
    with pytest.raises(AlreadyExists, match=r"named manager is in the cluster already .*ready.*--name"):
        await manager.port.join(request("manager")[1])


async def test_a_host_that_never_connected_may_join_again_under_its_name(manager: Manager) -> None:
    first = await manager.port.join(request()[1])
    second = await manager.port.join(request()[1])
    assert first.node_id not in manager.cluster.view.nodes
    assert manager.node().id == second.node_id


async def test_a_request_that_cannot_be_signed_uses_no_token_up(manager: Manager) -> None:
    await manager.mirror.commit([Put(token("t" * 32, uses_left=1))])
    _, asked = request(secret="t" * 32)
    with pytest.raises(FailedPrecondition, match="signing request"):
        await manager.port.join(msgspec.structs.replace(asked, request="nonsense"))
    await manager.port.join(asked)


@pytest.mark.parametrize("name", ["", "a b", "-a", "a" * 65, "ä", "../x"])
async def test_a_bad_name_is_refused(manager: Manager, name: str) -> None:
    with pytest.raises(FailedPrecondition, match="no name for a node"):
        await manager.port.join(request(name)[1])


async def test_an_address_that_is_none_is_refused(manager: Manager) -> None:
    with pytest.raises(FailedPrecondition, match="no IP address"):
        await manager.port.join(msgspec.structs.replace(request()[1], address="10.0.0.1 dev eth0"))


async def test_another_protocol_is_told_apart(manager: Manager) -> None:
    with pytest.raises(FailedPrecondition, match="install the same version"):
        await manager.port.join(request(protocol=99)[1])


def test_attempts_to_join_are_many_at_once_and_then_so_many_a_second() -> None:
    pace = Pace()
    assert sum(pace.take(100.0) for _ in range(2 * JOINS)) == JOINS
    assert sum(pace.take(101.0) for _ in range(JOINS)) == JOINS_PER_SECOND
    assert sum(pace.take(9999.0) for _ in range(2 * JOINS)) == JOINS


# --- members only ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", ["renew", "leave", "link"])
async def test_a_stranger_gets_no_further_than_the_door(manager: Manager, ask: str) -> None:
    async with aiohttp.ClientSession() as session:
        method = "GET" if ask == "link" else "POST"
        url = f"https://{manager.address}/swarmlite/{ask}"
        async with session.request(method, url, ssl=tls.looking_context(), data=b"{}") as answer:
            assert answer.status == 401


async def test_a_certificate_of_another_ca_does_not_even_connect(manager: Manager, tmp_path: Path) -> None:
    (tmp_path / "forged").write_bytes(credentials("m1", Role.MANAGER, pki.make_ca("c1", NOW)))
    forged = ManagerPort(manager.address, tls.client_context(tmp_path / "ca", tmp_path / "forged"))
    with pytest.raises(Unavailable):
        await forged.leave()
    assert len(manager.cluster.view.nodes) == 1


async def test_a_certificate_for_another_role_than_the_node_has_is_refused(manager: Manager, tmp_path: Path) -> None:
    joined = await manager.port.join(request()[1])
    (tmp_path / "odd").write_bytes(credentials(joined.node_id, Role.MANAGER))
    odd = ManagerPort(manager.address, tls.client_context(tmp_path / "ca", tmp_path / "odd"))
    with pytest.raises(Unauthorized, match="another role"):
        await odd.leave()


async def test_a_member_renews_its_certificate_and_the_new_one_works(manager: Manager) -> None:
    context = await manager.admit()
    key, csr = pki.make_request()
    renewed = await ManagerPort(manager.address, context).renew(csr.decode())
    path = manager.files / "renewed"
    path.write_bytes(key + renewed.certificate.encode())
    await ManagerPort(manager.address, tls.client_context(manager.files / "ca", path)).leave()
    assert len(manager.cluster.view.nodes) == 1


async def test_a_node_that_left_can_do_nothing_more(manager: Manager) -> None:
    port = ManagerPort(manager.address, await manager.admit())
    await port.leave()
    assert len(manager.cluster.view.nodes) == 1
    with pytest.raises(Forbidden, match="not in this cluster any more"):
        await port.renew("")


# --- the link -------------------------------------------------------------------------------------------------------

HELLO = Hello(description=NodeDescription(hostname="worker1"), address="10.0.0.9", now=NOW)


ODD = msgspec.json.encode(msgspec.structs.replace(HELLO, address="-x"))


@dataclass
class Agent:
    socket: aiohttp.ClientWebSocketResponse

    async def say(self, message: msgspec.Struct) -> None:
        await self.socket.send_bytes(msgspec.json.encode(message))

    async def hear(self) -> ManagerMessage:
        frame = await self.socket.receive(timeout=5)
        return msgspec.json.decode(frame.data, type=ManagerMessage)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def dial(manager: Manager, session: aiohttp.ClientSession, context: ssl.SSLContext) -> Agent:
    url = f"https://{manager.address}/swarmlite/link"
    return Agent(await session.ws_connect(url, ssl=context, server_hostname=pki.MANAGER_NAME))


async def until(condition: Callable[[], bool], within: float = 5.0) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - it is the manager's state, which tells nobody
            await asyncio.sleep(0.01)


async def test_an_agent_says_hello_gets_its_assignments_and_is_ready(
    manager: Manager, session: aiohttp.ClientSession
) -> None:
    agent = await dial(manager, session, await manager.admit())
    await agent.say(HELLO)
    assignments = await agent.hear()
    assert isinstance(assignments, Assignments)
    assert assignments.node_id == manager.node().id
    assert manager.node().status.state is NodeState.READY
    assert manager.node().status.addr == "10.0.0.9"


async def test_a_link_outlives_a_strangers_patience(manager: Manager, session: aiohttp.ClientSession) -> None:
    agent = await dial(manager, session, await manager.admit())
    await agent.say(HELLO)
    await agent.hear()
    heard = manager.dispatch.pulses[manager.node().id].heard
    await asyncio.sleep(2 * PATIENCE)
    await agent.say(Beat())
    await until(lambda: manager.dispatch.pulses[manager.node().id].heard > heard)


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_an_agent_that_hangs_up_is_known_to_have_hung_up(
    manager: Manager, session: aiohttp.ClientSession, how: str
) -> None:
    agent = await dial(manager, session, await manager.admit())
    await agent.say(HELLO)
    await agent.hear()
    if how == "close":
        await agent.socket.close()
    else:
        agent.socket._response.connection.transport.abort()
    await until(lambda: manager.dispatch.pulses[manager.node().id].closed)


async def test_a_second_link_of_a_node_takes_the_place_of_the_first(
    manager: Manager, session: aiohttp.ClientSession
) -> None:
    context = await manager.admit()
    first, second = await dial(manager, session, context), await dial(manager, session, context)
    for agent in (first, second):
        await agent.say(HELLO)
        assert isinstance(await agent.hear(), Assignments)
    frame = await first.socket.receive(timeout=5)
    assert frame.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    assert not manager.dispatch.pulses[manager.node().id].closed


async def test_a_removed_node_is_dismissed_at_once_and_whenever_it_dials(
    manager: Manager, session: aiohttp.ClientSession
) -> None:
    context = await manager.admit()
    agent = await dial(manager, session, context)
    await agent.say(HELLO)
    await agent.hear()
    await manager.cluster.remove_node("worker1", force=True)
    while not isinstance(message := await agent.hear(), Dismissed):
        pass
    assert "removed" in message.reason
    again = await dial(manager, session, context)
    assert isinstance(await again.hear(), Dismissed)


@pytest.mark.parametrize("frame", [b"garbage", b"{}", b'{"type":"Beat"}', b"\x00" * 1000, b'{"type":"Hello"}', ODD])
async def test_an_agent_that_begins_with_something_else_is_cut(
    manager: Manager, session: aiohttp.ClientSession, frame: bytes
) -> None:
    agent = await dial(manager, session, await manager.admit())
    await agent.socket.send_bytes(frame)
    end = await agent.socket.receive(timeout=5)
    assert end.type is not aiohttp.WSMsgType.BINARY
    assert manager.node().status.state is NodeState.UNKNOWN


# --- harm -----------------------------------------------------------------------------------------------------------


async def alive(manager: Manager) -> bool:
    return (await looking_at(manager.address).authority()).cluster_id == "c1"


async def tcp(manager: Manager) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = manager.address.split(":")
    return await asyncio.open_connection(host, int(port))


async def tls_stream(manager: Manager) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = manager.address.split(":")
    return await asyncio.open_connection(host, int(port), ssl=tls.looking_context())


async def ended(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the other side ends the connection, in whatever way."""
    async with asyncio.timeout(10):
        try:
            return await reader.read()
        except (ConnectionError, ssl.SSLError):
            return b""


@pytest.mark.parametrize("rubbish", [b"\x00" * 5000, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"a" * 999])
async def test_what_is_no_tls_is_cut(manager: Manager, rubbish: bytes) -> None:
    reader, writer = await tcp(manager)
    writer.write(rubbish)
    await ended(reader)
    writer.close()
    assert await alive(manager)


@pytest.mark.parametrize(
    "rubbish",
    [b"\x00" * 100 + b"\r\n\r\n", b"GET " + b"a" * 100_000, b"POST /swarmlite/join HTTP/9.9\r\n\r\n", b"\r\n" * 9999],
)
async def test_what_is_no_http_is_cut(manager: Manager, rubbish: bytes) -> None:
    reader, writer = await tls_stream(manager)
    writer.write(rubbish)
    await ended(reader)
    writer.close()
    assert await alive(manager)


async def test_a_body_too_large_is_refused_before_it_is_whole(manager: Manager) -> None:
    reader, writer = await tls_stream(manager)
    writer.write(b"POST /swarmlite/join HTTP/1.1\r\nHost: m\r\nContent-Length: 1000000000\r\n\r\n")
    for _ in range(32):
        writer.write(b"a" * 65536)
    assert b" 413 " in (await ended(reader))[:30]
    writer.close()
    assert await alive(manager)


async def test_who_is_slow_is_cut(manager: Manager) -> None:
    silent = await tcp(manager)
    begun = await tls_stream(manager)
    begun[1].write(b"POST /swarmlite/join HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{")
    trickle = await tls_stream(manager)

    async def drip() -> None:
        while True:
            trickle[1].write(b"a")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    start = asyncio.get_running_loop().time()
    for reader, _ in (begun, trickle):
        await ended(reader)
    assert asyncio.get_running_loop().time() - start < PATIENCE + 2
    dripping.cancel()
    for _, writer in (silent, begun, trickle):
        writer.close()
    assert await alive(manager)


async def test_more_strangers_than_the_door_holds_do_not_harm_links_and_pass(
    manager: Manager, session: aiohttp.ClientSession
) -> None:
    agent = await dial(manager, session, await manager.admit())
    await agent.say(HELLO)
    await agent.hear()
    crowd = [await tcp(manager) for _ in range(60)]
    heard = manager.dispatch.pulses[manager.node().id].heard
    await agent.say(Beat())
    await until(lambda: manager.dispatch.pulses[manager.node().id].heard > heard)
    await asyncio.sleep(PATIENCE + 0.2)
    assert await alive(manager)
    for _, writer in crowd:
        writer.close()
