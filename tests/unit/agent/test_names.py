"""The names' table: the manager's word, corrected by what the host sees of its own tasks."""

from msgspec.structs import replace

from swarmlite.agent.held import Held, Seen
from swarmlite.agent.names import NameBook
from swarmlite.engine.base import ContainerState
from swarmlite.model.states import TaskState
from swarmlite.protocol.names import Client, NameTable, NetworkNames, updated
from tests.fakes.host import NET, a_task

LOCAL, REMOTE = "10.128.0.10", "10.128.0.11"
RUNNING = Seen(id="c", state=ContainerState.RUNNING)
DEAD = Seen(id="c", state=ContainerState.EXITED)


def said(*addresses: str) -> NetworkNames:
    return NetworkNames(id=NET.id, subnet=NET.subnet, names={"web": addresses, "tasks.web": addresses})


def local(seen: Seen | None, desired: TaskState = TaskState.RUNNING) -> Held:
    return Held(id="t1", task=a_task("t1", address=LOCAL, desired=desired), seen=seen)


def answers(book: NameBook, held: Held, *, sure: bool = True, alone: bool = False) -> tuple[str, ...]:
    book.look([held], sure=sure, alone=alone)
    return book.table("d").networks[NET.id].names["web"]


def test_a_local_replica_that_dies_leaves_every_name_at_once() -> None:
    book = NameBook()
    book.put([said(LOCAL, REMOTE)])
    assert answers(book, local(RUNNING)) == (LOCAL, REMOTE)
    assert answers(book, local(DEAD)) == (REMOTE,)
    assert answers(book, local(None)) == (REMOTE,)
    assert answers(book, local(replace(RUNNING, health="unhealthy"))) == (REMOTE,)
    assert answers(book, local(replace(RUNNING, health="starting"))) == (REMOTE,)
    assert answers(book, local(RUNNING, TaskState.SHUTDOWN)) == (REMOTE,)


def test_before_the_first_listing_nothing_is_taken_out() -> None:
    book = NameBook()
    book.put([said(LOCAL)])
    assert answers(book, local(None), sure=False) == (LOCAL,)


def test_without_a_manager_a_replica_that_runs_again_is_put_back() -> None:
    book = NameBook()
    book.put([said(LOCAL, REMOTE)])
    book.put([said(REMOTE)])
    assert answers(book, local(RUNNING)) == (REMOTE,)
    assert answers(book, local(RUNNING), alone=True) == (REMOTE, LOCAL)
    assert answers(book, local(DEAD), alone=True) == (REMOTE,)


def test_an_address_given_to_another_service_does_not_come_back_as_the_old_one() -> None:
    book = NameBook()
    book.put([said(LOCAL)])
    book.put([NetworkNames(id=NET.id, subnet=NET.subnet, names={"web": (), "db": (LOCAL,)})])
    book.put([NetworkNames(id=NET.id, subnet=NET.subnet, names={"web": (), "db": ()})])
    book.look([local(RUNNING)], sure=True, alone=True)
    assert book.table("d").networks[NET.id].names == {"web": (), "db": (LOCAL,)}


def test_updates_lead_from_any_table_to_the_next() -> None:
    book = NameBook()
    table = NameTable(version=0)
    book.put([said(LOCAL, REMOTE)])
    book.look([local(RUNNING)], sure=True, alone=False)
    for step in ("first", "dead", "same", "gone"):
        if step == "dead":
            book.look([local(DEAD)], sure=True, alone=False)
        if step == "gone":
            book.replace([])
            book.look([], sure=True, alone=False)
        update = book.update()
        if step == "same":
            assert update is None
            continue
        assert update is not None
        table = updated(table, update)
        if step == "first":
            assert table.clients == {LOCAL: Client(networks=(NET.id,), addresses=(LOCAL,))}
        if step == "dead":
            assert table.networks[NET.id].names["web"] == (REMOTE,)
    assert table.networks == {}
    assert table.clients == {}
