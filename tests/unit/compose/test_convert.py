"""A project as specs: what the cluster is asked for."""

from typing import Any

import pytest

from swarmlite.model.spec import (
    BindOptions,
    ContainerExtension,
    Dependency,
    GlobalMode,
    Healthcheck,
    IPAMConfig,
    Limits,
    Mount,
    NetworkAttachmentConfig,
    Platform,
    PortConfig,
    PublishMode,
    PullPolicy,
    Reservations,
    RestartCondition,
    RestartPolicy,
    ServiceSpec,
    TmpfsOptions,
    Ulimit,
    UpdateConfig,
    VolumeDriver,
    VolumeOptions,
)
from tests.unit.compose.conftest import Folder

SECOND = 10**9
STACK = {"com.docker.stack.namespace": "shop"}


def web(folder: Folder, keys: str, rest: str = "", **options: Any) -> ServiceSpec:
    """The spec of a service with these keys, one a line."""
    lines = "\n".join(f"    {line}" for line in keys.splitlines())
    text = f"services:\n  web:\n    image: nginx:1\n{lines}\n  db: {{image: db}}\n{rest}"
    return folder.load(text, **options).stack.services[0]


def container(folder: Folder, keys: str, rest: str = "") -> Any:
    return web(folder, keys, rest).task_template.container_spec


def test_a_service_is_named_and_labelled_as_docker_stack_deploy_does(folder: Folder) -> None:
    spec = web(folder, "labels: {a: 1}\ndeploy: {labels: [b=2]}")
    assert spec.name == "shop_web"
    assert spec.labels == {"b": "2", **STACK, "com.docker.stack.image": "nginx:1"}
    assert spec.task_template.container_spec.labels == {"a": "1", **STACK}


def test_what_containers_run(folder: Folder) -> None:
    spec = container(
        folder,
        """\
entrypoint: [sh, -c]
command: echo "a b"
environment: {B: 2, A: true, GONE: }
hostname: "h-{{.Task.Slot}}"
user: "1000"
working_dir: /w
stop_signal: SIGINT
stop_grace_period: 1m30s
init: true
read_only: true
tty: true
cap_add: [NET_ADMIN]
cap_drop: [ALL]
extra_hosts: ["db:10.0.0.1", "v6=[::1]", "me=host-gateway"]
sysctls: {net.core.somaxconn: 1024}
ulimits: {nofile: {soft: 1, hard: 2}, nproc: 3}
pull_policy: always""",
    )
    assert (spec.image, spec.command, spec.args) == ("nginx:1", ("sh", "-c"), ("echo", "a b"))
    assert spec.env == ("A=true", "B=2")
    assert (spec.hostname, spec.user, spec.dir) == ("h-{{.Task.Slot}}", "1000", "/w")
    assert (spec.stop_signal, spec.stop_grace_period) == ("SIGINT", 90 * SECOND)
    assert (spec.init, spec.read_only, spec.tty) == (True, True, True)
    assert (spec.capability_add, spec.capability_drop) == (("NET_ADMIN",), ("ALL",))
    assert spec.hosts == ("10.0.0.1 db", "host-gateway me", "::1 v6")
    assert spec.sysctls == {"net.core.somaxconn": "1024"}
    assert spec.ulimits == (Ulimit(name="nofile", soft=1, hard=2), Ulimit(name="nproc", soft=3, hard=3))
    assert spec.swarmlite == ContainerExtension(pull_policy=PullPolicy.ALWAYS)


def test_what_is_not_said_is_left_to_the_image_and_the_engine(folder: Folder) -> None:
    spec = web(folder, "")
    found = spec.task_template.container_spec
    assert (found.command, found.args, found.init, found.healthcheck, found.swarmlite) == ((), (), None, None, None)
    assert (spec.task_template.resources, spec.task_template.placement, spec.task_template.restart_policy) == (
        None,
    ) * 3
    assert spec.replicas == 1


@pytest.mark.parametrize(
    ("written", "check"),
    [
        (
            "{test: 'curl x', interval: 5s, retries: 2}",
            Healthcheck(test=("CMD-SHELL", "curl x"), interval=5 * SECOND, retries=2),
        ),
        (
            "{test: [CMD, x], timeout: 1s, start_period: 1m}",
            Healthcheck(test=("CMD", "x"), timeout=SECOND, start_period=60 * SECOND),
        ),
        ("{interval: 3s}", Healthcheck(interval=3 * SECOND)),
        ("{disable: true}", Healthcheck(test=("NONE",))),
        ("{test: [NONE]}", Healthcheck(test=("NONE",))),
    ],
)
def test_health_checks(folder: Folder, written: str, check: Healthcheck) -> None:
    assert container(folder, f"healthcheck: {written}").healthcheck == check


