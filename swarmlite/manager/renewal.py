"""Keeps this host's certificate young: looked at once an hour by the time of day, as hosts sleep and clocks are set."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec.structs import replace

from swarmlite.errors import SwarmliteError
from swarmlite.logs import logger
from swarmlite.manager import pki, tls
from swarmlite.manager.datadir import DataDir, write
from swarmlite.manager.outbound import ManagerPort
from swarmlite.manager.pki import Identity, Pair
from swarmlite.protocol.membership import Renewed

log = logger(__name__)

LOOK_EVERY = 3600.0

Sign = Callable[[bytes], Awaitable[Renewed]]
"""From a signing request to a certificate."""


@dataclass(frozen=True)
class Renewal:
    """`sign` asks whoever can; `renewed` is called once the new certificate is on disk."""

    datadir: DataDir
    sign: Sign
    renewed: Callable[[], None]

    async def run(self) -> None:
        while True:
            try:
                await self.look(datetime.now(UTC))
            except SwarmliteError as error:
                log.warning("certificate not renewed", why=error.message)
            await asyncio.sleep(LOOK_EVERY)

    async def look(self, now: datetime) -> bool:
        """Renew if it is time; whether it was."""
        record = self.datadir.record()
        if now < record.renew_at:
            return False
        key, request = await asyncio.to_thread(pki.make_request)
        answer = await self.sign(request)
        await asyncio.to_thread(write, self.datadir.credentials, key + answer.certificate.encode())
        await asyncio.to_thread(self.datadir.write_record, replace(record, renew_at=answer.renew_at))
        self.renewed()
        log.info("certificate renewed", node=record.node_id, again_at=answer.renew_at.isoformat())
        return True


def by_manager(datadir: DataDir) -> Sign:
    """A worker asks its manager, with the certificate that it has."""

    async def sign(request: bytes) -> Renewed:
        context = tls.client_context(datadir.ca, datadir.credentials)
        return await ManagerPort(datadir.record().manager, context).renew(request.decode())

    return sign


def by_ca(ca: Pair, identity: Identity) -> Sign:
    """A manager has the CA itself."""

    async def sign(request: bytes) -> Renewed:
        now = datetime.now(UTC)
        certificate = await asyncio.to_thread(pki.sign, ca, request, identity, now)
        return Renewed(certificate=certificate.decode(), renew_at=pki.renew_at(now))

    return sign
