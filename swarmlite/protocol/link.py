"""What goes over the link (one WebSocket, mutual TLS, JSON): who may say what, and nothing of how.

The agent opens with `Hello`, which carries the state of every task it holds; the manager answers with `Assignments`,
whole, and then sends only `Changes`. A lost report is mended by the next `Hello`, so nothing is acknowledged.
"""

from datetime import datetime

import msgspec

from swarmlite.model.objects import NodeDescription, Task, TaskStatus
from swarmlite.protocol.names import NetworkNames

PROTOCOL = 1


class Message(msgspec.Struct, frozen=True, tag=True, rename="camel", omit_defaults=True):
    """One frame. The JSON carries the class name under `type`."""


class TaskReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A task's observed state. `ran_in_place`: restarts that the agent made without a manager."""

    id: str
    status: TaskStatus
    ran_in_place: int = 0


class AssignedNetwork(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A network as one host must build it. `gateway`: this host's own address in `subnet`; `peers`: underlay addresses
    of the other hosts that have tasks on it.
    """

    id: str
    name: str
    subnet: str
    gateway: str
    vni: int
    internal: bool = False
    labels: dict[str, str] = {}
    peers: tuple[str, ...] = ()


class PublishedPort(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A port of every host that leads to `backends`, each `address:port` on the ingress network."""

    protocol: str
    port: int
    backends: tuple[str, ...]


# --- agent to manager -----------------------------------------------------------------------------------------------


class Hello(Message, frozen=True, kw_only=True):
    """`all_names`: this host answers askers from outside, so it wants the names of networks that it is not on, too."""

    description: NodeDescription
    address: str
    now: datetime
    tasks: tuple[TaskReport, ...] = ()
    all_names: bool = False
    protocol: int = PROTOCOL


class Beat(Message, frozen=True, kw_only=True):
    """Once a second: this host lives."""


class Describe(Message, frozen=True, kw_only=True):
    """The host has changed (memory added, engine upgraded). `engine_error`: why it cannot run tasks now."""

    description: NodeDescription
    engine_error: str = ""


class Report(Message, frozen=True, kw_only=True):
    tasks: tuple[TaskReport, ...]


class LogLines(Message, frozen=True, kw_only=True):
    """Lines of one task, in order. `stream`: 1 stdout, 2 stderr; `stamp`: RFC 3339 with nanoseconds."""

    request: str
    lines: tuple[tuple[int, str, bytes], ...]


class LogEnd(Message, frozen=True, kw_only=True):
    request: str
    error: str = ""


AgentMessage = Hello | Beat | Describe | Report | LogLines | LogEnd


# --- manager to agent -----------------------------------------------------------------------------------------------


class Assignments(Message, frozen=True, kw_only=True):
    """All that this host should hold. What it holds beside it goes. `ingress`: the id of the network through which the
    published ports are served; empty where nothing is published.
    """

    node_id: str
    domain: str
    tasks: tuple[Task, ...] = ()
    networks: tuple[AssignedNetwork, ...] = ()
    names: tuple[NetworkNames, ...] = ()
    ingress: str = ""
    published: tuple[PublishedPort, ...] = ()


class Changes(Message, frozen=True, kw_only=True):
    """The difference to what was sent before; each object whole, and `published` all of them, None for no change."""

    tasks: tuple[Task, ...] = ()
    gone_tasks: tuple[str, ...] = ()
    networks: tuple[AssignedNetwork, ...] = ()
    gone_networks: tuple[str, ...] = ()
    names: tuple[NetworkNames, ...] = ()
    gone_names: tuple[str, ...] = ()
    ingress: str = ""
    published: tuple[PublishedPort, ...] | None = None


class LogRequest(Message, frozen=True, kw_only=True):
    """`tail` None: all lines. `since`: Unix seconds, 0 for the beginning."""

    request: str
    task_id: str
    follow: bool = False
    tail: int | None = None
    since: float = 0.0


class LogCancel(Message, frozen=True, kw_only=True):
    request: str


class Dismissed(Message, frozen=True, kw_only=True):
    """This host is no longer in the cluster: stop its tasks, forget the certificate."""

    reason: str


ManagerMessage = Assignments | Changes | LogRequest | LogCancel | Dismissed
