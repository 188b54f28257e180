"""Nothing is dropped in silence: a key that is not honoured is named, with its place and what happens instead."""

import pytest

from swarmlite.compose.keys import Support
from swarmlite.compose.keytable import KEYS
from tests.unit.compose.conftest import Folder


def warnings(folder: Folder, keys: str, rest: str = "") -> list[str]:
    return [str(w) for w in folder.load(f"services:\n  web:\n    image: x\n    {keys}\n{rest}").warnings]


@pytest.mark.parametrize(
    ("keys", "warning"),
    [
        ("privileged: true", "compose.yaml:4:5: services.web.privileged: containers run without more rights"),
        ("build: .", "compose.yaml:4:5: services.web.build: nothing is built: the image must be in a registry"),
        ("domainname: d", "services.web.domainname: containers get no domain name"),
        ("container_name: cc", "services.web.container_name: containers are named STACK_SERVICE.SLOT.ID"),
        ("pull_policy: daily", "services.web.pull_policy: 'daily' is read as always"),
        ("command: a | b", "services.web.command: the command ends before '| b': no shell reads it"),
        ("entrypoint: []", "services.web.entrypoint: an empty list cannot take the image's own away"),
        ("volumes: [./here:/x]", "of the node that the task runs on, not of this machine"),
        ("volumes: ['/a:/b:bogus']", "services.web.volumes[0]: the option 'bogus' is unknown and does nothing"),
        ("volumes: ['/a:/b:z']", "services.web.volumes[0].bind.selinux: the path is not relabelled"),
        ("mem_limit: 1e3", "services.web.mem_limit: 1000 counts as nothing, as in docker compose"),
        ("tmpfs: ['/a:noexec']", "services.web.tmpfs[0]: the option 'noexec' is not applied"),
        ("ports: ['80:80', '80:80']", "services.web.ports[1]: takes the place of entry 0, which is the same thing"),
        ("links: [web2]\n  web2: {image: x", "services.web.links: needs nothing: services of one network have names"),
    ],
)
def test_what_will_not_happen_is_said(folder: Folder, keys: str, warning: str) -> None:
    rest = "}" if "web2" in keys else ""
    found = warnings(folder, keys + rest)
    assert len(found) == 1
    assert warning in found[0]


@pytest.mark.parametrize(
    "keys",
    [
        "privileged: false",
        "ipc: private",
        "expose: [80]",
        "x-mine: {a: 1}",
        "attach: false",
        "develop: {watch: []}",
        "volumes: [/var/run/docker.sock:/s]",
        "volumes: [/anonymous]",
        "volumes: [./here:/x]\n    deploy: {placement: {constraints: [node.hostname == a]}}",
        "volumes: [data:/x]\n    deploy: {mode: global}",
        "isolation: default",
    ],
)
def test_what_changes_nothing_is_not_worth_a_word(folder: Folder, keys: str) -> None:
    assert warnings(folder, keys, "volumes: {data: }") == []


def test_data_that_would_be_left_behind_is_named(folder: Folder) -> None:
    (found,) = warnings(folder, "volumes: [data:/x]", "volumes: {data: }")
    assert "services.web.volumes[0]: the data stays on the node that the task runs on" in found
    assert warnings(folder, "volumes: [data:/x]", "volumes: {data: {driver_opts: {type: nfs}}}") == []


def test_networks_say_what_they_cannot_do(folder: Folder) -> None:
    found = warnings(folder, "networks: [n]", "networks: {n: {driver: bridge, driver_opts: {a: b}}}")
    assert "networks.n.driver_opts: has no effect on cluster networks" in found[0]
    assert "networks.n.driver: the network spans the hosts, as all do here" in found[1]
    for driver_opts in ("driver: macvlan", "driver_opts: {encrypted: 'true'}", "enable_ipv6: true"):
        text = f"services: {{web: {{image: x, networks: [n]}}}}\nnetworks: {{n: {{{driver_opts}}}}}"
        assert folder.faults(text)


def test_a_file_that_says_version_is_told_that_it_need_not(folder: Folder) -> None:
    (warning,) = folder.load('version: "3.8"\nservices: {web: {image: x}}').warnings
    assert str(warning) == "compose.yaml:1:1: version: is not needed: all versions are read alike"


EXAMPLES = {
    "annotations": "{a: b}",
    "blkio_config": "{weight: 10}",
    "cgroup": "host",
    "cgroup_parent": "p",
    "cpu_count": "1",
    "cpu_percent": "5",
    "cpu_period": "1000",
    "cpu_quota": "1000",
    "cpu_rt_period": "1000",
    "cpu_rt_runtime": "1000",
    "cpu_shares": "10",
    "cpuset": "'0'",
    "credential_spec": "{file: f}",
    "build": ".",
    "container_name": "c1",
    "device_cgroup_rules": "['c 1:3 mr']",
    "devices": "[/dev/x]",
    "domainname": "d",
    "external_links": "[x]",
    "gpus": "all",
    "ipc": "host",
    "isolation": "hyperv",
    "links": "[db]",
    "mac_address": "02:42:ac:11:65:43",
    "mem_swappiness": "10",
    "memswap_limit": "1g",
    "network_mode": "host",
    "oom_kill_disable": "true",
    "pid": "host",
    "post_start": "[{command: x}]",
    "pre_start": "[{command: x}]",
    "pre_stop": "[{command: x}]",
    "privileged": "true",
    "provider": "{type: x}",
    "pull_refresh_after": "1d",
    "runtime": "kata",
    "secrets": "[s]",
    "configs": "[c]",
    "models": "[m]",
    "security_opt": "[a]",
    "storage_opt": "{size: 1g}",
    "use_api_socket": "true",
    "userns_mode": "host",
    "uts": "host",
    "volumes_from": "[db]",
}
NAMED = sorted(
    parts[2]
    for key in KEYS
    if key.support in (Support.WARNED, Support.REFUSED)
    and len(parts := key.path.split(".")) == 3
    and parts[0] == "services"
)


@pytest.mark.parametrize("key", NAMED)
def test_each_key_that_is_not_honoured_is_named(folder: Folder, key: str) -> None:
    text = f"""
        services:
          web: {{image: x, {key}: {EXAMPLES[key]}}}
          db: {{image: x}}
        secrets: {{s: {{external: true}}}}
        configs: {{c: {{external: true}}}}
        models: {{m: {{model: m}}}}
    """
    word = next(row.effect for row in KEYS if row.path == f"services.*.{key}")
    refused = any(row.support is Support.REFUSED for row in KEYS if row.path == f"services.*.{key}")
    said = folder.faults(text) if refused else [str(warning) for warning in folder.load(text).warnings]
    assert any(f"services.web.{key}: {word}" in line for line in said)
