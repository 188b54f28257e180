"""The stock Docker command line against docker.sock: it reads what we answer, and changes only what it means to."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from swarmlite.model.spec import (
    ContainerExtension,
    ContainerSpec,
    Dependency,
    EndpointSpec,
    Healthcheck,
    Limits,
    Mount,
    NetworkAttachmentConfig,
    NetworkSpec,
    Placement,
    PortConfig,
    PublishMode,
    PullPolicy,
    ReplicatedMode,
    Resources,
    RestartPolicy,
    ServiceExtension,
    ServiceMode,
    ServiceSpec,
    StackSpec,
    TaskTemplate,
    UpdateConfig,
)
from tests.unit.cli.conftest import Served

DOCKER = next(
    (path for path in ("/usr/local/bin/docker", shutil.which("docker")) if path and Path(path).exists()), None
)
pytestmark = pytest.mark.skipif(DOCKER is None, reason="no Docker command line on this machine")

LABEL = {"com.docker.stack.namespace": "shop"}
RICH = ServiceSpec(
    name="shop_web",
    labels={**LABEL, "tier": "front"},
    task_template=TaskTemplate(
        container_spec=ContainerSpec(
            image="demo:1",
            env=("A=B",),
            args=("sleep", "1000"),
            mounts=(Mount(type="volume", source="data", target="/data"),),
            stop_grace_period=0,
            healthcheck=Healthcheck(test=("CMD", "true"), interval=1_000_000_000),
            init=False,
            swarmlite=ContainerExtension(pull_policy=PullPolicy.ALWAYS),
        ),
        resources=Resources(limits=Limits(nano_cpus=500_000_000)),
        restart_policy=RestartPolicy(delay=0, max_attempts=3),
        placement=Placement(constraints=("node.role==worker",)),
        networks=(NetworkAttachmentConfig(target="shop_default", aliases=("web",)),),
    ),
    mode=ServiceMode(replicated=ReplicatedMode(replicas=2)),
    update_config=UpdateConfig(parallelism=0, order="start-first"),
    endpoint_spec=EndpointSpec(ports=(PortConfig(target_port=80, published_port=8080, publish_mode=PublishMode.HOST),)),
    swarmlite=ServiceExtension(depends_on=(Dependency(service="shop_db"),)),
)


class Docker:
    def __init__(self, served: Served, home: Path) -> None:
        self._socket = served.data_dir / "docker.sock"
        self._env = {"PATH": os.environ["PATH"], "HOME": str(home)}

    def __call__(self, *words: str, code: int = 0) -> str:
        command = [str(DOCKER), "-H", f"unix://{self._socket}", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, env=self._env)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def docker(served: Served, tmp_path: Path) -> Docker:
    served.do(
        served.cluster.control.deploy(
            StackSpec(name="shop", services=(RICH,), networks=(NetworkSpec(name="shop_default", labels=LABEL),)), False
        )
    )
    served.do(served.cluster.run("shop_web"))
    return Docker(served, tmp_path)


def test_it_lists_nodes_services_tasks_networks_and_stacks(docker: Docker) -> None:
    assert "h1         Ready     Active         Leader" in docker("node", "ls")
    assert "shop_web   replicated   2/2        demo:1" in docker("service", "ls")
    tasks = docker("service", "ps", "shop_web")
    assert "shop_web.1   demo:1    h1        Running" in tasks
    assert "shop_default   overlay   swarm" in docker("network", "ls")
    assert "shop      1" in docker("stack", "ls")
    assert "shop_web" in docker("stack", "services", "shop")
    assert "shop_web.2   demo:1    h2" in docker("stack", "ps", "shop")
    assert "shop_web.2" in docker("node", "ps", "h2")
    assert "10.128.0.0/24" in docker("network", "inspect", "shop_default")


def test_it_inspects(docker: Docker) -> None:
    service = docker("service", "inspect", "--pretty", "shop_web")
    for text in (
        "Replicas:\t2",
        "node.role==worker",
        "PublishedPort = 8080",
        "Protocol = tcp",
        "Networks: shop_default",
    ):
        assert text in service
    assert "Engine Version:\t\t20.10.24" in docker("node", "inspect", "--pretty", "self")
    assert "Is Manager: true" in docker("info")
    assert "API version:      1.47" in docker("version")


def test_scaling_with_it_changes_the_scale_alone(docker: Docker, served: Served) -> None:
    before = served.cluster.service("shop_web").spec
    assert "shop_web scaled to 5" in docker("service", "scale", "-d", "shop_web=5")
    after = served.cluster.service("shop_web").spec
    assert after.replicas == 5
    assert after.task_template == before.task_template
    assert after.update_config == before.update_config
    assert after.endpoint_spec == before.endpoint_spec
    assert after.swarmlite == before.swarmlite


def test_it_creates_updates_rolls_back_and_removes(docker: Docker, served: Served) -> None:
    docker("service", "create", "-d", "--name", "api", "--replicas", "2", "--network", "shop_default", "demo:1")
    docker("service", "update", "-d", "--env-add", "MODE=test", "--image", "demo:2", "api")
    container = served.cluster.service("api").spec.task_template.container_spec
    assert (container.image, container.env) == ("demo:2", ("MODE=test",))
    docker("service", "rollback", "-d", "api")
    assert served.cluster.service("api").spec.task_template.container_spec.image == "demo:1"
    docker("service", "rm", "api")
    assert "no such service: api" in docker("service", "inspect", "api", code=1).lower()
    docker("node", "update", "--availability", "drain", "--label-add", "zone=a", "h2")
    assert "Drain" in docker("node", "ls")


def test_it_shows_logs_with_task_names(docker: Docker, served: Served) -> None:
    first, second = sorted(served.cluster.view.tasks.values(), key=lambda task: task.slot)
    served.cluster.dispatch.say(first, 1, "hello")
    served.cluster.dispatch.say(second, 2, "there")
    lines = docker("service", "logs", "shop_web").splitlines()
    assert [line.split("|")[1].strip() for line in lines] == ["hello", "there"]
    assert lines[0].startswith(f"shop_web.1.{first.id[:12]}@h1")


def test_it_deploys_and_removes_a_stack(docker: Docker, tmp_path: Path) -> None:
    file = tmp_path / "stack.yaml"
    file.write_text("version: '3.8'\nservices:\n  api:\n    image: demo:1\n    ports: ['8090:80']\n")
    detach = ["--detach=true"] if "--detach" in docker("stack", "deploy", "--help") else []  # 20.10 never waits
    assert "Creating service blog_api" in docker("stack", "deploy", *detach, "-c", str(file), "blog")
    assert "Updating service blog_api" in docker("stack", "deploy", *detach, "--prune", "-c", str(file), "blog")
    assert "*:8090->80/tcp" in docker("stack", "services", "blog")
    assert "Removing network blog_default" in docker("stack", "rm", "blog")
    assert "blog" not in docker("stack", "ls")


def test_what_is_one_engine_s_work_is_refused_with_a_sentence(docker: Docker) -> None:
    assert "not a single Docker Engine" in docker("run", "demo:1", code=125)
    assert "swarmlite leave" in docker("swarm", "init", code=1)
