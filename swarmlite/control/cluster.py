"""The use cases: what users and nodes may ask of the cluster. Each is one decision and one durable write."""

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import datetime

import msgspec
from msgspec.structs import replace

from swarmlite.control import lookup, make, resolve, validate
from swarmlite.control.clock import utc_now
from swarmlite.control.dispatch import Dispatch
from swarmlite.control.ids import new_id
from swarmlite.control.logs import LogLine, LogQuery
from swarmlite.control.mirror import Mirror
from swarmlite.control.stacks import Deployment, DeployResult, fabric, networks, retired, services, taken_back
from swarmlite.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    NotImplementedHere,
    Unauthorized,
)
from swarmlite.model.objects import (
    Network,
    Node,
    NodeDescription,
    NodeState,
    NodeStatus,
    Service,
    Token,
    Version,
)
from swarmlite.model.spec import (
    NetworkSpec,
    NodeSpec,
    ReplicatedMode,
    Role,
    ServiceMode,
    ServiceSpec,
    StackSpec,
)
from swarmlite.model.view import Change, Delete, Put, View
from swarmlite.plan import ingress


class NewNode(msgspec.Struct, frozen=True, kw_only=True):
    """A host that asks to join. `name`: as it will be known; unique in the cluster."""

    name: str
    address: str
    description: NodeDescription


