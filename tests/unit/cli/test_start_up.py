"""Commands that a person waits for load only what they use."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["main", "tasks", "node", "service", "stack", "deploy"])
def test_no_command_loads_what_only_daemons_need(module: str) -> None:
    script = f"import swarmlite.cli.{module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"aiohttp", "cryptography", "docker", "dnslib", "yaml", "jsonschema_rs", "rich", "sqlite3"}
    assert heavy & set(done.stdout.split()) == set()
