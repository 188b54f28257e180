"""Asks a DNS server at a steady rate from inside a container's network: prints how long the answers took.

`python pacer.py SERVER RATE SECONDS NAME…` prints `ANSWERED LOST P50 P99 MAX`, times in milliseconds. The
kernel stamps the arrival of each answer, so a generator that waits for a processor does not count as a slow server.
"""

import select
import socket
import struct
import sys
import time

from tests.bench.asker import query

SO_TIMESTAMPNS = 35
GRACE = 1.0
"""Seconds until an answer counts as lost."""


def main(server: str, rate: int, seconds: float, names: list[str]) -> None:
    total = int(rate * seconds)
    sent: list[float] = []
    took: dict[int, float] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.connect((server, 53))
        sock.setblocking(False)
        started = time.monotonic()
        end = started + seconds + GRACE
        while len(took) < total and (now := time.monotonic()) < end:
            due = started + len(sent) / rate
            if len(sent) < total and now >= due:
                packet = query(names[len(sent) % len(names)], len(sent) & 0xFFFF)
                sent.append(time.time())
                sock.send(packet)
                continue
            readable, _, _ = select.select([sock], [], [], max(0.0, (due if len(sent) < total else end) - now))
            if readable:
                _take(sock, sent, took)
    times = sorted(took.values())
    p50, p99 = (times[len(times) * part // 100] * 1e3 for part in (50, 99))
    sys.stdout.write(f"{len(times)} {len(sent) - len(times)} {p50:.4f} {p99:.4f} {times[-1] * 1e3:.4f}\n")


def _take(sock: socket.socket, sent: list[float], took: dict[int, float]) -> None:
    data, ancillary, _, _ = sock.recvmsg(4096, 64)
    for _, kind, stamp in ancillary:
        if kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("ll", stamp[:16])
            number = int.from_bytes(data[:2], "big")
            index = (len(sent) - 1) - ((len(sent) - 1 - number) & 0xFFFF)
            took[index] = seconds + nanoseconds / 1e9 - sent[index]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
