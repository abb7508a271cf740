"""Seats, leases and names among processes of one database, each here a `Presence` of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from gateway.fhir.problem import Problem
from gateway.store.arrivals import Arrival
from gateway.store.postgres.inbox import PostgresInbox
from gateway.store.postgres.pool import HeldPool, open_pool
from gateway.store.postgres.presence import Claim, Presence
from security.audit import Journal, stranger
from security.audit.fsck import verify
from security.crypto import Keys
from tests.gateway.workers.conftest import until

NOON = datetime(2026, 3, 12, 4, 0, tzinfo=UTC)
Opened = Callable[[], Awaitable[Presence]]


@pytest.fixture
async def pool(database: str) -> AsyncIterator[HeldPool]:
    made = await open_pool(database, size=6)
    yield made
    await made.close()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.create(tmp_path / "keys.json")


@pytest.fixture
async def opened(database: str) -> AsyncIterator[Opened]:
    """Give a way to be present once more."""
    made: list[Presence] = []

    async def opened() -> Presence:
        presence = Presence(database)
        await presence.start()
        made.append(presence)
        return presence

    yield opened
    for presence in made:
        await presence.stop()


async def cut(pool: HeldPool) -> None:
    """End every session of a presence from the server's side, as a network does; return when they are gone."""
    text = "FROM pg_stat_activity WHERE application_name = 'yiyang presence' AND datname = current_database()"
    pids = [row["pid"] for row in await pool.fetch(f"SELECT pid, pg_terminate_backend(pid) {text}")]
    await until(lambda: pool.fetchval(f"SELECT count(*) = 0 {text} AND pid = ANY ($1)", pids))


async def test_a_seat_is_taken_while_its_process_lives_and_never_given_again(pool: HeldPool, opened: Opened) -> None:
    first = await opened()
    taken = await pool.fetchval("SELECT live_seats()")
    await first.stop()
    second = await opened()
    await until(lambda: pool.fetchval("SELECT live_seats() = ARRAY[$1::int]", second.seat))

    assert taken == [first.seat]
    assert second.seat > first.seat


async def test_a_lease_is_held_by_one_and_free_when_that_one_ends(opened: Opened) -> None:
    first, second = await opened(), await opened()
    held = await first.hold("workflow"), await second.hold("workflow"), await second.hold("delivery")

    await first.stop()
    await until(lambda: second.hold("workflow"))

    assert held == (True, False, True)


async def test_a_lost_session_is_opened_anew_with_the_same_seat_and_without_its_leases(
    pool: HeldPool, opened: Opened
) -> None:
    presence, other = await opened(), await opened()
    seat = presence.seat
    assert await presence.hold("workflow")

    await cut(pool)
    await until(lambda: other.hold("workflow"))
    await until(lambda: pool.fetchval("SELECT $1 = ANY (live_seats())", seat))

    assert presence.seat == seat
    assert not await presence.hold("workflow")


async def test_what_one_announces_the_others_hear_and_not_itself(opened: Opened) -> None:
    speaker, listener = await opened(), await opened()
    heard = asyncio.Event()
    own: list[str] = []
    listener.on_news = heard.set
    speaker.on_news = lambda: own.append("heard itself")

    speaker.announce()
    async with asyncio.timeout(8):
        await heard.wait()

    assert own == []


async def test_without_a_database_nobody_takes_a_seat() -> None:
    with pytest.raises(Problem, match="STO-503"):
        await Presence("postgresql://nobody@127.0.0.1:1/nothing").start()


async def test_every_process_writes_under_a_name_of_its_own(opened: Opened) -> None:
    first, second = await opened(), await opened()

    claims = [await first.claim_writer("gateway"), await second.claim_writer("gateway")]
    await first.stop()
    third = await opened()

    assert claims == [("gateway", 1), ("gateway-2", 1)]
    assert await third.claim_writer("gateway") == ("gateway", 2)


def arrival(message: str, order: int = 7) -> Arrival:
    return Arrival("his", "json-discharge", "H1", message, message.encode(), message.encode().ljust(32, b"."), order)


def inbox_of(pool: HeldPool, keys: Keys, presence: Presence) -> PostgresInbox:
    return PostgresInbox(pool, keys, now=lambda: NOON, seat=presence.seat)


async def test_what_a_dead_worker_held_comes_again_at_once_and_in_order(
    pool: HeldPool, keys: Keys, opened: Opened
) -> None:
    dying, living = await opened(), await opened()
    first, second = inbox_of(pool, keys, dying), inbox_of(pool, keys, living)
    for name in ("m1", "m2"):
        await first.put(arrival(name), state="received", reply=b"AA", reason="")
    claimed = await first.claim(10)
    while_it_lives = await second.claim(10)

    await dying.stop()
    await until(lambda: pool.fetchval("SELECT live_seats() = ARRAY[$1::int]", living.seat))
    taken_over = await second.claim(10)

    assert [row.arrival.message_id for row in claimed] == ["m1"]
    assert while_it_lives == []
    assert [(row.arrival.message_id, row.attempts) for row in taken_over] == [("m1", 2)]


