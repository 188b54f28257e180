"""Every fault is said with its place, in a sentence for people, and all of them at once."""

import pytest

from tests.unit.compose.conftest import Folder


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("imgae: x", "compose.yaml:4:5: services.web.imgae: the key 'imgae' is unknown; did you mean 'image'?"),
        ("hostname: 12", "hostname: 12 is a whole number; a text is allowed; write it in quotes"),
        ("ports: 80", "services.web.ports: 80 is a whole number; a list is allowed"),
        ("ports: [abc]", "compose.yaml:4:13: services.web.ports[0]: 'abc' in 'abc' is no port; write [address:]"),
        ("ports: ['80:70000']", "services.web.ports[0]: '70000' in '80:70000' is no port"),
        ("ports: ['127.0.0.1:80:80']", "the port cannot be opened on 127.0.0.1 only"),
        ("ports: ['8000-8010:80']", "'8000-8010' is a choice of ports for port 80; name one of them"),
        (
            "ports: [{target: 80, mode: hots}]",
            "ports[0].mode: the mode 'hots' is unknown; allowed are ingress and host",
        ),
        ("ports: ['80:80/sctp']", "the protocol 'sctp' is not supported; allowed are tcp and udp"),
        ("environment: {A: [1]}", "services.web.environment.A: what is here is a list; a text, a number or true or"),
        ("restart: sometimes", "services.web.restart: 'sometimes' is unknown; allowed are no, always, unless-stopped"),
        ("pull_policy: alway", "services.web.pull_policy: 'alway'"),
        ("stop_grace_period: 90", "stop_grace_period: 90 is a whole number; a text is allowed; write it in quotes"),
        ("stop_grace_period: '90'", "'90' is no duration; write a number and a unit, such as 10s"),
        ("mem_limit: 1Gi", "services.web.mem_limit: '1Gi' is no size"),
        ("networks: [front]", "networks.front: the network 'front' is not defined; declare it in networks: at the top"),
        ("networks: [bakc]", "services.web.networks.bakc: the network 'bakc' is not defined; did you mean 'back'?"),
        ("volumes: ['dta:/x']", "services.web.volumes[0]: the volume 'dta' is not defined; did you mean 'data'?"),
        ("volumes: ['data:/b:ro:no']", "'data:/b:ro:no' has too many colons"),
        ("depends_on: [wbe]", "depends_on.wbe: the service 'wbe' is not defined; did you mean 'web'?"),
        ("env_file: gone.env", "services.web.env_file[0]: the file"),
        ("depends_on: {web: {condition: started}}", "condition: 'started' is unknown; allowed are service_started"),
        ("depends_on: [web]", "services wait for each other: web → web; remove one of the dependencies"),
        ("extra_hosts: [a]", "services.web.extra_hosts[0]: 'a' has no address; write host=address"),
        ("healthcheck: {test: [true]}", "healthcheck.test[0]: true is true or false; a text is allowed"),
        ("healthcheck: {test: [curl, x]}", "begins with 'curl'; a list begins with CMD, CMD-SHELL or NONE"),
        (
            "deploy: {mode: globl}",
            "deploy.mode: the mode 'globl' is unknown; allowed are replicated and global; did you",
        ),
        ("deploy: {mode: global, replicas: 2}", "a global service has one task on every node; remove replicas"),
        ("deploy: {replicas: many}", "deploy.replicas: only a whole number is allowed here, not 'many'"),
        ("deploy: {replicas: -1}", "deploy.replicas: -1 is too small; the smallest allowed is 0"),
        (
            "deploy: {placement: {constraints: [node.role = manager]}}",
            "constraints[0]: the constraint 'node.role = man",
        ),
        ("deploy: {placement: {preferences: [{spread: zone}]}}", "preferences[0]: tasks cannot be spread over 'zone'"),
        ("deploy: {restart_policy: {condition: never}}", "'never' is unknown; allowed are none, on-failure, any"),
        (
            "deploy: {update_config: {failure_action: stop}}",
            "the action 'stop' is unknown; allowed are pause, continue",
        ),
        ("deploy: {update_config: {order: x}}", "order: 'x' is unknown; allowed are start-first, stop-first"),
        ("deploy: {resources: {limits: {cpus: lots}}}", "limits.cpus: 'lots' is no number; write one such as 0.5"),
        ("tmpfs: ['/x:size=big']", "services.web.tmpfs[0]: 'big' is no size"),
        ("network_mode: host", "services.web.network_mode: tasks are on the cluster's networks only; use networks"),
        ("network_mode: host\n    networks: [back]", "network_mode: is there beside networks; keep one"),
        ("secrets: [x]", "services.web.secrets[0]: the secret 'x' is not defined"),
        ("devices: [/dev/x]", "services.web.devices: containers cannot be given devices yet"),
        ("security_opt: ['no-new-privileges:true']", "security_opt: is not applied yet, and without it"),
        ("hostname: ${H:?name it}", "services.web.hostname: the variable H is required and has no value: name it"),
        ("hostname: ${H", "'${H' cannot be read as a variable; write ${NAME}"),
        ("command: [a, {b: c}]", "services.web.command[1]: what is here is a mapping; a text is allowed"),
        ("scale: 2\n    container_name: one", "container_name: one name cannot be that of 2 containers; remove it"),
        ("volumes: ['data:/x']\n    tmpfs: /x", "volumes[0]: tmpfs[0] is at /x already; choose another target"),
    ],
)
def test_a_fault_says_where_what_and_what_to_do(folder: Folder, line: str, message: str) -> None:
    faults = folder.faults(f"services:\n  web:\n    image: x\n    {line}\nnetworks: {{back: }}\nvolumes: {{data: }}\n")
    assert any(message in fault for fault in faults), faults
    assert all(fault.startswith("compose.yaml:4:") or fault.startswith("compose.yaml:5:") for fault in faults)


