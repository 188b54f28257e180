"""Certificates are renewed in time, by whoever can, and what is on disk always fits together."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from msgspec.structs import replace

from swarmlite.errors import Unavailable
from swarmlite.manager import pki, tls
from swarmlite.manager.datadir import DataDir, NodeRecord
from swarmlite.manager.pki import Identity
from swarmlite.manager.renewal import Renewal, by_ca
from swarmlite.model.spec import Role
from swarmlite.protocol.membership import Renewed

NOW = datetime.now(UTC).replace(microsecond=0)
CA = pki.make_ca("c1", NOW)
ME = Identity("n1", "c1", Role.WORKER)


@pytest.fixture
def datadir(tmp_path: Path) -> DataDir:
    found = DataDir(tmp_path)
    key, request = pki.make_request()
    found.ca.write_bytes(CA.certificate)
    found.credentials.write_bytes(key + pki.sign(CA, request, ME, NOW - timedelta(days=61)))
    found.write_record(
        NodeRecord(
            node_id="n1",
            cluster_id="c1",
            name="host1",
            role=Role.WORKER,
            address="10.0.0.1",
            manager="10.0.0.2:2377",
            renew_at=NOW - timedelta(days=1),
        )
    )
    return found


def not_after(datadir: DataDir) -> datetime:
    return x509.load_pem_x509_certificate(datadir.credentials.read_bytes()).not_valid_after_utc


async def test_a_certificate_is_renewed_when_two_thirds_of_its_life_are_gone(datadir: DataDir) -> None:
    told: list[bool] = []
    renewal = Renewal(datadir, by_ca(CA, ME), lambda: told.append(True))
    assert await renewal.look(NOW)
    assert not_after(datadir) > NOW + timedelta(days=89)
    assert datadir.record().renew_at > NOW + timedelta(days=59)
    assert told == [True]
    tls.client_context(datadir.ca, datadir.credentials)
    assert not await renewal.look(NOW)


async def test_before_its_time_nothing_happens(datadir: DataDir) -> None:
    datadir.write_record(replace(datadir.record(), renew_at=NOW + timedelta(seconds=1)))
    before = datadir.credentials.read_bytes()
    assert not await Renewal(datadir, by_ca(CA, ME), lambda: None).look(NOW)
    assert datadir.credentials.read_bytes() == before


async def test_without_an_answer_the_old_one_stays_and_is_tried_again(datadir: DataDir) -> None:
    answers = iter([Unavailable("the manager is away"), None])

    async def sign(request: bytes) -> Renewed:
        problem = next(answers)
        if problem is not None:
            raise problem
        return await by_ca(CA, ME)(request)

    renewal = Renewal(datadir, sign, lambda: None)
    before = datadir.credentials.read_bytes()
    with pytest.raises(Unavailable):
        await renewal.look(NOW)
    assert datadir.credentials.read_bytes() == before
    assert await renewal.look(NOW)


async def test_a_server_shows_its_new_certificate_without_a_restart(datadir: DataDir) -> None:
    key, request = pki.make_request()
    manager = replace(datadir.record(), role=Role.MANAGER)
    identity = Identity("n1", "c1", Role.MANAGER)
    datadir.credentials.write_bytes(key + pki.sign(CA, request, identity, NOW - timedelta(days=61)))
    datadir.write_record(manager)
    server = tls.server_context(datadir.ca, datadir.credentials)
    old = shown(server)
    await Renewal(datadir, by_ca(CA, identity), lambda: server.load_cert_chain(datadir.credentials)).look(NOW)
    assert shown(server) != old


def shown(server: ssl.SSLContext) -> object:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = tls.joining_context(CA.certificate.decode()).wrap_bio(to_client, to_server, server_hostname=pki.MANAGER_NAME)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (near, far):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    certificate = near.getpeercert()
    assert certificate
    return certificate["serialNumber"]
