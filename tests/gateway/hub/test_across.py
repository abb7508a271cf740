"""Searches over several kinds: `_type` at the base, `*` in a compartment."""

from __future__ import annotations

import pytest

from gateway.fhir.problem import Problem, Problems
from tests.harness import HOSPITAL, World, condition

KINDS = ("_type", "Patient,Encounter,Condition,Patient")


async def walk(world: World, *pairs: tuple[str, str], within: str = "") -> list[list[str]]:
    """Return the keys of each page."""
    caller, asked, pages = world.caller("centre-doctor"), list(pairs), []
    while asked:
        if within:
            found = await world.hub.compartment(caller, within, "*", pairs=asked)
        else:
            found = await world.hub.search_all(caller, pairs=asked)
        pages.append([f"{row.kind}/{row.id}" for row in found.rows])
        name, _, token = found.next.partition("=")
        asked = [(name, token)] if token else []
    return pages


@pytest.mark.parametrize("count", [1, 2, 3, 4, 20])
async def test_pages_over_kinds_give_the_whole_once_and_none_is_empty(world: World, count: int) -> None:
    await world.write(HOSPITAL, condition("elder", "second"))

    pages = await walk(world, KINDS, ("_count", str(count)))

    found = [key for page in pages for key in page]
    assert found == ["Condition/elder-diagnosis", "Condition/second", "Encounter/elder-stay", "Patient/elder"]
    assert all(len(page) == count for page in pages[:-1])
    assert pages[-1]


async def test_the_total_is_that_of_all_kinds(world: World) -> None:
    caller = world.caller("centre-doctor")

    for count in ("0", "1", "20"):
        found = await world.hub.search_all(caller, pairs=[KINDS, ("_count", count), ("_total", "accurate")])
        assert found.total == 3


async def test_a_star_is_all_that_is_open_in_the_compartment(world: World) -> None:
    (page,) = await walk(world, ("_lastUpdated", "gt2000"), ("_count", "200"), within="elder")
    (closed,) = await walk(world, ("_lastUpdated", "gt2000"), within="stranger")

    assert {"Patient/elder", "Condition/elder-diagnosis", "CarePlan/elder-plan"} <= set(page)
    assert not any("stranger" in key for key in page)
    assert closed == []


async def test_includes_come_with_matches_of_every_kind(world: World) -> None:
    pairs = [("_type", "Condition,Encounter"), ("_include", "Encounter:subject")]

    found = await world.hub.search_all(world.caller("centre-doctor"), pairs=pairs)

    assert [f"{row.kind}/{row.id}" for row in found.included] == ["Patient/elder"]


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ([("_id", "elder")], "FHIR-063"),
        ([("_type", "")], "FHIR-063"),
        ([("_type", "Elder")], "FHIR-063"),
        ([("_type", "AuditEvent")], "FHIR-041"),
        ([KINDS, ("_sort", "_id")], "FHIR-064"),
        ([KINDS, ("gender", "female")], "FHIR-045"),
    ],
    ids=["no-kind", "empty", "unknown", "journal", "order", "not-common"],
)
async def test_what_cannot_be_asked_of_all_kinds_is_refused(
    world: World, pairs: list[tuple[str, str]], code: str
) -> None:
    with pytest.raises((Problem, Problems)) as refused:
        await world.hub.search_all(world.caller("centre-doctor"), pairs=pairs)

    found = refused.value.problems if isinstance(refused.value, Problems) else [refused.value]
    assert [problem.code for problem in found] == [code]


async def test_every_kind_needs_its_scope_and_must_be_open_to_the_role(world: World) -> None:
    scoped = world.caller("centre-doctor", ("system/Patient.s",))

    with pytest.raises(Problem, match="HUB-001"):
        await world.hub.search_all(scoped, pairs=[("_type", "Patient,Condition")])
    with pytest.raises(Problem, match=r"SEC-403|HUB-002"):
        await world.hub.search_all(world.caller("station-carer"), pairs=[("_type", "Patient,Condition")])


async def test_who_may_search_nothing_is_refused_a_star_too(world: World) -> None:
    with pytest.raises(Problem, match="HUB-001"):
        await world.hub.compartment(world.caller("auditor"), "elder", "*")
