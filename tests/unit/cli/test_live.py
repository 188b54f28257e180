"""Progress without a terminal: few lines, each new."""

import pytest

from swarmlite.cli.live import Lines
from swarmlite.cli.progress import Assessment, ServiceProgress


def test_lines_come_for_counts_and_new_reasons_alone(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()

    def show(ready: int, note: str, reason: str = "") -> None:
        service = ServiceProgress("web", ready, 2, "done" if ready == 2 else "waiting", note, reason)
        lines.show(Assessment((service,), (), False))

    show(0, "2 pending")
    show(0, "2 starting")
    show(0, "1 rejected, 1 starting", "image demo:9 not found")
    show(0, "2 starting")
    show(0, "2 rejected", "image demo:9 not found")
    show(1, "1 starting")
    show(2, "")
    assert capsys.readouterr().out.splitlines() == [
        "web: 0/2 waiting (2 pending)",
        "web: 0/2 waiting (1 rejected, 1 starting: image demo:9 not found)",
        "web: 1/2 waiting (1 starting)",
        "web: 2/2 running",
    ]
