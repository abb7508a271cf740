"""search: the guard, chains, pages bound to their caller, links that name nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.fhir.problem import Problem, Problems
from tests.harness import CARD, ELDER_CARD, HOSPITAL, OTHER_CARD, World, condition, consent, patient, referral

CHAIN = "patient.identifier"


async def test_only_what_the_caller_may_see_is_found_and_counted(world: World) -> None:
    found = await world.hub.search(world.caller("centre-doctor"), "Condition", pairs=[("_total", "accurate")])

    assert [row.id for row in found.rows] == ["elder-diagnosis"]
    assert found.total == 1


@pytest.mark.parametrize(
    "pairs",
    [
        [("birthdate", "1943-03-05")],
        [("_sort", "birthdate")],
        [("identifier", f"{CARD}|")],
    ],
    ids=["value", "sort", "no-full-identifier"],
)
async def test_a_parameter_on_a_masked_element_is_refused(world: World, pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Problem, match="HUB-002"):
        await world.hub.search(world.caller("station-carer"), "Patient", pairs=pairs)


@pytest.mark.parametrize("client", ["station-carer", "hospital-his"])
async def test_a_kind_that_the_role_never_sees_is_refused(world: World, client: str) -> None:
    caller = world.caller(client)
    caller = replace(caller, scopes=frozenset({"system/*.rs"}))

    with pytest.raises(Problem, match="SEC-403"):
        await world.hub.search(caller, "Provenance")


async def test_a_chain_through_a_masked_element_is_refused(world: World) -> None:
    with pytest.raises(Problem, match="HUB-002"):
        await world.hub.search(world.caller("station-carer"), "CarePlan", pairs=[("patient.birthdate", "1943")])


async def test_a_full_identifier_finds_for_those_who_do_not_see_it(world: World) -> None:
    pairs = [(CHAIN, f"{CARD}|{ELDER_CARD}")]

    found = await world.hub.search(world.caller("station-carer"), "CarePlan", pairs=pairs)

    assert [row.id for row in found.rows] == ["elder-plan"]


async def test_a_chain_through_another_chains_elder_finds_nothing(world: World) -> None:
    pairs = [(CHAIN, f"{CARD}|{OTHER_CARD}"), ("_total", "accurate")]

    found = await world.hub.search(world.caller("station-carer"), "CarePlan", pairs=pairs)

    assert (found.rows, found.total) == ((), 0)


async def test_a_chain_needs_the_scope_of_its_target(world: World) -> None:
    caller = world.caller("centre-doctor", ("system/CarePlan.s",))

    with pytest.raises(Problem, match="HUB-001"):
        await world.hub.search(caller, "CarePlan", pairs=[(CHAIN, f"{CARD}|{ELDER_CARD}")])


async def test_an_identity_number_stands_in_no_link_and_no_entry(world: World) -> None:
    pairs = [(CHAIN, f"{CARD}|{ELDER_CARD}"), ("status", "active")]

    found = await world.hub.search(world.caller("station-carer"), "CarePlan", pairs=pairs)

    (entry,) = await world.entries(action="search")
    assert ELDER_CARD not in found.query + entry.query
    assert "status=active" in found.query
    assert f"{CARD}|" in entry.query


async def test_a_page_link_goes_on_where_the_page_ended_for_its_caller_alone(world: World) -> None:
    await world.write(HOSPITAL, *(condition("elder", f"c{number}") for number in range(4)))
    caller, pairs = world.caller("centre-doctor"), [("_count", "2"), ("patient", "elder")]
    seen: list[str] = []

    while pairs:
        page = await world.hub.search(caller, "Condition", pairs=pairs)
        seen += [row.id for row in page.rows]
        for other in ("centre-nurse", "station-doctor") if page.next else ():
            with pytest.raises(Problem, match="HUB-009"):
                await world.hub.search(world.caller(other), "Condition", pairs=[_pair(page.next)])
        pairs = [_pair(page.next)] if page.next else []

    assert sorted(seen) == ["c0", "c1", "c2", "c3", "elder-diagnosis"]


async def test_a_page_link_opens_for_no_other_kind_and_not_when_altered(world: World) -> None:
    await world.write(HOSPITAL, condition("elder", "c1"))
    caller = world.caller("centre-doctor")
    page = await world.hub.search(caller, "Condition", pairs=[("_count", "1")])
    name, token = _pair(page.next)

    for kind, value in (("Encounter", token), ("Condition", token[:-2] + "xx"), ("Condition", "")):
        with pytest.raises(Problem, match="HUB-009"):
            await world.hub.search(caller, kind, pairs=[(name, value)])


async def test_the_stores_own_cursor_is_no_parameter_of_a_client(world: World) -> None:
    with pytest.raises((Problem, Problems), match=r"HUB-009|FHIR-04"):
        await world.hub.search(world.caller("centre-doctor"), "Condition", pairs=[("_cursor", "x")])


async def test_a_page_about_several_elders_leaves_an_entry_for_each(world: World) -> None:
    await world.write(HOSPITAL, patient("third", "410199195001011234"), consent("third"), condition("third"))
    await world.write(HOSPITAL, referral("third"), actor="workflow")

    found = await world.hub.search(world.caller("centre-doctor"), "Condition")

    told = [(entry.action, entry.elder) for entry in await world.entries(agent="centre-doctor")]
    assert len(found.rows) == 2
    assert sorted(told) == [("disclose", "elder"), ("disclose", "third"), ("search", "")]


def _pair(query: str) -> tuple[str, str]:
    name, _, value = query.partition("=")
    return name, value
