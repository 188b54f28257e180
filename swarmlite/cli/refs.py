"""Services as people type them: by their full name or id, or by the name that the Compose file gives them.

Only our own command line knows the short form. Docker's API must not: scripts that ask for `web` before they create it
would be told of another stack's.
"""

from collections.abc import Iterable

from swarmlite.api.client import Client
from swarmlite.errors import InvalidArgument, NotFound
from swarmlite.model.objects import Service
from swarmlite.plan.endpoints import STACK_LABEL


async def service(client: Client, ref: str) -> Service:
    try:
        return await client.service(ref)
    except NotFound:
        found = [one for one in await client.services() if _short(one) == ref]
        if not found:
            raise
    if len(found) > 1:
        names = ", ".join(sorted(one.name for one in found))
        raise InvalidArgument(f"several services are called {ref}: {names}; give the full name")
    return found[0]


async def services(client: Client, refs: Iterable[str]) -> list[Service]:
    """All of them, or an error before anything is done to one."""
    return [await service(client, ref) for ref in refs]


async def sources(client: Client, refs: Iterable[str]) -> list[str]:
    """Stacks, services and tasks to read logs of; what we do not know is left for the manager to judge."""
    stacks = {stack.name for stack in await client.stacks()}
    found = []
    for ref in refs:
        try:
            found.append(ref if ref in stacks else (await service(client, ref)).id)
        except NotFound:
            found.append(ref)
    return found


def _short(service: Service) -> str:
    stack = service.spec.labels.get(STACK_LABEL, "")
    return service.name.removeprefix(f"{stack}_") if stack else ""
