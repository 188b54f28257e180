"""Whether a machine lives though its agent does not: a connection to it is answered, if only by a refusal."""

import asyncio

from swarmlite.settings import PORT

WITHIN = 1.0
"""Seconds that an answer may take; a firewall that drops what is not wanted counts as none."""


async def answers(address: str) -> bool:
    try:
        async with asyncio.timeout(WITHIN):
            _, writer = await asyncio.open_connection(address, PORT)
    except ConnectionRefusedError:
        return True
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