@pytest.mark.parametrize(
    ("written", "policy"),
    [
        ('restart: "no"', RestartPolicy(condition=RestartCondition.NONE)),
        ("restart: no", RestartPolicy(condition=RestartCondition.NONE)),
        ("restart: always", RestartPolicy(condition=RestartCondition.ANY)),
        ("restart: unless-stopped", RestartPolicy(condition=RestartCondition.ANY)),
        ("restart: on-failure:3", RestartPolicy(condition=RestartCondition.ON_FAILURE, max_attempts=3)),
        ("restart: on-failure", RestartPolicy(condition=RestartCondition.ON_FAILURE)),
        (
            "restart: no\ndeploy: {restart_policy: {condition: on-failure, delay: 2s, max_attempts: 4, window: 60s}}",
            RestartPolicy(condition=RestartCondition.ON_FAILURE, delay=2 * SECOND, max_attempts=4, window=60 * SECOND),
        ),
    ],
)
def test_restart_means_what_it_says(folder: Folder, written: str, policy: RestartPolicy) -> None:
    assert web(folder, written).task_template.restart_policy == policy


def test_ports_in_all_their_forms(folder: Folder) -> None:
    spec = web(
        folder,
        """\
ports:
  - "8080:80"
  - "9000-9001:90-91/udp"
  - 443
  - {target: 22, published: "2222", mode: host, name: ssh}
  - "0.0.0.0:81:81"
""",
    )
    assert spec.endpoint_spec is not None
    assert spec.endpoint_spec.ports == (
        PortConfig(target_port=80, published_port=8080),
        PortConfig(target_port=90, published_port=9000, protocol="udp"),
        PortConfig(target_port=91, published_port=9001, protocol="udp"),
        PortConfig(target_port=443),
        PortConfig(target_port=22, published_port=2222, publish_mode=PublishMode.HOST, name="ssh"),
        PortConfig(target_port=81, published_port=81),
    )


def test_every_service_is_on_the_default_network_unless_it_names_others(folder: Folder) -> None:
    text = """
        services:
          web: {image: x, networks: {front: {aliases: [www]}, ext: , own: }}
          db: {image: x, container_name: database}
        networks:
          front: {internal: true, attachable: true, labels: {a: b}, ipam: {config: [{subnet: 10.9.0.0/24}]}}
          ext: {external: true, name: shared}
          own: {name: mine}
          unused: {}
    """
    stack = folder.load(text).stack
    services = {service.name: service.task_template.networks for service in stack.services}
    assert services["shop_web"] == (
        NetworkAttachmentConfig(target="shared", aliases=("web",)),
        NetworkAttachmentConfig(target="shop_front", aliases=("web", "www")),
        NetworkAttachmentConfig(target="mine", aliases=("web",)),
    )
    assert services["shop_db"] == (NetworkAttachmentConfig(target="shop_default", aliases=("db", "database")),)
    assert stack.external_networks == ("shared",)
    networks = {network.name: network for network in stack.networks}
    assert set(networks) == {"shop_front", "mine", "shop_default"}
    front = networks["shop_front"]
    assert (front.internal, front.attachable, front.labels) == (True, True, {"a": "b", **STACK})
    assert front.ipam is not None
    assert front.ipam.config == (IPAMConfig(subnet="10.9.0.0/24"),)


def test_volumes_paths_and_memory(folder: Folder) -> None:
    spec = container(
        folder,
        """\
volumes:
  - data:/data
  - /etc/hosts:/h:ro
  - ./conf:/conf
  - /anonymous
  - {type: volume, source: shared, target: /s, read_only: true, volume: {nocopy: true, subpath: p}}
  - {type: bind, source: /b, target: /b, bind: {propagation: rslave, create_host_path: false, recursive: disabled}}
  - {type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0o1777}}
tmpfs: ["/run:size=64k,mode=755", /tmp]
shm_size: 2m""",
        "volumes: {data: , shared: {external: true, name: nfs}}",
    )
    own = VolumeOptions(labels=STACK)
    assert spec.mounts == (
        Mount(type="volume", source="shop_data", target="/data", volume_options=own),
        Mount(source="/etc/hosts", target="/h", read_only=True, bind_options=BindOptions(create_mountpoint=True)),
        Mount(source=str(folder.path / "conf"), target="/conf", bind_options=BindOptions(create_mountpoint=True)),
        Mount(type="volume", target="/anonymous", volume_options=VolumeOptions()),
        Mount(
            type="volume",
            source="nfs",
            target="/s",
            read_only=True,
            volume_options=VolumeOptions(no_copy=True, subpath="p"),
        ),
        Mount(source="/b", target="/b", bind_options=BindOptions(propagation="rslave", non_recursive=True)),
        Mount(type="tmpfs", target="/t", tmpfs_options=TmpfsOptions(size_bytes=2**20, mode=0o1777)),
        Mount(type="tmpfs", target="/run", tmpfs_options=TmpfsOptions(size_bytes=2**16, mode=0o755)),
        Mount(type="tmpfs", target="/tmp", tmpfs_options=TmpfsOptions()),
        Mount(type="tmpfs", target="/dev/shm", tmpfs_options=TmpfsOptions(size_bytes=2**21)),
    )


