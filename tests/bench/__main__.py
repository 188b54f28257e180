"""`python -m tests.bench`: every figure we promise, beside Docker Swarm's on the same hosts in the same run.

It takes a lab of its own, needs root, and gates nothing: a busy machine's figures are shown as they are, with its load.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence

from tests.bench import answering, bench_scheduler, idle, recovery, startup
from tests.bench.peers import Peer, Swarm, Swarmlite
from tests.bench.table import Row, ratio, show
from tests.lab.handle import Lab, lab_of

NAMES = ("start", "kill", "host", "idle", "dns", "placement")
HOSTS = 3


def main() -> None:
    options = _options()
    wanted = options.only or NAMES
    began, load = time.monotonic(), os.getloadavg()
    rows: list[Row] = []
    if {"start", "kill", "host", "idle", "dns"} & set(wanted):
        with lab_of(HOSTS) as lab:
            rows += _in_lab(lab, wanted, options)
    if "dns" in wanted:
        rows += answering.alone()
    if "placement" in wanted:
        rows += _placement()
    show(rows, _notes(began, load, wanted))


def _in_lab(lab: Lab, wanted: Sequence[str], options: argparse.Namespace) -> list[Row]:
    peers: list[Peer] = [Swarmlite(lab)] if options.alone else [Swarmlite(lab), Swarm(lab)]
    for peer in peers:
        _say(f"a cluster of {HOSTS} hosts: {peer.name}")
        peer.start()
    rounds: int = options.rounds
    parts: dict[str, Callable[[], list[Row]]] = {
        "idle": lambda: idle.measure(lab, peers, options.idle, _say),
        "start": lambda: startup.measure(lab, peers, rounds, _say),
        "kill": lambda: recovery.containers_killed(peers, rounds, _say),
        "dns": lambda: answering.during_deployment(lab, peers, _say),
        "host": lambda: recovery.hosts_lost(peers, max(1, rounds // 2), _say),
    }
    return [row for name, part in parts.items() if name in wanted for row in part()]


def _placement() -> list[Row]:
    rows = []
    for figure in bench_scheduler.figures():
        peer = f"{figure.peer} ms (swarmkit)" if figure.peer else ""
        better = ratio(figure.peer / figure.median) if figure.peer else ""
        rows.append(Row(f"placement: {figure.name.strip()}", f"{figure.median:.0f} ms", peer, f"≤ {figure.limit} ms",
                        better, good=figure.median <= figure.limit))  # fmt: skip
    return rows


def _notes(began: float, load: tuple[float, float, float], wanted: Sequence[str]) -> list[str]:
    notes = [
        f"{os.cpu_count()} processors; load {load[0]:.1f} before and {os.getloadavg()[0]:.1f} after; "
        f"{time.monotonic() - began:.0f} s in all. Times are medians; each peer's turns alternate.",
        "Docker Swarm: overlay network, endpoint mode dnsrr, as virtual addresses need IPVS and kernels may lack it.",
    ]
    if "placement" in wanted:
        notes.append("swarmkit's placement was measured once, on a machine like the one that set the goals.")
    return notes


def _say(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="The figures, beside Docker Swarm's.")
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME", help=f"any of {', '.join(NAMES)}")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of each measurement (default: 3)")
    parser.add_argument("--idle", type=float, default=25.0, metavar="SECONDS", help="of rest (default: 25)")
    parser.add_argument("--alone", action="store_true", help="without Docker Swarm")
    return parser.parse_args()


if __name__ == "__main__":
    main()
