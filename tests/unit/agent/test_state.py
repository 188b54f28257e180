"""What the agent writes to disk is there for the next one, and a damaged file is no obstacle."""

from pathlib import Path

from swarmlite.agent.state import Ledger, StateFile
from swarmlite.protocol.link import Assignments, Changes
from tests.fakes.host import NET, a_task


async def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "agent")
    assert await file.load() is None
    whole = Assignments(node_id="n", domain="d", tasks=(a_task("t1", address="10.128.0.10"),), networks=(NET,))
    await file.save(whole, {"t1": 2})
    saved = await file.load()
    assert saved is not None
    assert (saved.assignments, saved.ran_in_place) == (whole, {"t1": 2})
    await file.remove()
    assert await file.load() is None


async def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "assignments.json").write_text("{half")
    assert await StateFile(tmp_path).load() is None


async def test_a_disk_that_cannot_be_written_is_no_end(tmp_path: Path) -> None:
    (tmp_path / "agent").write_text("a file where the directory should be")
    await StateFile(tmp_path / "agent").save(Assignments(node_id="n", domain="d"), {})


def test_changes_lead_to_the_same_as_assignments_anew() -> None:
    ledger = Ledger()
    ledger.replace(Assignments(node_id="n", domain="d", tasks=(a_task("t1"), a_task("t2")), networks=(NET,)))
    ledger.apply(Changes(tasks=(a_task("t3"),), gone_tasks=("t1",), gone_networks=(NET.id,), gone_names=(NET.id,)))
    assert ledger.whole() == Assignments(node_id="n", domain="d", tasks=(a_task("t2"), a_task("t3")))
