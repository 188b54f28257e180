"""Registry credentials as the engine takes them: the X-Registry-Auth header's text."""

import base64
import json

DOCKER_HUB = "docker.io"
_HUB_KEY = "https://index.docker.io/v1/"


def registry_of(image: str) -> str:
    """The registry that an image reference names, `docker.io` where it names none."""
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first
    return DOCKER_HUB


def auth_text(username: str, password: str, registry: str = DOCKER_HUB) -> str:
    """X-Registry-Auth for a login with a password or access token."""
    server = _HUB_KEY if registry == DOCKER_HUB else registry
    record = {"username": username, "password": password, "serveraddress": server}
    return base64.urlsafe_b64encode(json.dumps(record).encode()).decode()
