"""The normalised model as specs: one stack, as `docker stack deploy` makes it where that is right.

Where Swarm's words differ from Compose's: Compose's `entrypoint` is a spec's `command`, its `command` the `args`.
"""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network

import msgspec

from swarmlite.compose import wanted
from swarmlite.compose.container import container_spec, limits, log_driver, nanoseconds, reservations
from swarmlite.compose.decode import decode
from swarmlite.compose.keytable import RULES
from swarmlite.compose.mounts import STACK, Mounts
from swarmlite.compose.placement import is_pinned, placement
from swarmlite.compose.project import Project
from swarmlite.compose.report import Place, Report, meant
from swarmlite.model.spec import (
    IPAM,
    Dependency,
    EndpointSpec,
    GlobalMode,
    IPAMConfig,
    NetworkAttachmentConfig,
    NetworkSpec,
    PortConfig,
    PublishMode,
    ReplicatedMode,
    Resources,
    RestartCondition,
    RestartPolicy,
    ServiceExtension,
    ServiceMode,
    ServiceSpec,
    StackSpec,
    TaskTemplate,
    UpdateConfig,
)

IMAGE = "com.docker.stack.image"

_NAME = re.compile(r"[a-zA-Z0-9](?:[-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")
_EVERYWHERE = ("", "0.0.0.0", "::")
_ONE_HOST = ("bridge", "nat")


def convert(project: Project, report: Report) -> StackSpec:
    """The stack that the project asks for; what cannot be is reported."""
    model = _named(msgspec.convert(project.model, wanted.Model))
    root = Place(project.tree, (), report)
    volumes = _volumes(project, report)
    networks = {key: _network(told, project.name, root.at("networks", key)) for key, told in model.networks.items()}
    return StackSpec(
        name=project.name,
        services=tuple(_Converter(key, model, volumes, root).spec() for key in model.services),
        networks=tuple(network for network in networks.values() if network is not None),
        external_networks=tuple(told.name for told in model.networks.values() if told.external),
    )


def _named(model: wanted.Model) -> wanted.Model:
    """The model with the name of each network filled in; a variable that is not set can leave it empty."""
    networks = {
        key: msgspec.structs.replace(told, name=told.name or f"{model.name}_{key}")
        for key, told in model.networks.items()
    }
    return msgspec.structs.replace(model, networks=networks)


def _volumes(project: Project, report: Report) -> dict[str, wanted.Volume]:
    """All that the files declare: the model has only those that services are seen to use."""
    declared = project.tree.map.get("volumes")
    found = decode(declared, RULES.step("volumes"), ("volumes",), report) if declared is not None else {}
    volumes = msgspec.convert(found, dict[str, wanted.Volume]) if isinstance(found, dict) else {}
    return {
        key: msgspec.structs.replace(told, name=told.name or f"{project.name}_{key}") for key, told in volumes.items()
    }


