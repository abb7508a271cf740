"""Transactions and $validate over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.harness import World, codes, condition

Doc = dict[str, Any]


def _bundle(*entries: Doc) -> Doc:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def _entry(method: str, url: str, doc: Doc | None = None) -> Doc:
    made: Doc = {"request": {"method": method, "url": url}}
    return made if doc is None else {**made, "resource": doc}


async def test_a_transaction_answers_every_entry(world: World) -> None:
    bundle = _bundle(
        _entry("GET", "Patient/elder"),
        _entry("POST", "Condition", condition("elder")),
        _entry("GET", "CarePlan?patient=elder"),
        _entry("DELETE", "CarePlan/elder-plan"),
    )

    response = await world.fhir("centre-doctor", "POST", "", json=bundle)

    answer = response.json()
    statuses = [entry["response"]["status"] for entry in answer["entry"]]
    assert (response.status_code, answer["type"]) == (200, "transaction-response")
    assert statuses == ["200 OK", "201 Created", "200 OK", "204 No Content"]
    assert answer["entry"][0]["resource"]["id"] == "elder"
    assert "resource" not in answer["entry"][1]
    assert answer["entry"][1]["response"]["location"].endswith("/_history/1")
    assert answer["entry"][2]["resource"]["type"] == "searchset"


async def test_a_transaction_sends_back_what_was_written_when_asked(world: World) -> None:
    bundle = _bundle(_entry("POST", "Condition", condition("elder")))

    response = await world.fhir("centre-doctor", "POST", "", json=bundle, headers={"Prefer": "return=representation"})

    assert response.json()["entry"][0]["resource"]["resourceType"] == "Condition"


async def test_a_refused_entry_refuses_all_and_is_named(world: World) -> None:
    bundle = _bundle(_entry("POST", "Condition", condition("elder")), _entry("GET", "Patient/stranger"))

    response = await world.fhir("centre-doctor", "POST", "", json=bundle)

    assert (response.status_code, codes(response)) == (404, ["SEC-404"])
    assert response.json()["issue"][0]["expression"] == ["Bundle.entry[1]"]
    left = await world.fhir("centre-doctor", "GET", "Condition?_count=0")
    assert left.json()["total"] == 1


@pytest.mark.parametrize("path", ["Condition/$validate", "Condition/elder-diagnosis/$validate"])
async def test_a_valid_resource_is_said_to_be(world: World, path: str) -> None:
    response = await world.fhir("centre-reader", "POST", path, json=condition("elder"))

    assert (response.status_code, codes(response)) == (200, ["API-010"])


async def test_all_faults_of_a_resource_are_told_and_nothing_is_kept(world: World) -> None:
    faulty = {**condition("elder", "c1"), "recordedDate": "2026-02-30", "unknown": 1}
    wrapped = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": faulty}]}

    plain = await world.fhir("centre-doctor", "POST", "Condition/$validate", json=faulty)
    inside = await world.fhir("centre-doctor", "POST", "Condition/$validate", json=wrapped)

    assert plain.status_code == 200
    assert len(codes(plain)) >= 2
    assert plain.content == inside.content
    assert await world.store.read("Condition", "c1") is None


async def test_another_id_than_the_addresss_is_told(world: World) -> None:
    response = await world.fhir("centre-doctor", "POST", "Condition/other/$validate", json=condition("elder"))

    assert codes(response) == ["HUB-005"]


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("Condition/$validate?mode=maybe", None),
        ("Condition/$validate?mode=profile", None),
        ("Condition/$validate?colour=red", None),
        ("Condition/$validate", [{"name": "mode", "valueCode": "delete"}]),
        ("Condition/$validate?mode=create", [{"name": "mode", "valueCode": "update"}]),
        ("Condition/$validate", []),
    ],
    ids=["mode", "no-profile", "unknown", "delete-of-a-kind", "twice", "no-resource"],
)
async def test_parameters_of_validate_that_do_not_fit_are_refused(
    world: World, path: str, parameters: list[Doc] | None
) -> None:
    body = condition("elder") if parameters is None else {"resourceType": "Parameters", "parameter": parameters}

    response = await world.fhir("centre-doctor", "POST", path, content=json.dumps(body).encode(), headers={
        "Content-Type": "application/fhir+json"})  # fmt: skip

    assert (response.status_code, codes(response)) == (400, ["API-008"])


PROFILE = "https://yiyang-gateway.example/fhir/StructureDefinition/yy-condition"


@pytest.mark.parametrize(
    ("profile", "found"),
    [
        (PROFILE, True),
        ("http://hl7.org/fhir/StructureDefinition/Condition", False),
        ("http://example.org/unknown", True),
        ("https://yiyang-gateway.example/fhir/StructureDefinition/yy-patient", True),
    ],
)
async def test_a_profile_that_is_named_is_checked_too(world: World, profile: str, *, found: bool) -> None:
    bare = {"resourceType": "Condition", "subject": {"reference": "Patient/elder"}}
    by_query = await world.fhir("centre-doctor", "POST", f"Condition/$validate?profile={profile}", json=bare)
    rows = [{"name": "resource", "resource": bare}, {"name": "profile", "valueUri": profile}]
    by_body = await world.fhir(
        "centre-doctor", "POST", "Condition/$validate", json={"resourceType": "Parameters", "parameter": rows}
    )

    errors = [issue for issue in by_query.json()["issue"] if issue["severity"] == "error"]
    assert bool(errors) == found
    assert by_query.content == by_body.content


async def test_a_stored_resource_is_validated_as_its_reader_sees_it(world: World) -> None:
    seen = await world.fhir("centre-doctor", "GET", "Condition/elder-diagnosis/$validate")
    masked = await world.fhir("station-carer", "GET", "CarePlan/elder-plan/$validate")
    by_profile = await world.fhir("station-carer", "GET", "CarePlan/elder-plan/$validate?profile=http://example.org/p")
    closed = await world.fhir("other-centre-doctor", "GET", "Condition/elder-diagnosis/$validate")

    assert (seen.status_code, codes(seen)) == (200, ["API-010"])
    assert (masked.status_code, codes(masked)) == (200, ["API-010"])
    assert codes(by_profile) == ["API-008"]
    assert (closed.status_code, codes(closed)) == (404, ["SEC-404"])


async def test_whether_a_resource_could_be_deleted_is_told_and_it_is_not(world: World) -> None:
    own = await world.fhir("centre-doctor", "GET", "CarePlan/elder-plan/$validate?mode=delete")
    others = await world.fhir("centre-doctor", "GET", "Condition/elder-diagnosis/$validate?mode=delete")
    closed = await world.fhir("other-centre-doctor", "GET", "CarePlan/elder-plan/$validate?mode=delete")

    assert codes(own) == ["API-010"]
    assert (others.status_code, codes(others)) == (200, ["SEC-403"])
    assert (closed.status_code, codes(closed)) == (404, ["SEC-404"])
    assert (await world.read("centre-doctor", "CarePlan/elder-plan"))["meta"]["versionId"] == "1"


async def test_a_batch_answers_every_entry_by_itself(world: World) -> None:
    bundle = _bundle(
        _entry("GET", "Patient/elder"),
        _entry("GET", "Patient/stranger"),
        _entry("POST", "Condition", condition("elder")),
        _entry("DELETE", "CarePlan/elder-plan"),
        _entry("HEAD", "Patient/elder"),
        _entry("GET", "Condition/elder-diagnosis/_history"),
        {"request": {"method": "GET", "url": "Patient/elder", "ifNoneMatch": 'W/"1"'}},
    )

    response = await world.fhir("centre-doctor", "POST", "", json={**bundle, "type": "batch"})

    answer = response.json()
    assert (response.status_code, answer["type"]) == (200, "batch-response")
    assert [entry["response"]["status"] for entry in answer["entry"]] == [
        "200 OK", "404 Not Found", "201 Created", "204 No Content", "200 OK", "200 OK", "304 Not Modified",
    ]  # fmt: skip
    outcome = answer["entry"][1]["response"]["outcome"]
    assert outcome["issue"][0]["details"]["coding"][0]["code"] == "SEC-404"
    assert [("resource" in entry) for entry in answer["entry"]] == [True, False, False, False, False, True, False]
    assert answer["entry"][5]["resource"]["type"] == "history"


async def test_a_bundle_of_another_type_is_refused(world: World) -> None:
    response = await world.fhir("centre-doctor", "POST", "", json={"resourceType": "Bundle", "type": "collection"})

    assert (response.status_code, codes(response)) == (400, ["HUB-010"])
