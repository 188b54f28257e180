"""Logs for operators: one event a line, logfmt, ids as fields, secrets never.

`log = logger(__name__)`, then `log.info("task started", task=task.id, node=node.id)`.
"""

import json
import logging
import sys
import time
from typing import TextIO


class Logger:
    """A thin face on the standard library's logger, whose fields are keyword arguments."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: object) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        self._write(logging.ERROR, event, fields)

    def exception(self, event: str, **fields: object) -> None:
        """With the traceback of the exception being handled: for bugs, not for what users can cause."""
        self._logger.error(_line(event, fields), exc_info=True)

    def _write(self, level: int, event: str, fields: dict[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, _line(event, fields))


logging.getLogger("swarmlite").addHandler(logging.NullHandler())  # commands that set nothing up say nothing


def logger(name: str) -> Logger:
    return Logger(name)


def setup(level: str = "info", stream: TextIO | None = None) -> None:
    """Send this process's logs to `stream` (standard error)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    formatter = logging.Formatter("time=%(asctime)s.%(msecs)03dZ level=%(levelname)s room=%(name)s %(message)s")
    formatter.converter = time.gmtime
    formatter.datefmt = "%Y-%m-%dT%H:%M:%S"
    handler.setFormatter(formatter)
    root = logging.getLogger("swarmlite")
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False


def _line(event: str, fields: dict[str, object]) -> str:
    parts = [f"event={_quoted(event)}"]
    parts += [f"{key}={_quoted(str(value))}" for key, value in fields.items()]
    return " ".join(parts)


def _quoted(text: str) -> str:
    plain = text and all(char.isprintable() and char not in ' "=' for char in text)
    return text if plain else json.dumps(text, ensure_ascii=False)
