"""From the engine's JSON to our records. Pure; fields that an engine leaves out or sends as null are taken as empty."""

import re
from collections.abc import Iterator
from typing import Any

from swarmlite.engine.base import (
    Container,
    ContainerDetail,
    ContainerState,
    EngineInfo,
    EngineNetwork,
    Event,
    PortBinding,
)

Json = dict[str, Any]

_EXITED = re.compile(r"Exited \((-?\d+)\)")
_HEALTH = re.compile(r"\((?:health: )?(starting|healthy|unhealthy)\)")
_NEVER = "0001-01-01T00:00:00Z"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i686": "386"}
_MESSAGE_LIMIT = 1024


def engine_info(info: Json, api_version: str) -> EngineInfo:
    machine = str(info.get("Architecture", ""))
    return EngineInfo(
        name=info.get("Name", ""),
        server_version=info.get("ServerVersion", ""),
        api_version=api_version,
        cpus=int(info.get("NCPU", 0)),
        memory_bytes=int(info.get("MemTotal", 0)),
        os=info.get("OSType", "linux"),
        arch=_ARCHITECTURES.get(machine, machine),
        labels=dict(label.partition("=")[::2] for label in info.get("Labels") or ()),
    )


def container(row: Json) -> Container:
    status = row.get("Status") or ""
    exited = _EXITED.match(status)
    health = _HEALTH.search(status)
    networks = (row.get("NetworkSettings") or {}).get("Networks") or {}
    return Container(
        id=row["Id"],
        name=_name(row),
        labels=row.get("Labels") or {},
        state=ContainerState(row["State"]),
        status=status,
        exit_code=int(exited.group(1)) if exited else None,
        health=health.group(1) if health else "",
        image=row.get("Image") or "",
        addresses={name: end["IPAddress"] for name, end in networks.items() if end.get("IPAddress")},
    )


def _name(row: Json) -> str:
    names = row.get("Names") or ()
    own = [name for name in names if name.count("/") == 1]
    return str((own or [*names, ""])[0]).lstrip("/")


def container_detail(detail: Json) -> ContainerDetail:
    state = detail.get("State") or {}
    status = ContainerState(state.get("Status", "created"))
    health = state.get("Health") or {}
    ended = status in (ContainerState.EXITED, ContainerState.DEAD)
    return ContainerDetail(
        id=detail["Id"],
        name=str(detail.get("Name", "")).lstrip("/"),
        labels=(detail.get("Config") or {}).get("Labels") or {},
        state=status,
        pid=int(state.get("Pid") or 0),
        exit_code=int(state.get("ExitCode") or 0) if ended else None,
        oom_killed=bool(state.get("OOMKilled")),
        error=state.get("Error") or "",
        health="" if health.get("Status") in (None, "none") else str(health["Status"]),
        health_log=_last_check(health),
        started_at=_time(state.get("StartedAt")),
        finished_at=_time(state.get("FinishedAt")),
        ports=tuple(_ports((detail.get("NetworkSettings") or {}).get("Ports") or {})),
    )


def _last_check(health: Json) -> str:
    checks = health.get("Log") or ()
    return str(checks[-1].get("Output") or "").strip()[-_MESSAGE_LIMIT:] if checks else ""


def _time(stamp: object) -> str:
    return "" if not stamp or stamp == _NEVER else str(stamp)


def _ports(ports: Json) -> Iterator[PortBinding]:
    for key, bindings in ports.items():
        number, _, protocol = key.partition("/")
        for binding in bindings or ():
            yield PortBinding(
                protocol=protocol or "tcp",
                container_port=int(number),
                host_ip=binding.get("HostIp", ""),
                host_port=int(binding["HostPort"]),
            )


def network(row: Json) -> EngineNetwork:
    pools = (row.get("IPAM") or {}).get("Config") or [{}]
    return EngineNetwork(
        id=row["Id"],
        name=row["Name"],
        labels=row.get("Labels") or {},
        driver=row.get("Driver") or "",
        subnet=pools[0].get("Subnet", ""),
        gateway=pools[0].get("Gateway", ""),
        internal=bool(row.get("Internal")),
        options=row.get("Options") or {},
    )


def event(row: Json) -> Event:
    actor = row.get("Actor") or {}
    return Event(
        type=row.get("Type", ""),
        action=row.get("Action", ""),
        id=actor.get("ID", ""),
        attributes=actor.get("Attributes") or {},
        time=float(row.get("timeNano", 0)) / 1e9 or float(row.get("time", 0)),
    )


class LineCutter:
    """Frames of the log stream, cut into lines. A line longer than the engine's buffer (16 KiB) comes in several
    frames, each with a time of its own; only the last one ends with a newline.
    """

    def __init__(self) -> None:
        self._open: dict[int, tuple[str, bytes]] = {}

    def feed(self, stream: int, frame: bytes) -> Iterator[tuple[int, str, bytes]]:
        """Lines that `frame` completes. A frame holds one entry; on a terminal's stream it may hold several."""
        for entry in frame.splitlines(keepends=True) if frame.count(b"\n") > 1 else (frame,):
            stamp, _, text = entry.partition(b" ")
            first, begun = self._open.pop(stream, (stamp.decode("ascii", "replace"), b""))
            if not text.endswith(b"\n"):
                self._open[stream] = (first, begun + text)
                continue
            yield stream, first, (begun + text).rstrip(b"\r\n")

    def rest(self) -> Iterator[tuple[int, str, bytes]]:
        """What was written without a newline at the end."""
        for stream, (stamp, text) in self._open.items():
            yield stream, stamp, text
        self._open = {}
