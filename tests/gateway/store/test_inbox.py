"""The inbox on PostgreSQL: kept once, worked on in order, never lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import asyncpg
import pytest

from gateway.fhir.problem import Problem
from gateway.store.arrivals import Arrival, InboxRow
from gateway.store.postgres.inbox import LEASE, RETRY, PostgresInbox
from gateway.store.postgres.pool import open_pool
from gateway.store.protocol import Batch, FhirStore, InboxMark
from tests.gateway.store.conftest import PostgresWorld
from tests.gateway.store.making import current, patient, put, write


def arrival(message: str = "m1", raw: bytes = b"raw", order: int = 7) -> Arrival:
    return Arrival("his", "json-discharge", "H1", message, raw, raw.ljust(32, b"."), order)


async def received(inbox: PostgresInbox, message: str = "m1", order: int = 7) -> Arrival:
    made = arrival(message, message.encode(), order)
    await inbox.put(made, state="received", reply=b"AA", reason="")
    return made


def names(rows: list[InboxRow] | tuple[InboxRow, ...]) -> list[str]:
    return [row.arrival.message_id for row in rows]


async def test_a_new_message_is_kept_and_claimed_once(inbox: PostgresInbox) -> None:
    new = await inbox.put(arrival(), state="received", reply=b"AA", reason="")

    claimed = await inbox.claim(10)

    assert new is None
    assert [(row.arrival, row.reply, row.state, row.attempts) for row in claimed] == [(arrival(), b"AA", "received", 1)]
    assert await inbox.claim(10) == []


async def test_the_same_message_again_is_told_by_its_row(inbox: PostgresInbox) -> None:
    await inbox.put(arrival(), state="received", reply=b"AA", reason="")

    known = await inbox.put(arrival(), state="received", reply=b"other", reason="")

    assert known is not None
    assert (known.arrival, known.reply) == (arrival(), b"AA")
    assert len(await inbox.find("his", "m1")) == 1


async def test_the_same_message_sent_many_times_at_once_is_kept_once(inbox: PostgresInbox) -> None:
    outcomes = await asyncio.gather(*(inbox.put(arrival(), state="received", reply=b"AA", reason="") for _ in range(6)))

    assert outcomes.count(None) == 1
    assert len(await inbox.find("his", "m1")) == 1


async def test_other_content_under_a_known_id_is_kept_beside_it_and_held_back(inbox: PostgresInbox) -> None:
    await inbox.put(arrival(), state="received", reply=b"AA", reason="")
    await inbox.claim(1)

    known = await inbox.put(arrival(raw=b"other"), state="received", reply=b"AA", reason="")

    assert known is not None
    assert known.arrival.raw == b"raw"
    assert {row.arrival.raw: (row.state, row.reply) for row in await inbox.find("his", "m1")} == {
        b"raw": ("received", b"AA"),
        b"other": ("parked", b""),
    }
    assert await inbox.claim(10) == []


async def test_the_same_id_of_another_sender_is_another_message(inbox: PostgresInbox) -> None:
    other = Arrival("lis", "json-discharge", "H2", "m1", b"raw", b"raw".ljust(32, b"."), 9)
    await inbox.put(arrival(), state="received", reply=b"", reason="")

    assert await inbox.put(other, state="received", reply=b"", reason="") is None


async def test_messages_of_one_elder_are_claimed_one_after_another_oldest_first(inbox: PostgresInbox) -> None:
    for name, order in (("m1", 7), ("m2", 7), ("m3", 8)):
        await received(inbox, name, order)

    first = await inbox.claim(10)
    blocked = await inbox.claim(10)
    await inbox.settle(first[0].arrival, state="parked", reason="X")
    second = await inbox.claim(10)

    assert (names([*first]), blocked, names([*second])) == (["m1", "m3"], [], ["m2"])


async def test_messages_whose_elder_nobody_can_tell_wait_for_none(inbox: PostgresInbox) -> None:
    for name in ("m1", "m2", "m3"):
        await received(inbox, name, 0)

    assert len(await inbox.claim(10)) == 3


async def test_a_message_that_shows_up_late_waits_for_a_younger_one_in_work(
    inbox: PostgresInbox, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    await received(inbox, "younger")
    await inbox.claim(10)
    await received(inbox, "older")
    await connection.execute("UPDATE inbox SET received = received - interval '1 minute' WHERE msg_id = 'older'")

    assert await inbox.claim(10) == []


async def test_many_workers_never_hold_two_messages_of_one_elder(inbox: PostgresInbox) -> None:
    for number in range(24):
        await received(inbox, f"m{number}", 1 + number % 3)

    claims = await asyncio.gather(*(inbox.claim(2) for _ in range(6)))

    assert Counter(row.arrival.order for rows in claims for row in rows) == {1: 1, 2: 1, 3: 1}


async def test_a_dead_workers_message_comes_again(inbox: PostgresInbox, world: PostgresWorld) -> None:
    await received(inbox)
    await inbox.claim(10)

    world.clock.at += LEASE
    again = await inbox.claim(10)

    assert [row.attempts for row in again] == [2]


async def test_a_message_that_met_a_fault_waits_a_little_longer_each_time(
    inbox: PostgresInbox, world: PostgresWorld
) -> None:
    made = await received(inbox)
    for attempt in (1, 2, 3):
        assert names([*await inbox.claim(10)]) == ["m1"]
        await inbox.settle(made, state="received", reason="IN-010")
        world.clock.at += RETRY * attempt - timedelta(milliseconds=50)
        assert await inbox.claim(10) == []
        world.clock.at += timedelta(milliseconds=100)


async def test_a_pause_is_over_when_the_clock_is_set_back(inbox: PostgresInbox, world: PostgresWorld) -> None:
    made = await received(inbox)
    await inbox.claim(10)
    await inbox.settle(made, state="received", reason="IN-010")

    world.clock.at -= timedelta(hours=1)

    assert names([*await inbox.claim(10)]) == ["m1"]


async def test_order_holds_although_the_databases_clock_is_set_back(inbox: PostgresInbox, world: PostgresWorld) -> None:
    first = await received(inbox, "m1")
    await world.pool.execute("UPDATE inbox SET received = received + interval '1 hour'")
    await received(inbox, "m2")

    taken = [names([*await inbox.claim(10)])]
    await inbox.settle(first, state="parked", reason="ID-001")
    taken.append(names([*await inbox.claim(10)]))

    assert taken == [["m1"], ["m2"]]


async def test_a_message_handed_back_without_a_reason_is_taken_at_once(inbox: PostgresInbox) -> None:
    made = await received(inbox)
    await inbox.claim(10)
    await inbox.settle(made, state="received", reason="")

    assert names([*await inbox.claim(10)]) == ["m1"]


async def test_settling_keeps_the_reply_unless_a_new_one_is_given(inbox: PostgresInbox) -> None:
    made = await received(inbox)
    await inbox.settle(made, state="parked", reason="ID-002")
    (kept,) = await inbox.find("his", "m1")
    await inbox.settle(made, state="parked", reason="ID-002", reply=b"AE")
    (changed,) = await inbox.find("his", "m1")

    assert (kept.state, kept.reason, kept.reply, changed.reply) == ("parked", "ID-002", b"AA", b"AE")


@pytest.mark.parametrize("state", ["parked", "dead"])
async def test_a_parked_or_dead_message_is_replayed_as_if_new(inbox: PostgresInbox, state: str) -> None:
    made = await received(inbox)
    await inbox.claim(10)
    await inbox.settle(made, state=state, reason="IN-010")

    assert await inbox.replay(made)

    (row,) = await inbox.claim(10)
    assert (row.attempts, row.reason) == (1, "")


async def test_what_is_not_parked_or_dead_is_not_replayed(inbox: PostgresInbox) -> None:
    made = await received(inbox)

    assert not await inbox.replay(made)
    assert not await inbox.replay(arrival("nobody"))


async def test_a_mark_stores_the_message_with_the_commit_and_only_once(store: FhirStore, inbox: PostgresInbox) -> None:
    made = await received(inbox)
    mark = InboxMark("his", "m1", made.digest, "stored")
    await store.commit(Batch((write(patient()),), marks=(mark,)))

    with pytest.raises(Problem, match="STO-409"):
        await store.commit(Batch((write(patient(gender="male")),), marks=(mark,)))

    assert (await current(store, "Patient", "p1")).version == 1
    assert [(row.state, row.reply) for row in await inbox.find("his", "m1")] == [("stored", b"AA")]


async def test_two_workers_of_one_message_have_one_effect(store: FhirStore, inbox: PostgresInbox) -> None:
    made = await received(inbox)
    batches = [
        Batch((write(patient(f"p{number}")),), marks=(InboxMark("his", "m1", made.digest, "stored"),))
        for number in range(2)
    ]

    outcomes = await asyncio.gather(*map(store.commit, batches), return_exceptions=True)

    assert [outcome.code for outcome in outcomes if isinstance(outcome, Problem)] == ["STO-409"]
    assert len(await store.read_many([("Patient", "p0"), ("Patient", "p1")])) == 1


async def test_a_refused_commit_leaves_the_message_where_it_was(store: FhirStore, inbox: PostgresInbox) -> None:
    made = await received(inbox)
    await put(store, patient())

    with pytest.raises(Problem, match="STO-412"):
        await store.commit(
            Batch((write(patient(gender="male"), expect=9),), marks=(InboxMark("his", "m1", made.digest, "stored"),))
        )

    assert [row.state for row in await inbox.find("his", "m1")] == ["received"]


async def test_a_mark_of_an_unknown_message_is_refused(store: FhirStore) -> None:
    with pytest.raises(Problem, match="STO-409"):
        await store.commit(Batch(marks=(InboxMark("his", "nobody", b"x", "stored"),)))


async def test_a_stored_message_stays_stored(store: FhirStore, inbox: PostgresInbox) -> None:
    made = await received(inbox)
    await store.commit(Batch(marks=(InboxMark("his", "m1", made.digest, "stored", result=b"done"),)))

    await inbox.settle(made, state="parked", reason="X")

    assert [(row.state, row.reply) for row in await inbox.find("his", "m1")] == [("stored", b"done")]
    assert not await inbox.replay(made)


async def test_the_inbox_pages_newest_first(inbox: PostgresInbox) -> None:
    for number in range(5):
        await inbox.put(arrival(f"m{number}", str(number).encode()), state="parked", reply=b"", reason="X")

    first, cursor = await inbox.page(state="parked", limit=3, cursor="")
    await inbox.put(arrival("m9", b"9"), state="parked", reply=b"", reason="X")
    second, end = await inbox.page(state="parked", limit=3, cursor=cursor)

    assert names([*first, *second]) == ["m4", "m3", "m2", "m1", "m0"]
    assert end == ""
    assert (await inbox.page(state="stored", limit=3, cursor=""))[0] == []
    assert len((await inbox.page(state="", limit=9, cursor=""))[0]) == 6


async def test_a_page_cursor_serves_only_its_own_state(inbox: PostgresInbox) -> None:
    for number in range(2):
        await inbox.put(arrival(f"m{number}", str(number).encode()), state="parked", reply=b"", reason="X")
    _, cursor = await inbox.page(state="parked", limit=1, cursor="")

    with pytest.raises(Problem, match="STO-400"):
        await inbox.page(state="dead", limit=1, cursor=cursor)


async def test_without_the_database_nothing_was_kept_and_a_problem_says_so(world: PostgresWorld) -> None:
    pool = await open_pool(world.dsn, size=2)
    inbox = PostgresInbox(pool, world.keys, now=world.clock)
    await pool.close()

    with pytest.raises(Problem, match="STO-503"):
        await inbox.put(arrival(), state="received", reply=b"AA", reason="")
    with pytest.raises(Problem, match="STO-503"):
        await inbox.claim(1)


async def test_the_entry_of_a_new_message_is_kept_with_it(
    world: PostgresWorld, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    for raw in (b"one", b"one", b"other"):
        await world.inbox.put(arrival(raw=raw), state="received", reply=b"AA", reason="", entry=b"entry of " + raw)

    assert [row["entry"] for row in await connection.fetch("SELECT entry FROM audit_pending")] == [b"entry of one"]


async def test_messages_that_arrive_side_by_side_are_each_judged_by_itself(inbox: PostgresInbox) -> None:
    await received(inbox, "old")
    sent = [arrival("old", b"old"), arrival("old", b"new"), *(arrival(f"m{n % 30}") for n in range(90))]

    outcomes = await asyncio.gather(*(inbox.put(one, state="received", reply=b"AA", reason="") for one in sent))

    assert [row.arrival.raw if row else row for row in outcomes[:2]] == [b"old", b"old"]
    assert outcomes[2:].count(None) == 30
    rows, _ = await inbox.page(state="", limit=100, cursor="")
    assert Counter(row.state for row in rows) == {"received": 31, "parked": 1}


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b"], ids=["refused-by-the-database", "refused-by-the-driver"])
async def test_a_message_that_cannot_be_kept_takes_no_other_with_it(inbox: PostgresInbox, bad: str) -> None:
    sent = [arrival("m1"), arrival(bad), arrival("m2")]

    outcomes = await asyncio.gather(
        *(inbox.put(one, state="received", reply=b"AA", reason="") for one in sent), return_exceptions=True
    )

    assert outcomes[0] is None
    assert isinstance(outcomes[1], Exception)
    assert outcomes[2] is None


async def test_messages_of_many_processes_that_share_ids_all_get_an_answer(
    inbox: PostgresInbox, world: PostgresWorld
) -> None:
    pool = await open_pool(world.dsn, size=4)
    other = PostgresInbox(pool, world.keys, now=world.clock)
    sent = [arrival(f"m{n}", who) for n in range(40) for who in (b"one", b"other")]

    outcomes = await asyncio.gather(
        *(
            (inbox if at % 3 else other).put(one, state="received", reply=b"AA", reason="")
            for at, one in enumerate([*sent, *reversed(sent)])
        )
    )
    await pool.close()

    assert outcomes.count(None) == 40
    rows, _ = await inbox.page(state="", limit=100, cursor="")
    assert Counter(row.state for row in rows) == {"received": 40, "parked": 40}


async def test_a_message_of_an_elder_is_on_its_way_until_it_is_worked_off(inbox: PostgresInbox) -> None:
    made = await received(inbox, order=7)
    waiting = await inbox.is_open(7), await inbox.is_open(8)
    await inbox.claim(1)
    in_work = await inbox.is_open(7)
    await inbox.settle(made, state="parked", reason="ID-002")

    assert (waiting, in_work, await inbox.is_open(7)) == ((True, False), True, False)
