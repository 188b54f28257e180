"""What outlives the agent: its last assignments, so that without a manager it adopts, restarts and answers names."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from swarmlite.logs import logger
from swarmlite.model.objects import Task, TaskStatus
from swarmlite.protocol.link import AssignedNetwork, Assignments, Changes, PublishedPort
from swarmlite.protocol.names import NetworkNames

log = logger(__name__)

SAVE_AFTER = 0.25
"""Seconds from a change to its being saved. What is lost in between, the manager says again."""


class Saved(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`ran_in_place`: restarts made without a manager, by task id."""

    assignments: Assignments
    ran_in_place: dict[str, int] = {}
    format: int = 1


class Ledger:
    """All that the manager has assigned, changes applied."""

    def __init__(self) -> None:
        self.node_id = ""
        self.domain = ""
        self.tasks: dict[str, Task] = {}
        self.networks: dict[str, AssignedNetwork] = {}
        self.names: dict[str, NetworkNames] = {}
        self.ingress = ""
        self.published: tuple[PublishedPort, ...] = ()

    def replace(self, message: Assignments) -> None:
        self.node_id, self.domain = message.node_id, message.domain
        self.tasks = {task.id: task for task in message.tasks}
        self.networks = {network.id: network for network in message.networks}
        self.names = {network.id: network for network in message.names}
        self.ingress, self.published = message.ingress, message.published

    def apply(self, message: Changes) -> None:
        self.tasks |= {task.id: task for task in message.tasks}
        self.networks |= {network.id: network for network in message.networks}
        self.names |= {network.id: network for network in message.names}
        for id in message.gone_tasks:
            self.tasks.pop(id, None)
        for id in message.gone_networks:
            self.networks.pop(id, None)
        for id in message.gone_names:
            self.names.pop(id, None)
        if message.published is not None:
            self.ingress, self.published = message.ingress, message.published

    def whole(self, states: Mapping[str, TaskStatus] = {}) -> Assignments:
        """`states`: what was said last of each task, which is newer than what the manager sent."""
        return Assignments(
            node_id=self.node_id,
            domain=self.domain,
            tasks=tuple(replace(task, status=states.get(id, task.status)) for id, task in self.tasks.items()),
            networks=tuple(self.networks.values()),
            names=tuple(self.names.values()),
            ingress=self.ingress,
            published=self.published,
        )


class StateFile:
    """`assignments.json` in the agent's directory, replaced as a whole."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "assignments.json"

    async def load(self) -> Saved | None:
        """None where there is none, or where it cannot be read: the manager will say it all again."""
        return await asyncio.to_thread(self._load)

    async def save(self, assignments: Assignments, ran_in_place: Mapping[str, int]) -> None:
        """A disk that is full is no reason to stop: what is saved is only for a time without a manager."""
        saved = Saved(assignments=assignments, ran_in_place=dict(ran_in_place))
        try:
            await asyncio.to_thread(self._write, msgspec.json.encode(saved))
        except OSError as error:
            log.error("assignments not saved", path=str(self._path), error=error.strerror or str(error))

    async def remove(self) -> None:
        await asyncio.to_thread(self._path.unlink, True)

    def _load(self) -> Saved | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Saved)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            log.error("saved assignments cannot be read", path=str(self._path), error=str(error))
            return None

    def _write(self, data: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_name(f".{self._path.name}.new")
        descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
