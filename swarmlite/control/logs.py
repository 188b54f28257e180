"""What a log stream is asked for and what it gives, one record a line."""

import msgspec


class LogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`tail`: lines from the end of each task's log, None for all. `since`: Unix seconds."""

    task_ids: tuple[str, ...]
    follow: bool = False
    tail: int | None = None
    since: float = 0.0


class LogLine(msgspec.Struct, frozen=True):
    """`stream`: 1 stdout, 2 stderr. `stamp`: RFC 3339 with nanoseconds. `line` without its newline."""

    task_id: str
    stream: int
    stamp: str
    line: bytes
