"""The JSON of our own routes under /swarmlite, shared by server and client."""

from datetime import datetime

import msgspec

from swarmlite.model.spec import Role


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Older clients meet newer servers and the other way round: unknown fields are ignored."""


class Status(Wire, frozen=True, kw_only=True):
    """What a host is in its cluster. `manager_address`: HOST:PORT; counts are the manager's alone."""

    role: Role
    node_id: str = msgspec.field(name="NodeID")
    node_name: str = ""
    cluster_id: str = msgspec.field(name="ClusterID", default="")
    manager_address: str = ""
    connected: bool = True
    message: str = ""
    version: str = ""
    nodes: int = 0
    nodes_ready: int = 0
    services: int = 0
    tasks: int = 0
    tasks_running: int = 0


class Deployed(Wire, frozen=True, kw_only=True):
    """What a deployment changed, by name. `orphans` stay, though the file no longer names them."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    networks_created: tuple[str, ...] = ()


class StackSummary(Wire, frozen=True, kw_only=True):
    name: str
    services: int = 0
    networks: int = 0


class TokenRequest(Wire, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`expires_in`: seconds, None for ever; `uses` None: any number."""

    role: Role = Role.WORKER
    expires_in: int | None = None
    uses: int | None = None
    description: str = ""


class TokenSummary(Wire, frozen=True, kw_only=True):
    """A token as lists show it: without anything to join with."""

    id: str = msgspec.field(name="ID")
    role: Role
    created_at: datetime
    expires_at: datetime | None = None
    uses_left: int | None = None
    description: str = ""


class TokenCreated(Wire, frozen=True, kw_only=True):
    """`text`: what a host joins with, told only once. `address`: the manager to join at."""

    token: TokenSummary
    text: str
    address: str


class Version(Wire, frozen=True, kw_only=True):
    version: int


class LogRecord(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """One line of one task, or, with `error`, why lines of a task are missing. `name`: `shop_web.1`."""

    task_id: str = msgspec.field(name="TaskID", default="")
    name: str = ""
    node: str = ""
    stream: int = 1
    stamp: str = ""
    line: str = ""
    error: str = ""
