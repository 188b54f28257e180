"""Objects into the plain rows that lists show: the same keys in JSON, for `jq`, and in tables. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from swarmlite.api.client import NetworkInfo, ServiceInfo
from swarmlite.api.wire import StackSummary, TokenSummary
from swarmlite.cli import times
from swarmlite.cli.render import Column
from swarmlite.model.objects import Node, Service, Task
from swarmlite.model.spec import PortConfig
from swarmlite.model.states import TaskState

Row = dict[str, Any]


def nodes(items: Iterable[Node]) -> list[Row]:
    return [
        {
            "id": node.id,
            "name": node.name,
            "state": node.status.state.value,
            "message": node.engine_error or node.status.message,
            "availability": node.spec.availability.value,
            "role": node.spec.role.value,
            "leader": node.manager_status is not None and node.manager_status.leader,
            "address": node.status.addr,
            "cpus": node.description.resources.nano_cpus / 1_000_000_000,
            "memory_bytes": node.description.resources.memory_bytes,
            "engine_version": node.description.engine.engine_version,
            "os": node.description.platform.os,
            "arch": node.description.platform.architecture,
            "labels": node.spec.labels,
            "engine_labels": node.description.engine.labels,
        }
        for node in sorted(items, key=lambda node: node.name)
    ]


NODES = (
    Column("ID", "id"),
    Column("NAME", "name"),
    Column("STATE", "state", state=True),
    Column("AVAILABILITY", "availability", state=True),
    Column("ROLE", lambda row: f"{row['role']} (leader)" if row["leader"] else row["role"]),
    Column("ADDRESS", "address"),
    Column("CPUS", lambda row: f"{row['cpus']:g}"),
    Column("MEMORY", lambda row: times.size(row["memory_bytes"])),
    Column("ENGINE", "engine_version"),
    Column("LABELS", lambda row: _labels(row["labels"])),
    Column("MESSAGE", "message", wrong=True),
)


def services(items: Iterable[ServiceInfo]) -> list[Row]:
    return [
        {
            "id": service.id,
            "name": service.name,
            "mode": mode(service),
            "running": service.service_status.running_tasks,
            "desired": service.service_status.desired_tasks,
            "image": service.spec.task_template.container_spec.image,
            "ports": [_port(port) for port in _published(service)],
            "stack": service.spec.labels.get("com.docker.stack.namespace", ""),
            "update_state": service.update_status.state if service.update_status else "",
            "labels": service.spec.labels,
        }
        for service in sorted(items, key=lambda service: service.name)
    ]


SERVICES = (
    Column("ID", lambda row: row["id"][:12]),
    Column("NAME", "name"),
    Column("MODE", "mode"),
    Column("REPLICAS", lambda row: f"{row['running']}/{row['desired']}"),
    Column("IMAGE", "image"),
    Column("PORTS", lambda row: ", ".join(_port_text(port) for port in row["ports"])),
)


def tasks(items: Iterable[Task], services: Mapping[str, str], nodes: Mapping[str, str]) -> list[Row]:
    """`services` and `nodes`: names by id. Newest first in each slot."""
    return [
        {
            "id": task.id,
            "name": task.name,
            "slot_name": slot_name(task, services, nodes),
            "service": _service_of(task, services),
            "slot": task.slot,
            "image": task.spec.container_spec.image,
            "node": nodes.get(task.node_id, task.node_id),
            "node_id": task.node_id,
            "desired_state": task.desired_state.value,
            "state": task.status.state.value,
            "since": task.status.timestamp.isoformat(),
            "created": task.created_at.isoformat(),
            "message": task.status.message,
            "error": task.status.err,
            "exit_code": task.status.container_status.exit_code if task.status.container_status else None,
            "container_id": task.status.container_status.container_id if task.status.container_status else "",
            "addresses": [address for one in task.networks_attachments for address in one.addresses],
            "ports": [_port(port) for port in task.swarmlite.ports],
        }
        for task in _sorted(items, services, nodes)
    ]


def task_columns(now: datetime, rows: Sequence[Row]) -> tuple[Column, ...]:
    """Older tasks of a slot stand indented under the newest, as Docker shows them. Errors are whole sentences and come
    last, so that one of them moves no other row.
    """
    first: dict[str, str] = {}
    for row in rows:
        first.setdefault(row["slot_name"], row["id"])
    return (
        Column("ID", lambda row: row["id"][:12]),
        Column("NAME", lambda row: ("" if first[row["slot_name"]] == row["id"] else " \\_ ") + row["slot_name"]),
        Column("IMAGE", "image"),
        Column("NODE", "node"),
        Column("DESIRED", "desired_state"),
        Column("STATE", "state", state=True),
        Column("SINCE", lambda row: times.ago(datetime.fromisoformat(row["since"]), now)),
        Column("PORTS", lambda row: ", ".join(_port_text(port) for port in row["ports"])),
        Column("ERROR", "error", wrong=True),
    )


def networks(items: Iterable[NetworkInfo]) -> list[Row]:
    return [
        {
            "id": network.id,
            "name": network.name,
            "driver": network.driver,
            "scope": network.scope,
            "subnet": network.subnet,
            "internal": network.internal,
            "stack": network.labels.get("com.docker.stack.namespace", ""),
            "labels": network.labels,
        }
        for network in sorted(items, key=lambda network: network.name)
    ]


NETWORKS = (
    Column("ID", lambda row: row["id"][:12]),
    Column("NAME", "name"),
    Column("DRIVER", "driver"),
    Column("SCOPE", "scope"),
    Column("SUBNET", "subnet"),
)


def stacks(items: Iterable[StackSummary]) -> list[Row]:
    return [{"name": stack.name, "services": stack.services, "networks": stack.networks} for stack in items]


STACKS = (Column("NAME", "name"), Column("SERVICES", "services"), Column("NETWORKS", "networks"))


def tokens(items: Iterable[TokenSummary]) -> list[Row]:
    return [
        {
            "id": token.id,
            "role": token.role.value,
            "created": token.created_at.isoformat(),
            "expires": token.expires_at.isoformat() if token.expires_at else None,
            "uses_left": token.uses_left,
            "description": token.description,
        }
        for token in sorted(items, key=lambda token: token.created_at)
    ]


def token_columns(now: datetime) -> tuple[Column, ...]:
    return (
        Column("ID", "id"),
        Column("ROLE", "role"),
        Column("EXPIRES", lambda row: _expiry(row["expires"], now)),
        Column("USES LEFT", lambda row: "any" if row["uses_left"] is None else str(row["uses_left"])),
        Column("DESCRIPTION", "description"),
    )


def mode(service: Service) -> str:
    return "global" if service.spec.is_global else "replicated"


def slot_name(task: Task, services: Mapping[str, str], nodes: Mapping[str, str]) -> str:
    """`shop_web.1`; a global service's task is named after its node."""
    where = str(task.slot) if task.slot else nodes.get(task.node_id, task.node_id)
    return f"{_service_of(task, services)}.{where}"


