"""A task's create call: everything that a spec can say arrives where the engine reads it."""

import pytest
from msgspec.structs import replace

from swarmlite.agent.body import HostNetwork, Place, create_body, later_networks
from swarmlite.agent.template import expand, placeholders
from swarmlite.model.objects import AttachedNetwork, NetworkAttachment, Task, TaskExtension
from swarmlite.model.spec import (
    BindOptions,
    ContainerSpec,
    DNSConfig,
    Healthcheck,
    Limits,
    LogDriver,
    Mount,
    PortConfig,
    PublishMode,
    Reservations,
    Resources,
    TmpfsOptions,
    Ulimit,
    VolumeDriver,
    VolumeOptions,
)
from tests.fakes.host import a_task

OLD = Place(node_id="node1", hostname="host1", domain="swarmlite.internal", api_version=(1, 41))
NEW = Place(node_id="node1", hostname="host1", domain="swarmlite.internal", api_version=(1, 44))
NETWORKS = {
    "a": HostNetwork(engine_id="engine-a", gateway="10.128.0.1"),
    "b": HostNetwork(engine_id="engine-b", gateway="10.128.1.1"),
}


def on_networks(task: Task) -> Task:
    attached = [("a", "10.128.0.7/24"), ("b", "10.128.1.7/24")]
    return replace(
        task,
        networks_attachments=tuple(
            NetworkAttachment(network=AttachedNetwork(id=id), addresses=(address,)) for id, address in attached
        ),
    )


def body(spec: ContainerSpec, place: Place = OLD) -> dict[str, object]:
    return create_body(a_task("t1", spec=spec), place, {})


def test_a_spec_that_says_nothing_leaves_all_to_the_image_and_the_engine() -> None:
    made = body(ContainerSpec(image="bb"))
    assert made.keys() == {"Image", "Labels", "HostConfig"}
    assert made["HostConfig"] == {"RestartPolicy": {"Name": "no"}}


@pytest.mark.parametrize(
    ("spec", "key", "value"),
    [
        (ContainerSpec(command=("a", "b")), "Entrypoint", ["a", "b"]),
        (ContainerSpec(args=("a",)), "Cmd", ["a"]),
        (ContainerSpec(env=("A=1", "H={{.Node.Hostname}}")), "Env", ["A=1", "H=host1"]),
        (ContainerSpec(hostname="{{.Service.Name}}-{{.Task.Slot}}"), "Hostname", "shop_web-1"),
        (ContainerSpec(user="1:1"), "User", "1:1"),
        (ContainerSpec(dir="/srv"), "WorkingDir", "/srv"),
        (ContainerSpec(tty=True), "Tty", True),
        (ContainerSpec(open_stdin=True), "OpenStdin", True),
        (ContainerSpec(stop_signal="SIGQUIT"), "StopSignal", "SIGQUIT"),
        (ContainerSpec(stop_grace_period=1_500_000_000), "StopTimeout", 2),
        (ContainerSpec(healthcheck=Healthcheck(test=("NONE",))), "Healthcheck", {"Test": ["NONE"]}),
        (
            ContainerSpec(healthcheck=Healthcheck(test=("CMD", "x"), interval=5, retries=2)),
            "Healthcheck",
            {"Test": ["CMD", "x"], "Interval": 5, "Retries": 2},
        ),
    ],
)
def test_what_the_container_is(spec: ContainerSpec, key: str, value: object) -> None:
    assert body(spec)[key] == value


