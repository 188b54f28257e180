"""What a lab needs of the machine, looked for before anything is made; each lack is one sentence with its remedy."""

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from swarmlite.errors import FailedPrecondition
from swarmlite.lab.layout import NODE_VARIABLE
from swarmlite.lab.scripts import PROBE

PROGRAMS = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "ip": "iproute2",
    "iptables": "iptables",
    "dockerd": "docker.io",
    "containerd": "containerd",
    "runc": "runc",
    "docker": "docker.io, or docker-cli from Debian 13 on",
    "docker-registry": "docker-registry",
    "busybox": "busybox-static",
}
"""Program → the Debian package that has it."""

KERNEL = {
    "namespaces": "this process may not make network and mount namespaces: run the lab as root of a real or virtual "
    "machine, or in a container with --privileged",
    "bridge": "the kernel makes no network bridges (module `bridge`, CONFIG_BRIDGE), which the lab's switch is",
    "veth": "the kernel makes no veth pairs (module `veth`, CONFIG_VETH), which the lab's cables are",
    "vxlan": "the kernel makes no VXLAN devices (module `vxlan`, CONFIG_VXLAN), which networks across hosts need",
    "sysctl": "/proc/sys is read-only here: run the lab on a real or virtual machine, or in a --privileged container",
    "nat": "iptables has no nat table in this kernel (CONFIG_NF_NAT, or the package `iptables` is too old for it), "
    "which the Docker Engine needs",
    "tmpfs": "the kernel does not mount a tmpfs here: run the lab with all of root's rights",
    "overlay": "the kernel mounts no overlay file systems (module `overlay`, CONFIG_OVERLAY_FS)",
}

MODULES = ("overlay", "bridge", "br_netfilter", "veth", "vxlan")
CONTROLLERS = ("cpu", "memory", "devices")
CGROUPS = Path("/sys/fs/cgroup")


def check_user(system: str, user: int) -> None:
    """Raise for another system than Linux and another user than root."""
    if system != "Linux":
        raise FailedPrecondition(f"a lab needs Linux, and this is {system}: use a Linux virtual machine")
    if user != 0:
        raise FailedPrecondition("a lab needs root, for network namespaces and Docker Engines of its own: use sudo")


def check_programs(find: Callable[[str], str | None]) -> None:
    """Raise for the first program that `find` does not find, naming its package."""
    for program, package in PROGRAMS.items():
        if find(program) is None:
            raise FailedPrecondition(
                f"a lab needs the program `{program}`, which is not installed: apt install {package}"
            )


def check_cgroups(controllers: set[str]) -> None:
    """Raise unless the Docker Engine finds the control groups it needs (version 2 has no `devices` controller)."""
    missing = [name for name in CONTROLLERS if name not in controllers]
    if missing:
        raise FailedPrecondition(
            f"the control group controllers {', '.join(missing)} are not mounted under {CGROUPS}, "
            "which the Docker Engine needs: apt install cgroupfs-mount, then run cgroupfs-mount"
        )


def controllers_mounted() -> set[str]:
    """The control group controllers that an engine can use, in version 1 or 2."""
    try:
        unified = (CGROUPS / "cgroup.controllers").read_text().split()
    except OSError:
        return {path.name for path in CGROUPS.glob("*") if (path / "cgroup.procs").exists()}
    return {*unified, "devices"}


def check_right() -> None:
    """Raise if this process could not even look after a lab."""
    check_user(platform.system(), os.geteuid() if hasattr(os, "geteuid") else -1)


def check() -> None:
    """Raise the first lack; makes nothing."""
    check_right()
    check_programs(_find)
    check_cgroups(controllers_mounted())


def probe(directory: Path, mark: str) -> str:
    """Try the kernel in namespaces of its own; return the storage driver for engines whose data lie in `directory`.

    By `mark` (see layout.NODE_VARIABLE) what is left of it is found should this process die.
    """
    _load_modules()
    try:
        done = subprocess.run(
            ["unshare", "--net", "--mount", "--uts", "sh", "-c", PROBE, "probe", str(directory)],
            capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL,
            env=system_environment() | {NODE_VARIABLE: mark},
        )  # fmt: skip
    finally:
        shutil.rmtree(directory / "probe", ignore_errors=True)
    answer = done.stdout.strip()
    if answer in ("overlay2", "vfs"):
        return answer
    raise FailedPrecondition(KERNEL.get(answer, KERNEL["namespaces"]))


def system_environment() -> dict[str, str]:
    """For programs of the machine: nothing of the user's but a PATH that also has root's programs."""
    return {"PATH": _path(), "HOME": os.environ.get("HOME", "/root"), "LANG": "C.UTF-8"}


def _path() -> str:
    return os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"


def _find(program: str) -> str | None:
    return shutil.which(program, path=_path())


def _load_modules() -> None:
    """Ask for what may be a module that nothing has used yet; what then is still missing, the probe names."""
    program = _find("modprobe")
    if program is None or Path("/proc/sys/net/bridge").exists():
        return
    subprocess.run([program, "--all", "--quiet", *MODULES], capture_output=True, check=False)