class _Converter:
    """One service: `key` is its name in the file."""

    def __init__(self, key: str, model: wanted.Model, volumes: Mapping[str, wanted.Volume], root: Place) -> None:
        self._key = key
        self._model = model
        self._volumes = dict(volumes)
        self._told = model.services[key]
        self._place = root.at("services", key)

    def spec(self) -> ServiceSpec:
        told, stack = self._told, self._model.name
        name = f"{stack}_{self._key}"
        if not _NAME.fullmatch(name):
            self._place.fault(f"'{name}' has {len(name)} letters; stack and service may have 62 together")
        if not told.image:
            self._place.fault("has no image, and nothing is built here: build and push one, and add image: NAME")
        dependencies = tuple(
            Dependency(service=f"{stack}_{other}", condition=need.condition, required=need.required)
            for other, need in told.depends_on.items()
            if other in self._model.services
        )
        ports = tuple(port for port in (self._port(index) for index in range(len(told.ports))) if port is not None)
        return ServiceSpec(
            name=name,
            labels={**told.deploy.labels, STACK: stack, IMAGE: told.image},
            task_template=self._template(),
            mode=self._mode(),
            update_config=self._update(told.deploy.update_config, "update_config"),
            rollback_config=self._update(told.deploy.rollback_config, "rollback_config"),
            endpoint_spec=EndpointSpec(mode=self._endpoint_mode(ports), ports=ports),
            swarmlite=ServiceExtension(depends_on=dependencies) if dependencies else None,
        )

    def _template(self) -> TaskTemplate:
        told = self._told
        mounts = Mounts(self._model.name, self._volumes, is_pinned(told)).of(told, self._place)
        most, least = limits(told), reservations(told)
        return TaskTemplate(
            container_spec=container_spec(told, self._model.name, mounts, self._place),
            resources=Resources(limits=most, reservations=least) if most or least else None,
            restart_policy=self._restart(),
            placement=placement(told, self._place),
            networks=self._attachments(),
            log_driver=log_driver(told),
        )

    def _attachments(self) -> tuple[NetworkAttachmentConfig, ...]:
        """In the order of names, so that the same file always makes the same spec."""
        extra = [self._told.container_name] if self._told.container_name else []
        return tuple(
            NetworkAttachmentConfig(
                target=self._model.networks[key].name,
                aliases=tuple(dict.fromkeys([self._key, *(told.aliases if told else ()), *extra])),
            )
            for key, told in sorted(self._told.networks.items())
        )

    def _mode(self) -> ServiceMode:
        deploy, scale = self._told.deploy, self._told.scale
        place = self._place.at("deploy", "mode")
        replicas = deploy.replicas if scale is None else scale
        if deploy.mode == "global":
            if replicas is not None:
                place.fault("a global service has one task on every node; remove replicas and scale")
            return ServiceMode(global_=GlobalMode())
        if deploy.mode in ("replicated-job", "global-job"):
            place.fault(f"jobs ({deploy.mode}) are not there yet; allowed are replicated and global")
        elif deploy.mode != "replicated":
            near = meant(deploy.mode, ("replicated", "global"))
            place.fault(f"the mode '{deploy.mode}' is unknown; allowed are replicated and global{near}")
        return ServiceMode(replicated=ReplicatedMode(replicas=1 if replicas is None else replicas))

    def _restart(self) -> RestartPolicy | None:
        told = self._told.deploy.restart_policy
        if told is None:
            return self._short_restart()
        names = [condition.value for condition in RestartCondition]
        if told.condition not in names:
            place = self._place.at("deploy", "restart_policy", "condition")
            near = meant(told.condition, names)
            place.fault(f"the condition '{told.condition}' is unknown; allowed are {', '.join(names)}{near}")
            return None
        return RestartPolicy(
            condition=RestartCondition(told.condition),
            delay=None if told.delay is None else nanoseconds(told.delay),
            max_attempts=told.max_attempts,
            window=nanoseconds(told.window),
        )

    def _short_restart(self) -> RestartPolicy | None:
        told = self._told.restart
        policy, _, attempts = told.partition(":")
        if told in ("", "always", "unless-stopped"):
            return RestartPolicy(condition=RestartCondition.ANY) if told else None
        if told == "no":
            return RestartPolicy(condition=RestartCondition.NONE)
        if policy == "on-failure" and (attempts.isdigit() or told == policy):
            return RestartPolicy(condition=RestartCondition.ON_FAILURE, max_attempts=int(attempts or 0))
        allowed = ("no", "always", "unless-stopped", "on-failure")
        near = meant(policy, allowed)
        self._place.at("restart").fault(f"'{told}' is unknown; allowed are {', '.join(allowed)} and on-failure:3{near}")
        return None

    def _update(self, told: wanted.Update | None, name: str) -> UpdateConfig | None:
        if told is None:
            return None
        place = self._place.at("deploy", name)
        actions = ("pause", "continue", "rollback") if name == "update_config" else ("pause", "continue")
        if told.failure_action not in actions:
            near = meant(told.failure_action, actions)
            message = f"the action '{told.failure_action}' is unknown; allowed are {', '.join(actions)}{near}"
            place.at("failure_action").fault(message)
        if not 0 <= told.max_failure_ratio <= 1:
            place.at("max_failure_ratio").fault(f"{told.max_failure_ratio} is no share; write a number from 0 to 1")
        return UpdateConfig(
            parallelism=told.parallelism,
            delay=nanoseconds(told.delay),
            failure_action=told.failure_action,
            monitor=nanoseconds(told.monitor),
            max_failure_ratio=told.max_failure_ratio,
            order=told.order,
        )

    def _endpoint_mode(self, ports: tuple[PortConfig, ...]) -> str:
        mode = self._told.deploy.endpoint_mode
        place = self._place.at("deploy", "endpoint_mode")
        if mode not in ("vip", "dnsrr"):
            place.fault(f"the mode '{mode}' is unknown; allowed are vip and dnsrr{meant(mode, ('vip', 'dnsrr'))}")
        if mode == "dnsrr" and any(port.publish_mode is PublishMode.INGRESS for port in ports):
            place.fault("dnsrr has no address for ports of the whole cluster; give the ports mode: host, or write vip")
        return mode

    def _port(self, index: int) -> PortConfig | None:
        told, place = self._told.ports[index], self._place.at("ports", index)
        if told.host_ip not in _EVERYWHERE:
            place.fault(
                f"the port cannot be opened on {told.host_ip} only, and on all addresses the world could reach it; "
                "remove the address, or the port: tasks of one network need none"
            )
            return None
        if "-" in told.published:
            place.fault(f"'{told.published}' is a choice of ports for port {told.target}; name one of them")
            return None
        published = told.published or "0"
        if not published.isdigit() or int(published) > 65535 or not 0 < told.target < 65536:
            place.fault(f"{told.published}:{told.target} are no ports; ports are 1 to 65535")
            return None
        if told.protocol not in ("tcp", "udp"):
            place.fault(f"the protocol '{told.protocol}' is not supported; allowed are tcp and udp")
            return None
        if told.mode not in ("ingress", "host"):
            near = meant(told.mode, ("ingress", "host"))
            place.at("mode").fault(f"the mode '{told.mode}' is unknown; allowed are ingress and host{near}")
            return None
        return PortConfig(
            name=told.name,
            protocol=told.protocol,
            target_port=told.target,
            published_port=int(published),
            publish_mode=PublishMode(told.mode),
        )


