"""transaction: all or nothing, each entry decided and audited as if it came alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.fhir.predicate import EVERYTHING
from gateway.fhir.problem import Problem, Problems
from gateway.fhir.query import Query
from gateway.hub import Found, Released, Written
from tests.harness import World, condition

Doc = dict[str, Any]


def _entry(method: str, url: str, doc: Mapping[str, Any] | None = None, **more: Any) -> Doc:
    made: Doc = {"request": {"method": method, "url": url}, **more}
    return {**made, "resource": dict(doc)} if doc is not None else made


def _bundle(*entries: Doc, type: str = "transaction") -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": type, "entry": list(entries)}).encode()


async def _tell(world: World, *entries: Doc, client: str = "centre-doctor") -> Any:
    return await world.hub.transaction(world.caller(client), body=_bundle(*entries))


async def test_writes_and_reads_are_answered_in_the_order_of_their_entries(world: World) -> None:
    answers = await _tell(
        world,
        _entry("GET", "Condition?patient=elder"),
        _entry("POST", "Condition", condition("elder", "ignored")),
        _entry("GET", "Patient/elder"),
    )

    found, written, read = (answer.outcome for answer in answers)
    assert isinstance(found, Found)
    assert len(found.rows) == 2
    assert isinstance(written, Written)
    assert (written.created, written.version) == (True, 1)
    assert isinstance(read, Released)


async def test_references_between_entries_are_resolved(world: World) -> None:
    urn = "urn:uuid:6b2f7a52-7a2c-4a43-9d60-0f3a8a0a9d11"
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "跌倒风险"},
        "subject": {"reference": "Patient/elder"},
        "focus": [{"reference": urn}],
    }

    answers = await _tell(
        world,
        _entry("POST", "Observation", observation),
        _entry("POST", "Condition", condition("elder"), fullUrl=urn),
    )

    diagnosis = answers[1].outcome
    stored = await world.store.read("Observation", answers[0].outcome.id)
    assert stored is not None
    assert json.loads(stored.body)["focus"] == [{"reference": f"Condition/{diagnosis.id}"}]


@pytest.mark.parametrize(
    "bad",
    [
        _entry("GET", "Patient/stranger"),
        _entry("GET", "Condition?_filter=x"),
        _entry("POST", "Condition", condition("stranger")),
        _entry("PUT", "Task/elder-referral", {"resourceType": "Task", "id": "elder-referral"}),
        _entry("DELETE", "Condition/elder-diagnosis"),
    ],
    ids=["denied-read", "unbuilt-search", "denied-create", "invalid", "denied-delete"],
)
async def test_one_refused_entry_leaves_nothing_behind(world: World, bad: Doc) -> None:
    before = await world.store.search(Query("Condition", count=100), EVERYTHING)

    with pytest.raises((Problem, Problems)):
        await _tell(world, _entry("POST", "Condition", condition("elder")), bad)

    after = await world.store.search(Query("Condition", count=100), EVERYTHING)
    assert [(row.id, row.version) for row in after.rows] == [(row.id, row.version) for row in before.rows]


async def test_a_refusal_names_its_entry(world: World) -> None:
    with pytest.raises(Problems) as refused:
        await _tell(world, _entry("GET", "Patient/elder"), _entry("GET", "Patient/stranger"))

    assert [(each.code, each.where) for each in refused.value.problems] == [("SEC-404", "Bundle.entry[1]")]


async def test_every_entry_has_its_own_in_the_journal(world: World) -> None:
    await _tell(
        world,
        _entry("POST", "Condition", condition("elder")),
        _entry("DELETE", "CarePlan/elder-plan"),
        _entry("GET", "Patient/elder"),
    )

    actions = sorted(entry.action for entry in await world.entries(agent="centre-doctor"))
    assert actions == ["create", "delete", "read", "transaction"]


async def test_a_refused_entry_and_its_transaction_are_in_the_journal(world: World) -> None:
    with pytest.raises(Problems):
        await _tell(
            world,
            _entry("POST", "Condition", condition("elder")),
            _entry("POST", "Condition", condition("stranger")),
        )

    told = [(entry.action, entry.outcome > 0) for entry in await world.entries(agent="centre-doctor")]
    assert sorted(told) == [("create", True), ("transaction", True)]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (_entry("PATCH", "Patient/elder"), "HUB-013"),
        (_entry("GET", "Patient/elder/_history"), "HUB-013"),
        (_entry("PUT", "Patient?identifier=x", condition("elder")), "HUB-012"),
        (_entry("DELETE", "Condition?patient=elder"), "HUB-012"),
        ({**_entry("POST", "Condition", condition("elder")), "request": {
            "method": "POST", "url": "Condition", "ifNoneExist": "code=x"}}, "HUB-012"),
    ],
    ids=["patch", "history", "conditional-update", "conditional-delete", "conditional-create"],
)  # fmt: skip
async def test_what_is_not_built_is_refused(world: World, entry: Doc, code: str) -> None:
    with pytest.raises((Problem, Problems), match=code):
        await _tell(world, entry)


async def test_two_entries_for_one_resource_are_refused(world: World) -> None:
    with pytest.raises(Problem, match="HUB-014"):
        await _tell(world, _entry("DELETE", "CarePlan/elder-plan"), _entry("DELETE", "CarePlan/elder-plan"))


async def test_a_batch_is_refused(world: World) -> None:
    body = _bundle(_entry("GET", "Patient/elder"), type="batch")

    with pytest.raises(Problem, match="HUB-010"):
        await world.hub.transaction(world.caller("centre-doctor"), body=body)
