"""Which names a network knows, and which addresses stand behind each: running, healthy, on a host that was heard."""

from collections.abc import Collection, Iterable

from swarmlite.model.objects import Network, NodeState, Service, Task
from swarmlite.model.spec import NetworkAttachmentConfig
from swarmlite.model.states import TaskState
from swarmlite.model.view import View
from swarmlite.protocol.names import NetworkNames

STACK_LABEL = "com.docker.stack.namespace"


def names(view: View, network: Network, suspects: Collection[str]) -> NetworkNames:
    """A service that is on the network is known by all its names even while no replica serves."""
    table: dict[str, tuple[str, ...]] = {}
    pointers: dict[str, str] = {}
    for service in services_on(view, network.id):
        addresses = []
        for task in view.tasks_of_service(service.id).values():
            if serves(view, task, suspects) and (address := address_on(task, network.id)):
                addresses.append(address)
                table[task.name.lower()] = (address,)
                pointers[address] = task.name
        for name in service_names(service, network.id):
            table[name] = (*table.get(name, ()), *addresses)
    return NetworkNames(id=network.id, subnet=network.subnet, names=table, pointers=pointers)


def services_on(view: View, network_id: str) -> Iterable[Service]:
    return (service for service in view.services.values() if attachment(service, network_id) is not None)


def serves(view: View, task: Task, suspects: Collection[str]) -> bool:
    if task.status.state is not TaskState.RUNNING or task.desired_state is not TaskState.RUNNING:
        return False
    node = view.nodes.get(task.node_id)
    return node is not None and node.status.state is NodeState.READY and node.id not in suspects


def address_on(task: Task, network_id: str) -> str | None:
    """The task's address on a network, without its prefix length."""
    for attached in task.networks_attachments:
        if attached.network.id == network_id and attached.addresses:
            return attached.addresses[0].partition("/")[0]
    return None


def attachment(service: Service, network_id: str) -> NetworkAttachmentConfig | None:
    networks = service.spec.task_template.networks
    return next((config for config in networks if config.target == network_id), None)


def service_names(service: Service, network_id: str) -> frozenset[str]:
    """`shop_web`, and where it is of a stack `web` and `web.shop`; its aliases; and `tasks.` of each."""
    config = attachment(service, network_id)
    full = service.spec.name.lower()
    found = {full, *(alias.lower() for alias in (config.aliases if config else ()))}
    stack = service.spec.labels.get(STACK_LABEL, "").lower()
    if stack and full.startswith(f"{stack}_"):
        short = full.removeprefix(f"{stack}_")
        found |= {short, f"{short}.{stack}"}
    return frozenset(found | {f"tasks.{name}" for name in found})
