"""batch: every entry by itself, in the order of a transaction, each with its own outcome and audit entry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.fhir.problem import Problem, Problems
from gateway.hub import Failed, Found, Released, Written
from gateway.hub.bundle import MAX_ENTRIES
from tests.harness import World, condition

Doc = dict[str, Any]
URN = "urn:uuid:6b2f7a52-7a2c-4a43-9d60-0f3a8a0a9d11"


def _entry(method: str, url: str, doc: Mapping[str, Any] | None = None, **conditions: str) -> Doc:
    made: Doc = {"request": {"method": method, "url": url, **conditions}}
    return {**made, "resource": dict(doc)} if doc is not None else made


async def _tell(world: World, *entries: Doc, client: str = "centre-doctor") -> Any:
    body = json.dumps({"resourceType": "Bundle", "type": "batch", "entry": list(entries)}).encode()
    answers = await world.hub.batch(world.caller(client), body=body)
    return [answer.outcome for answer in answers]


def _codes(outcome: Any) -> list[str]:
    assert isinstance(outcome, Failed)
    return [problem.code for problem in outcome.problems]


async def test_what_fails_leaves_the_others_alone(world: World) -> None:
    found, denied, written, invalid, strange, read = await _tell(
        world,
        _entry("GET", "Condition?patient=elder"),
        _entry("GET", "Patient/stranger"),
        _entry("POST", "Condition", condition("elder")),
        _entry("POST", "Condition", {**condition("elder"), "unknown": 1}),
        _entry("GET", "Condition/elder-diagnosis/$everything"),
        _entry("GET", "Patient/elder/_history/1"),
    )

    assert isinstance(found, Found)
    assert (_codes(denied), denied.status) == (["SEC-404"], 404)
    assert isinstance(written, Written)
    assert (_codes(invalid), invalid.status) == (["FHIR-010"], 400)
    assert _codes(strange) == ["HUB-013"]
    assert isinstance(read, Released)


async def test_a_delete_comes_before_a_read_whatever_its_place(world: World) -> None:
    read, gone = await _tell(world, _entry("GET", "CarePlan/elder-plan"), _entry("DELETE", "CarePlan/elder-plan"))

    assert (_codes(read), gone.version) == (["STO-410"], 2)


async def test_conditions_hold_in_their_entries(world: World) -> None:
    own = {**condition("elder"), "identifier": [{"system": "urn:test", "value": "1"}]}
    criteria = "identifier=urn:test|1"
    first, second, updated, stale, gone, nothing = await _tell(
        world,
        _entry("POST", "Condition", own, ifNoneExist=criteria),
        _entry("POST", "Condition", own, ifNoneExist=criteria),
        _entry("PUT", f"Condition?{criteria}", {**own, "id": ""} | {"note": [{"text": "x"}]}),
        _entry("DELETE", "CarePlan/elder-plan", ifMatch='W/"7"'),
        _entry("DELETE", "CarePlan?_id=elder-plan"),
        _entry("DELETE", f"Condition?{criteria}"),
    )

    assert (first.created, second.created, second.id) == (True, False, first.id)
    assert _codes(updated)
    assert _codes(stale) == ["STO-412"]
    assert (gone.version, nothing) == (2, None)


async def test_an_entry_does_not_refer_to_another(world: World) -> None:
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "Patient/elder"},
        "focus": [{"reference": URN}],
    }

    made, refused = await _tell(
        world,
        {**_entry("POST", "Condition", condition("elder")), "fullUrl": URN},
        _entry("POST", "Observation", observation),
    )

    assert made.created
    assert _codes(refused) == ["HUB-047"]


async def test_each_entry_has_its_own_in_the_journal_and_the_batch_one(world: World) -> None:
    await _tell(world, _entry("GET", "Patient/elder"), _entry("GET", "Patient/stranger"), _entry("GET", "x"))

    told = [(entry.action, entry.outcome > 0) for entry in await world.entries(agent="centre-doctor")]
    assert sorted(told) == [("read", False), ("read", True), ("transaction", False), ("transaction", True)]


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Bundle", "type": "batch", "unknown": 1},
        {"resourceType": "Bundle", "type": "batch", "entry": {}},
        {"resourceType": "Bundle", "type": "batch", "entry": [1]},
        {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": 5}}]},
        {"resourceType": "StructureDefinition", "type": "batch"},
        {"type": "batch"},
        {"resourceType": "Bundle", "type": "batch", "entry": [_entry("GET", "Patient/x")] * (MAX_ENTRIES + 1)},
    ],
)
async def test_a_bundle_that_is_none_is_refused_whole(world: World, body: Doc) -> None:
    with pytest.raises((Problem, Problems)):
        await world.hub.batch(world.caller("centre-doctor"), body=json.dumps(body).encode())
