"""The store's contract, run on every home of the state."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from swarmlite.errors import Conflict, Unavailable
from swarmlite.model.objects import Node, Object
from swarmlite.model.spec import NodeSpec
from swarmlite.model.view import Change, Delete, Put
from swarmlite.store.base import Batch, Store
from swarmlite.store.feed import KEPT
from swarmlite.store.memory import MemoryStore
from swarmlite.store.sqlite import SqliteStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "state.db")
    yield made
    await made.close()


def node(id: str, name: str = "") -> Node:
    return Node(id=id, created_at=NOW, updated_at=NOW, spec=NodeSpec(name=name))


def by_id(objects: tuple[Object, ...]) -> dict[str, Object]:
    return {item.id: item for item in objects}


async def take(watch: AsyncIterator[Batch], count: int) -> list[Batch]:
    async with asyncio.timeout(5):
        return [await anext(watch) for _ in range(count)]


async def test_a_new_store_is_empty_at_version_0(store: Store) -> None:
    assert await store.read() == (0, ())


async def test_what_was_committed_is_read(store: Store) -> None:
    assert await store.commit([Put(node("a")), Put(node("b", "first"))], 0) == 1
    assert await store.commit([Put(node("b", "second")), Delete("node", "a"), Put(node("c"))], 1) == 2
    version, objects = await store.read()
    assert version == 2
    assert by_id(objects) == {"b": node("b", "second"), "c": node("c")}


async def test_deleting_what_is_not_there_is_no_error(store: Store) -> None:
    assert await store.commit([Delete("node", "ghost")], 0) == 1
    assert await store.read() == (1, ())


async def test_of_one_batch_the_last_word_on_an_object_counts(store: Store) -> None:
    await store.commit([Put(node("a", "first")), Put(node("a", "second")), Put(node("b")), Delete("node", "b")], 0)
    assert by_id((await store.read())[1]) == {"a": node("a", "second")}


@pytest.mark.parametrize("after", [0, 2])
async def test_a_writer_that_saw_another_version_gets_a_conflict_and_changes_nothing(store: Store, after: int) -> None:
    await store.commit([Put(node("a"))], 0)
    with pytest.raises(Conflict):
        await store.commit([Put(node("b")), Delete("node", "a")], after)
    assert await store.read() == (1, (node("a"),))


async def test_of_writers_that_saw_the_same_version_one_wins(store: Store) -> None:
    await store.read()
    results = await asyncio.gather(*(store.commit([Put(node(str(i)))], 0) for i in range(5)), return_exceptions=True)
    assert [r for r in results if not isinstance(r, Conflict)] == [1]
    assert len((await store.read())[1]) == 1


async def test_a_watcher_gets_every_batch_in_order_from_where_it_says(store: Store) -> None:
    for i in range(4):
        await store.commit([Put(node(str(i)))], i)
    late = store.watch(2)
    assert await take(late, 2) == [(3, (Put(node("2")),)), (4, (Put(node("3")),))]
    changes: list[Change] = [Put(node("x")), Delete("node", "0")]
    waiting = asyncio.create_task(take(late, 1))
    await store.commit(changes, 4)
    assert await waiting == [(5, tuple(changes))]


async def test_reading_then_watching_misses_nothing_while_others_write(store: Store) -> None:
    async def write() -> None:
        for i in range(50):
            await store.commit([Put(node(str(i)))], i)

    writing = asyncio.create_task(write())
    await take(store.watch(0), 10)
    version, _ = await store.read()
    seen = await take(store.watch(version), 50 - version)
    await writing
    assert [batch[0] for batch in seen] == list(range(version + 1, 51))


async def test_a_watcher_that_falls_too_far_behind_is_told_to_read_again(store: Store) -> None:
    slow = store.watch(0)
    await store.commit([Put(node("a"))], 0)
    await take(slow, 1)
    for i in range(1, KEPT + 3):
        await store.commit([], i)
    with pytest.raises(Conflict, match="read again"):
        await take(slow, 1)


async def test_a_refused_commit_is_not_published(store: Store) -> None:
    watch = store.watch(0)
    with pytest.raises(Conflict):
        await store.commit([Put(node("a"))], 7)
    await store.commit([Put(node("b"))], 0)
    assert await take(watch, 1) == [(1, (Put(node("b")),))]


async def test_a_cancelled_writer_leaves_all_or_nothing_and_watchers_agree_with_readers(store: Store) -> None:
    await store.read()
    writing = asyncio.create_task(store.commit([Put(node("a")), Put(node("b"))], 0))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    version, objects = await store.read()
    assert len(objects) in (0, 2)
    await store.commit([], version)
    assert [batch[0] for batch in await take(store.watch(0), version + 1)] == list(range(1, version + 2))


async def test_closing_ends_watchers_and_refuses_more(store: Store) -> None:
    await store.commit([Put(node("a"))], 0)
    watch = store.watch(1)
    waiting = asyncio.create_task(anext(watch, None))
    await asyncio.sleep(0)
    await store.close()
    async with asyncio.timeout(5):
        assert await waiting is None
    with pytest.raises(Unavailable):
        await store.commit([], 1)
    await store.close()
