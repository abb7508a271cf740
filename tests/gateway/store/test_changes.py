"""The change feed: every change once, in commit order, none lost behind a slow transaction."""

from __future__ import annotations

import asyncio
import random

import asyncpg

from gateway.store.protocol import Batch, Changes, FhirStore
from tests.gateway.store.making import current, deletion, ids, observation, patient, put


async def drained(store: FhirStore, cursor: str = "", *, limit: int = 100, wanted: int = 0) -> tuple[list[str], str]:
    """Return the ids of what changed after ``cursor``, and the new cursor.

    Goes on until ``wanted`` were told: PostgreSQL's own upkeep may hold the horizon back for a moment.
    """
    found: list[str] = []
    async with asyncio.timeout(10):
        while True:
            stretch = await store.changes(cursor, limit=limit)
            found += ids(stretch.rows)
            cursor = stretch.cursor
            if not stretch.rows and len(found) >= wanted:
                return found, cursor
            await asyncio.sleep(0 if stretch.rows else 0.02)


async def test_changes_come_in_commit_order_and_end(store: FhirStore) -> None:
    for id in ("p1", "p2", "p3"):
        await put(store, patient(id))

    found, cursor = await drained(store, limit=2, wanted=3)

    assert found == ["p1", "p2", "p3"]
    assert await store.changes(cursor) == Changes((), cursor)


async def test_a_batch_larger_than_the_limit_is_told_in_pieces(store: FhirStore) -> None:
    await put(store, *(patient(f"p{number}") for number in range(7)))

    found, _ = await drained(store, limit=3, wanted=7)

    assert sorted(found) == [f"p{number}" for number in range(7)]


async def test_only_the_newest_version_is_told_and_a_deletion_as_one(store: FhirStore) -> None:
    await put(store, patient())
    await put(store, patient(gender="female"))
    await store.commit(Batch((deletion(patient()),)))
    await drained(store, wanted=1)

    (row,) = (await store.changes("")).rows

    assert (row.version, row.deleted) == (3, True)


async def test_a_write_that_changes_nothing_is_not_told(store: FhirStore) -> None:
    await put(store, patient("p1"))
    _, cursor = await drained(store, wanted=1)
    await put(store, patient("p1"))
    await put(store, patient("p2"))

    assert (await drained(store, cursor, wanted=1))[0] == ["p2"]


async def test_what_commits_beside_an_older_open_transaction_is_told_when_that_ends(
    store: FhirStore, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("INSERT INTO feed_cursor VALUES ('slow', '')")
    await put(store, patient())

    while_open = await store.changes("")
    await transaction.rollback()
    after, _ = await drained(store, while_open.cursor, wanted=1)

    assert (while_open.rows, after) == ((), ["p1"])


async def test_a_slow_transaction_that_began_first_and_commits_last_is_not_lost(
    store: FhirStore, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    await put(store, patient("slow"), patient("fast"))
    _, cursor = await drained(store, wanted=2)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("UPDATE res SET xid = pg_current_xact_id() WHERE id = 'slow'")
    await put(store, patient("fast", gender="male"))
    early, cursor = await drained(store, cursor)
    await transaction.commit()

    late, _ = await drained(store, cursor, wanted=2)

    assert (early, late) == ([], ["slow", "fast"])


async def test_a_follower_among_many_slow_writers_sees_every_change(
    store: FhirStore, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    chance = random.Random(7)  # noqa: S311 - a test's order of events
    expected = sorted(f"{name}-{number}" for name in "abcd" for number in range(10))
    written = asyncio.Event()

    async def disturb() -> None:
        while not written.is_set():
            async with connection.transaction():
                await connection.execute("SELECT pg_current_xact_id()")
                await asyncio.sleep(chance.random() / 50)

    async def writer(name: str) -> None:
        for number in range(10):
            await put(store, patient(f"{name}-{number}"))
            await asyncio.sleep(chance.random() / 200)

    disturbing = asyncio.create_task(disturb())
    following = asyncio.create_task(drained(store, limit=3, wanted=len(expected)))
    await asyncio.gather(*(writer(name) for name in "abcd"))
    written.set()
    await disturbing

    found, _ = await following

    assert sorted(found) == expected


async def test_a_follower_is_woken_by_a_commit(store: FhirStore) -> None:
    await put(store, patient("before"))
    woken = store.follow()
    waiting = asyncio.ensure_future(anext(woken))
    await asyncio.sleep(0)
    await put(store, patient())

    await asyncio.wait_for(waiting, 0.3)

    assert (await current(store, "Patient", "p1")).version == 1
    await woken.aclose()  # type: ignore[attr-defined]


async def test_a_follower_looks_by_itself_for_what_others_commit(store: FhirStore) -> None:
    woken = store.follow()

    await asyncio.wait_for(anext(woken), 2)

    assert (await store.changes("")).rows == ()
    await woken.aclose()  # type: ignore[attr-defined]


async def test_the_feed_goes_by_the_numbers_of_transactions_also_when_they_get_a_digit_more(
    store: FhirStore, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    await put(store, patient("p1"))
    await put(store, patient("p2"))
    for id, xid in (("p1", "99"), ("p2", "100")):
        await connection.execute("UPDATE res SET xid = $1::text::xid8 WHERE id = $2", xid, id)

    found, _ = await drained(store, limit=1, wanted=2)

    assert found == ["p1", "p2"]


async def test_a_follower_of_some_kinds_is_told_only_those_and_passes_the_others(store: FhirStore) -> None:
    await put(store, observation("o1"))
    await put(store, patient("p1"))
    await put(store, observation("o2"))
    _, end = await drained(store, wanted=3)

    found = await store.changes("", kinds=["Patient"])

    assert (ids(found.rows), found.cursor) == (["p1"], end)
