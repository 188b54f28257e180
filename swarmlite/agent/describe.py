"""What the agent says its host is. Pure."""

from swarmlite.engine.base import EngineInfo
from swarmlite.model.objects import EngineDescription, NodeDescription
from swarmlite.model.spec import Platform, Reservations


def describe(info: EngineInfo | None, hostname: str) -> NodeDescription:
    """`info` None: the engine has not been reached yet, so nobody knows what the host has."""
    if info is None:
        return NodeDescription(hostname=hostname)
    return NodeDescription(
        hostname=hostname,
        platform=Platform(architecture=info.arch, os=info.os),
        resources=Reservations(nano_cpus=info.cpus * 1_000_000_000, memory_bytes=info.memory_bytes),
        engine=EngineDescription(engine_version=info.server_version, labels=info.labels),
    )