def test_all_faults_are_said_at_once(folder: Folder) -> None:
    faults = folder.faults(
        """\
        services:
          web: {imag: x, ports: [x]}
          db: {image: 5}
        netwroks: {}
        """
    )
    assert [fault.split(": ")[0] for fault in faults] == [
        "compose.yaml:2:9",
        "compose.yaml:3:8",
        "compose.yaml:4:1",
        "compose.yaml:2:26",
    ]


def test_a_fault_of_an_override_is_named_there(folder: Folder) -> None:
    folder.write({"a.yaml": "services:\n  web: {image: x}\n", "b.yaml": "services:\n  web:\n    comand: y\n"})
    assert folder.faults("", "a.yaml", "b.yaml") == [
        "b.yaml:3:5: services.web.comand: the key 'comand' is unknown; did you mean 'command'?"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# nothing\n", "compose.yaml:1:1: the file is empty; begin with services:"),
        ("[a]\n", "compose.yaml:1:1: a compose file is a mapping that begins with services:, not this"),
        ("services: [a]\n", "compose.yaml:1:1: services: what is here is a list; a mapping is allowed"),
        ("services: {a b: {image: x}}\n", "the name 'a b' has a character that is not allowed; use letters"),
        ("services: {web: {}}\n", "compose.yaml:1:12: services.web: has neither image nor build; add image: NAME"),
        ("services: {web: {build: .}}\n", "services.web: has no image, and nothing is built here: build and push one"),
        ("services: {web: {image: x}}\nnetworks: {n: {driver: macvlan}}\n", ""),
    ],
)
def test_files_as_a_whole(folder: Folder, text: str, message: str) -> None:
    if not message:
        assert folder.load(text).stack.name == "shop"
        return
    assert any(message in fault for fault in folder.faults(text))


def test_a_file_that_is_not_there(folder: Folder) -> None:
    assert folder.faults("", "gone.yaml") == ["gone.yaml:1:1: the file cannot be read: no such file or directory"]


def test_a_file_that_is_no_text(folder: Folder) -> None:
    (folder.path / "compose.yaml").write_bytes(b"services: \xff")
    assert folder.faults() == ["compose.yaml:1:1: the file is not UTF-8 text: byte 0xff at 10"]
