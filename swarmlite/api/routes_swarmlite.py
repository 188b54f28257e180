"""Our own routes, for what Docker's API has no word for: whole stacks, join tokens, status, waiting for changes."""

from datetime import UTC, datetime, timedelta

import msgspec
from aiohttp import web

from swarmlite import __version__
from swarmlite.api import decode, filters
from swarmlite.api.http import BACKEND, FACTS, Route, answer, empty
from swarmlite.api.wire import (
    Deployed,
    StackSummary,
    Status,
    TokenCreated,
    TokenRequest,
    TokenSummary,
    Version,
)
from swarmlite.control.stacks import DeployResult
from swarmlite.errors import InvalidArgument
from swarmlite.model.objects import NodeState, Token
from swarmlite.model.spec import Role, StackSpec
from swarmlite.model.states import TaskState
from swarmlite.model.view import View
from swarmlite.plan.endpoints import STACK_LABEL

_LONGEST_WAIT = 60.0


async def status(request: web.Request) -> web.Response:
    view, facts = request.app[BACKEND].view, request.app[FACTS]
    own = view.nodes.get(facts.node_id)
    return answer(
        Status(
            role=Role.MANAGER,
            node_id=facts.node_id,
            node_name=own.name if own else "",
            cluster_id=view.cluster.id,
            manager_address=facts.address,
            version=__version__,
            nodes=len(view.nodes),
            nodes_ready=sum(node.status.state is NodeState.READY for node in view.nodes.values()),
            services=len(view.services),
            tasks=sum(task.desired_state is TaskState.RUNNING for task in view.tasks.values()),
            tasks_running=sum(task.status.state is TaskState.RUNNING for task in view.tasks.values()),
        )
    )


async def changes(request: web.Request) -> web.Response:
    """Waits until the cluster is newer than `after`, at most `timeout` seconds; answers the version it has."""
    try:
        after, timeout = int(request.query.get("after", "0")), float(request.query.get("timeout", "10"))
    except ValueError as error:
        raise InvalidArgument("after must be a version, timeout seconds") from error
    version = await request.app[BACKEND].wait_for_change(after, min(max(timeout, 0.0), _LONGEST_WAIT))
    return answer(Version(version=version))


async def stacks(request: web.Request) -> web.Response:
    return answer(_stacks(request.app[BACKEND].view))


async def deploy(request: web.Request) -> web.Response:
    stack = decode.body(await request.read(), StackSpec)
    name = request.match_info["name"]
    if stack.name != name:
        raise InvalidArgument(f"the stack is named {stack.name!r} in the body and {name!r} in the path")
    result = await request.app[BACKEND].deploy(stack, filters.boolean(request.query.get("prune")))
    return answer(_deployed(result))


async def remove_stack(request: web.Request) -> web.Response:
    return answer(_deployed(await request.app[BACKEND].remove_stack(request.match_info["name"])))


async def tokens(request: web.Request) -> web.Response:
    return answer([_summary(token) for token in request.app[BACKEND].view.tokens.values() if not token.revoked])


async def create_token(request: web.Request) -> web.Response:
    asked = decode.body(await request.read(), TokenRequest)
    for name, number in (("ExpiresIn", asked.expires_in), ("Uses", asked.uses)):
        if number is not None and number < 1:
            raise InvalidArgument(f"{name} must be at least 1, not {number}")
    until = None if asked.expires_in is None else datetime.now(UTC) + timedelta(seconds=asked.expires_in)
    token, secret = await request.app[BACKEND].create_token(asked.role, until, asked.uses, asked.description)
    facts = request.app[FACTS]
    return answer(TokenCreated(token=_summary(token), text=facts.token_text(secret), address=facts.address), 201)


async def revoke_token(request: web.Request) -> web.Response:
    backend = request.app[BACKEND]
    await backend.revoke_token(request.match_info["ref"])
    return empty(204)


ROUTES = (
    Route("GET", "/swarmlite/status", status),
    Route("GET", "/swarmlite/changes", changes),
    Route("GET", "/swarmlite/stacks", stacks),
    Route("POST", "/swarmlite/stacks/{name}", deploy),
    Route("DELETE", "/swarmlite/stacks/{name}", remove_stack),
    Route("GET", "/swarmlite/tokens", tokens),
    Route("POST", "/swarmlite/tokens", create_token),
    Route("DELETE", "/swarmlite/tokens/{ref}", revoke_token),
)


def _stacks(view: View) -> list[StackSummary]:
    services = [one.spec.labels[STACK_LABEL] for one in view.services.values() if STACK_LABEL in one.spec.labels]
    networks = [
        one.spec.labels[STACK_LABEL]
        for one in view.networks.values()
        if STACK_LABEL in one.spec.labels and not one.swarmlite.pending_delete
    ]
    names = sorted({*services, *networks})
    return [StackSummary(name=name, services=services.count(name), networks=networks.count(name)) for name in names]


def _deployed(result: DeployResult) -> Deployed:
    return Deployed(
        created=result.created,
        updated=result.updated,
        unchanged=result.unchanged,
        removed=result.removed,
        orphans=result.orphans,
        networks_created=result.networks_created,
    )


def _summary(token: Token) -> TokenSummary:
    return msgspec.convert(token, TokenSummary, from_attributes=True)
