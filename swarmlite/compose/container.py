"""What a service says of each of its containers, as a container spec."""

from swarmlite.compose import units, wanted
from swarmlite.compose.mounts import STACK
from swarmlite.compose.report import Place, meant
from swarmlite.model.spec import (
    ContainerExtension,
    ContainerSpec,
    DNSConfig,
    Healthcheck,
    Limits,
    LogDriver,
    Mount,
    PullPolicy,
    Reservations,
    Ulimit,
)

_PULLS = {"": PullPolicy.MISSING, **{policy.value: policy for policy in PullPolicy}}
_REFRESHES = ("refresh", "daily", "weekly")


def nanoseconds(text: str) -> int:
    return units.duration(text)


def container_spec(told: wanted.Service, stack: str, mounts: tuple[Mount, ...], place: Place) -> ContainerSpec:
    """The spec of each container of the service."""
    for name in ("entrypoint", "command"):
        if getattr(told, name) == []:
            place.at(name).warn("an empty list cannot take the image's own away; the image's is used")
    policy = _pull_policy(told, place)
    dns = DNSConfig(nameservers=tuple(told.dns), search=tuple(told.dns_search), options=tuple(told.dns_opt))
    return ContainerSpec(
        image=told.image,
        labels={**told.labels, STACK: stack},
        command=tuple(told.entrypoint or ()),
        args=tuple(told.command or ()),
        hostname=told.hostname,
        env=tuple(f"{name}={value}" for name, value in sorted(told.environment.items()) if value is not None),
        dir=told.working_dir,
        user=told.user,
        groups=tuple(told.group_add),
        tty=told.tty,
        open_stdin=told.stdin_open,
        read_only=told.read_only,
        mounts=mounts,
        stop_signal=told.stop_signal,
        stop_grace_period=None if told.stop_grace_period is None else nanoseconds(told.stop_grace_period),
        healthcheck=_healthcheck(told, place),
        hosts=tuple(_host(entry) for entry in told.extra_hosts),
        dns_config=dns if dns != DNSConfig() else None,
        init=told.init,
        sysctls=told.sysctls,
        capability_add=tuple(told.cap_add),
        capability_drop=tuple(told.cap_drop),
        ulimits=tuple(_ulimit(name, limit) for name, limit in sorted(told.ulimits.items())),
        oom_score_adj=told.oom_score_adj,
        swarmlite=ContainerExtension(pull_policy=policy) if policy is not PullPolicy.MISSING else None,
    )


def limits(told: wanted.Service) -> Limits | None:
    """What a task may use at most; None where nothing is said."""
    asked = told.deploy.resources.limits
    found = Limits(
        nano_cpus=_nano(asked.cpus or told.cpus),
        memory_bytes=int(asked.memory) or int(told.mem_limit),
        pids=asked.pids or told.pids_limit,
    )
    return found if found != Limits() else None


def reservations(told: wanted.Service) -> Reservations | None:
    """What a node must have left for a task; None where nothing is said."""
    asked = told.deploy.resources.reservations
    found = Reservations(nano_cpus=_nano(asked.cpus), memory_bytes=int(asked.memory) or int(told.mem_reservation))
    return found if found != Reservations() else None


def log_driver(told: wanted.Service) -> LogDriver | None:
    return None if told.logging is None else LogDriver(name=told.logging.driver, options=told.logging.options)


def _nano(cpus: float) -> int:
    return round(cpus * 1_000_000_000)


def _healthcheck(told: wanted.Service, place: Place) -> Healthcheck | None:
    check = told.healthcheck
    if check is None:
        return None
    if check.disable:
        if check.test:
            place.at("healthcheck", "disable").fault("is there beside a test; keep one")
        return Healthcheck(test=("NONE",))
    return Healthcheck(
        test=tuple(check.test),
        interval=nanoseconds(check.interval),
        timeout=nanoseconds(check.timeout),
        retries=check.retries,
        start_period=nanoseconds(check.start_period),
        start_interval=nanoseconds(check.start_interval),
    )


def _pull_policy(told: wanted.Service, place: Place) -> PullPolicy:
    policy = told.pull_policy
    where = place.at("pull_policy")
    if policy in _PULLS:
        return _PULLS[policy]
    if policy in _REFRESHES or policy.startswith("every_"):
        where.warn(f"'{policy}' is read as always: each new task asks the registry")
        return PullPolicy.ALWAYS
    if policy == "build":
        where.fault("nothing is built here; build and push the image, and write always or missing")
    else:
        where.fault(f"'{policy}' is unknown; allowed are always, missing and never{meant(policy, _PULLS)}")
    return PullPolicy.MISSING


def _host(entry: str) -> str:
    """Swarm's order: `address name`."""
    name, _, address = entry.partition("=")
    return f"{address} {name}"


def _ulimit(name: str, limit: wanted.Ulimit | int) -> Ulimit:
    if isinstance(limit, int):
        return Ulimit(name=name, soft=limit, hard=limit)
    return Ulimit(name=name, soft=limit.soft, hard=limit.hard)
