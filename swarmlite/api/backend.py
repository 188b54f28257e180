"""What the routes need of the cluster, and the facts about this manager that its own API tells.

`control.cluster.ClusterControl` is the real backend. A reference is an id, an exact name or a unique id prefix.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from swarmlite.control.logs import LogLine, LogQuery
from swarmlite.control.stacks import DeployResult
from swarmlite.model.objects import Network, Node, Service, Token
from swarmlite.model.spec import NetworkSpec, NodeSpec, Role, ServiceSpec, StackSpec
from swarmlite.model.view import View


class Reader(Protocol):
    """All that lists and inspections need: they never wait."""

    @property
    def view(self) -> View: ...


class Services(Reader, Protocol):
    async def create_service(self, spec: ServiceSpec) -> Service: ...
    async def update_service(self, ref: str, version: int, spec: ServiceSpec) -> Service: ...
    async def rollback_service(self, ref: str, version: int) -> Service: ...
    async def remove_service(self, ref: str) -> None: ...


class Networks(Reader, Protocol):
    async def create_network(self, spec: NetworkSpec) -> Network: ...
    async def remove_network(self, ref: str) -> None: ...


class Nodes(Reader, Protocol):
    async def update_node(self, ref: str, version: int, spec: NodeSpec) -> Node: ...
    async def remove_node(self, ref: str, force: bool) -> None: ...


class Stacks(Reader, Protocol):
    async def deploy(self, stack: StackSpec, prune: bool) -> DeployResult: ...
    async def remove_stack(self, name: str) -> DeployResult: ...


class Tokens(Reader, Protocol):
    async def create_token(
        self, role: Role, expires_at: datetime | None, uses: int | None, description: str
    ) -> tuple[Token, str]: ...
    async def revoke_token(self, ref: str) -> None: ...


class Watcher(Reader, Protocol):
    async def wait_for_change(self, after_version: int, timeout: float) -> int: ...


class Logs(Watcher, Protocol):
    def logs(self, query: LogQuery) -> AsyncIterator[LogLine]: ...


class Backend(Services, Networks, Nodes, Stacks, Tokens, Logs, Protocol):
    """The whole."""


@dataclass(frozen=True, kw_only=True)
class ManagerFacts:
    """What the manager's API says of itself. `address`: HOST:PORT for joining nodes; `token_text`: the text form of a
    join token's secret (`SWMLT-1-…`), which pins the CA; `node_id`: this host's own node.
    """

    node_id: str
    address: str
    token_text: Callable[[str], str]
    data_dir: str = ""
