"""Where this host's engine listens, found as Docker's own clients find it.

`--docker-host`, then DOCKER_HOST, then DOCKER_CONTEXT, then `currentContext` of Docker's config.json, then the socket.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swarmlite.errors import InvalidArgument

DEFAULT_URL = "unix:///var/run/docker.sock"


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineAddress:
    """`certificates`: folder with ca.pem, cert.pem, key.pem where the engine wants TLS."""

    url: str
    certificates: Path | None = None
    verify: bool = True


def find(url: str | None, environment: Mapping[str, str], home: Path) -> EngineAddress:
    """The address to use; `url` is what the user gave, if anything."""
    host = url or environment.get("DOCKER_HOST", "")
    if host:
        return _checked(EngineAddress(url=host, **_environment_tls(environment, home)))
    config = Path(environment.get("DOCKER_CONFIG") or home / ".docker")
    name = environment.get("DOCKER_CONTEXT") or str(_read(config / "config.json").get("currentContext") or "")
    if name in ("", "default"):
        return EngineAddress(url=DEFAULT_URL)
    return _checked(_context(config, name))


def _context(config: Path, name: str) -> EngineAddress:
    folder = hashlib.sha256(name.encode()).hexdigest()
    meta = _read(config / "contexts" / "meta" / folder / "meta.json")
    endpoint = meta.get("Endpoints", {}).get("docker", {})
    if not endpoint.get("Host"):
        raise InvalidArgument(
            f"docker context {name!r} is not in {config}/contexts: `docker context ls` lists those that are, "
            "or name the engine with --docker-host"
        )
    certificates = config / "contexts" / "tls" / folder / "docker"
    return EngineAddress(
        url=str(endpoint["Host"]),
        certificates=certificates if certificates.is_dir() else None,
        verify=not endpoint.get("SkipTLSVerify", False),
    )


def _environment_tls(environment: Mapping[str, str], home: Path) -> dict[str, Any]:
    verify = bool(environment.get("DOCKER_TLS_VERIFY"))
    folder = environment.get("DOCKER_CERT_PATH")
    if not verify and not folder:
        return {}
    return {"certificates": Path(folder) if folder else home / ".docker", "verify": verify}


def _checked(address: EngineAddress) -> EngineAddress:
    if address.url.startswith(("unix://", "tcp://", "http://", "https://")):
        return address
    raise InvalidArgument(
        f"{address.url!r} is no address of this host's Docker Engine: swarmlite builds the host's network too, so the "
        "engine must run here. Give unix:///PATH or tcp://HOST:PORT with --docker-host"
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"Docker's own configuration {path} cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}
