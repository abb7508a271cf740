"""ingest and the change feed: inner actors write and follow through the same checks, all or nothing."""

from __future__ import annotations

import asyncio
import json
from uuid import uuid4

import pytest

from gateway.fhir import codec
from gateway.fhir.problem import Problem, Problems
from gateway.hub import Ingested, Message, Put
from gateway.store.protocol import MUST_NOT_EXIST
from security.audit import stranger
from security.caller import Caller, Tier
from tests.harness import CENTRE, HOSPITAL, NOON, World, condition, consent, patient, referral

PIPELINE = Caller.system("pipeline", organisation=HOSPITAL, tier=Tier.HOSPITAL, request="D-1")
WORKFLOW = Caller.system("workflow", organisation=HOSPITAL)


def _put(doc: dict[str, object], **how: int) -> Put:
    return Put(codec.parse_exact(json.dumps(doc)), **how)  # type: ignore[arg-type]


async def test_a_message_is_written_with_one_entry_and_its_cursor(world: World) -> None:
    before = len(await world.entries(agent="system:pipeline"))

    done = await world.hub.ingest(
        PIPELINE,
        [_put(condition("elder", "c1")), _put(condition("elder", "c2"))],
        cursors=[("test", "7")],
        what={"interface": "intake/json-discharge"},
    )

    entries = (await world.entries(agent="system:pipeline"))[before:]
    assert done.changed == 2
    assert [(entry.interface, entry.count, entry.elder) for entry in entries] == [("intake/json-discharge", 2, "elder")]
    assert await world.hub.cursor_of(WORKFLOW, "test") == "7"


async def test_the_same_again_changes_nothing(world: World) -> None:
    await world.hub.ingest(PIPELINE, [_put(condition("elder", "c1"))])

    again = await world.hub.ingest(PIPELINE, [_put(condition("elder", "c1"))])

    assert (again.changed, again.committed[0].stored.version) == (0, 1)


@pytest.mark.parametrize(
    "bad",
    [
        _put({**condition("elder", "bad"), "unknown": 1}),
        _put(condition("nobody", "bad")),
        _put(condition("stranger", "elder-diagnosis")),
        _put(condition("elder", "elder-diagnosis"), expect=MUST_NOT_EXIST),
        _put(condition("elder", "elder-diagnosis", note="x"), expect=7),
    ],
    ids=["invalid", "no-such-elder", "moved", "exists", "other-version"],
)
async def test_one_bad_resource_keeps_all_out(world: World, bad: Put) -> None:
    with pytest.raises((Problem, Problems)):
        await world.hub.ingest(PIPELINE, [_put(condition("elder", "good")), bad])

    assert await world.store.read("Condition", "good") is None


async def test_faults_name_the_resource_that_has_them(world: World) -> None:
    puts = [_put({**condition("elder", f"c{number}"), "unknown": 1}) for number in range(2)]

    with pytest.raises(Problems) as refused:
        await world.hub.ingest(PIPELINE, puts)

    assert [problem.source for problem in refused.value.problems] == ["Condition/c0", "Condition/c1"]


async def test_a_centre_hands_in_nothing_of_an_elder_that_it_did_not_accept(world: World) -> None:
    await world.write(HOSPITAL, patient("third", "410199195001011234"), consent("third"))
    await world.write(HOSPITAL, referral("third", state="received", status="received"), actor="workflow")

    with pytest.raises(Problem, match="SEC-403"):
        await world.write(CENTRE, condition("third"))


async def test_the_workflow_follows_everything_in_order(world: World) -> None:
    kinds: list[str] = []
    cursor = ""
    async with asyncio.timeout(10):
        # The last commits are told once no older transaction is open, the journal's or PostgreSQL's own.
        while kinds.count("CarePlan") < 2:
            found = await world.hub.changes(WORKFLOW, cursor)
            kinds += [row.kind for row in found.rows]
            cursor = found.cursor
            await asyncio.sleep(0)

    assert kinds.index("Patient") < kinds.index("Task") < kinds.index("CarePlan")
    assert (await world.hub.changes(WORKFLOW, cursor)).rows == ()


