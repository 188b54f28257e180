"""Objects into the Engine API's JSON.

Go leaves out zero values where our records leave out defaults; the two differ wherever a default is not zero
(`Protocol: tcp`), and clients would read the zero. So rendering follows Go's rule, derived from the field types.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

import msgspec

from swarmlite.model.objects import Network, NetworkAttachment, Node, NodeState, Service, Task
from swarmlite.model.spec import (
    DNSConfig,
    EndpointSpec,
    NodeSpec,
    RestartPolicy,
    ServiceSpec,
    TaskTemplate,
    UpdateConfig,
)
from swarmlite.model.states import ORDER, TaskState, is_terminal
from swarmlite.model.view import View

Json = dict[str, Any]

SECOND = 1_000_000_000
_ALWAYS = {(ServiceSpec, "labels"), (NodeSpec, "labels"), (TaskTemplate, "force_update")}
_STRUCT = type(msgspec.Struct)


def plain(record: msgspec.Struct, *left_out: str) -> Json:
    """A record as Go's encoder writes it, but for the attributes `left_out`. Leaves stay as they are."""
    out: Json = {}
    for attribute, name, keep in _fields(type(record)):
        if attribute in left_out:
            continue
        value = getattr(record, attribute)
        if value is not None and (keep or value):
            out[name] = _value(value)
    return out


def node(item: Node) -> Json:
    return plain(item)


def service(item: Service, defaults: bool = False) -> Json:
    out = plain(item, "spec")
    out["Spec"] = _spec(item.spec, defaults)
    ports = item.endpoint.ports or (item.spec.endpoint_spec.ports if item.spec.endpoint_spec else ())
    out["Endpoint"] = {"Spec": plain(item.spec.endpoint_spec or EndpointSpec())}
    if ports:
        out["Endpoint"]["Ports"] = [plain(port) for port in ports]
    return out


def service_status(view: View, item: Service) -> Json:
    """How many tasks run of how many wanted: what `service ls` shows."""
    tasks = [task for task in view.tasks_of_service(item.id).values() if task.desired_state is TaskState.RUNNING]
    running = sum(task.status.state is TaskState.RUNNING and not _is_lost(view, task) for task in tasks)
    completed = sum(task.status.state is TaskState.COMPLETE for task in view.tasks_of_service(item.id).values())
    wanted = sum(not is_terminal(task.status.state) for task in tasks) if item.spec.is_global else item.spec.replicas
    return {"RunningTasks": running, "DesiredTasks": wanted, "CompletedTasks": completed}


class TaskRenderer:
    """Renders many tasks of one view; tasks of a service share their spec, which is rendered once."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._specs: dict[int, Json] = {}

    def __call__(self, item: Task) -> Json:
        out = plain(item, "spec", "networks_attachments")
        spec = self._specs.get(id(item.spec))
        if spec is None:
            spec = self._specs[id(item.spec)] = _template(item.spec)
        out["Spec"] = spec
        out.setdefault("Labels", {})
        out.setdefault("Status", {}).setdefault("PortStatus", {})
        ports = item.swarmlite.ports
        if ports and not out["Status"]["PortStatus"] and item.status.state is TaskState.RUNNING:
            out["Status"]["PortStatus"] = {"Ports": [plain(port) for port in ports]}
        if item.networks_attachments:
            out["NetworksAttachments"] = [self._attachment(one) for one in item.networks_attachments]
        return out

    def _attachment(self, item: NetworkAttachment) -> Json:
        network: Json = {"ID": item.network.id}
        known = self._view.networks.get(item.network.id)
        if known is not None:
            network["Spec"] = {"Name": known.name, "Labels": known.spec.labels}
            network["IPAMOptions"] = {"Driver": {"Name": "default"}, "Configs": [{"Subnet": known.subnet}]}
        return {"Network": network, "Addresses": item.addresses}


def network(item: Network, verbose: View | None = None) -> Json:
    """`verbose`: the view, to list what is attached."""
    out: Json = {
        "Name": item.name,
        "Id": item.id,
        "Created": item.created_at,
        "Scope": "swarm",
        "Driver": item.spec.driver,
        "EnableIPv4": True,
        "EnableIPv6": item.spec.enable_ipv6,
        "IPAM": {"Driver": "default", "Options": None, "Config": [{"Subnet": item.subnet}]},
        "Internal": item.spec.internal,
        "Attachable": item.spec.attachable,
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": {},
        "Options": {"com.docker.network.driver.overlay.vxlanid_list": str(item.swarmlite.vni), **item.spec.options},
        "Labels": item.spec.labels,
        "Swarmlite": plain(item.swarmlite),
    }
    if verbose is not None:
        out["Containers"] = _attached(verbose, item)
    return out


def _attached(view: View, item: Network) -> Json:
    out: Json = {}
    for task in view.tasks_of_network(item.id).values():
        if is_terminal(task.status.state) or ORDER[task.desired_state] > ORDER[TaskState.RUNNING]:
            continue
        here = [one for one in task.networks_attachments if one.network.id == item.id]
        container = task.status.container_status.container_id if task.status.container_status else ""
        address = here[0].addresses[0] if here and here[0].addresses else ""
        out[container or task.id] = {"Name": task.name, "EndpointID": task.id, "MacAddress": "", "IPv4Address": address}
    return out


def _spec(spec: ServiceSpec, defaults: bool) -> Json:
    out = plain(spec, "task_template")
    template = out["TaskTemplate"] = _template(spec.task_template)
    out.setdefault("EndpointSpec", {"Mode": "vip"})
    if defaults:
        container = template["ContainerSpec"]
        container.setdefault("StopGracePeriod", 10 * SECOND)
        container.setdefault("DNSConfig", plain(DNSConfig()))
        template.setdefault("RestartPolicy", plain(RestartPolicy(delay=5 * SECOND)))
        update = plain(UpdateConfig(monitor=5 * SECOND))
        out.setdefault("UpdateConfig", update)
        out.setdefault("RollbackConfig", update)
    return out


def _template(spec: TaskTemplate) -> Json:
    return {**plain(spec), "Runtime": spec.runtime or "container"}


def _is_lost(view: View, task: Task) -> bool:
    host = view.nodes.get(task.node_id)
    return host is None or host.status.state is NodeState.DOWN


def _value(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return plain(value)
    if isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
        return [plain(item) for item in value]
    return value


@cache
def _fields(record: type[msgspec.Struct]) -> tuple[tuple[str, str, bool], ...]:
    """For each field: attribute, JSON name, and whether its zero value is written too."""
    return tuple(
        (one.name, one.encode_name, _keeps_zero(one) or (record, one.name) in _ALWAYS)
        for one in msgspec.structs.fields(record)
    )


def _keeps_zero(field: msgspec.structs.FieldInfo) -> bool:
    if type(None) in get_args(field.type) or isinstance(field.type, _STRUCT):
        return True
    return (field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT) or _is_set(field.default)


def _is_set(default: object) -> bool:
    return default is not msgspec.NODEFAULT and bool(default)


def labels_of(view: View, task: Task) -> Mapping[str, str]:
    """The service's labels, by which tasks are filtered; its own when the service has gone."""
    owner = view.services.get(task.service_id)
    return owner.spec.labels if owner is not None else task.labels
