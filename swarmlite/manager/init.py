"""`swarmlite init`: makes this host the manager of a new cluster.

Everything that can be checked is checked before anything is written, and `node.json` is written last.
"""

import asyncio
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from swarmlite import settings
from swarmlite.control.cluster import digest_of
from swarmlite.control.ids import new_id
from swarmlite.errors import (
    InvalidArgument,
    Unavailable,
)
from swarmlite.manager import host, pki, tokens
from swarmlite.manager.app import DaemonOptions, run_daemon
from swarmlite.manager.datadir import DataDir, NodeRecord, write
from swarmlite.manager.fresh import Say, fresh, look_at_engine, start, undone_on_failure
from swarmlite.manager.host import HostPort
from swarmlite.manager.pki import Identity, Pair
from swarmlite.model.objects import Cluster, ManagerStatus, Node, NodeDescription, NodeStatus, Token
from swarmlite.model.spec import NodeSpec, Role
from swarmlite.model.view import Put
from swarmlite.store.sqlite import SqliteStore

FIRST_TOKEN_LIFE = timedelta(days=1)
SUBNET_SIZE = 24
_POOLS = ("10.128.0.0/9", "10.0.0.0/9")


@dataclass(frozen=True, kw_only=True)
class InitOptions:
    """`advertise_addr`: an IP address or an interface, "" to find one. `listen`: ADDRESS[:PORT], "" for all addresses.
    `default_addr_pool`: networks in CIDR form from which new cluster networks are cut. `say` takes lines for the user.
    """

    data_dir: Path = settings.DATA_DIR
    advertise_addr: str = ""
    listen: str = ""
    docker_host: str = ""
    dns_listen: str = ""
    name: str = ""
    default_addr_pool: Sequence[str] = ()
    foreground: bool = False
    say: Say = field(default=lambda _: None)


async def init(options: InitOptions) -> NodeRecord:
    """Make this host the manager of a new cluster. With `foreground` it returns when the daemon ends."""
    datadir = fresh(options.data_dir)
    address = await host.advertise_address(options.advertise_addr)
    listen = host.parse_listen(options.listen, address)
    pools = _pools(options.default_addr_pool, address)
    name = host.node_name(options.name)
    description, docker_host = await look_at_engine(options.docker_host, name)
    await _check_free(listen)
    now = datetime.now(UTC)
    record = NodeRecord(
        node_id=new_id(),
        cluster_id=new_id(),
        name=name,
        role=Role.MANAGER,
        address=address,
        manager=str(HostPort(address, listen.port)),
        renew_at=pki.renew_at(now),
        docker_host=docker_host,
        listen=str(listen),
        dns_listen=options.dns_listen,
    )
    secret = secrets.token_hex(16)
    with undone_on_failure(datadir):
        with datadir.locked():
            datadir.begin()
            ca = await asyncio.to_thread(_make_credentials, datadir, record, now)
            await _make_store(datadir, _first_objects(record, description, pools, secret, now))
            datadir.write_record(record)
        if not options.foreground:
            await start(datadir, record)
    options.say(_welcome(record, _join_command(tokens.token_text(ca.certificate.decode(), secret), record.manager)))
    if options.foreground:
        await run_daemon(DaemonOptions(data_dir=datadir.root))
    return record


def _make_credentials(datadir: DataDir, record: NodeRecord, now: datetime) -> Pair:
    ca = pki.make_ca(record.cluster_id, now)
    key, request = pki.make_request()
    certificate = pki.sign(ca, request, Identity(record.node_id, record.cluster_id, record.role), now)
    write(datadir.ca_key, ca.key)
    write(datadir.ca, ca.certificate, mode=0o644)
    write(datadir.credentials, key + certificate)
    return ca


def _first_objects(
    record: NodeRecord, description: NodeDescription, pools: tuple[str, ...], secret: str, now: datetime
) -> tuple[Cluster, Node, Token]:
    cluster = Cluster(id=record.cluster_id, created_at=now, updated_at=now, pools=pools, subnet_size=SUBNET_SIZE)
    node = Node(
        id=record.node_id,
        created_at=now,
        updated_at=now,
        spec=NodeSpec(name=record.name, role=Role.MANAGER),
        description=description,
        status=NodeStatus(message="has not connected yet", addr=record.address),
        manager_status=ManagerStatus(addr=record.manager),
    )
    token = Token(
        id=new_id()[:10],
        created_at=now,
        updated_at=now,
        role=Role.WORKER,
        digest=digest_of(secret),
        expires_at=now + FIRST_TOKEN_LIFE,
        description="made by init",
    )
    return cluster, node, token


async def _make_store(datadir: DataDir, objects: tuple[Cluster, Node, Token]) -> None:
    store = SqliteStore(datadir.state)
    try:
        await store.commit([Put(item) for item in objects], 0)
    finally:
        await store.close()


def _join_command(token: str, manager: str) -> str:
    shown = manager if not manager.endswith(f":{settings.PORT}") else manager.removesuffix(f":{settings.PORT}")
    return f"swarmlite join --token {token} {shown}"


def _welcome(record: NodeRecord, join: str) -> str:
    return (
        f"This host is now the manager of a new cluster (node {record.node_id}, {record.name}, {record.address}).\n\n"
        f"To add another host, run this on it within a day:\n\n    {join}\n\n"
        "More tokens: `swarmlite token create`."
    )


async def _check_free(listen: HostPort) -> None:
    """Say now, rather than in the daemon's log, that the port is taken."""
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, listen.host, listen.port)
    except OSError as error:
        raise Unavailable(
            f"{listen} cannot be listened on: {error.strerror or error}. Docker's own swarm mode uses the same port: "
            "choose another one with --listen, or let it go there first"
        ) from error
    server.close()
    await server.wait_closed()


def _pools(asked: Sequence[str], address: str) -> tuple[str, ...]:
    for pool in asked:
        try:
            network = ipaddress.IPv4Network(pool)
        except ValueError as error:
            raise InvalidArgument(f"{pool!r} is no address pool: give an IPv4 network such as 10.20.0.0/16") from error
        if network.prefixlen > SUBNET_SIZE:
            raise InvalidArgument(f"{pool} is too small a pool: a cluster network takes a /{SUBNET_SIZE}")
        if ipaddress.ip_address(address) in network:
            raise InvalidArgument(f"{pool} holds this host's own address {address}: choose a pool that is nobody's")
    return tuple(asked) or tuple(pool for pool in _POOLS if not _holds(pool, address))[:1]


def _holds(pool: str, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(pool)
