"""Searches confined to one elder: what is in the compartment and nothing else, alike for closed and absent elders."""

from __future__ import annotations

import pytest

from gateway.fhir.problem import Problem
from tests.harness import HOSPITAL, World, condition, consent, patient, referral


@pytest.fixture
async def two(world: World) -> World:
    """Give a world in which the centre cares for two elders."""
    await world.write(HOSPITAL, patient("third", "410199195001011234"), consent("third"), condition("third"))
    await world.write(HOSPITAL, referral("third"), actor="workflow")
    return world


async def ids(
    world: World, client: str, elder: str, kind: str, *pairs: tuple[str, str]
) -> tuple[list[str], int | None]:
    found = await world.hub.compartment(world.caller(client), elder, kind, pairs=[*pairs, ("_total", "accurate")])
    return [row.id for row in found.rows], found.total


async def test_only_what_is_in_the_compartment_is_found(two: World) -> None:
    assert await ids(two, "centre-doctor", "elder", "Condition") == (["elder-diagnosis"], 1)
    assert await ids(two, "centre-doctor", "third", "Condition", ("code", "I63.900")) == (["third-diagnosis"], 1)
    assert await ids(two, "centre-doctor", "elder", "Patient") == (["elder"], 1)


@pytest.mark.parametrize(
    "pair", [("subject", "Patient/third"), ("_id", "third-diagnosis"), ("_sort", "code,_id"), ("code", "x")]
)
async def test_a_parameter_narrows_the_compartment_and_never_widens_it(two: World, pair: tuple[str, str]) -> None:
    assert "third-diagnosis" not in (await ids(two, "centre-doctor", "elder", "Condition", pair))[0]


async def test_a_closed_compartment_is_as_empty_as_one_that_never_was(two: World) -> None:
    closed = await ids(two, "centre-doctor", "stranger", "Condition")

    assert closed == await ids(two, "centre-doctor", "nobody", "Condition") == ([], 0)


async def test_pages_go_on_in_their_compartment_alone(two: World) -> None:
    await two.write(HOSPITAL, *(condition("elder", f"c{number}") for number in range(2)))
    caller, pairs = two.caller("centre-doctor"), [("_count", "1")]
    seen: list[str] = []
    while pairs:
        page = await two.hub.compartment(caller, "elder", "Condition", pairs=pairs)
        seen += [row.id for row in page.rows]
        name, _, token = page.next.partition("=")
        pairs = [(name, token)] if token else []
        if token:
            with pytest.raises(Problem, match="HUB-009"):
                await two.hub.compartment(caller, "third", "Condition", pairs=pairs)
            with pytest.raises(Problem, match="HUB-009"):
                await two.hub.search(caller, "Condition", pairs=pairs)

    assert sorted(seen) == ["c0", "c1", "elder-diagnosis"]


async def test_a_chain_is_answered_inside_too(two: World) -> None:
    assert await ids(two, "centre-doctor", "elder", "Condition", ("subject:Patient.gender", "female")) == (
        ["elder-diagnosis"], 1
    )  # fmt: skip
