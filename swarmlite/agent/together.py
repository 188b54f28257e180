"""Endless routines that live and die together.

Not a TaskGroup: before Python 3.13 one that fails at the moment when it is cancelled raises only the failure, and
whoever handles that goes on as if nobody had asked it to stop.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def together(*routines: Coroutine[Any, Any, None]) -> None:
    """Run all until the first ends; the others are cancelled, and its error is raised."""
    tasks = [asyncio.create_task(routine) for routine in routines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
