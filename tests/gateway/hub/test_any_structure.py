"""Any search with chains, `_has`, includes, orders and pages is answered as a plain reading of what its caller sees.

The rows of another chain lie beside them and match as well: they change no row, no total, no link and no include.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.fhir.problem import Problem
from tests.budget import examples
from tests.gateway.hub import brute
from tests.harness import HOSPITAL, OTHER_CENTRE, World, condition, consent, encounter, patient, referral

Doc = dict[str, Any]
ONE_WORLD = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
CLIENTS = ["centre-doctor", "other-centre-doctor"]


def observation(elder: str, id: str, code: str, stay: str = "") -> Doc:
    doc = {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{elder}"},
    }
    return {**doc, "encounter": {"reference": f"Encounter/{stay}"}} if stay else doc


@pytest.fixture
async def town(world: World) -> World:
    """Give a world with two elders of one chain and two of another."""
    second = {**patient("third", "410199195001011234"), "gender": "male"}
    await world.write(HOSPITAL, second, consent("third"), {**encounter("third"), "status": "planned"})
    await world.write(HOSPITAL, patient("fourth", "410199195001014321"), consent("fourth", OTHER_CENTRE))
    await world.write(HOSPITAL, encounter("stranger"), encounter("fourth"))
    await world.write(HOSPITAL, referral("third"), referral("fourth", OTHER_CENTRE), actor="workflow")
    for elder in ("elder", "third", "stranger", "fourth"):
        stay = {"encounter": {"reference": f"Encounter/{elder}-stay"}}
        other = condition(elder, f"{elder}-other")
        other["code"] = {"coding": [{"code": "I10"}]}
        await world.write(HOSPITAL, observation(elder, f"{elder}-a", "8867-4", f"{elder}-stay"))
        await world.write(HOSPITAL, observation(elder, f"{elder}-b", "8480-6"), {**other, **stay})
    return world


async def readable(world: World, client: str) -> dict[str, Doc]:
    """Return what ``client`` may read, each asked for by its id."""
    found = {}
    for row in (await world.store.changes("", limit=500)).rows:
        if row.kind in brute.KINDS:
            try:
                seen = await world.hub.read(world.caller(client), row.kind, row.id)
            except Problem:
                continue
            found[f"{row.kind}/{row.id}"] = json.loads(seen.body)
    return found


@settings(max_examples=examples(60), suppress_health_check=ONE_WORLD, deadline=None)
@given(data=st.data(), client=st.sampled_from(CLIENTS), kind=st.sampled_from(brute.KINDS), count=st.integers(1, 4))
async def test_any_search_is_answered_as_if_there_were_nothing_else(
    town: World, data: st.DataObject, client: str, kind: str, count: int
) -> None:
    asked = data.draw(st.lists(brute.asked(kind), max_size=2))
    wanted = data.draw(st.lists(brute.includings, max_size=3, unique=True))
    params = sorted({param for known, param in [*brute.TOKENS, *brute.REFERENCES] if known == kind})
    keys = [*data.draw(st.lists(st.tuples(st.sampled_from(params), st.booleans()), max_size=2)), ("_id", False)]
    docs = await readable(town, client)

    expected = [doc for doc in docs.values() if doc["resourceType"] == kind]
    expected = [doc for doc in expected if all(each.holds(doc, docs) for each in asked)]
    expected = brute.ordered(expected, keys)

    pairs = [(each.name, each.value) for each in asked] + [each.pair for each in wanted]
    order = ",".join(f"{'-' if descending else ''}{param}" for param, descending in keys)
    pairs += [("_sort", order), ("_count", str(count)), ("_total", "accurate")]
    seen: list[str] = []
    while pairs:
        page = await town.hub.search(town.caller(client), kind, pairs=pairs)
        rows = [f"{row.kind}/{row.id}" for row in page.rows]
        beside = [f"{row.kind}/{row.id}" for row in page.included]
        assert page.total == len(expected)
        assert len(rows) == min(count, len(expected) - len(seen))
        assert len(set(beside)) == len(beside)
        assert set(beside) == brute.included(rows, wanted, docs)
        seen += rows
        name, _, token = page.next.partition("=")
        pairs = [(name, token)] if token else []

    assert seen == [f"{kind}/{doc['id']}" for doc in expected]


async def test_each_of_the_callers_sees_two_elders(town: World) -> None:
    for client, elders in (("centre-doctor", {"elder", "third"}), ("other-centre-doctor", {"stranger", "fourth"})):
        docs = await readable(town, client)
        assert {doc["id"] for doc in docs.values() if doc["resourceType"] == "Patient"} == elders
        assert len(docs) > 10
