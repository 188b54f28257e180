"""What users read when the engine refuses; left side as engines 20.10 to 29 say it."""

import pytest

from swarmlite.engine.wording import exit_reason, plain, plain_pull


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (
            "driver failed programming external connectivity on endpoint web (8f1e): Bind for 0.0.0.0:80 failed: port "
            "is already allocated",
            "port 80 is taken on this host by another container",
        ),
        (
            "driver failed programming external connectivity on endpoint web (8f1e): Error starting userland proxy: "
            "listen tcp4 0.0.0.0:8080: bind: address already in use",
            "port 8080/tcp is taken on this host by another program",
        ),
        (
            "failed to set up container networking: driver failed programming external connectivity on endpoint w: "
            "failed to bind host port 0.0.0.0:53/udp: listen udp4 0.0.0.0:53: bind: address already in use",
            "port 53/udp is taken on this host by another program",
        ),
        (
            "failed to bind host port for 0.0.0.0:80:172.18.0.2:80/tcp: address already in use",
            "port 80/tcp is taken on this host by another program",
        ),
        (
            "write /var/lib/docker/tmp/GetImageBlob1: no space left on device",
            "the disk of this host is full (no space left on device)",
        ),
        (
            'invalid mount config for type "bind": bind source path does not exist: /srv/data',
            "bind mount: /srv/data does not exist on this host",
        ),
        (
'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container '
            'process: exec: "servr": executable file not found in $PATH: unknown',
            "command 'servr' is not in the image",
        ),
        (
            'OCI runtime create failed: container_linux.go:380: exec: "/app": permission denied: unknown',
            "command '/app' is not executable",
        ),
        (
            'OCI runtime create failed: exec: "/app": stat /app: no such file or directory: unknown',
            "command '/app' is not in the image",
        ),
        ("unable to find user app: no matching entries in passwd file", "user 'app' is not in the image"),
        ("No such image: web:2", "image web:2 is not on this host"),
        ("get data: no such volume", "volume data is not on this host"),
        ("Minimum memory limit allowed is 6MB", "the memory limit is too low: the engine's least is 6MB"),
        (
            "Pool overlaps with other one on this address space",
            "the subnet overlaps with another network of this host's engine",
        ),
        ("error while removing network: network a id 9c has active endpoints",
         "network a still has containers on this host (active endpoints)"),
        ("Error response from daemon: something\n  new", "something new"),
        ("", "the engine gave no reason"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_fact(said: str, meant: str) -> None:
    assert plain(said) == meant


@pytest.mark.parametrize(
    ("image", "said", "meant"),
    [
        (
            "10.77.0.2:5000/web:2",
            "manifest for 10.77.0.2:5000/web:2 not found: manifest unknown: manifest unknown",
            "image 10.77.0.2:5000/web:2: not found in registry 10.77.0.2:5000",
        ),
        (
            "shop/web",
            "pull access denied for shop/web, repository does not exist or may require 'docker login'",
            "image shop/web: not found in registry docker.io, or it needs a login",
        ),
        (
            "reg.example/web",
            'Get "https://reg.example/v2/": dial tcp 10.0.0.9:443: connect: connection refused',
            "registry reg.example cannot be reached: connection refused",
        ),
        (
            "reg.example/web",
            "Get https://reg.example/v2/: dial tcp: lookup reg.example on 10.0.0.1:53: no such host",
            "registry reg.example cannot be reached: no such host",
        ),
        (
            "reg:5000/web",
            'Get "https://reg:5000/v2/": http: server gave HTTP response to HTTPS client',
            "registry reg:5000 speaks no TLS: list it under insecure-registries in the engine's daemon.json",
        ),
        (
            "web",
            "toomanyrequests: You have reached your pull rate limit.",
            "image web: registry docker.io allows no more pulls now (rate limit)",
        ),
        (
            "web",
            "failed to register layer: Error processing tar file(exit status 1): write /a: no space left on device",
            "image web: the disk of this host is full (no space left on device)",
        ),
        ("web", "no matching manifest for linux/arm64 in the manifest list entries",
         "image web: not made for linux/arm64"),
        ("web", "a new kind of trouble", "image web: a new kind of trouble"),
    ],
)  # fmt: skip
def test_a_failed_pull_names_image_and_registry(image: str, said: str, meant: str) -> None:
    assert plain_pull(image, said) == meant


def test_why_a_container_ended() -> None:
    assert exit_reason(137, True, "") == "out of memory: the container passed its memory limit and was killed"
    assert exit_reason(3, False, "") == "task: non-zero exit (3)"
    assert exit_reason(0, False, "") == ""
    assert "taken" in exit_reason(128, False, "Bind for 0.0.0.0:80 failed: port is already allocated")
