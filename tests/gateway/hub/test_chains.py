"""Chains of any length and `_has`: every step under its own restriction, decision and mask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.fhir.problem import Problem
from gateway.hub import chains
from tests.harness import CARD, CENTRE, ELDER_CARD, HOSPITAL, OTHER_CARD, World, condition

Doc = dict[str, Any]
CODE = "I63.900"


def measured(elder: str, *, stay: str = "", code: str = "8867-4") -> Doc:
    """Return an Observation of ``elder`` during ``stay``."""
    doc: Doc = {
        "resourceType": "Observation",
        "id": f"{elder}-pulse",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{elder}"},
    }
    return {**doc, "encounter": {"reference": f"Encounter/{stay}"}} if stay else doc


async def ids(world: World, client: str, kind: str, *pairs: tuple[str, str]) -> list[str]:
    found = await world.hub.search(world.caller(client), kind, pairs=[*pairs, ("_total", "accurate")])
    assert found.total == len(found.rows)
    return [row.id for row in found.rows]


async def test_a_chain_goes_through_several_references(world: World) -> None:
    await world.write(HOSPITAL, measured("elder", stay="elder-stay"))
    name = "encounter.subject:Patient.identifier"

    assert await ids(world, "centre-doctor", "Observation", (name, f"{CARD}|{ELDER_CARD}")) == ["elder-pulse"]
    assert await ids(world, "centre-doctor", "Observation", (name, f"{CARD}|{OTHER_CARD}")) == []


async def test_who_is_referred_to_by_what_is_asked_for(world: World) -> None:
    assert await ids(world, "centre-doctor", "Patient", ("_has:Condition:subject:code", CODE)) == ["elder"]
    assert await ids(world, "centre-doctor", "Patient", ("_has:Condition:subject:code", "X")) == []


async def test_reverse_chains_nest(world: World) -> None:
    await world.write(HOSPITAL, measured("elder", stay="elder-stay"))

    found = await ids(
        world, "centre-doctor", "Patient", ("_has:Encounter:patient:_has:Observation:encounter:code", "8867-4")
    )

    assert found == ["elder"]


async def test_a_chain_may_end_in_a_reverse_chain_and_the_other_way_round(world: World) -> None:
    await world.write(HOSPITAL, measured("elder", stay="elder-stay"))

    forth = await ids(world, "centre-doctor", "CarePlan", ("patient._has:Condition:subject:code", CODE))
    back = await ids(world, "centre-doctor", "Patient", ("_has:Observation:patient:encounter.status", "finished"))

    assert (forth, back) == (["elder-plan"], ["elder"])


async def test_every_reverse_chain_must_hold(world: World) -> None:
    both = ("_has:Condition:subject:code", CODE), ("_has:Task:patient:status", "cancelled")

    assert await ids(world, "centre-doctor", "Patient", *both) == []


async def test_a_reverse_chain_through_what_is_closed_finds_nothing(world: World) -> None:
    pairs = ("_has:Condition:subject:_id", "stranger-diagnosis")

    assert await ids(world, "other-centre-doctor", "Patient", pairs) == ["stranger"]
    assert await ids(world, "centre-doctor", "Patient", pairs) == []


async def test_what_a_list_refers_to_is_found_by_who_sees_the_list(world: World) -> None:
    await world.write(CENTRE, condition("elder", "other"))
    listed = {
        "resourceType": "List",
        "id": "l1",
        "status": "current",
        "mode": "working",
        "subject": {"reference": "Patient/elder"},
        "entry": [{"item": {"reference": "Condition/other"}}, {"item": {"reference": "Patient/elder"}}],
    }
    await world.write(CENTRE, listed)

    assert await ids(world, "centre-doctor", "Condition", ("_list", "l1")) == ["other"]
    assert await ids(world, "centre-doctor", "Condition", ("_list", "l2")) == []
    found = await world.hub.search(
        replace(world.caller("other-centre-doctor"), scopes=frozenset({"system/*.rs"})),
        "Condition",
        pairs=[("_list", "l1")],
    )
    assert found.rows == ()


@pytest.mark.parametrize(
    ("client", "kind", "name", "code"),
    [
        ("station-carer", "CarePlan", "patient._has:Observation:patient:encounter", "HUB-002"),
        ("station-carer", "Patient", "_has:CarePlan:patient:_has:Observation:based-on:encounter", "HUB-002"),
        ("station-carer", "Patient", "_has:Condition:patient:code", "HUB-002"),
        ("centre-doctor", "Patient", "_has:AuditEvent:patient:action", "FHIR-041"),
    ],
    ids=["masked-at-the-end", "masked-deep", "kind-never-seen", "journal"],
)
async def test_a_step_by_what_the_caller_may_not_see_is_refused(
    world: World, client: str, kind: str, name: str, code: str
) -> None:
    caller = replace(world.caller(client), scopes=frozenset({"system/*.rs"}))

    with pytest.raises(Problem) as refused:
        await world.hub.search(caller, kind, pairs=[(name, "x")])

    assert refused.value.code == code


async def test_a_reverse_chain_needs_the_scope_of_its_kind(world: World) -> None:
    caller = world.caller("centre-doctor", ("system/Patient.s",))

    with pytest.raises(Problem, match="HUB-001"):
        await world.hub.search(caller, "Patient", pairs=[("_has:Condition:subject:code", CODE)])


async def test_a_step_that_finds_too_much_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "MAX_CHAIN_TARGETS", 2)
    await world.write(HOSPITAL, *(condition("elder", f"c{number}") for number in range(3)))

    with pytest.raises(Problem, match="HUB-003"):
        await world.hub.search(world.caller("centre-doctor"), "Patient", pairs=[("_has:Condition:subject:code", CODE)])


async def test_an_identity_number_at_the_end_of_a_chain_stands_in_no_link_and_no_entry(world: World) -> None:
    pairs = [("subject:Patient.identifier", ELDER_CARD), ("subject", "Patient/elder"), ("_count", "1")]

    found = await world.hub.search(world.caller("centre-doctor"), "Condition", pairs=pairs)
    reverse = await world.hub.search(
        world.caller("centre-doctor"), "CareTeam", pairs=[("_has:CarePlan:care-team:patient.phone", "zhaoguilan")]
    )

    told = [entry.query for entry in await world.entries(agent="centre-doctor", action="search")]
    assert ELDER_CARD not in found.query + "".join(told)
    assert "subject=Patient/elder" in found.query
    assert "zhaoguilan" not in reverse.query + "".join(told)
