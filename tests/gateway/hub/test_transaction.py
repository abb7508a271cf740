"""transaction: all or nothing, each entry decided and audited as if it came alone."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir.predicate import EVERYTHING
from gateway.fhir.problem import Problem, Problems
from gateway.fhir.query import Query
from gateway.hub import Found, Released, Written
from tests.budget import examples
from tests.harness import BASE, CENTRE, ELDER_CARD, OTHER_CARD, World, care_plan, condition

Doc = dict[str, Any]


def _entry(method: str, url: str, doc: Mapping[str, Any] | None = None, **more: Any) -> Doc:
    made: Doc = {"request": {"method": method, "url": url}, **more}
    return {**made, "resource": dict(doc)} if doc is not None else made


def _bundle(*entries: Doc, type: str = "transaction") -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": type, "entry": list(entries)}).encode()


def _asked(method: str, url: str, doc: Mapping[str, Any] | None = None, **conditions: str) -> Doc:
    full_url = {"fullUrl": conditions.pop("fullUrl")} if "fullUrl" in conditions else {}
    made = _entry(method, url, doc, **full_url)
    return {**made, "request": {**made["request"], **conditions}}


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
    "entry",
    [
        _entry("PATCH", "CarePlan/elder-plan"),
        _entry("GET", "Patient/elder/$everything"),
        _entry("GET", "Nothing/elder"),
        _entry("GET", "Patient/elder", condition("elder")),
        _entry("POST", "Condition"),
        _entry("POST", "Condition/x", condition("elder")),
        _entry("PUT", "Condition", condition("elder")),
        _entry("DELETE", "Condition"),
        _entry("DELETE", "Condition/x?code=y"),
        _entry("DELETE", "CarePlan/elder-plan/_history/1"),
        _asked("DELETE", "CarePlan/elder-plan", ifMatch="1"),
        _asked("DELETE", "CarePlan/elder-plan", ifNoneExist="code=x"),
        _asked("DELETE", "CarePlan/elder-plan", ifModifiedSince="2026-03-12T04:00:00Z"),
        _asked("GET", "Patient/elder", ifMatch='W/"1"'),
        _asked("GET", "Patient?gender=female", ifNoneMatch='W/"1"'),
        _entry("GET", "Patient?" + "&".join(["gender=female"] * 300)),
    ],
)
async def test_an_entry_that_does_not_fit_is_refused(world: World, entry: Doc) -> None:
    with pytest.raises((Problem, Problems), match="HUB-013"):
        await _tell(world, entry)


async def test_two_entries_for_one_resource_are_refused(world: World) -> None:
    with pytest.raises(Problem, match="HUB-014"):
        await _tell(world, _entry("DELETE", "CarePlan/elder-plan"), _entry("DELETE", "CarePlan/elder-plan"))


async def test_another_type_of_bundle_is_refused(world: World) -> None:
    body = _bundle(_entry("GET", "Patient/elder"), type="collection")

    with pytest.raises((Problem, Problems), match=r"HUB-010|FHIR-020"):
        await world.hub.transaction(world.caller("centre-doctor"), body=body)


ONE = "identifier=urn:test|1"
URN = "urn:uuid:6b2f7a52-7a2c-4a43-9d60-0f3a8a0a9d11"


def _own(number: int = 1, **more: Any) -> Doc:
    doc = {**condition("elder"), "identifier": [{"system": "urn:test", "value": str(number)}]}
    del doc["id"]
    return {**doc, **more}


def _about(reference: str, **more: Any) -> Doc:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "跌倒风险"},
        "subject": {"reference": "Patient/elder"},
        "focus": [{"reference": reference}],
        **more,
    }


async def _focus(world: World, outcome: Any) -> str:
    stored = await world.store.read("Observation", outcome.id)
    assert stored is not None
    found: str = json.loads(stored.body)["focus"][0]["reference"]
    return found


async def test_a_conditional_create_that_meets_a_match_is_what_references_point_to(world: World) -> None:
    create = _asked("POST", "Condition", _own(), ifNoneExist=ONE, fullUrl=URN)
    (first,) = await _tell(world, create)

    again, observation = await _tell(world, create, _entry("POST", "Observation", _about(URN)))

    assert (first.outcome.created, again.outcome.created, again.outcome.id) == (True, False, first.outcome.id)
    assert await _focus(world, observation.outcome) == f"Condition/{first.outcome.id}"


async def test_a_conditional_update_creates_and_then_updates(world: World) -> None:
    (made,) = await _tell(world, _entry("PUT", f"Condition?{ONE}", _own()))
    (next_,) = await _tell(world, _entry("PUT", f"Condition?{ONE}", _own(note=[{"text": "x"}])))

    assert (made.outcome.created, made.outcome.version) == (True, 1)
    assert (next_.outcome.id, next_.outcome.version) == (made.outcome.id, 2)


async def test_a_conditional_delete_and_patch_are_of_the_one_match(world: World) -> None:
    await _tell(world, _entry("POST", "Condition", _own(1)), _entry("POST", "Condition", _own(2)))
    patch = _patch({"op": "add", "path": "/note", "value": [{"text": "x"}]})

    gone, patched, nothing = await _tell(
        world,
        _entry("DELETE", f"Condition?{ONE}"),
        _entry("PATCH", "Condition?identifier=urn:test|2", patch),
        _entry("DELETE", "Condition?identifier=urn:test|3"),
    )

    assert (gone.outcome.version, patched.outcome.version, nothing.outcome) == (2, 2, None)


def _patch(*operations: Doc) -> Doc:
    data = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}


async def test_a_conditional_reference_is_found_by_its_writer(world: World) -> None:
    question = f"Patient?identifier=urn:oid:2.16.156.10011.1.3|{ELDER_CARD}"

    (observation,) = await _tell(
        world, _entry("POST", "Observation", _about("Condition/x", subject={"reference": question}))
    )

    stored = await world.store.read("Observation", observation.outcome.id)
    assert stored is not None
    assert stored.facts.elder == "elder"
    assert json.loads(stored.body)["subject"] == {"reference": "Patient/elder"}


@pytest.mark.parametrize("card", [OTHER_CARD, "410199190001010000"], ids=["hidden", "absent"])
async def test_a_conditional_reference_to_whom_one_does_not_see_meets_nobody(world: World, card: str) -> None:
    subject = {"reference": f"Patient?identifier=urn:oid:2.16.156.10011.1.3|{card}"}

    with pytest.raises(Problems, match="HUB-045"):
        await _tell(world, _entry("POST", "Observation", _about("Condition/x", subject=subject)))


async def test_a_conditional_reference_to_several_is_refused(world: World) -> None:
    await _tell(world, _entry("POST", "Condition", _own()), _entry("POST", "Condition", _own()))

    with pytest.raises(Problems, match="HUB-045"):
        await _tell(world, _entry("POST", "Observation", _about(f"Condition?{ONE}")))


@pytest.mark.parametrize(
    "bad",
    [
        _asked("PUT", "CarePlan/elder-plan", {**care_plan("elder")}, ifMatch='W/"7"'),
        _asked("PUT", "CarePlan/elder-plan", {**care_plan("elder")}, ifNoneMatch="*"),
        _asked("DELETE", "CarePlan/elder-plan", ifMatch='W/"7"'),
        _entry("PUT", "Condition?patient=elder", {**condition("elder"), "id": "another"}),
        _entry("PATCH", f"Condition?{ONE}", _patch()),
        _entry("PATCH", "CarePlan/elder-plan", {"resourceType": "Binary", "contentType": "text/plain", "data": "eA=="}),
        _entry("GET", "Patient/elder/_history/7"),
        _entry("GET", "CarePlan/stranger-plan/_history"),
    ],
)
async def test_a_condition_that_does_not_hold_leaves_nothing_behind(world: World, bad: Doc) -> None:
    before = await world.store.search(Query("Condition", count=100), EVERYTHING)

    with pytest.raises((Problem, Problems)):
        await _tell(world, _entry("POST", "Condition", condition("elder")), bad)

    assert await world.store.search(Query("Condition", count=100), EVERYTHING) == before


@pytest.mark.parametrize(
    "entries",
    [
        [_asked("POST", "Condition", _own(), ifNoneExist=ONE)] * 2,
        [_entry("PUT", f"Condition?{ONE}", _own()), _entry("DELETE", f"Condition?{ONE}")],
        [_entry("DELETE", "CarePlan?_id=elder-plan"), _entry("PUT", "CarePlan/elder-plan", care_plan("elder"))],
        [_entry("POST", "Condition", _own(), fullUrl=URN), _entry("POST", "Condition", _own(), fullUrl=URN)],
    ],
    ids=["criteria", "criteria-of-two-methods", "one-resource-by-id-and-criteria", "full-url"],
)
async def test_what_stands_twice_is_refused(world: World, entries: list[Doc]) -> None:
    with pytest.raises((Problem, Problems), match=r"HUB-014|FHIR-020"):
        await _tell(world, *entries)


@pytest.mark.parametrize(
    "full_url",
    ["Condition/x", f"{BASE}/Condition/x", "http://elsewhere.test/fhir/Patient/x", "http://elsewhere.test"],
)
async def test_a_full_url_that_is_another_resources_is_refused(world: World, full_url: str) -> None:
    with pytest.raises((Problem, Problems), match="HUB-046"):
        await _tell(world, _entry("POST", "Condition", _own(), fullUrl=full_url))


async def test_entries_of_another_server_refer_to_each_other_as_there(world: World) -> None:
    there = "http://elsewhere.test/fhir"

    diagnosis, observation = await _tell(
        world,
        _entry("POST", "Condition", _own(), fullUrl=f"{there}/Condition/7"),
        _entry("POST", "Observation", _about("Condition/7"), fullUrl=f"{there}/Observation/8"),
    )

    assert await _focus(world, observation.outcome) == f"Condition/{diagnosis.outcome.id}"


async def test_of_many_transactions_at_once_under_one_condition_one_creates(world: World) -> None:
    other = world.restarted()
    await other.warm()
    body = _bundle(_asked("POST", "Condition", _own(), ifNoneExist=ONE), _entry("POST", "Condition", _own(2)))

    answers = await asyncio.gather(
        *(hub.transaction(world.caller("centre-doctor"), body=body) for hub in [world.hub, other] * 4)
    )

    assert sum(answer[0].outcome.created for answer in answers) == 1
    assert all(answer[1].outcome.created for answer in answers)


_GOOD = st.sampled_from(
    [
        _entry("POST", "Condition", _own()),
        _asked("POST", "Condition", _own(), ifNoneExist="identifier=urn:test|77"),
        _entry("PUT", "CarePlan/elder-plan", {**care_plan("elder"), "title": "x"}),
        _entry("DELETE", "Condition/own"),
        _entry("GET", "Patient/elder"),
    ]
)
_BAD = st.sampled_from(
    [
        _entry("GET", "Patient/stranger"),
        _entry("POST", "Condition", condition("stranger")),
        _entry("DELETE", "Condition/elder-diagnosis"),
        _asked("DELETE", "Condition/other", ifMatch='W/"9"'),
        _entry("PUT", "Condition?patient=elder", _own()),
        _entry("GET", "Condition?nothing.at=all"),
        _entry("POST", "Observation", _about("Condition?identifier=none")),
    ]
)


async def test_whichever_entry_fails_nothing_is_done(world: World) -> None:
    await world.write(CENTRE, {**condition("elder", "own")}, {**condition("elder", "other")})
    before = await world.store.changes("", limit=500)

    @settings(max_examples=examples(25), deadline=None)
    @given(st.lists(_GOOD, max_size=4), _BAD, st.integers(0, 4))
    def refused(good: list[Doc], bad: Doc, at: int) -> None:
        entries = [*good[:at], bad, *good[at:]]
        with pytest.raises((Problem, Problems)):
            loop.run(_tell(world, *entries))

    loop = _Beside(asyncio.get_running_loop())
    await asyncio.to_thread(refused)

    assert (await world.store.changes("", limit=500)).rows == before.rows


class _Beside:
    """Runs what a thread asks for in the loop of the test."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
