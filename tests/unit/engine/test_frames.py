"""The engine's streams, cut at any byte, say the same."""

import json
from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from swarmlite.engine.frames import json_lines, log_lines

STAMP = b"2026-11-23T13:02:35.002131579Z"


def frame(stream: int, text: bytes) -> bytes:
    body = STAMP + b" " + text
    return bytes([stream, 0, 0, 0]) + len(body).to_bytes(4, "big") + body


def cut(data: bytes, points: list[int]) -> Iterator[bytes]:
    edges = [0, *sorted(point % (len(data) + 1) for point in points), len(data)]
    for start, end in pairwise(edges):
        yield data[start:end]


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=30).map(lambda text: text.replace(b"\n", b"")))),
    st.lists(st.integers(0, 2000)),
)
def test_log_lines_come_out_whole(lines: list[tuple[int, bytes]], points: list[int]) -> None:
    data = b"".join(frame(stream, text + b"\n") for stream, text in lines)
    found = list(log_lines(cut(data, points), terminal=False))
    assert [(stream, text) for stream, _, text in found] == [(stream, text.rstrip(b"\r")) for stream, text in lines]
    assert {stamp for _, stamp, _ in found} <= {STAMP.decode()}


def test_a_long_line_in_several_frames_is_one() -> None:
    data = frame(1, b"a" * 16384) + frame(2, b"other\n") + frame(1, b"b\n") + frame(1, b"no newline")
    found = [(stream, text) for stream, _, text in log_lines(iter([data]), terminal=False)]
    assert found == [(2, b"other"), (1, b"a" * 16384 + b"b"), (1, b"no newline")]


def test_a_terminals_stream_has_no_frames() -> None:
    data = STAMP + b" one\r\n" + STAMP + b" two\r\n"
    assert [text for _, _, text in log_lines(cut(data, [3, 40]), terminal=True)] == [b"one", b"two"]


@given(st.lists(st.dictionaries(st.text(), st.text())), st.lists(st.integers(0, 2000)))
def test_json_lines_come_out_whole(records: list[dict[str, str]], points: list[int]) -> None:
    data = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    assert list(json_lines(cut(data, points))) == records