class ClusterControl:
    """`mirror` holds the state, `dispatch` reaches the agents (for log streams alone)."""

    def __init__(self, mirror: Mirror, dispatch: Dispatch, clock: Callable[[], datetime] = utc_now) -> None:
        self._mirror = mirror
        self._dispatch = dispatch
        self._clock = clock

    @property
    def view(self) -> View:
        return self._mirror.view

    async def wait_for_change(self, after_version: int, timeout: float) -> int:
        return await self._mirror.wait_beyond(after_version, timeout)

    def logs(self, query: LogQuery) -> AsyncIterator[LogLine]:
        return self._dispatch.logs(query)

    # --- services ---

    async def create_service(self, spec: ServiceSpec) -> Service:
        spec = spec if spec.name else replace(spec, name=f"service-{new_id()[:10]}")
        validate.service_spec(spec)

        def decide(view: View) -> tuple[list[Change], Service]:
            validate.free_name(view, spec.name)
            validate.free_ports(view, spec)
            created = make.service(view, new_id(), resolve.networks(view, spec), self._clock())
            return [*self._ingress(view, spec), Put(created)], created

        return await self._mirror.transact(decide)

    async def update_service(self, ref: str, version: int, spec: ServiceSpec) -> Service:
        validate.service_spec(spec)

        def decide(view: View) -> tuple[list[Change], Service]:
            old = lookup.service(view, ref)
            make.check_version(old.version, version)
            if spec.name != old.spec.name:
                raise NotImplementedHere("rpc error: code = Unimplemented desc = renaming services is not supported")
            if spec.is_global != old.spec.is_global:
                raise NotImplementedHere("rpc error: code = Unimplemented desc = service mode change is not allowed")
            validate.free_ports(view, spec, old.id)
            updated = make.updated_service(view, old, resolve.networks(view, spec), self._clock())
            return [*self._ingress(view, spec), Put(updated)], updated

        return await self._mirror.transact(decide)

    async def rollback_service(self, ref: str, version: int) -> Service:
        def decide(view: View) -> tuple[list[Change], Service]:
            old = lookup.service(view, ref)
            make.check_version(old.version, version)
            if old.previous_spec is None:
                raise FailedPrecondition(
                    f"rpc error: code = FailedPrecondition desc = service {ref} does not have a previous spec"
                )
            updated = make.updated_service(view, old, old.previous_spec, self._clock())
            return [Put(updated)], updated

        return await self._mirror.transact(decide)

    async def scale(self, ref: str, replicas: int) -> Service:
        if replicas < 0:
            raise InvalidArgument(f"{replicas} replicas of {ref}; give 0 or more")

        def decide(view: View) -> tuple[list[Change], Service]:
            old = lookup.service(view, ref)
            if old.spec.is_global:
                raise InvalidArgument(f"service {old.name} is global: one task on every node; it cannot be scaled")
            mode = ServiceMode(replicated=ReplicatedMode(replicas=replicas))
            updated = make.updated_service(view, old, replace(old.spec, mode=mode), self._clock())
            return [Put(updated)], updated

        return await self._mirror.transact(decide)

    async def remove_service(self, ref: str) -> None:
        await self._mirror.transact(lambda view: ([Delete("service", lookup.service(view, ref).id)], None))

    def _ingress(self, view: View, spec: ServiceSpec) -> list[Change]:
        if not ingress.wanted(spec) or ingress.network_of(view) is not None:
            return []
        return [Put(make.ingress_network(view, new_id(), self._clock()))]

    # --- stacks ---

    async def deploy(self, stack: StackSpec, prune: bool) -> DeployResult:
        def decide(view: View) -> tuple[list[Change], DeployResult]:
            deployment = Deployment(view, stack, self._clock(), new_id)
            result = deployment.decide(prune)
            return deployment.changes, result

        return await self._mirror.transact(decide)

    async def remove_stack(self, name: str) -> DeployResult:
        def decide(view: View) -> tuple[list[Change], DeployResult]:
            gone, nets = services(view, name), networks(view, name)
            if not gone and not nets:
                raise NotFound(f"stack {name} not found; `swarmlite stack ls` shows those that are")
            for network in nets:
                _unused(view, network, {service.id for service in gone})
            changes: list[Change] = [Delete("service", service.id) for service in gone]
            changes += [Put(retired(network)) for network in nets]
            return changes, DeployResult(removed=tuple(service.name for service in gone))

        return await self._mirror.transact(decide)

    # --- networks ---

    async def create_network(self, spec: NetworkSpec) -> Network:
        validate.network_spec(spec)

        def decide(view: View) -> tuple[list[Change], Network]:
            if view.network_named(spec.name) is not None:
                raise AlreadyExists(f"network with name {spec.name} already exists")
            leaving = next((network for network in view.networks.values() if network.name == spec.name), None)
            if leaving is not None and fabric(leaving.spec) == fabric(spec):
                return [Put(back := taken_back(leaving, spec))], back
            created = make.network(view, new_id(), spec, self._clock())
            return [Put(created)], created

        return await self._mirror.transact(decide)

    async def remove_network(self, ref: str) -> None:
        def decide(view: View) -> tuple[list[Change], None]:
            network = lookup.network(view, ref)
            if network.name == ingress.INGRESS and ingress.is_needed(view):
                raise FailedPrecondition(
                    "the ingress network carries published ports; remove the services that publish"
                )
            _unused(view, network, set())
            return [Put(retired(network))], None

        await self._mirror.transact(decide)

    # --- nodes ---

    async def update_node(self, ref: str, version: int, spec: NodeSpec) -> Node:
        def decide(view: View) -> tuple[list[Change], Node]:
            old = lookup.node(view, ref)
            make.check_version(old.version, version)
            validate.node_spec(spec, old.spec)
            kept = replace(spec, name=spec.name or old.spec.name)
            updated = replace(old, spec=kept, version=Version(index=view.version + 1), updated_at=self._clock())
            return [Put(updated)], updated

        return await self._mirror.transact(decide)

    async def remove_node(self, ref: str, force: bool) -> None:
        def decide(view: View) -> tuple[list[Change], str]:
            node = lookup.node(view, ref)
            if node.manager_status is not None:
                raise FailedPrecondition(
                    f"node {node.name} is the manager; it goes with `swarmlite leave --force` there"
                )
            if node.status.state is NodeState.READY and not force:
                raise FailedPrecondition(
                    f"rpc error: code = FailedPrecondition desc = node {node.id} is not down and can't be removed; "
                    f"run `swarmlite leave` on it first, or force it"
                )
            tasks: list[Change] = [Delete("task", task) for task in view.tasks_of_node(node.id)]
            return [*tasks, Delete("node", node.id)], node.id

        node_id = await self._mirror.transact(decide)
        await self._dispatch.dismiss(node_id, "removed from the cluster")

    async def admit(self, token_secret: str, node: NewNode) -> Node:
        """Let a host join: check its token, use it up by one, and enter the node. Its role is the token's."""
        digest = digest_of(token_secret)

        def decide(view: View) -> tuple[list[Change], Node]:
            now = self._clock()
            token = _usable(view, digest, now)
            changes: list[Change] = _superseded(view, node.name)
            admitted = Node(
                id=new_id(),
                version=Version(index=view.version + 1),
                created_at=now,
                updated_at=now,
                spec=NodeSpec(name=node.name, role=token.role),
                description=node.description,
                status=NodeStatus(state=NodeState.UNKNOWN, message="has not connected yet", addr=node.address),
            )
            if token.uses_left is not None:
                changes.append(Put(replace(token, uses_left=token.uses_left - 1, updated_at=now)))
            return [*changes, Put(admitted)], admitted

        return await self._mirror.transact(decide)

    # --- tokens ---

    async def create_token(
        self, role: Role, expires_at: datetime | None, uses: int | None, description: str
    ) -> tuple[Token, str]:
        """The token and its secret, which is shown once and never stored."""
        if uses is not None and uses < 1:
            raise InvalidArgument(f"a token for {uses} uses; give 1 or more, or none for any number")
        if role is Role.MANAGER:
            raise NotImplementedHere(
                "tokens for managers are not there yet: a cluster has the one manager that init made"
            )
        secret = secrets.token_hex(16)
        now = self._clock()
        if expires_at is not None and expires_at <= now:
            raise InvalidArgument("the token would have expired already; give a time to come")
        token = Token(
            id=new_id()[:10],
            created_at=now,
            updated_at=now,
            role=role,
            digest=digest_of(secret),
            expires_at=expires_at,
            uses_left=uses,
            description=description,
        )
        await self._mirror.commit([Put(token)])
        return token, secret

    async def revoke_token(self, ref: str) -> None:
        def decide(view: View) -> tuple[list[Change], None]:
            token = lookup.token(view, ref)
            return [Put(replace(token, revoked=True, updated_at=self._clock()))], None

        await self._mirror.transact(decide)


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _usable(view: View, digest: str, now: datetime) -> Token:
    token = next((item for item in view.tokens.values() if hmac.compare_digest(item.digest, digest)), None)
    again = "make a new one on the manager: swarmlite token create"
    if token is None:
        raise Unauthorized(f"the join token is not one of this cluster's; {again}")
    if token.revoked:
        raise Unauthorized(f"the join token was revoked; {again}")
    if token.expires_at is not None and token.expires_at <= now:
        raise Unauthorized(f"the join token expired at {token.expires_at:%Y-%m-%d %H:%M:%S} UTC; {again}")
    if token.uses_left is not None and token.uses_left < 1:
        raise Unauthorized(f"the join token is used up; {again}")
    return token


def _superseded(view: View, name: str) -> list[Change]:
    """A node of this name that was admitted and never connected makes room; any other is a clash."""
    changes: list[Change] = []
    for node in view.nodes.values():
        if node.name == name and node.status.state is NodeState.UNKNOWN:
            changes.append(Delete("node", node.id))
        elif node.name == name:
            raise AlreadyExists(
                f"a node named {name} is in the cluster already ({node.id}, {node.status.state}); give this host "
                f"another name (--name), or remove the old node on the manager: swarmlite node rm {name}"
            )
    return changes


def _unused(view: View, network: Network, leaving: set[str]) -> None:
    for service in view.services.values():
        targets = {config.target for config in service.spec.task_template.networks}
        if network.id in targets and service.id not in leaving:
            raise FailedPrecondition(
                f"rpc error: code = FailedPrecondition desc = network {network.id} ({network.name}) is in use by "
                f"service {service.name}; remove that first"
            )
