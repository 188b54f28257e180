"""The bytes of the engine's endless answers: JSON lines, and log frames with a header of eight bytes."""

import json
from collections.abc import Iterator
from typing import Any

from swarmlite.engine.parse import LineCutter

LogEntry = tuple[int, str, bytes]

_HEADER = 8
_STDOUT = 1


def json_lines(chunks: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """Objects one after another. An engine ends each with a newline, but cuts chunks anywhere."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield json.loads(line)
    if rest.strip():
        yield json.loads(rest)


def log_lines(chunks: Iterator[bytes], terminal: bool) -> Iterator[LogEntry]:
    """Log lines. `terminal`: the container has a TTY, its bytes come without frames, all as stdout."""
    cutter = LineCutter()
    for stream, frame in _whole_lines(chunks) if terminal else _frames(chunks):
        yield from cutter.feed(stream, frame)
    yield from cutter.rest()


def _frames(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        start = 0
        while len(buffer) - start >= _HEADER:
            end = start + _HEADER + int.from_bytes(buffer[start + 4 : start + _HEADER], "big")
            if len(buffer) < end:
                break
            yield buffer[start], bytes(buffer[start + _HEADER : end])
            start = end
        del buffer[:start]


def _whole_lines(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield _STDOUT, line + b"\n"
    if rest:
        yield _STDOUT, rest
