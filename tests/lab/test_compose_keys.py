"""Every key of a Compose file, looked for in the container that runs: what it was made with, and the effect inside."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab.cluster import Cluster, Task

pytestmark = pytest.mark.lab

FULL = """
services:
  full:
    image: busybox:latest
    entrypoint: ["sh", "-c"]
    command: ["trap 'echo told to stop; exit 0' USR1; httpd -p 81 -h /data; echo hi > /data/index.html
      && while :; do sleep 3600 & wait $$!; done"]
    environment: {GREETING: "hello ${WHO:-world}", OVER: environment, EMPTY: "", DOLLAR: "$$1"}
    env_file: [full.env]
    labels: {com.example.tier: back}
    ports:
      - {target: 80, published: 8090, mode: host}
      - "8091:81"
    networks: {front: {aliases: [nickname]}, back: }
    volumes:
      - data:/data
      - BIND:/bound:ro
      - ./relative:/relative
      - {type: tmpfs, target: /scratch, tmpfs: {size: 1m}}
    healthcheck: {test: ["CMD-SHELL", "test -e /tmp/ok || touch /tmp/ok"], interval: 1s, timeout: 2s, retries: 4,
      start_period: 5s}
    hostname: "{{.Service.Name}}-{{.Task.Slot}}-{{.Node.Hostname}}"
    user: "1234:5678"
    working_dir: /tmp
    stop_signal: SIGUSR1
    stop_grace_period: 3s
    init: true
    read_only: true
    tmpfs: ["/tmp:size=2m,mode=1777", "/run"]
    cap_add: [NET_ADMIN]
    cap_drop: [MKNOD]
    extra_hosts: ["other.example:10.1.2.3", "gw:host-gateway"]
    pull_policy: missing
    deploy:
      labels: {com.example.service: "yes"}
      placement: {constraints: ["node.hostname == host2"]}
      resources:
        limits: {cpus: "0.25", memory: 64M, pids: 50}
        reservations: {cpus: "0.1", memory: 16M}
      restart_policy: {condition: on-failure, delay: 1s, max_attempts: 2, window: 10s}
networks:
  front: {labels: {nl: "1"}}
  back: {internal: true}
volumes:
  data: {labels: {vl: "1"}}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    (tmp_path / "bound").mkdir()
    (tmp_path / "bound" / "word").write_text("from the host\n")
    (tmp_path / "full.env").write_text('FROM_FILE=yes\nOVER=file\nQUOTED="a b"\n')
    (tmp_path / "compose.yaml").write_text(FULL.replace("BIND", str(tmp_path / "bound")))
    return tmp_path


def test_every_key_is_what_the_container_has(cluster: Cluster, directory: Path) -> None:
    # the volume belongs to root, and the task's user writes into it
    cluster.lab.docker(2, "run", "--rm", "-v", "keys_data:/data", "busybox", "chmod", "777", "/data")
    try:
        cluster.cli(1, "deploy", "-c", str(directory / "compose.yaml"), "keys")
        [task] = cluster.running("keys_full")
        _check_inspection(cluster, task, directory)
        _check_inside(cluster, task)
        _check_ports(cluster)
        _check_stop(cluster, task)
    finally:
        cluster.clear()
        cluster.lab.docker(2, "volume", "rm", "keys_data", check=False)


def _check_inspection(cluster: Cluster, task: Task, directory: Path) -> None:
    assert task.node == "host2"
    [found] = json.loads(cluster.lab.docker(2, "inspect", task.container_id).stdout)
    config, host = found["Config"], found["HostConfig"]
    assert found["Name"] == f"/keys_full.1.{task.id}"
    assert config["Image"] == "busybox:latest"
    assert config["Entrypoint"] == ["sh", "-c"]
    assert config["Cmd"][0].startswith("trap 'echo told to stop; exit 0' USR1; httpd")
    assert "wait $!" in config["Cmd"][0]
    assert {"GREETING=hello world", "OVER=environment", "EMPTY=", "DOLLAR=$1", "FROM_FILE=yes", "QUOTED=a b"} <= set(
        config["Env"]
    )
    assert config["Hostname"] == "keys_full-1-host2"
    assert (config["User"], config["WorkingDir"]) == ("1234:5678", "/tmp")
    assert (config["StopSignal"], config["StopTimeout"]) == ("SIGUSR1", 3)
    assert config["Healthcheck"] == {
        "Test": ["CMD-SHELL", "test -e /tmp/ok || touch /tmp/ok"],
        "Interval": 1_000_000_000,
        "Timeout": 2_000_000_000,
        "StartPeriod": 5_000_000_000,
        "Retries": 4,
    }
    assert host["Init"] is True
    assert host["ReadonlyRootfs"] is True
    assert (host["CapAdd"], host["CapDrop"]) == (["NET_ADMIN"], ["MKNOD"])
    assert set(host["ExtraHosts"]) == {"other.example:10.1.2.3", "gw:host-gateway"}
    assert (host["NanoCpus"], host["Memory"], host["PidsLimit"]) == (250_000_000, 64 << 20, 50)
    assert host["MemoryReservation"] == 16 << 20
    assert host["RestartPolicy"]["Name"] in ("", "no"), "restarts are the cluster's"
    mounts = {mount["Destination"]: mount for mount in found["Mounts"]}
    assert (mounts["/data"]["Type"], mounts["/data"]["Name"]) == ("volume", "keys_data")
    assert (mounts["/bound"]["Source"], mounts["/bound"]["RW"]) == (str(directory / "bound"), False)
    assert (mounts["/relative"]["Source"], mounts["/relative"]["RW"]) == (str(directory / "relative"), True)
    assert {"/scratch", "/tmp", "/run"} <= {path for path, mount in mounts.items() if mount["Type"] == "tmpfs"}
    _check_labels(cluster, task, config["Labels"])
    assert {"keys_front", "keys_back"} <= set(found["NetworkSettings"]["Networks"])
    [back] = json.loads(cluster.lab.docker(2, "network", "inspect", "keys_back").stdout)
    assert back["Internal"] is True


def _check_labels(cluster: Cluster, task: Task, labels: dict[str, str]) -> None:
    [service] = _json(cluster, "service", "inspect", "keys_full")
    assert service["Spec"]["Labels"]["com.example.service"] == "yes"
    assert service["Spec"]["TaskTemplate"]["RestartPolicy"] == {
        "Condition": "on-failure",
        "Delay": 1_000_000_000,
        "MaxAttempts": 2,
        "Window": 10_000_000_000,
    }
    [node] = _json(cluster, "node", "inspect", "host2")
    expected = {
        "com.example.tier": "back",
        "com.docker.stack.namespace": "keys",
        "com.docker.swarm.node.id": node["ID"],
        "com.docker.swarm.service.id": service["ID"],
        "com.docker.swarm.service.name": "keys_full",
        "com.docker.swarm.task": "",
        "com.docker.swarm.task.id": task.id,
        "com.docker.swarm.task.name": f"keys_full.1.{task.id}",
        "com.docker.compose.project": "keys",
        "com.docker.compose.service": "full",
        "com.docker.compose.container-number": "1",
        "com.docker.compose.oneoff": "False",
        "io.swarmlite.task": task.id,
    }
    assert {name: labels.get(name) for name in expected} == expected
    assert "com.example.service" not in labels, "deploy.labels are the service's"


def _check_inside(cluster: Cluster, task: Task) -> None:
    def says(line: str) -> str:
        return cluster.exec(task, "sh", "-c", line, check=False).stdout.strip()

    assert says("id -u; id -g").split() == ["1234", "5678"]
    assert says("pwd") == "/tmp"
    assert says("hostname") == "keys_full-1-host2"
    assert says("echo $GREETING; echo $DOLLAR") == "hello world\n$1"
    assert says("cat /bound/word") == "from the host"
    assert says("touch /x /bound/x 2>&1 | grep -c 'Read-only file system'") == "2"
    assert says("touch /tmp/x; ls /tmp/x") == "/tmp/x"
    assert "size=1024k" in says("grep ' /scratch ' /proc/mounts")
    assert "size=2048k" in says("grep ' /tmp ' /proc/mounts")
    assert "tmpfs" in says("grep ' /run ' /proc/mounts")
    assert "docker-init" in says("tr '\\0' ' ' < /proc/1/cmdline")
    capabilities = int(says("grep CapBnd /proc/1/status").split()[1], 16)
    assert capabilities & 1 << 12, "NET_ADMIN"
    assert not capabilities & 1 << 27, "MKNOD"
    hosts = says("cat /etc/hosts")
    assert "10.1.2.3\tother.example" in hosts
    assert "\tgw" in hosts
    assert task.address in says("nslookup nickname; nslookup full").replace("#", " ")


def _check_ports(cluster: Cluster) -> None:
    """The default mode listens on every host; `mode: host` on the task's own."""
    bindings = cluster.running("keys_full")[0]
    told = cluster.lab.docker(2, "port", bindings.container_id).stdout
    assert "80/tcp -> 0.0.0.0:8090" in told
    for host in cluster.hosts:
        answer = cluster.lab.run(host, "busybox", "wget", "-q", "-O", "-", f"http://{cluster.lab.address(host)}:8091/")
        assert answer.stdout == "hi\n"


def _check_stop(cluster: Cluster, task: Task) -> None:
    """The stop signal is heard, and its last words are kept in the log."""
    cluster.cli(1, "service", "scale", "--detach", "keys_full=0")
    cluster.until("the task stopped by its signal", lambda: _has_stopped(cluster, task), timeout=20)


def _has_stopped(cluster: Cluster, task: Task) -> bool:
    logs = cluster.lab.docker(2, "logs", task.container_id, check=False)
    return "told to stop" in logs.stdout + logs.stderr or logs.returncode != 0


def test_restart_in_its_four_forms(cluster: Cluster) -> None:
    policies = {"no": "none", "always": "any", "unless-stopped": "any", "on-failure:3": "on-failure"}
    services = "".join(f"  s{i}: {{image: swarmlite/whoami, restart: '{text}'}}\n" for i, text in enumerate(policies))
    cluster.deploy(f"services:\n{services}", "restart")
    for i, condition in enumerate(policies.values()):
        [service] = _json(cluster, "service", "inspect", f"restart_s{i}")
        policy = service["Spec"]["TaskTemplate"]["RestartPolicy"]
        assert policy["Condition"] == condition
        assert policy.get("MaxAttempts", 0) == (3 if i == 3 else 0)
    before = {task.service: task.container_id for task in cluster.running()}
    for task in cluster.running():
        cluster.lab.docker(task.host, "kill", task.container_id)
    for i in (1, 2, 3):
        replaced = cluster.wait_running(f"restart_s{i}", 1)
        assert replaced[0].container_id != before[f"restart_s{i}"]
    [never] = cluster.tasks("restart_s0")
    assert never.state == "failed"


def _json(cluster: Cluster, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cluster.cli(1, *arguments).stdout)
    return found
