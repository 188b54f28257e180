"""TLS between hosts: who may talk to whom, from certificates of the cluster's own CA."""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swarmlite.manager.pki import Identity
from swarmlite.model.spec import Role

_ROLES = {f"swarmlite-{role.value}": role for role in Role}


def server_context(ca: Path, credentials: Path) -> ssl.SSLContext:
    """For the manager's port. `credentials`: a PEM file with key and certificate.

    A client's certificate is optional here, as joining hosts have none; routes demand it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(credentials)
    context.load_verify_locations(ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def client_context(ca: Path, credentials: Path) -> ssl.SSLContext:
    """For a node that dials its manager by the name `pki.MANAGER_NAME`."""
    context = _trusting(cafile=str(ca))
    context.load_cert_chain(credentials)
    return context


def joining_context(ca: str) -> ssl.SSLContext:
    """For a host that has only the pinned CA certificate (PEM) yet."""
    return _trusting(cadata=ca)


def unsaved_context(ca: str, credentials: bytes) -> ssl.SSLContext:
    """As `client_context`, for a disk that takes nothing: `ssl` reads keys from files, so this one is in memory."""
    context = joining_context(ca)
    with open(os.memfd_create("credentials"), "wb") as file:
        file.write(credentials)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    return context


def looking_context() -> ssl.SSLContext:
    """Verifies nothing: only to fetch a CA certificate that is then held against the token's pin."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def identity_of(certificate: Mapping[str, Any] | None) -> Identity | None:
    """Whom a verified peer certificate names (as `ssl` gives it); None without one, or where it is not a node's."""
    if not certificate:
        return None
    subject = {key: value for part in certificate.get("subject", ()) for key, value in part}
    role = _ROLES.get(subject.get("organizationalUnitName", ""))
    node_id, cluster_id = subject.get("commonName", ""), subject.get("organizationName", "")
    if role is None or not node_id:
        return None
    return Identity(node_id=node_id, cluster_id=cluster_id, role=role)


def _trusting(cafile: str | None = None, cadata: str | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cafile=cafile, cadata=cadata)
    return context
