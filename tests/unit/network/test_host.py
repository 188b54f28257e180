"""The kernel's devices and the host's tools, as far as that needs no root."""

import asyncio
import re
import sys
import time

import pytest

from swarmlite.errors import FailedPrecondition
from swarmlite.network import links
from swarmlite.network.commands import CommandFailed, run


def test_a_device_is_found_by_name() -> None:
    found = links.link("lo")
    assert found is not None
    assert (found.name, found.master, found.kind) == ("lo", 0, "")
    assert found.mtu >= 1500
    assert links.link("nosuch0") is None
    assert links.names(re.compile("lo")) == ("lo",)
    assert links.names(re.compile("l")) == ()


async def test_a_tool_gets_its_input_and_gives_its_output() -> None:
    assert await run(("cat",), "one\ntwo\n") == "one\ntwo\n"


async def test_a_tool_that_fails_says_what() -> None:
    with pytest.raises(CommandFailed, match="`sh -c echo no >&2; exit 2` failed: no") as raised:
        await run(("sh", "-c", "echo no >&2; exit 2"))
    assert raised.value.output == "no"


async def test_a_tool_that_is_not_there_names_what_to_install() -> None:
    with pytest.raises(FailedPrecondition, match=r"'nosuchtool' is not on this host: install"):
        await run(("nosuchtool",))


async def test_a_tool_is_gone_when_its_caller_is() -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await run((sys.executable, "-c", "import time; time.sleep(30)"))
    assert time.monotonic() - started < 5
