"""Images as `docker load` reads them, made in memory and the same on every run, with no engine or registry."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

CREATED = "2024-01-01T00:00:00Z"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of a layer: a directory without `data` and `link`, a symbolic link with `link`, else a file."""

    path: str
    mode: int = 0o755
    data: bytes | None = None
    link: str = ""
    modified: int = 0


def layer(entries: Iterable[Entry]) -> bytes:
    """A layer's tar, in the order given."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for entry in entries:
            info = tarfile.TarInfo(entry.path.strip("/"))
            info.mode, info.mtime = entry.mode, entry.modified
            if entry.link:
                info.type, info.linkname = tarfile.SYMTYPE, entry.link
                tar.addfile(info)
            elif entry.data is None:
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            else:
                info.size = len(entry.data)
                tar.addfile(info, io.BytesIO(entry.data))
    return held.getvalue()


def unique(entries: Iterable[Entry]) -> list[Entry]:
    """Each path once, the first time it comes."""
    found: dict[str, Entry] = {}
    for entry in entries:
        found.setdefault(entry.path.strip("/"), entry)
    return list(found.values())


def archive(name: str, layers: Iterable[bytes], config: Mapping[str, object]) -> bytes:
    """A `docker save` archive of one image; `config` is the part of its configuration that containers inherit."""
    layers = tuple(layers)
    digests = [hashlib.sha256(content).hexdigest() for content in layers]
    document = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "created": CREATED,
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        "history": [{"created": CREATED, "created_by": "swarmlite lab"} for _ in digests],
    }
    written = json.dumps(document, sort_keys=True).encode()
    name_of_config = f"{hashlib.sha256(written).hexdigest()}.json"
    names = [f"{digest}.tar" for digest in digests]
    manifest = json.dumps([{"Config": name_of_config, "RepoTags": [name], "Layers": names}]).encode()
    return layer(
        Entry(path=path, mode=0o644, data=data)
        for path, data in [*zip(names, layers, strict=True), (name_of_config, written), ("manifest.json", manifest)]
    )