def _network(told: wanted.Network, stack: str, place: Place) -> NetworkSpec | None:
    if told.external:
        if told.name in ("host", "none", "bridge"):
            place.fault(f"tasks cannot join the engine's own network '{told.name}'; for ports use mode: host")
        return None
    if told.driver in _ONE_HOST:
        place.at("driver").warn(f"the network spans the hosts, as all do here, though {told.driver} is asked for")
    elif told.driver not in ("", "default", "overlay"):
        place.at("driver").fault(f"the driver '{told.driver}' does not span hosts; remove it or write overlay")
    if "encrypted" in told.driver_opts and told.driver_opts["encrypted"].lower() not in ("false", "0"):
        place.at("driver_opts").fault("networks are not encrypted yet; remove it, and use TLS between services")
    if told.enable_ipv6:
        place.at("enable_ipv6").fault("addresses are IPv4 only; remove it")
    if not told.enable_ipv4:
        place.at("enable_ipv4").fault("addresses are IPv4; remove it")
    pools = [_pool(pool, place.at("ipam", "config", index)) for index, pool in enumerate(told.ipam.config)]
    return NetworkSpec(
        name=told.name,
        labels={**told.labels, STACK: stack},
        internal=told.internal,
        attachable=told.attachable,
        ipam=IPAM(config=tuple(pools)) if pools else None,
    )


def _pool(told: wanted.Pool, place: Place) -> IPAMConfig:
    if told.subnet:
        try:
            IPv4Network(told.subnet)
        except ValueError:
            place.at("subnet").fault(f"'{told.subnet}' is no IPv4 subnet; write one such as 10.20.0.0/24")
    return IPAMConfig(subnet=told.subnet, ip_range=told.ip_range, gateway=told.gateway)
