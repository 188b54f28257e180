"""The parts of the lab that need no machine: names, lacks, archives."""

import errno
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from swarmlite.errors import FailedPrecondition, InvalidArgument
from swarmlite.lab.archive import Entry, archive, layer, unique
from swarmlite.lab.layout import MAX_HOSTS, Layout, layout_of
from swarmlite.lab.needs import PROGRAMS, check_cgroups, check_programs, check_user
from swarmlite.lab.state import locked
from swarmlite.lab.transfer import registry_names


def test_nodes_of_a_lab_share_no_address_name_or_card() -> None:
    layout = Layout(Path("/var/lib/somewhere"))
    nodes = [layout.switch, layout.registry, *(layout.host(i) for i in range(1, MAX_HOSTS + 1))]
    for what in ("name", "address", "mac", "directory", "mark"):
        assert len({getattr(node, what) for node in nodes}) == len(nodes)
    assert all(len(node.name) <= 15 for node in nodes)


def test_labs_in_different_directories_have_different_ids() -> None:
    assert Layout(Path("/a")).lab != Layout(Path("/b")).lab
    assert Layout(Path("/a")).host(1).cgroup != Layout(Path("/b")).host(1).cgroup


def test_the_directory_comes_from_the_environment_and_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert layout_of({"SWARMLITE_LAB_DIR": str(tmp_path / "link")}).directory == tmp_path / "real"
    assert layout_of({}).directory == Path("/var/lib/swarmlite-lab").resolve()


def test_a_directory_too_long_for_sockets_is_refused() -> None:
    longest = "/nodes/host200/swarmlite/swarmlite.sock"
    fits = "/" + "x" * (107 - len(longest) - 1)
    layout_of({"SWARMLITE_LAB_DIR": fits})
    with pytest.raises(InvalidArgument, match="too long for the sockets"):
        layout_of({"SWARMLITE_LAB_DIR": fits + "x"})


def test_a_directory_that_engines_refuse_is_refused_first() -> None:
    with pytest.raises(InvalidArgument, match="no comma"):
        layout_of({"SWARMLITE_LAB_DIR": "/srv/a,b"})


def test_what_the_disk_refuses_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FailedPrecondition, match="No space left on device"), locked(tmp_path, create=True):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("system", ["Darwin", "Windows", "FreeBSD"])
def test_another_system_is_named(system: str) -> None:
    with pytest.raises(FailedPrecondition, match=f"a lab needs Linux, and this is {system}"):
        check_user(system, 0)


def test_another_user_than_root_is_refused() -> None:
    with pytest.raises(FailedPrecondition, match="a lab needs root"):
        check_user("Linux", 1000)


@pytest.mark.parametrize("missing", PROGRAMS)
def test_a_missing_program_is_named_with_its_package(missing: str) -> None:
    with pytest.raises(FailedPrecondition) as raised:
        check_programs(lambda program: None if program == missing else f"/usr/bin/{program}")
    assert f"`{missing}`" in raised.value.message
    assert f"apt install {PROGRAMS[missing]}" in raised.value.message
    assert "\n" not in raised.value.message


def test_missing_control_groups_are_named() -> None:
    with pytest.raises(FailedPrecondition, match="memory, devices are not mounted"):
        check_cgroups({"cpu", "pids"})
    check_cgroups({"cpu", "memory", "devices", "pids"})


@pytest.mark.parametrize(
    ("image", "names"),
    [
        ("busybox", ["R/busybox", "R/library/busybox"]),
        ("nginx:alpine", ["R/nginx:alpine", "R/library/nginx:alpine"]),
        ("docker.io/library/nginx:1", ["R/nginx:1", "R/library/nginx:1"]),
        ("mine/box:7", ["R/mine/box:7"]),
        ("ghcr.io/mine/box", ["R/mine/box"]),
        ("localhost:5000/box", ["R/box", "R/library/box"]),
    ],
)
def test_names_in_the_registry(image: str, names: list[str]) -> None:
    assert registry_names("R", image) == names


def test_an_archive_is_the_same_every_time_and_names_its_image() -> None:
    content = layer([Entry(path="bin"), Entry(path="bin/a", data=b"x"), Entry(path="bin/b", link="a")])
    first = archive("a:1", [content], {"Cmd": ["a"]})
    assert first == archive("a:1", [content], {"Cmd": ["a"]})
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        manifest = json.loads((tar.extractfile("manifest.json") or io.BytesIO()).read())
        assert manifest[0]["RepoTags"] == ["a:1"]
        assert set(tar.getnames()) == {"manifest.json", manifest[0]["Config"], *manifest[0]["Layers"]}


def test_unique_entries_keep_the_first_and_its_place() -> None:
    entries = [Entry(path="/a"), Entry(path="a/b", data=b"1"), Entry(path="a/"), Entry(path="a/b", data=b"2")]
    assert unique(entries) == entries[:2]