async def test_an_inner_actor_finds_all_matches(world: World) -> None:
    await world.write(HOSPITAL, *(condition("elder", f"c{number}") for number in range(30)))

    found = await world.hub.find(WORKFLOW, "Condition", pairs=[("patient", "elder"), ("_count", "5")])

    assert len(found) == 31


async def test_no_client_follows_or_works_inside(world: World) -> None:
    caller = world.caller("centre-doctor")

    for asked in (
        world.hub.changes(caller, ""),
        world.hub.find(caller, "Task", pairs=[]),
        world.hub.current(caller, [("Patient", "elder")]),
    ):
        with pytest.raises(Problem, match="SEC-403"):
            await asked
    with pytest.raises(Problem, match="SEC-403"):
        world.hub.follow(caller)


async def test_a_process_that_starts_knows_what_is_stored(world: World) -> None:
    fresh = world.restarted()

    await fresh.warm()

    released = await fresh.read(world.caller("station-carer"), "CarePlan", "elder-plan")
    assert released.masked


async def test_without_the_journal_nothing_is_read(world: World) -> None:
    await world.journal.stop()

    with pytest.raises(Problem, match="SEC-503"):
        await world.hub.read(world.caller("centre-doctor"), "Patient", "elder")
    await world.journal.start()


async def test_entries_of_others_travel_in_the_commit(world: World) -> None:
    marker = f"marker-{uuid4()}"
    entry = stranger("ingest", at=NOON, address="", client=marker)

    await world.hub.ingest(PIPELINE, [], entries=[entry])

    assert len(await world.entries(agent=marker)) == 1


def _message(*docs: dict[str, object], request: str = "D-1", **how: int) -> Message:
    caller = Caller.system("pipeline", organisation=HOSPITAL, tier=Tier.HOSPITAL, request=request)
    return Message(caller, [_put(doc, **how) for doc in docs], what={"interface": "intake/json-discharge"})


async def test_messages_share_a_commit_and_have_an_entry_each(world: World) -> None:
    before = len(await world.entries(agent="system:pipeline"))
    messages = [_message(condition("elder", f"c{number}"), request=f"D-{number}") for number in range(3)]

    outcomes = await world.hub.ingest_all(PIPELINE, messages, priors={})

    entries = (await world.entries(agent="system:pipeline"))[before:]
    assert [outcome.changed for outcome in outcomes if isinstance(outcome, Ingested)] == [1, 1, 1]
    assert [entry.request for entry in entries] == ["D-0", "D-1", "D-2"]
    assert await world.pool.fetchval("SELECT count(DISTINCT xid) FROM res WHERE id = ANY('{c0,c1,c2}')") == 1


async def test_a_message_that_is_refused_keeps_no_other_out(world: World) -> None:
    bad = _message(condition("nobody", "bad"), condition("elder", "beside"))
    taken = _message(condition("elder", "elder-diagnosis", note="x"), expect=7)

    refused, overtaken, done = await world.hub.ingest_all(
        PIPELINE, [bad, taken, _message(condition("elder", "good"))], priors={}
    )

    assert isinstance(done, Ingested)
    assert [error.code for error in (refused, overtaken) if isinstance(error, Problem)] == ["HUB-004", "STO-412"]
    assert await world.store.read("Condition", "beside") is None


async def test_of_two_messages_that_change_one_resource_the_second_is_told_to_try_again(world: World) -> None:
    messages = [_message(condition("elder", "c1", note=note)) for note in ("one", "two")]

    first, second = await world.hub.ingest_all(PIPELINE, messages, priors={})

    assert isinstance(first, Ingested)
    assert isinstance(second, Problem)
    assert second.code == "STO-412"


async def test_nobody_but_an_inner_actor_hands_messages_in(world: World) -> None:
    with pytest.raises(Problem, match="SEC-403"):
        await world.hub.ingest_all(world.caller("centre-doctor"), [_message(condition("elder", "c1"))], priors={})
