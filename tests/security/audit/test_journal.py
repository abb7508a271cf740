"""The journal: what is appended is chained once, in groups, and nothing is lost or done unrecorded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from gateway.fhir.problem import Problem
from security.audit import Entry, Filter, Journal, entry, find, stranger, verify
from security.audit.writer import Pool
from security.crypto import Keys
from tests.security.audit.conftest import CALLER, NOON, Make


def record(number: int = 0) -> bytes:
    return entry(CALLER, "read", at=NOON, event=f"event-{number}", kind="CarePlan", id=f"plan-{number}")


async def pend(pool: Pool, *records: bytes) -> None:
    for packed in records:
        await pool.execute(
            "INSERT INTO audit_pending (id, ts, entry) VALUES ($1, clock_timestamp(), $2)", uuid4(), packed
        )


async def events(pool: Pool, keys: Keys) -> list[str]:
    return [found.event for found in (await find(pool, keys, Filter(), limit=500)).entries][::-1]


async def test_a_durable_entry_is_in_the_table_when_append_returns(journal: Journal, pool: Pool) -> None:
    await journal.append(record(), durable=True)

    assert await pool.fetchval("SELECT count(*) FROM audit.event") == 1


async def test_entries_come_out_as_they_went_in(journal: Journal, pool: Pool, keys: Keys) -> None:
    packed = entry(
        CALLER, "update", at=NOON, kind="Task", id="t", version=3, elder="e", outcome=8, reasons=("SEC-404",)
    )

    await journal.append(packed, durable=True)

    (found,) = (await find(pool, keys, Filter())).entries
    assert found == Entry.unpack(packed)


async def test_many_waiting_entries_share_few_commits(make: Make, pool: Pool) -> None:
    journal = make(batch=256, checkpoint_s=60)
    await journal.start()

    await asyncio.gather(*(journal.append(record(number), durable=True) for number in range(200)))

    transactions = await pool.fetchval("SELECT count(DISTINCT xmin::text) FROM audit.event")
    assert await pool.fetchval("SELECT count(*) FROM audit.event") == 200
    assert transactions <= 5
    await journal.stop()


async def test_entries_that_nobody_waits_for_are_there_after_stop(make: Make, pool: Pool, keys: Keys) -> None:
    journal = make(linger_s=60)
    await journal.start()
    for number in range(30):
        await journal.append(record(number), durable=False)

    await journal.stop()

    assert await events(pool, keys) == [f"event-{number}" for number in range(30)]


async def test_what_a_commit_left_pending_is_chained_in_order_and_once(
    make: Make, pool: Pool, keys: Keys, anchor_path: Path
) -> None:
    await pend(pool, *(record(number) for number in range(7)))
    journal = make(batch=3)
    await journal.start()

    await journal.stop()

    assert await events(pool, keys) == [f"event-{number}" for number in range(7)]
    assert await pool.fetchval("SELECT count(*) FROM audit_pending") == 0
    assert (await verify(pool, keys, anchor_path)).ok


async def test_a_kick_brings_in_what_is_pending(journal: Journal, pool: Pool) -> None:
    await pend(pool, record(1))
    journal.kick()

    await journal.append(record(2), durable=True)

    assert await pool.fetchval("SELECT count(*) FROM audit.event") == 2


async def test_a_writer_killed_between_pending_and_chain_loses_nothing_and_chains_once(
    make: Make, pool: Pool, keys: Keys, anchor_path: Path
) -> None:
    killed = make(poll_s=0.01)
    await killed.start()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM audit.head FOR UPDATE")  # holds the writer inside its transaction
        await pend(pool, *(record(number) for number in range(5)))
        killed.kick()
        await blocked(pool)
        task = killed._task
        assert task is not None
        task.cancel()
        await asyncio.wait((task,))
    successor = make()
    await successor.start()
    await successor.stop()

    assert await events(pool, keys) == [f"event-{number}" for number in range(5)]
    assert (await verify(pool, keys, anchor_path)).ok
    with pytest.raises(Problem):
        await killed.stop()


async def blocked(pool: Pool) -> None:
    """Wait until the journal's transaction waits for a lock."""
    async with asyncio.timeout(30):
        while not await pool.fetchval(  # noqa: ASYNC110 - the database has no event for it
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ):
            await asyncio.sleep(0)


async def test_a_killed_writer_refuses_what_comes_after(make: Make) -> None:
    journal = make()
    await journal.start()
    task = journal._task
    assert task is not None
    task.cancel()
    await asyncio.wait((task,))

    with pytest.raises(Problem) as caught:
        await journal.append(record(), durable=False)

    assert caught.value.code == "SEC-503"
    with pytest.raises(Problem):
        await journal.stop()


async def test_a_full_journal_pushes_back_and_then_refuses(make: Make, pool: Pool) -> None:
    journal = make(capacity=3, patience_s=0.01, linger_s=0, batch=256)
    await journal.start()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM audit.head FOR UPDATE")
        journal.kick()
        await blocked(pool)
        for number in range(3):
            await journal.append(record(number), durable=False)

        with pytest.raises(Problem) as caught:
            await journal.append(record(3), durable=False)

    assert caught.value.code == "SEC-503"
    await journal.stop()
    assert await pool.fetchval("SELECT count(*) FROM audit.event") == 3


async def test_an_append_that_had_to_wait_for_room_goes_on_when_there_is_some(make: Make, pool: Pool) -> None:
    journal = make(capacity=3, patience_s=60, linger_s=0)
    await journal.start()

    async with asyncio.timeout(60):
        await asyncio.gather(*(journal.append(record(number), durable=False) for number in range(50)))

    await journal.stop()
    assert await pool.fetchval("SELECT count(*) FROM audit.event") == 50


