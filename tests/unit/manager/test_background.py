"""The daemon in the background: the unit's text, and a detached process from start to end."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from swarmlite.manager.background import NO_MEMBER, Detached, Systemd
from swarmlite.manager.datadir import DataDir
from swarmlite.settings import DATA_DIR


def test_the_unit_keeps_the_daemon_alive_and_containers_out_of_its_end() -> None:
    text = Systemd(DataDir(DATA_DIR)).text()
    for line in (
        "Type=notify",
        "Restart=always",
        "KillMode=process",
        f"RestartPreventExitStatus={NO_MEMBER}",
        "WantedBy=multi-user.target",
    ):
        assert line in text.splitlines()


def test_a_unit_is_named_after_its_data_directory() -> None:
    assert Systemd(DataDir(DATA_DIR)).unit == "swarmlite.service"
    names = {Systemd(DataDir(Path(directory))).unit for directory in ("/a", "/b")}
    assert len(names) == 2
    assert all(name.startswith("swarmlite-") for name in names)


def test_odd_characters_of_a_directory_mean_themselves_in_the_unit() -> None:
    assert '"/srv/100%% a $$b"' in Systemd(DataDir(Path("/srv/100% a $b"))).text()


async def test_a_daemon_that_cannot_run_ends_and_leaves_its_last_words(tmp_path: Path) -> None:
    background = Detached(DataDir(tmp_path))
    await background.start()
    async with asyncio.timeout(20):
        while not background.ended():  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)
    assert "this host is in no cluster" in await background.last_words()
    await background.stop()


async def test_stopping_what_does_not_run_is_no_error(tmp_path: Path) -> None:
    await Detached(DataDir(tmp_path)).stop()


async def test_a_log_that_has_grown_large_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swarmlite.manager.background.LOG_KEPT", 10)
    datadir = DataDir(tmp_path)
    datadir.log.write_text("a line of long ago\n")
    background = Detached(datadir)
    await background.start()
    await background.stop()
    assert (tmp_path / "daemon.log.1").read_text() == "a line of long ago\n"


BREAKS_ONCE = """
import sys
import swarmlite.manager.__main__ as daemon

async def break_down(options):
    raise RuntimeError("a bug")

daemon.SOUND_AFTER = 0.0
daemon.run_daemon = break_down
sys.exit(daemon.main())
"""


@pytest.mark.parametrize(("supervised", "code"), [(False, NO_MEMBER), (True, 1)])
def test_a_daemon_that_breaks_starts_again_unless_systemd_does_it(tmp_path: Path, supervised: bool, code: int) -> None:
    environment = dict(os.environ) | ({"NOTIFY_SOCKET": str(tmp_path / "nobody")} if supervised else {})
    done = subprocess.run(
        [sys.executable, "-c", BREAKS_ONCE, "--data-dir", str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == code
    assert "a bug" in done.stderr
    assert ("this host is in no cluster" in done.stderr) is not supervised
