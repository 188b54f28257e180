"""Asks a DNS server from inside a container's network: prints what each answer held and when, until it is ended.

`python asker.py SERVER NAME PAUSE` prints `MONOTONIC SECONDS_TAKEN ADDRESS…` per answer. It runs as its own process,
since a network namespace is entered by the whole process, and imports nothing that takes time.
"""

import socket
import sys
import time


def query(name: str, number: int) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return number.to_bytes(2, "big") + b"\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"


def addresses(answer: bytes) -> list[str]:
    """Of an answer's A records."""
    at = 12
    while answer[at]:
        at += answer[at] + 1
    at += 5
    found = []
    for _ in range(int.from_bytes(answer[6:8], "big")):
        while answer[at] and answer[at] < 0xC0:
            at += answer[at] + 1
        at += 2 if answer[at] else 1
        kind, size = int.from_bytes(answer[at : at + 2], "big"), int.from_bytes(answer[at + 8 : at + 10], "big")
        at += 10
        if kind == 1:
            found.append(".".join(str(byte) for byte in answer[at : at + 4]))
        at += size
    return found


def main(server: str, name: str, pause: float) -> None:
    number = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((server, 53))
        sock.settimeout(1.0)
        while True:
            number = (number + 1) & 0xFFFF
            asked = time.monotonic()
            sock.send(query(name, number))
            try:
                answer = sock.recv(4096)
                while int.from_bytes(answer[:2], "big") != number:
                    answer = sock.recv(4096)
            except (TimeoutError, ConnectionError):
                continue
            now = time.monotonic()
            sys.stdout.write(" ".join([f"{now:.6f}", f"{now - asked:.6f}", *addresses(answer)]) + "\n")
            sys.stdout.flush()
            time.sleep(max(0.0, asked + pause - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