@pytest.mark.parametrize(
    ("spec", "key", "value"),
    [
        (ContainerSpec(read_only=True), "ReadonlyRootfs", True),
        (ContainerSpec(init=True), "Init", True),
        (ContainerSpec(init=False), "Init", False),
        (ContainerSpec(capability_add=("NET_ADMIN",)), "CapAdd", ["NET_ADMIN"]),
        (ContainerSpec(capability_drop=("ALL",)), "CapDrop", ["ALL"]),
        (
            ContainerSpec(hosts=("192.0.2.1 a b", "c:192.0.2.2")),
            "ExtraHosts",
            ["a:192.0.2.1", "b:192.0.2.1", "c:192.0.2.2"],
        ),
        (ContainerSpec(groups=("7",)), "GroupAdd", ["7"]),
        (ContainerSpec(sysctls={"net.core.somaxconn": "9"}), "Sysctls", {"net.core.somaxconn": "9"}),
        (
            ContainerSpec(ulimits=(Ulimit(name="nofile", hard=2, soft=1),)),
            "Ulimits",
            [{"Name": "nofile", "Hard": 2, "Soft": 1}],
        ),
        (ContainerSpec(oom_score_adj=5), "OomScoreAdj", 5),
        (
            ContainerSpec(dns_config=DNSConfig(nameservers=("1.1.1.1",), options=("ndots:1",))),
            "DnsOptions",
            ["ndots:1"],
        ),
        (
            ContainerSpec(mounts=(Mount(type="bind", source="/a/{{.Task.Slot}}", target="/b", read_only=True),)),
            "Mounts",
            [{"Type": "bind", "Source": "/a/1", "Target": "/b", "ReadOnly": True}],
        ),
        (
            ContainerSpec(
                mounts=(
                    Mount(
                        source="/a",
                        target="/b",
                        read_only=True,
                        bind_options=BindOptions(create_mountpoint=True, propagation="rslave"),
                    ),
                    Mount(source="/c", target="/d", bind_options=BindOptions(create_mountpoint=True)),
                )
            ),
            "Binds",
            ["/a:/b:ro,rslave", "/c:/d"],
        ),
        (
            ContainerSpec(
                mounts=(
                    Mount(
                        type="volume",
                        source="data",
                        target="/d",
                        volume_options=VolumeOptions(
                            no_copy=True, labels={"l": "1"}, driver_config=VolumeDriver(name="nfs", options={"o": "1"})
                        ),
                    ),
                )
            ),
            "Mounts",
            [
                {
                    "Type": "volume",
                    "Source": "data",
                    "Target": "/d",
                    "VolumeOptions": {
                        "NoCopy": True,
                        "Labels": {"l": "1"},
                        "DriverConfig": {"Name": "nfs", "Options": {"o": "1"}},
                    },
                }
            ],
        ),
        (
            ContainerSpec(mounts=(Mount(type="tmpfs", target="/t", tmpfs_options=TmpfsOptions(size_bytes=9)),)),
            "Mounts",
            [{"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 9}}],
        ),
    ],
)
def test_what_the_host_grants_it(spec: ContainerSpec, key: str, value: object) -> None:
    assert body(spec)["HostConfig"][key] == value  # type: ignore[index]


def test_resources_and_log_driver() -> None:
    task = a_task("t1")
    resources = Resources(limits=Limits(nano_cpus=5, memory_bytes=6, pids=7), reservations=Reservations(memory_bytes=8))
    driver = LogDriver(name="syslog", options={"tag": "x"})
    task = replace(task, spec=replace(task.spec, resources=resources, log_driver=driver))
    host = create_body(task, OLD, {})["HostConfig"]
    assert (host["NanoCpus"], host["Memory"], host["PidsLimit"], host["MemoryReservation"]) == (5, 6, 7, 8)
    assert host["LogConfig"] == {"Type": "syslog", "Config": {"tag": "x"}}


def test_only_ports_of_the_host_itself_are_published_by_the_engine() -> None:
    ports = (
        PortConfig(target_port=80, published_port=8080, publish_mode=PublishMode.HOST),
        PortConfig(target_port=80, published_port=8081, publish_mode=PublishMode.HOST),
        PortConfig(target_port=53, protocol="udp", publish_mode=PublishMode.HOST),
    )
    made = create_body(replace(a_task("t1"), swarmlite=TaskExtension(service_name="web", ports=ports)), OLD, {})
    assert made["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostPort": "8080"}, {"HostPort": "8081"}],
        "53/udp": [{"HostPort": ""}],
    }
    assert made["ExposedPorts"] == {"80/tcp": {}, "53/udp": {}}


def test_an_older_engine_gets_one_network_at_once_and_the_others_later() -> None:
    task = on_networks(a_task("t1"))
    made = create_body(task, OLD, NETWORKS)
    assert made["HostConfig"]["NetworkMode"] == "engine-a"
    assert made["NetworkingConfig"]["EndpointsConfig"] == {"engine-a": {"IPAMConfig": {"IPv4Address": "10.128.0.7"}}}
    assert later_networks(task, OLD, NETWORKS) == [("engine-b", "10.128.1.7")]


def test_a_newer_engine_gets_all_networks_at_once() -> None:
    task = on_networks(a_task("t1"))
    made = create_body(task, NEW, NETWORKS)
    assert list(made["NetworkingConfig"]["EndpointsConfig"]) == ["engine-a", "engine-b"]
    assert later_networks(task, NEW, NETWORKS) == []


def test_our_resolver_comes_first_and_the_users_after_it() -> None:
    own = DNSConfig(nameservers=("1.1.1.1",), search=("corp.example",))
    task = on_networks(a_task("t1", spec=ContainerSpec(image="bb", dns_config=own)))
    host = create_body(task, OLD, NETWORKS)["HostConfig"]
    assert host["Dns"] == ["10.128.0.1", "1.1.1.1"]
    assert host["DnsSearch"] == ["swarmlite.internal", "corp.example"]


def test_containers_carry_the_labels_of_swarm_and_compose_beside_ours() -> None:
    spec = ContainerSpec(image="bb", labels={"com.docker.stack.namespace": "shop", "mine": "1"})
    labels = create_body(on_networks(a_task("t1", spec=spec)), OLD, NETWORKS)["Labels"]
    assert labels == {
        "mine": "1",
        "com.docker.stack.namespace": "shop",
        "com.docker.swarm.node.id": "node1",
        "com.docker.swarm.service.id": "svc1",
        "com.docker.swarm.service.name": "shop_web",
        "com.docker.swarm.task": "",
        "com.docker.swarm.task.id": "t1",
        "com.docker.swarm.task.name": "shop_web.1.t1",
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "web",
        "com.docker.compose.container-number": "1",
        "com.docker.compose.oneoff": "False",
        "io.swarmlite.node": "node1",
        "io.swarmlite.task": "t1",
        "io.swarmlite.networks": "a,b",
    }


def test_placeholders_of_other_programs_stay() -> None:
    values = placeholders(a_task("t1"), "host1")
    assert expand("{{ .Task.Name }} {{.Names}} {{range .X}}", values) == "shop_web.1.t1 {{.Names}} {{range .X}}"
