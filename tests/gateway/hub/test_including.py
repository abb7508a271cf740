"""_include and _revinclude: what comes with a page, for whom, how far."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.fhir.problem import Problem
from gateway.hub import Found, including
from tests.harness import HOSPITAL, OTHER_CENTRE, World, condition, consent, patient, referral

Pairs = list[tuple[str, str]]


async def find(world: World, client: str, kind: str, *pairs: tuple[str, str]) -> Found:
    return await world.hub.search(world.caller(client), kind, pairs=pairs)


def included(found: Found) -> list[str]:
    return [f"{row.kind}/{row.id}" for row in found.included]


async def test_what_a_match_refers_to_comes_once(world: World) -> None:
    await world.write(HOSPITAL, condition("elder", "second"))

    found = await find(world, "centre-doctor", "Condition", ("_include", "Condition:subject"))

    assert len(found.rows) == 2
    assert included(found) == ["Patient/elder"]


async def test_what_refers_to_a_match_comes_with_it(world: World) -> None:
    pairs = ("_id", "elder"), ("_revinclude", "Condition:subject"), ("_revinclude", "Encounter:patient")

    found = await find(world, "centre-doctor", "Patient", *pairs)

    assert [row.id for row in found.rows] == ["elder"]
    assert included(found) == ["Condition/elder-diagnosis", "Encounter/elder-stay"]


async def test_iterate_goes_on_from_what_was_included(world: World) -> None:
    start, back = ("_include", "CarePlan:subject"), "Condition:subject"

    once = await find(world, "centre-doctor", "CarePlan", start, ("_revinclude", back))
    again = await find(world, "centre-doctor", "CarePlan", start, ("_revinclude:iterate", back))

    assert included(once) == ["Patient/elder"]
    assert included(again) == ["Patient/elder", "Condition/elder-diagnosis"]


async def test_a_circle_of_includes_ends(world: World) -> None:
    pairs = ("_include:iterate", "Condition:subject"), ("_revinclude:iterate", "Condition:subject")
    await world.write(HOSPITAL, condition("elder", "second"))

    found = await find(world, "centre-doctor", "Condition", ("_id", "second"), *pairs)

    assert included(found) == ["Patient/elder", "Condition/elder-diagnosis"]
    assert found.warnings == ()


async def test_a_target_of_another_kind_stays_away(world: World) -> None:
    wanted = await find(world, "centre-doctor", "Task", ("_include", "Task:subject:Patient"))
    other = await find(world, "centre-doctor", "Task", ("_include", "Task:owner:PractitionerRole"))

    assert included(wanted) == ["Patient/elder"]
    assert included(other) == []


async def test_a_star_follows_every_reference(world: World) -> None:
    found = await find(world, "centre-doctor", "Condition", ("_include", "*"), ("_revinclude", "Encounter:*"))

    assert included(found) == ["Patient/elder"]


async def test_the_total_counts_matches_alone(world: World) -> None:
    pairs = ("_id", "elder"), ("_revinclude", "Condition:subject"), ("_total", "accurate")

    assert (await find(world, "centre-doctor", "Patient", *pairs)).total == 1


async def test_what_is_masked_in_a_match_is_masked_in_an_include(world: World) -> None:
    plan = await find(world, "station-carer", "CarePlan", ("_include", "CarePlan:subject"))

    (elder,) = plan.included
    assert elder.masked
    assert b"1943-03-05" not in elder.body


async def test_what_is_closed_is_left_out_like_what_is_absent(world: World) -> None:
    about = condition("elder", "about")
    about["evidence"] = [{"detail": [{"reference": "Condition/stranger-diagnosis"}, {"reference": "Condition/none"}]}]
    await world.write(HOSPITAL, about)

    found = await find(world, "centre-doctor", "Condition", ("_id", "about"), ("_include", "Condition:evidence-detail"))

    assert (included(found), found.warnings) == ([], ())


@pytest.mark.parametrize(
    ("client", "kind", "pair", "code"),
    [
        ("station-carer", "Observation", ("_include", "Observation:encounter"), "HUB-002"),
        ("station-carer", "Patient", ("_revinclude", "Condition:patient"), "SEC-403"),
        ("station-carer", "Patient", ("_revinclude", "Provenance:target"), "SEC-403"),
        ("centre-doctor", "Patient", ("_revinclude", "AuditEvent:patient"), "FHIR-041"),
    ],
    ids=["masked-reference", "kind-of-others", "kind-nobody-sees", "journal"],
)
async def test_a_reference_that_the_caller_may_not_see_is_refused(
    world: World, client: str, kind: str, pair: tuple[str, str], code: str
) -> None:
    caller = replace(world.caller(client), scopes=frozenset({"system/*.rs"}))

    with pytest.raises(Problem) as refused:
        await world.hub.search(caller, kind, pairs=[pair])

    assert refused.value.code == code


@pytest.mark.parametrize("pair", [("_include", "CarePlan:subject"), ("_revinclude", "Task:based-on")])
async def test_an_include_needs_the_scope_of_what_it_brings(world: World, pair: tuple[str, str]) -> None:
    caller = world.caller("centre-doctor", ("system/CarePlan.s",))

    with pytest.raises(Problem, match="HUB-001"):
        await world.hub.search(caller, "CarePlan", pairs=[pair])


async def test_a_star_leaves_out_what_the_scopes_do_not_cover(world: World) -> None:
    caller = world.caller("centre-doctor", ("system/CarePlan.s",))

    assert (await world.hub.search(caller, "CarePlan", pairs=[("_include", "*")])).included == ()


async def test_beyond_the_bound_the_answer_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(including, "MAX_INCLUDED", 3)
    await world.write(HOSPITAL, *(condition("elder", f"c{number}") for number in range(5)))

    found = await find(world, "centre-doctor", "Patient", ("_revinclude", "Condition:subject"))

    assert len(found.included) == 3
    assert [(told.code, told.severity) for told in found.warnings] == [("HUB-030", "warning")]


async def test_hidden_rows_do_not_count_towards_the_bound(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(including, "MAX_INCLUDED", 1)
    about = condition("elder", "about")
    hidden = [condition("stranger", f"h{number}") for number in range(4)]
    shown = [{"reference": f"Condition/{name}"} for name in ("h0", "h1", "h2", "h3", "elder-diagnosis")]
    await world.write(HOSPITAL, *hidden, {**about, "evidence": [{"detail": shown}]})

    found = await find(world, "centre-doctor", "Condition", ("_id", "about"), ("_include", "Condition:evidence-detail"))

    assert (included(found), found.warnings) == (["Condition/elder-diagnosis"], ())


async def test_each_elder_of_what_was_included_has_an_entry(world: World) -> None:
    await world.write(HOSPITAL, patient("third", "410199195001011234"), consent("third"), condition("third"))
    await world.write(HOSPITAL, referral("third"), actor="workflow")

    await find(world, "centre-doctor", "Patient", ("_id", "elder,third"), ("_revinclude", "Condition:subject"))

    told = [(entry.action, entry.elder, entry.rule) for entry in await world.entries(agent="centre-doctor")]
    assert sorted(told)[:2] == [("disclose", "elder", ""), ("disclose", "third", "")]
    assert [entry.count for entry in await world.entries(agent="centre-doctor", action="search")] == [4]


async def test_an_include_that_is_denied_does_not_stand_for_the_answer(world: World) -> None:
    await world.write(OTHER_CENTRE, {**condition("stranger", "theirs")})
    about = condition("elder", "about")
    about["evidence"] = [{"detail": [{"reference": "Condition/stranger-diagnosis"}]}]
    await world.write(HOSPITAL, about)

    await find(world, "centre-doctor", "Condition", ("_id", "about"), ("_include", "Condition:evidence-detail"))

    (entry,) = await world.entries(agent="centre-doctor", action="search")
    assert (entry.elder, entry.outcome) == ("elder", 0)
    assert entry.rule != "default-deny"
