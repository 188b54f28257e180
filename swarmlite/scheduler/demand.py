"""What one task asks of the node that it runs on. Tasks with equal demands are one group."""

from dataclasses import dataclass, replace

from swarmlite.model.constraint import Constraint
from swarmlite.model.load import HostPort, host_ports, reservations
from swarmlite.model.objects import Task
from swarmlite.model.spec import Placement
from swarmlite.scheduler.constraints import parsed

_ANYWHERE = Placement()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """CPU in billionths, memory in bytes. `platforms`: (os, architecture), empty parts fit any. `max_replicas`: tasks
    of the service on one node, 0 without limit. `spread`: keys over whose values to spread, the first counts most.
    """

    service_id: str
    constraints: tuple[Constraint, ...] = ()
    platforms: tuple[tuple[str, str], ...] = ()
    nano_cpus: int = 0
    memory_bytes: int = 0
    ports: tuple[HostPort, ...] = ()
    max_replicas: int = 0
    spread: tuple[str, ...] = ()

    @property
    def is_unlimited(self) -> bool:
        """Whether any number of such tasks fits on a node."""
        return not (self.nano_cpus or self.memory_bytes or self.ports or self.max_replicas)

    @property
    def shape(self) -> "Demand":
        """What it has in common with the demands of other services that fit where it fits."""
        return self if self.max_replicas else replace(self, service_id="", spread=())


def demand_of(task: Task) -> Demand:
    """Raises InvalidArgument where a constraint cannot be read."""
    placement = task.spec.placement or _ANYWHERE
    wants = reservations(task)
    return Demand(
        service_id=task.service_id,
        constraints=parsed(placement.constraints),
        platforms=tuple((platform.os, platform.architecture) for platform in placement.platforms),
        nano_cpus=wants.nano_cpus,
        memory_bytes=wants.memory_bytes,
        ports=host_ports(task.swarmlite.ports),
        max_replicas=placement.max_replicas,
        spread=tuple(p.spread.spread_descriptor for p in placement.preferences if p.spread is not None),
    )