def _service_of(task: Task, services: Mapping[str, str]) -> str:
    return services.get(task.service_id) or task.swarmlite.service_name or task.service_id


def _sorted(items: Iterable[Task], services: Mapping[str, str], nodes: Mapping[str, str]) -> list[Task]:
    newest = sorted(items, key=lambda task: (task.desired_state is TaskState.RUNNING, task.created_at), reverse=True)
    return sorted(newest, key=lambda t: (_service_of(t, services), t.slot, slot_name(t, services, nodes)))


def _published(service: Service) -> tuple[PortConfig, ...]:
    return service.endpoint.ports or (service.spec.endpoint_spec.ports if service.spec.endpoint_spec else ())


def _port(port: PortConfig) -> Row:
    return {
        "published": port.published_port,
        "target": port.target_port,
        "protocol": port.protocol,
        "mode": port.publish_mode.value,
    }


def _port_text(port: Row) -> str:
    where = "host:" if port["mode"] == "host" else "*:"
    return f"{where}{port['published'] or ''}->{port['target']}/{port['protocol']}"


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" if value else key for key, value in sorted(labels.items()))


def _expiry(expires: str | None, now: datetime) -> str:
    if expires is None:
        return "never"
    left = (datetime.fromisoformat(expires) - now).total_seconds()
    return f"in {times.span(left)}" if left > 0 else "expired"
