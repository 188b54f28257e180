"""Volumes, paths and memory of a service as mounts of its containers."""

import re

from swarmlite.compose import units, wanted
from swarmlite.compose.paths import RELATIVE
from swarmlite.compose.report import Place
from swarmlite.model.spec import BindOptions, Mount, TmpfsOptions, VolumeDriver, VolumeOptions

STACK = "com.docker.stack.namespace"
_REMOTE = ("nfs", "nfs4", "cifs", "smb3", "glusterfs", "ceph")
_REFUSED = {
    "npipe": "named pipes are of Windows; remove it",
    "cluster": "CSI volumes are not supported; use a volume with a driver that the nodes have",
    "image": "images cannot be mounted yet; copy the files in the image's build, or use a volume",
}


class Mounts:
    """`pinned`: whether the service's tasks always run on the same node, so that their data is there."""

    def __init__(self, stack: str, volumes: dict[str, wanted.Volume], pinned: bool) -> None:
        self._stack = stack
        self._volumes = volumes
        self._pinned = pinned

    def of(self, service: wanted.Service, place: Place) -> tuple[Mount, ...]:
        found = [self._mount(mount, place.at("volumes", index)) for index, mount in enumerate(service.volumes)]
        found += [_tmpfs(text, place.at("tmpfs", index)) for index, text in enumerate(service.tmpfs)]
        shared = int(service.shm_size)
        if shared and not any(mount is not None and mount.target == "/dev/shm" for mount in found):
            found.append(Mount(type="tmpfs", target="/dev/shm", tmpfs_options=TmpfsOptions(size_bytes=shared)))
        return tuple(mount for mount in found if mount is not None)

    def _mount(self, mount: wanted.Mount, place: Place) -> Mount | None:
        if not mount.target:
            place.fault("has no target: the path in the container")
            return None
        if mount.type in _REFUSED:
            place.fault(_REFUSED[mount.type])
            return None
        if mount.type == "tmpfs":
            size, mode = (int(mount.tmpfs.size), mount.tmpfs.mode) if mount.tmpfs else (0, 0)
            return Mount(type="tmpfs", target=mount.target, tmpfs_options=TmpfsOptions(size_bytes=size, mode=mode))
        return self._bind(mount, place) if mount.type == "bind" else self._volume(mount, place)

    def _bind(self, mount: wanted.Mount, place: Place) -> Mount:
        options = mount.bind or wanted.Bind(create_host_path=False)
        if place.at("source").node.tag == RELATIVE and not self._pinned:
            place.warn(
                f"the path is {mount.source} of the node that the task runs on, not of this machine; put the files on "
                "every node, or pin the service with a constraint such as node.hostname == HOST"
            )
        if options.recursive in ("writable", "readonly"):
            place.warn(f"recursive: {options.recursive} is not done: mounts below the path stay as they are")
        return Mount(
            type="bind",
            source=mount.source,
            target=mount.target,
            read_only=mount.read_only,
            bind_options=BindOptions(
                propagation=options.propagation,
                non_recursive=options.recursive == "disabled",
                create_mountpoint=options.create_host_path,
            ),
        )

    def _volume(self, mount: wanted.Mount, place: Place) -> Mount | None:
        source, target = mount.source, mount.target
        drive = re.fullmatch(r"([A-Za-z]):(/.*)", target) if not source else None
        if drive:
            source, target = drive[1], drive[2]
            if source not in self._volumes:
                place.fault(f"'{source}:{target}' is a Windows path; declare the volume '{source}' if it is meant")
                return None
        options = mount.volume or wanted.VolumeMount()
        volume = self._volumes.get(source)
        return Mount(
            type="volume",
            source=volume.name if volume else "",
            target=target,
            read_only=mount.read_only,
            volume_options=self._options(options, volume, place),
        )

    def _options(self, mount: wanted.VolumeMount, volume: wanted.Volume | None, place: Place) -> VolumeOptions:
        if volume is None or volume.external:
            return VolumeOptions(no_copy=mount.nocopy, subpath=mount.subpath, labels=mount.labels)
        if not self._pinned and volume.driver in ("", "local") and volume.driver_opts.get("type") not in _REMOTE:
            place.warn(
                "the data stays on the node that the task runs on, and a task that moves finds an empty one; pin the "
                "service with a constraint such as node.hostname == HOST, or use a volume driver for shared storage"
            )
        driver = VolumeDriver(name=volume.driver, options=volume.driver_opts)
        return VolumeOptions(
            no_copy=mount.nocopy,
            subpath=mount.subpath,
            labels={**volume.labels, **mount.labels, STACK: self._stack},
            driver_config=driver if volume.driver or volume.driver_opts else None,
        )


def _tmpfs(text: str, place: Place) -> Mount:
    """`/run:size=64m,mode=1777`."""
    target, _, written = text.partition(":")
    size = mode = 0
    for option in written.split(",") if written else ():
        name, _, value = option.partition("=")
        if name == "size":
            try:
                size = units.size(value)
            except ValueError as error:
                place.fault(str(error))
        elif name == "mode" and re.fullmatch("[0-7]+", value):
            mode = int(value, 8)
        elif option not in ("rw", "nosuid", "nodev"):
            place.warn(f"the option '{option}' is not applied; allowed are size=64m and mode=1777")
    return Mount(type="tmpfs", target=target, tmpfs_options=TmpfsOptions(size_bytes=size, mode=mode))
