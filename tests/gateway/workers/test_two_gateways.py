"""Two gateways on one database are one gateway: what is changed at one is so at the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from security.audit.fsck import verify
from tests.flows.town import Town, consent, discharge, record
from tests.gateway.workers.conftest import Pair, another, until

Tell = Callable[[str], None]


def withdrawn() -> dict[str, object]:
    return consent(status="2", signedTime="2026-03-18T09:00:00+08:00")


async def test_a_relation_and_a_consent_given_at_one_open_at_the_other_and_a_withdrawal_closes(
    pair: Pair, tell: Tell
) -> None:
    await pair.a.until_care_plan()
    opened = await until(lambda: pair.b.of_elder("station-doctor", "CarePlan"))

    response = await pair.a.post("hospital-his", "sharing-consent", withdrawn())
    assert response.json()["success"] == "AA"
    closed = await until(lambda: _sees_nothing(pair.b))

    assert (await pair.b.of_elder("centre-doctor", "Encounter"), await pair.b.task("centre-doctor", "referral")) == (
        [],
        None,
    )
    tell(
        f"workers: a care plan opened the other gateway after {opened:.2f} s, a withdrawal closed after {closed:.2f} s"
    )


async def _sees_nothing(town: Town) -> bool:
    return await town.of_elder("station-doctor", "CarePlan") == []


async def test_what_is_written_at_one_goes_on_at_the_other(pair: Pair) -> None:
    await pair.a.accepted("hospital-his", "sharing-consent", consent())
    await pair.b.accepted("hospital-his", "json-discharge", record("04_discharge.json"))
    await until(lambda: pair.a.task("centre-doctor", "referral"))
    task = await pair.a.task("centre-doctor", "referral")
    assert task is not None

    moved = await pair.a.move("centre-doctor", task, "accepted")
    again = await pair.b.move("centre-doctor", task, "accepted")
    await until(lambda: _is_accepted(pair.b))

    assert (moved.status_code, again.status_code) == (200, 412)


async def _is_accepted(town: Town) -> bool:
    task = await town.task("centre-doctor", "referral")
    return task is not None and task["status"] == "accepted"


@pytest.mark.asyncio(loop_scope="module")
async def test_an_assertion_is_good_once_among_all_gateways(standing: Pair) -> None:
    form = standing.a.form("station-doctor")

    first = await standing.a.http.post("/oauth/token", data=form)
    replayed = await standing.b.http.post("/oauth/token", data=form)

    assert (first.status_code, replayed.status_code) == (200, 401)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_client_disabled_at_one_is_nobody_at_the_other(standing: Pair, tell: Tell) -> None:
    assert (await standing.b.fhir("station-doctor", "GET", "Task?status=requested")).status_code == 200

    await standing.a.app.rooms.registry.disable_client("station-doctor")
    seconds = await until(lambda: _is_nobody(standing.b))

    tell(f"workers: a disabled client was nobody at the other gateway after {seconds:.2f} s")


async def _is_nobody(town: Town) -> bool:
    return (await town.fhir("station-doctor", "GET", "Task?status=requested")).status_code == 401


@pytest.mark.asyncio(loop_scope="module")
async def test_every_gateway_has_a_chain_of_its_own_and_one_checkpoint_names_them_all(standing: Pair) -> None:
    for town in standing:
        await town.accepted("hospital-his", "sharing-consent", consent())
    rooms = standing.a.app.rooms

    await rooms.journal.checkpoint()

    note = await rooms.pool.fetchval("SELECT note FROM audit.checkpoint ORDER BY number DESC LIMIT 1")
    named = [line.split()[1] for line in note.splitlines() if line.startswith("head ")]
    heads = [row["writer"] for row in await rooms.pool.fetch("SELECT writer FROM audit.head WHERE seq > 0 ORDER BY 1")]
    assert named == heads == ["gateway", "gateway-2"]
    report = await verify(rooms.pool, rooms.keys, rooms.settings.anchor_file)
    assert (report.findings, report.writers) == ([], 2)


async def test_one_of_two_follows_and_the_other_takes_over_when_it_goes(pair: Pair) -> None:
    held = [await town.app.rooms.presence.hold("workflow") for town in pair]
    follower, other = (pair.a, pair.b) if held[0] else (pair.b, pair.a)
    await follower.app.workflow.stop()
    await follower.app.rooms.presence.stop()

    await other.accepted("hospital-his", "sharing-consent", consent())
    await other.accepted("hospital-his", "json-discharge", record("04_discharge.json"))

    assert held.count(True) == 1
    assert await other.app.rooms.presence.hold("workflow")
    assert await other.task("centre-doctor", "referral") is not None


async def test_the_journal_of_a_gateway_whose_session_was_cut_stays_whole(pair: Pair) -> None:
    rooms = pair.a.app.rooms
    await rooms.pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'yiyang presence'"
        " AND datname = current_database()"
    )
    async with another(pair.a) as third:
        await asyncio.gather(*(town.post("hospital-his", "sharing-consent", consent()) for town in (*pair, third)))
        await third.quiet()
        writers = {town.app.rooms.journal.writer for town in (*pair, third)}

        assert len(writers) == 3
        for town in (*pair, third):
            await until(lambda town=town: _in_seat(town))
        report = await verify(rooms.pool, rooms.keys, rooms.settings.anchor_file)
        assert report.findings == []


async def _in_seat(town: Town) -> bool:
    return bool(await town.app.rooms.pool.fetchval("SELECT $1 = ANY (live_seats())", town.app.rooms.presence.seat))


async def test_messages_of_one_elder_are_worked_off_in_the_order_of_their_arrival_at_either(pair: Pair) -> None:
    sent = [discharge(bedNo=str(number)) for number in range(12)]

    for number, message in enumerate(sent):
        response = await pair[number % 2].post("hospital-his", "json-discharge", message)
        assert response.json()["success"] == "AA"
    await pair.a.quiet()

    # A row is stored by the transaction that wrote it last, and those of one elder come one after another.
    rows = await pair.a.app.rooms.pool.fetch("SELECT msg_id, state, seat FROM inbox ORDER BY xmin::text::bigint")
    assert [(row["msg_id"], row["state"]) for row in rows] == [(message["msgId"], 2) for message in sent]
