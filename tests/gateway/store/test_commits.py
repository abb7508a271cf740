"""A batch as every store commits it: all or nothing, once, also when many write at the same time."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from gateway.fhir.problem import Problem
from gateway.store.postgres.pool import open_pool
from gateway.store.postgres.statistics import FIRST
from gateway.store.postgres.store import PostgresStore
from gateway.store.protocol import MUST_NOT_EXIST, Batch, FhirStore
from tests.gateway.store.conftest import PostgresWorld
from tests.gateway.store.making import current, deletion, observation, patient, put, write


async def test_outcomes_come_in_the_order_of_the_writes(store: FhirStore) -> None:
    done = await store.commit(Batch((write(observation("o2")), write(patient("p1")), write(observation("o1")))))

    assert [each.stored.id for each in done] == ["o2", "p1", "o1"]


async def test_a_batch_is_all_or_nothing(store: FhirStore) -> None:
    await put(store, patient())

    with pytest.raises(Problem, match="STO-412"):
        await store.commit(Batch((write(patient("p2")), write(patient(gender="male"), expect=7)), entries=(b"entry",)))

    assert await store.read("Patient", "p2") is None


async def test_an_empty_batch_does_nothing(store: FhirStore) -> None:
    assert await store.commit(Batch()) == ()


async def test_two_writes_of_one_resource_are_a_fault(store: FhirStore) -> None:
    with pytest.raises(ValueError, match="two writes"):
        await store.commit(Batch((write(patient()), write(patient()))))


async def test_parallel_writers_without_a_version_all_succeed(store: FhirStore) -> None:
    await put(store, patient())

    await asyncio.gather(*(put(store, patient(gender=f"g{number}")) for number in range(20)))

    assert (await current(store, "Patient", "p1")).version == 21


async def test_of_parallel_writers_with_one_version_one_succeeds(store: FhirStore) -> None:
    await put(store, patient())
    batches = [Batch((write(patient(gender=f"g{number}"), expect=1),)) for number in range(6)]

    outcomes = await asyncio.gather(*map(store.commit, batches), return_exceptions=True)

    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert [problem.code for problem in refused] == ["STO-412"] * 5
    assert (await current(store, "Patient", "p1")).version == 2


async def test_parallel_creates_of_one_id_make_one(store: FhirStore) -> None:
    batch = Batch((write(patient(), expect=MUST_NOT_EXIST),))

    outcomes = await asyncio.gather(*(store.commit(batch) for _ in range(5)), return_exceptions=True)

    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert [problem.code for problem in refused] == ["STO-412"] * 4


async def test_batches_over_the_same_rows_in_any_order_do_not_block_each_other(store: FhirStore) -> None:
    docs = [patient("p1"), patient("p2"), observation("o1"), observation("o2")]
    await put(store, *docs)
    changed = [[{**doc, "language": f"l{turn}"} for doc in docs] for turn in range(8)]

    await asyncio.gather(*(put(store, *(row if turn % 2 else row[::-1])) for turn, row in enumerate(changed)))

    assert (await current(store, "Observation", "o2")).version == 9


async def test_a_deadlock_with_somebody_else_is_tried_again(
    store: FhirStore, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    await put(store, patient("p1"), patient("p2"))
    await connection.execute("SET deadlock_timeout = '10s'")  # so that the store's side is the one that is ended
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM res WHERE id = 'p2' FOR UPDATE")
        waiting = asyncio.create_task(put(store, patient("p1", gender="male"), patient("p2", gender="male")))
        await _until_locked_out(connection)
        await connection.execute("SELECT 1 FROM res WHERE id = 'p1' FOR UPDATE")
    await waiting

    assert (await current(store, "Patient", "p2")).version == 2


async def test_a_consumers_cursor_only_advances(store: FhirStore) -> None:
    await store.commit(Batch(cursors=(("workflow", "0002"),)))

    with pytest.raises(Problem, match="STO-409"):
        await store.commit(Batch((write(patient()),), cursors=(("workflow", "0001"),)))

    assert await store.cursor_of("workflow") == "0002"
    assert await store.read("Patient", "p1") is None


async def test_of_two_consumers_at_one_place_one_has_effect(store: FhirStore) -> None:
    batches = [Batch((write(patient(f"p{number}")),), cursors=(("workflow", "0005"),)) for number in range(2)]

    outcomes = await asyncio.gather(*map(store.commit, batches), return_exceptions=True)

    assert [outcome.code for outcome in outcomes if isinstance(outcome, Problem)] == ["STO-409"]
    assert len(await store.read_many([("Patient", "p0"), ("Patient", "p1")])) == 1


async def test_a_consumer_may_start_anew(store: FhirStore) -> None:
    await store.commit(Batch(cursors=(("workflow", "0002"),)))

    await store.commit(Batch(cursors=(("workflow", ""),)))

    assert await store.cursor_of("workflow") == ""


async def test_an_entry_travels_in_the_commit(store: FhirStore, connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await store.commit(Batch((write(patient()),), entries=(b"one", b"two")))

    assert {row["entry"] for row in await connection.fetch("SELECT entry FROM audit_pending")} == {b"one", b"two"}


async def test_a_commit_is_durable_whatever_the_server_defaults_to(world: PostgresWorld) -> None:
    assert await world.pool.fetchval("SHOW synchronous_commit") == "on"


async def test_a_lost_connection_is_replaced_for_a_read(
    world: PostgresWorld, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    await put(world.store, patient())
    await connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )

    assert (await current(world.store, "Patient", "p1")).version == 1


async def test_without_the_database_a_problem_says_so(world: PostgresWorld) -> None:
    pool = await open_pool(world.dsn, size=2)
    store = PostgresStore(pool, world.keys, now=world.clock)
    await pool.close()

    with pytest.raises(Problem, match="STO-503"):
        await store.read("Patient", "p1")
    with pytest.raises(Problem, match="STO-503"):
        await store.commit(Batch((write(patient()),)))


async def test_a_deleted_resource_leaves_no_index_behind(
    store: FhirStore, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    await put(store, patient(), observation("o1", "2026-01-01"))
    await store.commit(Batch((deletion(patient()), deletion(observation("o1")))))

    left = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM ident), (SELECT count(*) FROM dat), (SELECT sum(cardinality(keys)) FROM res)"
    )

    assert left is not None
    assert tuple(left) == (0, 0, 0)


async def _until_locked_out(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Wait until somebody waits for a lock in this database."""
    question = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while not await connection.fetchval(question):  # noqa: ASYNC110 - the event is in another process
            await asyncio.sleep(0.01)


async def test_a_write_that_changes_nothing_waits_for_nobody(
    store: FhirStore, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    await put(store, patient())

    async with connection.transaction():
        await connection.execute("SELECT 1 FROM res WHERE id = 'p1' FOR UPDATE")
        (same,) = await store.commit(Batch((write(patient()),)))

    assert not same.changed


async def test_a_store_that_fills_is_analyzed(world: PostgresWorld) -> None:
    analyzed = "SELECT last_analyze FROM pg_stat_user_tables WHERE relname = 'res_patient'"
    before = await world.pool.fetchval(analyzed)

    await world.store.commit(Batch(tuple(write(patient(f"p{number}")) for number in range(FIRST))))

    async with asyncio.timeout(20):
        while await world.pool.fetchval(analyzed) in (None, before):  # noqa: ASYNC110 - PostgreSQL tells nobody
            await asyncio.sleep(0)
