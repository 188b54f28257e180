"""What a host and the manager say to each other when it joins, renews its certificate or leaves: JSON over HTTPS."""

from datetime import datetime

import msgspec

from swarmlite.model.objects import NodeDescription
from swarmlite.model.spec import Role
from swarmlite.protocol.link import PROTOCOL


class _Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Older hosts meet newer managers: unknown fields are ignored; `protocol` says whether both speak the same."""


class Authority(_Message, frozen=True, kw_only=True):
    """`GET /swarmlite/ca`, the one answer for strangers. `certificate`: the CA's, PEM; `now`: the manager's clock."""

    certificate: str
    cluster_id: str
    now: datetime
    protocol: int = PROTOCOL
    version: str = ""


class JoinRequest(_Message, frozen=True, kw_only=True):
    """`POST /swarmlite/join`. `request`: the certificate signing request, PEM."""

    secret: str
    name: str
    address: str
    request: str
    description: NodeDescription
    protocol: int = PROTOCOL


class Joined(_Message, frozen=True, kw_only=True):
    node_id: str
    cluster_id: str
    role: Role
    certificate: str
    renew_at: datetime


class RenewRequest(_Message, frozen=True, kw_only=True):
    """`POST /swarmlite/renew`, with the certificate that ends."""

    request: str


class Renewed(_Message, frozen=True, kw_only=True):
    certificate: str
    renew_at: datetime


class Refusal(_Message, frozen=True, kw_only=True):
    """Why not, as the Engine API says it."""

    message: str
