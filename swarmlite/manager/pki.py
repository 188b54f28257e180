"""The cluster's certificates: a CA of its own, made at `init`, and one certificate for each node.

Keys never travel: a node sends a signing request. `cryptography` is imported where it is used, as a worker needs it
for a moment in sixty days and it costs 10 MB.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from swarmlite.errors import InvalidArgument
from swarmlite.model.spec import Role

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

MANAGER_NAME = "swarmlite-manager"
"""The name that managers' certificates carry, and that everyone who dials one asks for."""

CA_LIFE = timedelta(days=20 * 365)
NODE_LIFE = timedelta(days=90)
BACKDATE = timedelta(hours=1)
"""Certificates are valid from a little before they are made, for clocks that are a little behind."""


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Pair(…)"


@dataclass(frozen=True)
class Identity:
    """Whom a certificate names."""

    node_id: str
    cluster_id: str
    role: Role

    @property
    def unit(self) -> str:
        """The organizational unit, spelled like Swarm's."""
        return f"swarmlite-{self.role.value}"


def make_ca(cluster_id: str, now: datetime) -> Pair:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    key = _new_key()
    name = _name(common="swarmlite-ca", organization=cluster_id)
    authority_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        _builder(now, CA_LIFE)
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(authority_key, critical=False)
    )
    return Pair(_pem(builder.sign(key, hashes.SHA256())), _key_pem(key))


def make_request() -> tuple[bytes, bytes]:
    """A new private key and a signing request for it, both PEM. The manager decides what the certificate will say."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    key = _new_key()
    request = x509.CertificateSigningRequestBuilder().subject_name(_name("node")).sign(key, hashes.SHA256())
    return _key_pem(key), request.public_bytes(serialization.Encoding.PEM)


def check_request(request: bytes) -> None:
    """Raises InvalidArgument for a request that `sign` would refuse."""
    _requested_key(request)


def sign(ca: Pair, request: bytes, identity: Identity, now: datetime) -> bytes:
    """A certificate for the request's key and `identity`; all else that the request says is ignored."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509.oid import ExtendedKeyUsageOID

    public_key = _requested_key(request)
    ca_key = load_pem_private_key(ca.key, None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    ca_certificate = x509.load_pem_x509_certificate(ca.certificate)
    is_manager = identity.role is Role.MANAGER
    names = [x509.DNSName(identity.node_id)] + [x509.DNSName(MANAGER_NAME)] * is_manager
    uses = [ExtendedKeyUsageOID.CLIENT_AUTH] + [ExtendedKeyUsageOID.SERVER_AUTH] * is_manager
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = (
        _builder(now, NODE_LIFE)
        .subject_name(_name(identity.node_id, identity.cluster_id, identity.unit))
        .issuer_name(ca_certificate.subject)
        .public_key(public_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(issuer, critical=False)
    )
    return _pem(builder.sign(ca_key, hashes.SHA256()))


def renew_at(now: datetime) -> datetime:
    """When a certificate made at `now` should be renewed: two thirds into its life."""
    return now + NODE_LIFE * 2 / 3


def _new_key() -> "ec.EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _requested_key(request: bytes) -> "ec.EllipticCurvePublicKey":
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        parsed = x509.load_pem_x509_csr(request)
    except ValueError as error:
        raise InvalidArgument("the certificate signing request cannot be read") from error
    key = parsed.public_key()
    if not parsed.is_signature_valid:
        raise InvalidArgument("the certificate signing request is not signed by its own key")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidArgument("the certificate signing request must be for a key on the curve P-256")
    return key


def _builder(now: datetime, life: timedelta) -> "x509.CertificateBuilder":
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + life)
    )


def _name(common: str, organization: str = "", unit: str = "") -> "x509.Name":
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    oids = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME)
    parts = zip(oids, (common, organization, unit), strict=True)
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts if value])


def _usage(signs_certificates: bool) -> "x509.KeyUsage":
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: "x509.Certificate") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: "ec.EllipticCurvePrivateKey") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
