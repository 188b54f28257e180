"""Figure 1: thirty replicas on three hosts, from the call until all run."""

from collections.abc import Callable, Sequence
from statistics import median

from tests.bench import direct
from tests.bench.peers import Peer
from tests.bench.table import Row, ratio, seconds
from tests.lab.handle import Lab

REPLICAS = 30
LIMIT = 1.25


def measure(lab: Lab, peers: Sequence[Peer], rounds: int, say: Callable[[str], None]) -> list[Row]:
    """In turn, so that what slows this machine down slows all of them; the first turn only warms up."""
    times: dict[str, list[float]] = {"direct": [], **{peer.name: [] for peer in peers}}
    for number in range(rounds + 1):
        for name, deploy, remove in _turns(lab, peers):
            took = deploy(REPLICAS)
            remove()
            say(f"{REPLICAS} replicas, {name}: {took:.2f} s{'' if number else ' (warming up)'}")
            if number:
                times[name].append(took)
    base = times["direct"]
    names = [peer.name for peer in peers]
    ours, theirs = (seconds(median(times[names[0]])), seconds(median(times[names[1]])) if names[1:] else "")
    paired = [median(took / least for took, least in zip(times[name], base, strict=True)) for name in names]
    return [
        Row(f"{REPLICAS} replicas on {lab.hosts} hosts run", ours, theirs, f"direct calls {seconds(median(base))}", ""),
        Row.compared("  against the engine calls made directly", paired, ratio, LIMIT),
    ]


def _turns(lab: Lab, peers: Sequence[Peer]) -> list[tuple[str, Callable[[int], float], Callable[[], None]]]:
    own = [(peer.name, peer.deploy, peer.remove) for peer in peers]
    return [("direct", lambda count: direct.deploy(lab, count), lambda: direct.remove(lab)), *own]
