"""Conditional writes: R4's tables for none, one and several; what one does not see one does not match; races."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from gateway.fhir.predicate import EVERYTHING
from gateway.fhir.problem import Problem, Problems
from gateway.fhir.query import Query
from gateway.hub import Demand, Hub, json_change
from gateway.hub.conditions import Claim, moves
from gateway.hub.own_ids import beginning, may_give
from tests.harness import CENTRE, NOON, OTHER_CENTRE, World, condition

Doc = dict[str, Any]
ONE = [("identifier", "urn:test|1")]
OWN = beginning(CENTRE)


def _own(number: int = 1, **more: Any) -> Doc:
    doc = {**condition("elder"), "identifier": [{"system": "urn:test", "value": str(number)}], **more}
    del doc["id"]
    return {**doc, **({"id": more["id"]} if "id" in more else {})}


def _body(doc: Mapping[str, Any]) -> bytes:
    return json.dumps(doc).encode()


async def _create(world: World, doc: Doc, unless: Any, client: str = "centre-doctor", hub: Hub | None = None) -> Any:
    return await (hub or world.hub).create(world.caller(client), "Condition", body=_body(doc), unless=unless)


async def _update(world: World, doc: Doc, criteria: Any, **more: Any) -> Any:
    caller = world.caller(more.pop("client", "centre-doctor"))
    return await world.hub.update_where(caller, "Condition", body=_body(doc), criteria=criteria, **more)


async def _delete(world: World, criteria: Any, client: str = "centre-doctor", **more: Any) -> Any:
    return await world.hub.delete_where(world.caller(client), "Condition", criteria=criteria, **more)


async def _diagnoses(world: World) -> dict[str, int]:
    page = await world.store.search(Query("Condition", count=100), EVERYTHING)
    return {row.id: row.version for row in page.rows}


# --- create


async def test_a_create_without_a_match_creates(world: World) -> None:
    written = await _create(world, _own(), ONE)

    assert (written.created, written.version) == (True, 1)


async def test_a_create_with_one_match_tells_it_and_writes_nothing(world: World) -> None:
    first = await _create(world, _own(), ONE)
    before = await _diagnoses(world)

    again = await _create(world, _own(note=[{"text": "another"}]), ONE)

    assert (again.id, again.version, again.created, again.changed) == (first.id, 1, False, False)
    assert json.loads(again.released.body)["id"] == first.id
    assert await _diagnoses(world) == before


async def test_a_create_with_several_matches_is_refused(world: World) -> None:
    await _create(world, _own(), None)
    await _create(world, _own(), None)

    with pytest.raises(Problem, match="HUB-042"):
        await _create(world, _own(), ONE)


async def test_what_a_caller_does_not_see_it_does_not_match(world: World) -> None:
    await world.write(OTHER_CENTRE, {**condition("stranger", "theirs"), "identifier": _own()["identifier"]})

    written = await _create(world, _own(), ONE)

    assert written.created
    assert written.id != "theirs"


async def test_a_conditional_create_asks_for_both_scopes(world: World) -> None:
    for scope in ("system/Condition.rc", "system/Condition.rs"):
        caller = world.caller("centre-doctor", (scope,))
        with pytest.raises(Problem, match="HUB-001"):
            await world.hub.create(caller, "Condition", body=_body(_own()), unless=ONE)


@pytest.mark.parametrize(
    ("criteria", "code"),
    [
        ([], "HUB-040"),
        ([("_count", "1")], "HUB-044"),
        ([("_sort", "_id"), *ONE], "HUB-044"),
        ([("_page", "x")], "HUB-044"),
        ([("unknown", "1")], "FHIR-045"),
        ([("identifier", "")], "FHIR-042"),
    ],
)
async def test_criteria_that_say_nothing_are_refused(world: World, criteria: Any, code: str) -> None:
    for ask in (
        lambda: _create(world, _own(), criteria),
        lambda: _update(world, _own(), criteria),
        lambda: _delete(world, criteria),
    ):
        with pytest.raises((Problem, Problems), match=code):
            await ask()


async def test_criteria_on_a_masked_element_are_refused(world: World) -> None:
    change = json_change(b'[{"op":"test","path":"/resourceType","value":"Patient"}]')

    with pytest.raises(Problem, match="HUB-002"):
        await world.hub.patch_where(
            world.caller("station-doctor", ("system/*.cruds",)),
            "Patient",
            criteria=[("identifier", "urn:oid:2.16.156.10011.1.3|")],
            change=change,
        )


async def test_of_many_creates_at_once_on_two_hubs_one_creates(world: World) -> None:
    other = world.restarted()
    await other.warm()
    hubs = [world.hub, other] * 8

    written = await asyncio.gather(*(_create(world, _own(), ONE, hub=hub) for hub in hubs))

    assert sum(each.created for each in written) == 1
    assert len({each.id for each in written}) == 1


def test_of_two_claims_of_one_place_the_earlier_counts() -> None:
    claims = [
        Claim("condition:2", "7"),
        Claim("condition:1", "3"),
        Claim("condition:2", "6"),
        Claim("condition:2", "8"),
    ]

    assert moves(claims) == (("condition:1", "3"), ("condition:2", "6"))


async def test_creates_at_once_under_different_criteria_all_create(world: World) -> None:
    written = await asyncio.gather(
        *(_create(world, _own(number), [("identifier", f"urn:test|{number}")]) for number in range(12))
    )

    assert all(each.created for each in written)


async def test_a_match_after_a_lost_race_has_its_entry(world: World) -> None:
    await asyncio.gather(*(_create(world, _own(), ONE) for _ in range(6)))

    entries = await world.entries(agent="centre-doctor")
    assert [entry.action for entry in entries] == ["create"] * 6
    assert len({entry.entity for entry in entries}) == 1


async def test_an_entry_holds_no_number_of_a_condition(world: World) -> None:
    await _create(world, _own(), [("identifier", "urn:test|410199194303051027")])

    (entry,) = await world.entries(agent="centre-doctor")
    assert "410199194303051027" not in repr(entry)
    assert "identifier=" in entry.query


# --- update


async def test_an_update_with_one_match_is_of_that(world: World) -> None:
    first = await _create(world, _own(), None)

    written = await _update(world, _own(note=[{"text": "x"}]), ONE)
    named = await _update(world, _own(note=[{"text": "y"}], id=first.id), ONE)

    assert (written.id, written.version, written.created) == (first.id, 2, False)
    assert (named.id, named.version) == (first.id, 3)


async def test_an_update_with_one_match_takes_no_other_id(world: World) -> None:
    await _create(world, _own(), None)

    with pytest.raises(Problem, match="HUB-005"):
        await _update(world, _own(id=f"{OWN}other"), ONE)


async def test_an_update_without_a_match_creates(world: World) -> None:
    unnamed = await _update(world, _own(), ONE)
    named = await _update(world, _own(2, id=f"{OWN}two"), [("identifier", "urn:test|2")])

    assert unnamed.created
    assert (named.id, named.created) == (f"{OWN}two", True)


async def test_an_update_without_a_match_overwrites_nothing(world: World) -> None:
    await world.write(CENTRE, {**condition("elder", f"{OWN}two")})

    with pytest.raises(Problem, match="HUB-043"):
        await _update(world, _own(2, id=f"{OWN}two"), [("identifier", "urn:test|2")])
    with pytest.raises(Problem, match="SEC-404"):
        await _update(world, _own(2, id="stranger-diagnosis"), [("identifier", "urn:test|2")])


async def test_an_update_with_several_matches_is_refused(world: World) -> None:
    await _create(world, _own(), None)
    await _create(world, _own(), None)

    with pytest.raises(Problem, match="HUB-042"):
        await _update(world, _own(), ONE)


async def test_an_update_of_a_match_demands_the_version_that_is_asked_for(world: World) -> None:
    await _create(world, _own(), None)

    for demand in (Demand(7), Demand(since=NOON - timedelta(days=1))):
        with pytest.raises(Problem, match="STO-412"):
            await _update(world, _own(note=[{"text": "x"}]), ONE, demand=demand)
    with pytest.raises(Problem, match="HUB-043"):
        await _update(world, _own(), ONE, demand=Demand(absent=True))


@pytest.mark.parametrize("demand", [Demand(1), Demand(there=True), Demand(since=NOON + timedelta(days=1))])
async def test_a_version_that_must_be_there_is_not_created(world: World, demand: Demand) -> None:
    with pytest.raises(Problem, match="STO-412"):
        await _update(world, _own(), ONE, demand=demand)
    with pytest.raises(Problem, match="STO-412"):
        await world.hub.update(
            world.caller("centre-doctor"), "Condition", f"{OWN}x", body=_body(_own(id=f"{OWN}x")), demand=demand
        )


async def test_a_task_that_matches_still_asks_for_the_version_that_was_read(world: World) -> None:
    task = json.loads((await world.hub.read(world.caller("centre-doctor"), "Task", "elder-referral")).body)

    with pytest.raises(Problem, match="HUB-007"):
        await world.hub.update_where(
            world.caller("centre-doctor"),
            "Task",
            body=_body({**task, "status": "ready"}),
            criteria=[("_id", "elder-referral")],
        )


async def test_of_many_updates_at_once_without_a_match_one_creates(world: World) -> None:
    written = await asyncio.gather(*(_update(world, _own(note=[{"text": str(n)}]), ONE) for n in range(6)))

    assert sum(each.created for each in written) == 1
    assert sorted(each.version for each in written) == [1, 2, 3, 4, 5, 6]


# --- ids that a client gives


async def test_a_client_names_a_new_resource_below_its_organisation(world: World) -> None:
    doc = _own(id=f"{OWN}first")
    caller = world.caller("centre-doctor")

    made = await world.hub.update(caller, "Condition", doc["id"], body=_body(doc))
    next_ = await world.hub.update(caller, "Condition", doc["id"], body=_body({**doc, "note": [{"text": "x"}]}))

    assert (made.created, made.version) == (True, 1)
    assert (next_.created, next_.version) == (False, 2)


async def test_of_many_who_name_one_resource_one_creates(world: World) -> None:
    doc = _own(id=f"{OWN}first")

    written = await asyncio.gather(
        *(world.hub.update(world.caller("centre-doctor"), "Condition", doc["id"], body=_body(doc)) for _ in range(6))
    )

    assert sum(each.created for each in written) == 1
    assert {each.version for each in written} == {1}


@pytest.mark.parametrize("id", ["mine", f"{beginning(OTHER_CENTRE)}first", "stranger-diagnosis"])
async def test_another_id_answers_as_if_nothing_were_there(world: World, id: str) -> None:
    with pytest.raises(Problem, match="SEC-404"):
        await world.hub.update(world.caller("centre-doctor"), "Condition", id, body=_body(_own(id=id)))


async def test_a_named_resource_is_decided_as_a_create(world: World) -> None:
    doc = {**_own(id=f"{OWN}x"), "subject": {"reference": "Patient/stranger"}}

    with pytest.raises(Problem, match="HUB-004"):
        await world.hub.update(world.caller("centre-doctor"), "Condition", doc["id"], body=_body(doc))
    with pytest.raises(Problem, match="HUB-001"):
        await world.hub.update(
            world.caller("centre-doctor", ("system/Condition.rus",)),
            "Condition",
            f"{OWN}y",
            body=_body(_own(id=f"{OWN}y")),
        )


@pytest.mark.parametrize(
    ("id", "may"),
    [
        (f"{OWN}a", True),
        (f"{OWN}6b2f7a52-7a2c-4a43-9d60-0f3a8a0a9d11", True),
        (f"{OWN}12345678-7a2c-4a43-9d60-0f3a8a0a9d11", True),
        (f"{OWN}410199194303051027", False),
        (f"{OWN}", False),
        (f"{OWN}a/b", False),
        (OWN + "a" * 50, False),
        (f"{beginning(OTHER_CENTRE)}a", False),
        ("a", False),
    ],
)
def test_an_id_begins_with_its_organisation_and_holds_no_number_of_a_person(id: str, may: bool) -> None:  # noqa: FBT001
    assert may_give(CENTRE, id) is may


async def test_a_write_may_demand_that_nothing_is_there(world: World) -> None:
    caller, doc = world.caller("centre-doctor"), _own(id=f"{OWN}first")

    made = await world.hub.update(caller, "Condition", doc["id"], body=_body(doc), demand=Demand(absent=True))

    assert made.created
    with pytest.raises(Problem, match="HUB-043"):
        await world.hub.update(caller, "Condition", doc["id"], body=_body(doc), demand=Demand(absent=True))
    with pytest.raises(Problem, match="SEC-404"):
        await world.hub.update(
            caller,
            "Condition",
            "stranger-diagnosis",
            body=_body(_own(id="stranger-diagnosis")),
            demand=Demand(absent=True),
        )


# --- patch


async def test_a_patch_by_criteria_is_of_the_one_match(world: World) -> None:
    change = json_change(b'[{"op":"add","path":"/note","value":[{"text":"x"}]}]')
    caller = world.caller("centre-doctor")

    with pytest.raises(Problem, match="SEC-404"):
        await world.hub.patch_where(caller, "Condition", criteria=ONE, change=change)
    first = await _create(world, _own(), None)
    written = await world.hub.patch_where(caller, "Condition", criteria=ONE, change=change)
    await _create(world, _own(), None)

    assert (written.id, written.version) == (first.id, 2)
    with pytest.raises(Problem, match="HUB-042"):
        await world.hub.patch_where(caller, "Condition", criteria=ONE, change=change)


# --- delete


async def test_a_delete_without_a_match_does_nothing(world: World) -> None:
    before = await _diagnoses(world)

    assert await _delete(world, ONE) == ()
    assert await _diagnoses(world) == before


async def test_a_delete_is_of_one_unless_more_are_allowed(world: World) -> None:
    for _ in range(3):
        await _create(world, _own(), None)
    before = await _diagnoses(world)

    for most in (1, 2):
        with pytest.raises(Problem, match="HUB-042"):
            await _delete(world, ONE, most=most)
        assert await _diagnoses(world) == before
    written = await _delete(world, ONE, most=3)

    assert [each.version for each in written] == [2, 2, 2]
    assert set(await _diagnoses(world)) == {"elder-diagnosis", "stranger-diagnosis"}


async def test_each_deletion_has_its_entry_and_the_request_one_more(world: World) -> None:
    made = [await _create(world, _own(), None) for _ in range(2)]

    await _delete(world, ONE, most=2)

    told = [entry for entry in await world.entries(agent="centre-doctor") if entry.action == "delete"]
    assert {entry.entity for entry in told} == {"", *(f"Condition/{each.id}" for each in made)}


async def test_one_that_may_not_be_deleted_keeps_all(world: World) -> None:
    await _create(world, _own(), None)
    before = await _diagnoses(world)

    with pytest.raises(Problem, match="SEC-403"):
        await _delete(world, [("patient", "elder")], most=10)
    with pytest.raises(Problem, match="SEC-403"):
        await _delete(world, ONE, client="centre-nurse")

    assert await _diagnoses(world) == before


async def test_a_delete_of_what_one_does_not_see_is_a_delete_of_nothing(world: World) -> None:
    assert await _delete(world, [("_id", "stranger-diagnosis")]) == ()
    assert await _delete(world, [("_id", "nothing")]) == ()
    assert "stranger-diagnosis" in await _diagnoses(world)