async def test_two_writers_keep_a_chain_each_and_one_checkpoint_covers_both(
    make: Make, pool: Pool, keys: Keys, anchor_path: Path
) -> None:
    one, two = make("w1"), make("w2")
    await one.start()
    await two.start()
    await asyncio.gather(*((one, two)[number % 2].append(record(number), durable=True) for number in range(40)))
    await one.stop()
    await two.stop()

    report = await verify(pool, keys, anchor_path)
    note = await pool.fetchval("SELECT note FROM audit.checkpoint ORDER BY number DESC LIMIT 1")

    assert report.ok
    assert (report.events, report.writers) == (40, 2)
    assert [line.split()[1:3] for line in note.splitlines() if line.startswith("head ")] == [["w1", "20"], ["w2", "20"]]
    assert note.splitlines()[1] == "40"


async def test_a_second_process_under_the_same_name_stops_both_from_forking_the_chain(make: Make) -> None:
    one, two = make("w1"), make("w1")
    await one.start()
    await two.start()
    await one.append(record(1), durable=True)

    with pytest.raises(Problem) as caught:
        await two.append(record(2), durable=True)

    assert caught.value.code == "SEC-951"
    await one.stop()
    with pytest.raises(Problem):
        await two.stop()


async def test_a_restarted_journal_goes_on_with_its_chain(
    make: Make, pool: Pool, keys: Keys, anchor_path: Path
) -> None:
    for number in range(3):
        journal = make()
        await journal.start()
        await journal.append(record(number), durable=True)
        await journal.stop()

    assert journal.head.seq == 3
    assert (await verify(pool, keys, anchor_path)).ok


async def test_a_lost_answer_to_a_commit_that_reached_the_disk_chains_once(
    make: Make, pool: Pool, keys: Keys, anchor_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = make(retry_s=0)
    await journal.start()
    commit, calls = journal._writer.commit, 0

    async def lossy(entries: list[bytes], *, look: bool, limit: int) -> tuple[int, bool]:
        nonlocal calls
        before = journal._writer.head
        answer = await commit(entries, look=look, limit=limit)
        if entries and (calls := calls + 1) == 1:
            journal._writer.head = before
            raise ConnectionResetError
        return answer

    monkeypatch.setattr(journal._writer, "commit", lossy)
    await journal.append(record(1), durable=True)
    await journal.stop()

    assert calls == 2
    assert await events(pool, keys) == ["event-1"]
    assert (await verify(pool, keys, anchor_path)).ok


async def test_bytes_that_are_no_entry_are_kept_as_such(journal: Journal, pool: Pool) -> None:
    await journal.append(b"not a record", durable=True)

    assert await pool.fetchval("SELECT action FROM audit.event") == "unreadable"


async def test_nothing_readable_of_an_entry_is_in_the_table(journal: Journal, pool: Pool) -> None:
    await journal.append(
        entry(CALLER, "read", at=NOON, kind="CarePlan", id="canary-id", elder="canary-elder"), durable=True
    )

    row = await pool.fetchrow("SELECT e::text AS text, body FROM audit.event e")

    assert "canary" not in row["text"]
    assert b"canary" not in row["body"]


async def test_an_anchor_that_cannot_be_written_stops_the_start(make: Make, anchor_path: Path) -> None:
    anchor_path.mkdir()  # noqa: ASYNC240

    with pytest.raises(Problem) as caught:
        await make().start()

    assert caught.value.code == "SEC-952"


async def test_a_checkpoint_that_a_crash_kept_from_the_anchor_is_anchored_at_the_next_start(
    make: Make, pool: Pool, keys: Keys, anchor_path: Path
) -> None:
    journal = make()
    await journal.start()
    await journal.append(record(), durable=True)
    await journal.stop()
    anchor_path.write_bytes(b'{"note":"to')  # noqa: ASYNC240

    again = make()
    await again.start()
    await again.stop()

    assert (await verify(pool, keys, anchor_path)).anchored == 1


async def test_the_auditor_finds_entries_by_what_they_say_page_by_page(
    journal: Journal, pool: Pool, keys: Keys
) -> None:
    for number in range(6):
        await journal.append(
            entry(CALLER, "read", at=NOON, event=f"e{number}", kind="CarePlan", id=str(number), elder=f"p{number % 2}"),
            durable=True,
        )
    await journal.append(stranger("refuse", at=NOON, address="10.9.9.9", outcome=8), durable=True)

    first = await find(pool, keys, Filter(elder="p1"), limit=2)
    second = await find(pool, keys, Filter(elder="p1"), limit=2, cursor=first.next)

    assert [found.event for found in first.entries] == ["e5", "e3"]
    assert ([found.event for found in second.entries], second.next) == (["e1"], "")
    assert [found.event for found in (await find(pool, keys, Filter(entity="CarePlan/4"))).entries] == ["e4"]
    assert len((await find(pool, keys, Filter(agent="station-carer", action="read"))).entries) == 6
    assert [found.address for found in (await find(pool, keys, Filter(outcome=8))).entries] == ["10.9.9.9"]
    assert (await find(pool, keys, Filter(until=NOON))).entries == ()
    assert len((await find(pool, keys, Filter(since=NOON, event="e2"))).entries) == 1


async def test_a_cursor_that_is_none_is_refused(pool: Pool, keys: Keys) -> None:
    with pytest.raises(Problem) as caught:
        await find(pool, keys, Filter(), cursor="x")

    assert caught.value.code == "SEC-953"