async def test_who_was_thought_dead_does_not_settle_what_another_has_taken_over(
    pool: HeldPool, keys: Keys, opened: Opened
) -> None:
    slow, quick = await opened(), await opened()
    first, second = inbox_of(pool, keys, slow), inbox_of(pool, keys, quick)
    await first.put(arrival("m1"), state="received", reply=b"AA", reason="")
    (row,) = await first.claim(1)
    await slow.stop()
    await until(lambda: pool.fetchval("SELECT live_seats() = ARRAY[$1::int]", quick.seat))
    await second.claim(1)

    await first.settle(row.arrival, state="parked", reason="X")
    in_work = await pool.fetchrow("SELECT state, seat FROM inbox")
    await second.settle(row.arrival, state="parked", reason="Y")

    assert tuple(in_work) == (1, quick.seat)
    assert [found.reason for found in await second.find("his", "m1")] == ["Y"]


async def test_a_claim_whose_answer_was_lost_does_not_keep_its_message(
    pool: HeldPool, keys: Keys, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = inbox_of(pool, keys, await opened())
    await inbox.put(arrival("m1"), state="received", reply=b"AA", reason="")
    _lose_the_next_answer(monkeypatch)
    with pytest.raises(Problem, match="STO-503"):
        await inbox.claim(10)
    lost = await pool.fetchval("SELECT state FROM inbox")

    again = await inbox.claim(10)

    assert lost == 1
    assert [row.arrival.message_id for row in again] == ["m1"]


def journal_of(pool: HeldPool, keys: Keys, presence: Presence, claim: Claim, anchor: Path) -> Journal:
    """Return a journal as `open_rooms` builds it."""
    return Journal(
        pool,
        keys,
        now=lambda: NOON,
        writer_id=claim.name,
        anchor_path=anchor,
        claim=claim.number,
        renew=lambda: presence.claim_writer("gateway"),
    )


@asynccontextmanager
async def writing(pool: HeldPool, keys: Keys, presence: Presence, anchor: Path) -> AsyncIterator[Journal]:
    journal = journal_of(pool, keys, presence, await presence.claim_writer("gateway"), anchor)
    await journal.start()
    yield journal
    await journal.stop()


async def test_a_journal_that_cannot_go_on_says_so_to_whom_it_serves(
    pool: HeldPool, keys: Keys, opened: Opened, tmp_path: Path
) -> None:
    presence = await opened()
    journal = journal_of(pool, keys, presence, await presence.claim_writer("gateway"), tmp_path / "anchor.jsonl")
    await journal.start()
    await pool.execute("UPDATE audit.head SET chain = $1 WHERE writer = 'gateway'", bytes(31) + b"x")

    for ask in (journal.append(note("after a hand in the database"), durable=True), journal.broken(), journal.stop()):
        with pytest.raises(Problem, match="SEC-951"):
            await ask


def note(text: str) -> bytes:
    return stranger("admin", at=NOON, address="", interface=text)


async def test_a_writer_whose_name_was_claimed_by_another_goes_on_under_a_new_one(
    pool: HeldPool, keys: Keys, opened: Opened, tmp_path: Path
) -> None:
    anchor = tmp_path / "anchor.jsonl"
    first, second = await opened(), await opened()
    async with writing(pool, keys, first, anchor) as slow:
        await slow.append(note("before"), durable=True)
        await first.stop()  # its session is gone, the process is not

        async with writing(pool, keys, second, anchor) as quick:
            await quick.append(note("another's"), durable=True)
            await first.start()
            await slow.append(note("after"), durable=True)
            names = quick.writer, slow.writer

    report = await verify(pool, keys, anchor)
    rows = await pool.fetch("SELECT writer, max(seq) AS last FROM audit.event GROUP BY writer ORDER BY writer")
    assert names == ("gateway", "gateway-2")
    assert [tuple(row) for row in rows] == [("gateway", 2), ("gateway-2", 1)]
    assert report.findings == []


async def test_a_writer_that_lost_name_and_answer_at_once_writes_nothing_twice(
    pool: HeldPool, keys: Keys, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor = tmp_path / "anchor.jsonl"
    async with writing(pool, keys, await opened(), anchor) as slow:
        taken = "UPDATE audit.head SET claim = claim + 1 WHERE writer = 'gateway'"
        _lose_the_next_answer(monkeypatch, meanwhile=lambda: pool.execute(taken))
        await slow.append(note("once"), durable=True)

    assert await pool.fetchval("SELECT count(*) FROM audit.event") == 1
    assert await pool.fetchval("SELECT claim FROM audit.head") == 3
    assert (await verify(pool, keys, anchor)).findings == []


async def _nothing() -> None: ...


def _lose_the_next_answer(
    monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Awaitable[object]] = _nothing
) -> None:
    """Let the next commit reach the disk and its answer be lost, as a server does that is killed in between."""
    commit = asyncpg.transaction.Transaction._Transaction__commit

    async def lost(self: asyncpg.transaction.Transaction) -> None:
        monkeypatch.undo()
        await commit(self)
        await meanwhile()
        raise ConnectionResetError

    monkeypatch.setattr(asyncpg.transaction.Transaction, "_Transaction__commit", lost)
