"""Certificates: who may call itself what, for how long, and what the manager takes from a request."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from swarmlite.errors import InvalidArgument
from swarmlite.manager import pki, tls
from swarmlite.manager.pki import Identity
from swarmlite.model.spec import Role

NOW = datetime.now(UTC).replace(microsecond=0)
CA = pki.make_ca("cluster1", NOW)


def made(role: Role, now: datetime = NOW, ca: pki.Pair = CA) -> tuple[bytes, bytes]:
    key, request = pki.make_request()
    return key, pki.sign(ca, request, Identity("node1", "cluster1", role), now)


@pytest.mark.parametrize("role", list(Role))
def test_a_certificate_names_node_cluster_and_role(role: Role) -> None:
    certificate = x509.load_pem_x509_certificate(made(role)[1])
    subject = {part.oid: part.value for part in certificate.subject}
    assert subject == {
        NameOID.COMMON_NAME: "node1",
        NameOID.ORGANIZATION_NAME: "cluster1",
        NameOID.ORGANIZATIONAL_UNIT_NAME: f"swarmlite-{role}",
    }
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(CA.certificate))


def test_only_a_manager_can_pass_for_a_manager() -> None:
    for role in Role:
        certificate = x509.load_pem_x509_certificate(made(role)[1])
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        is_manager = role is Role.MANAGER
        assert (pki.MANAGER_NAME in names.get_values_for_type(x509.DNSName)) is is_manager
        assert (ExtendedKeyUsageOID.SERVER_AUTH in uses) is is_manager


def test_certificates_live_90_days_from_an_hour_ago_and_are_renewed_after_60() -> None:
    certificate = x509.load_pem_x509_certificate(made(Role.WORKER)[1])
    assert certificate.not_valid_before_utc == NOW - timedelta(hours=1)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=90)
    assert pki.renew_at(NOW) == NOW + timedelta(days=60)


def test_what_a_request_says_of_itself_does_not_count() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "admin")]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(pki.MANAGER_NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    signed = pki.sign(CA, request, Identity("node1", "cluster1", Role.WORKER), NOW)
    certificate = x509.load_pem_x509_certificate(signed)
    assert b"admin" not in certificate.public_bytes(serialization.Encoding.DER)
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["node1"]


def wrong_curve() -> bytes:
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(ec.generate_private_key(ec.SECP384R1()), hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


@pytest.mark.parametrize("request_", [b"", b"garbage", CA.certificate, wrong_curve()])
def test_a_bad_request_is_refused(request_: bytes) -> None:
    with pytest.raises(InvalidArgument, match="signing request"):
        pki.check_request(request_)


def test_keys_are_not_shown_when_printed() -> None:
    assert "PRIVATE" not in repr(CA)


def shake(tmp_path: Path, client: ssl.SSLContext, role: Role = Role.WORKER, now: datetime = NOW) -> Identity | None:
    """A TLS handshake in memory with a manager; whom the manager then sees."""
    key, certificate = made(Role.MANAGER)
    (tmp_path / "ca").write_bytes(CA.certificate)
    (tmp_path / "manager").write_bytes(key + certificate)
    server = tls.server_context(tmp_path / "ca", tmp_path / "manager")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname=pki.MANAGER_NAME)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (near, far):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return tls.identity_of(far.getpeercert())


def context_of(tmp_path: Path, role: Role, now: datetime = NOW, ca: pki.Pair = CA) -> ssl.SSLContext:
    key, certificate = made(role, now, ca)
    (tmp_path / "own-ca").write_bytes(CA.certificate)
    (tmp_path / "own").write_bytes(key + certificate)
    return tls.client_context(tmp_path / "own-ca", tmp_path / "own")


@pytest.mark.parametrize("role", list(Role))
def test_the_manager_sees_whom_a_certificate_names(tmp_path: Path, role: Role) -> None:
    assert shake(tmp_path, context_of(tmp_path, role)) == Identity("node1", "cluster1", role)


def test_a_host_without_a_certificate_gets_in_as_nobody(tmp_path: Path) -> None:
    assert shake(tmp_path, tls.joining_context(CA.certificate.decode())) is None


def test_a_certificate_of_another_ca_is_refused(tmp_path: Path) -> None:
    stranger = context_of(tmp_path, Role.MANAGER, ca=pki.make_ca("cluster1", NOW))
    with pytest.raises(ssl.SSLError):
        shake(tmp_path, stranger)


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLError, match="expired"):
        shake(tmp_path, context_of(tmp_path, Role.WORKER, NOW - timedelta(days=91)))


def test_a_joining_host_refuses_a_manager_of_another_ca(tmp_path: Path) -> None:
    other = pki.make_ca("cluster2", NOW).certificate.decode()
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(tmp_path, tls.joining_context(other))
