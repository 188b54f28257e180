"""`swarmlite join`: makes this host a worker of a cluster.

The manager is recognised by its CA, and the clocks are compared, before the secret is shown or a certificate checked.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from swarmlite import settings
from swarmlite.errors import (
    FailedPrecondition,
    SwarmliteError,
    Unauthorized,
)
from swarmlite.manager import host, pki, tls, tokens
from swarmlite.manager.app import DaemonOptions, run_daemon
from swarmlite.manager.datadir import NodeRecord, write
from swarmlite.manager.fresh import Say, fresh, look_at_engine, start, undone_on_failure
from swarmlite.manager.host import HostPort
from swarmlite.manager.outbound import ManagerPort, looking_at
from swarmlite.protocol.membership import Authority, Joined, JoinRequest


@dataclass(frozen=True, kw_only=True)
class JoinOptions:
    """`token`: as `init` printed it; `remote`: HOST[:PORT] of the manager."""

    token: str
    remote: str
    data_dir: Path = settings.DATA_DIR
    advertise_addr: str = ""
    docker_host: str = ""
    name: str = ""
    foreground: bool = False
    say: Say = field(default=lambda _: None)


async def join(options: JoinOptions) -> NodeRecord:
    """Make this host a worker of the cluster whose manager is `remote`."""
    token = tokens.parse_token(options.token)
    remote = host.parse_host_port(options.remote)
    datadir = fresh(options.data_dir)
    name = host.node_name(options.name)
    description, docker_host = await look_at_engine(options.docker_host, name)
    authority = await _authority(remote, token)
    address = options.advertise_addr or host.source_address(await host.resolve(remote))
    address = await host.advertise_address(address)
    with undone_on_failure(datadir):
        with datadir.locked():
            datadir.begin()
            key, request = await asyncio.to_thread(pki.make_request)
            port = ManagerPort(str(remote), tls.joining_context(authority.certificate))
            asked = JoinRequest(
                secret=token.secret, name=name, address=address, request=request.decode(), description=description
            )
            joined = await port.join(asked)
            credentials = key + joined.certificate.encode()
            record = _joined_record(joined, asked, str(remote), docker_host)
            async with _withdrawn_on_failure(record, authority, credentials):
                write(datadir.credentials, credentials)
                write(datadir.ca, authority.certificate.encode(), mode=0o644)
                datadir.write_record(record)
        if not options.foreground:
            async with _withdrawn_on_failure(record, authority, credentials):
                await start(datadir, record)
    options.say(_joined(record))
    if options.foreground:
        await run_daemon(DaemonOptions(data_dir=datadir.root))
    return record


async def _authority(remote: HostPort, token: tokens.JoinToken) -> Authority:
    """The manager's CA, once it is the one that the token pins and both clocks agree well enough for certificates."""
    authority = await looking_at(str(remote)).authority()
    try:
        digest = tokens.ca_digest(authority.certificate)
    except ValueError as error:
        raise FailedPrecondition(f"{remote} answers, but shows no CA certificate: is it a manager?") from error
    if digest != token.digest:
        raise Unauthorized(
            f"the manager at {remote} is not of the cluster that the token is for: its CA does not match the token's. "
            "Check the address, and take a fresh token from that manager: swarmlite token create"
        )
    skew = (datetime.now(UTC) - authority.now).total_seconds()
    if abs(skew) > settings.CLOCK_SKEW:
        raise FailedPrecondition(
            f"this host's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the manager's; at most "
            f"{settings.CLOCK_SKEW:.0f} s are allowed. Set it right on the wrong one of both (NTP), then join again"
        )
    return authority


def _joined_record(joined: Joined, asked: JoinRequest, manager: str, docker_host: str) -> NodeRecord:
    return NodeRecord(
        node_id=joined.node_id,
        cluster_id=joined.cluster_id,
        name=asked.name,
        role=joined.role,
        address=asked.address,
        manager=manager,
        renew_at=joined.renew_at,
        docker_host=docker_host,
    )


@asynccontextmanager
async def _withdrawn_on_failure(record: NodeRecord, authority: Authority, credentials: bytes) -> AsyncIterator[None]:
    """Take the join back at the manager; if it cannot be reached, the node stays in its list and is never ready."""
    try:
        yield
    except BaseException:
        context = tls.unsaved_context(authority.certificate, credentials)
        with suppress(SwarmliteError):
            await ManagerPort(record.manager, context).leave()
        raise


def _joined(record: NodeRecord) -> str:
    return f"This host joined the cluster of {record.manager} as {record.role} (node {record.node_id}, {record.name})."