def test_a_volume_carries_its_driver_so_that_each_node_can_make_it(folder: Folder) -> None:
    rest = "volumes: {data: {driver: local, driver_opts: {type: nfs, o: 'addr=h', device: ':/x'}, labels: {a: 1}}}"
    (mount,) = container(folder, "volumes: ['data:/d']", rest).mounts
    assert mount.volume_options == VolumeOptions(
        labels={"a": "1", **STACK},
        driver_config=VolumeDriver(name="local", options={"type": "nfs", "o": "addr=h", "device": ":/x"}),
    )


def test_a_volume_of_one_letter_is_a_volume_where_it_is_declared(folder: Folder) -> None:
    (mount,) = container(folder, "volumes: ['v:/d']", "volumes: {v: }").mounts
    assert (mount.type, mount.source, mount.target) == ("volume", "shop_v", "/d")


def test_deploy_says_how_many_where_and_with_what(folder: Folder) -> None:
    spec = web(
        folder,
        """\
platform: linux/arm64/v8
deploy:
  replicas: 3
  endpoint_mode: dnsrr
  placement:
    constraints: ["node.labels.disk == ssd", node.role != manager]
    preferences: [{spread: node.labels.zone}]
    max_replicas_per_node: 2
  resources:
    limits: {cpus: "0.5", memory: 64M, pids: 10}
    reservations: {cpus: 0.1, memory: 32m}
  update_config: {parallelism: 0, delay: 10s, failure_action: rollback, monitor: 1m, order: start-first}
  rollback_config: {parallelism: 2}""",
    )
    assert spec.replicas == 3
    assert spec.endpoint_spec is not None
    assert spec.endpoint_spec.mode == "dnsrr"
    placement, resources = spec.task_template.placement, spec.task_template.resources
    assert placement is not None
    assert placement.constraints == ("node.labels.disk == ssd", "node.role != manager")
    assert [preference.spread.spread_descriptor for preference in placement.preferences if preference.spread] == [
        "node.labels.zone"
    ]
    assert (placement.max_replicas, placement.platforms) == (2, (Platform(os="linux", architecture="arm64"),))
    assert resources is not None
    assert resources.limits == Limits(nano_cpus=500_000_000, memory_bytes=64 * 2**20, pids=10)
    assert resources.reservations == Reservations(nano_cpus=100_000_000, memory_bytes=32 * 2**20)
    assert spec.update_config == UpdateConfig(
        parallelism=0, delay=10 * SECOND, failure_action="rollback", monitor=60 * SECOND, order="start-first"
    )
    assert spec.rollback_config == UpdateConfig(parallelism=2)


def test_the_short_ways_to_limit_and_scale_are_the_long_ones(folder: Folder) -> None:
    spec = web(folder, "scale: 4\ncpus: 1.5\nmem_limit: 1g\nmem_reservation: 512m\npids_limit: 7")
    assert spec.replicas == 4
    assert spec.task_template.resources is not None
    assert spec.task_template.resources.limits == Limits(nano_cpus=1_500_000_000, memory_bytes=2**30, pids=7)
    assert spec.task_template.resources.reservations == Reservations(memory_bytes=2**29)


def test_global_services_and_none_at_all(folder: Folder) -> None:
    assert web(folder, "deploy: {mode: global}").mode.global_ == GlobalMode()
    assert web(folder, "deploy: {replicas: 0}").replicas == 0


def test_dependencies_are_named_in_full(folder: Folder) -> None:
    spec = web(folder, "depends_on: {db: {condition: service_healthy, required: false}}")
    assert spec.swarmlite is not None
    assert spec.swarmlite.depends_on == (Dependency(service="shop_db", condition="service_healthy", required=False),)
    assert web(folder, "").swarmlite is None


def test_the_same_files_always_make_the_same_specs(folder: Folder) -> None:
    text = "services: {web: {image: x, environment: {B: 1, A: 2}, networks: [n, m]}}\nnetworks: {m: , n: }"
    other = "services: {web: {networks: [m, n], environment: [A=2, B=1], image: x}}\nnetworks: {n: , m: }"
    first, second = folder.load(text).stack, folder.load(other).stack
    assert first.services == second.services
