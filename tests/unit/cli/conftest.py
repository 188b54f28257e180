"""The command line against the manager's API over a cluster in memory, which serves from a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from swarmlite.api.app import cli_app, docker_app
from swarmlite.cli.main import main
from tests.fakes.cluster import FakeCluster

Swarmlite = Callable[..., Result]


class Served:
    """A fake cluster whose loop runs in a thread, so that commands can run their own. `do` runs work in its loop."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.cluster: FakeCluster = self.do(FakeCluster.start())
        self._runners: list[web.AppRunner] = []
        self.do(self._serve())

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def soon(self, work: Coroutine[Any, Any, Any]) -> None:
        """Start work that goes on while a command runs."""
        asyncio.run_coroutine_threadsafe(work, self.loop)

    def stop(self) -> None:
        self.do(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    async def _serve(self) -> None:
        for name, make in (("swarmlite.sock", cli_app), ("docker.sock", docker_app)):
            runner = web.AppRunner(make(self.cluster.control, self.cluster.facts), shutdown_timeout=0.2)
            await runner.setup()
            await web.UnixSite(runner, str(self.data_dir / name)).start()
            self._runners.append(runner)

    async def _end(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.stop()


@pytest.fixture
def swarmlite(served: Served) -> Swarmlite:
    """Run the command as typed, against the served cluster."""

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, words, env={"SWARMLITE_DATA_DIR": str(served.data_dir)}, prog_name="swarmlite")

    return run
