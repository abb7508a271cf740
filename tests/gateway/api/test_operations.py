"""$lastn, $document, $meta and its changes, $match over HTTP: no more than reads, searches and updates would do."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from gateway.fhir import gate as fhir
from tests.harness import CARD, ELDER_CARD, HOSPITAL, OTHER_CARD, World, codes, matches

LOINC = "http://loinc.org"
TAG = {"system": "urn:ours", "code": "seen"}
Doc = dict[str, Any]


def reading(id: str, day: int, code: str = "8867-4", elder: str = "elder") -> Doc:
    """Return a measurement of ``elder`` on a day of January."""
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": f"Patient/{elder}"},
        "effectiveDateTime": f"2026-01-{day:02d}T08:00:00+08:00",
        "valueQuantity": {"value": day, "unit": "x"},
    }


def summary(elder: str = "elder") -> Doc:
    """Return a composition that refers to the elder, the stay, a diagnosis and another chain's diagnosis."""
    entries = [{"reference": f"Condition/{elder}-diagnosis"}, {"reference": "Condition/stranger-diagnosis"}]
    return {
        "resourceType": "Composition",
        "id": f"{elder}-summary",
        "status": "final",
        "type": {"text": "出院小结"},
        "subject": {"reference": f"Patient/{elder}"},
        "encounter": {"reference": f"Encounter/{elder}-stay"},
        "date": "2026-03-12",
        "author": [{"reference": f"Organization/{HOSPITAL}"}],
        "title": "出院小结",
        "section": [{"title": "诊断", "entry": entries}],
    }


def given(*rows: Doc) -> Doc:
    return {"resourceType": "Parameters", "parameter": list(rows)}


def ids(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [entry["resource"]["id"] for entry in response.json().get("entry", ())]


async def test_lastn_gives_the_latest_of_each_kind(world: World) -> None:
    await world.write(HOSPITAL, reading("a1", 1), reading("a2", 3), reading("b1", 2, "8310-5"), reading("a3", 2))

    one = await world.fhir("centre-doctor", "GET", "Observation/$lastn?patient=elder")
    two = await world.fhir("centre-doctor", "GET", "Observation/$lastn?patient=elder&max=2")
    coded = await world.fhir("centre-doctor", "GET", "Observation/$lastn?patient=elder&code=8310-5")

    assert ids(one) == ["a2", "b1"]
    assert ids(two) == ["a2", "a3", "b1"]
    assert ids(coded) == ["b1"]


async def test_lastn_looks_through_all_pages(world: World) -> None:
    await world.write(HOSPITAL, reading("old", 1, "8310-5"), *(reading(f"n{number}", 2) for number in range(201)))

    assert ids(await world.fhir("centre-doctor", "GET", "Observation/$lastn?patient=elder"))[-1] == "old"


async def test_lastn_finds_nothing_of_another_chains_elder(world: World) -> None:
    await world.write(HOSPITAL, reading("s1", 1, elder="stranger"))

    assert ids(await world.fhir("centre-doctor", "GET", "Observation/$lastn?patient=stranger")) == []
    assert ids(await world.fhir("other-centre-doctor", "GET", "Observation/$lastn?patient=stranger")) == ["s1"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "TRM-005"),
        ("patient=elder&subject=Patient/elder", "TRM-005"),
        ("patient=elder&max=0", "TRM-007"),
        ("patient=elder&max=1000", "TRM-007"),
        ("patient=elder&_sort=code", "TRM-006"),
    ],
)
async def test_lastn_refuses_what_it_does_not_understand(world: World, query: str, code: str) -> None:
    response = await world.fhir("centre-doctor", "GET", f"Observation/$lastn?{query}")

    assert (response.status_code, codes(response)) == (400, [code])


async def test_a_document_is_the_composition_and_what_the_caller_may_see_of_the_rest(world: World) -> None:
    await world.write(HOSPITAL, summary())

    response = await world.fhir("centre-doctor", "GET", "Composition/elder-summary/$document")

    bundle = response.json()
    assert (bundle["type"], ids(response)[0]) == ("document", "elder-summary")
    assert {"elder", "elder-stay", "elder-diagnosis"} <= set(ids(response))
    assert "stranger-diagnosis" not in ids(response)
    assert fhir.accept(json.dumps(bundle).encode(), kind="Bundle")


async def test_a_document_of_another_chain_is_as_if_there_were_none(world: World) -> None:
    await world.write(HOSPITAL, summary())

    closed = await world.fhir("other-centre-doctor", "GET", "Composition/elder-summary/$document")
    absent = await world.fhir("other-centre-doctor", "GET", "Composition/nothing/$document")

    assert (closed.status_code, codes(closed), codes(absent)) == (404, ["SEC-404"], ["SEC-404"])


async def test_a_document_is_not_kept(world: World) -> None:
    await world.write(HOSPITAL, summary())

    response = await world.fhir("centre-doctor", "GET", "Composition/elder-summary/$document?persist=true")

    assert (response.status_code, codes(response)) == (400, ["TRM-007"])


async def test_tags_are_added_told_and_taken_away(world: World) -> None:
    body = given({"name": "meta", "valueMeta": {"tag": [TAG]}})

    added = await world.fhir("centre-doctor", "POST", "CarePlan/elder-plan/$meta-add", json=body)
    told = await world.fhir("centre-doctor", "GET", "CarePlan/elder-plan/$meta")
    again = await world.fhir("centre-doctor", "POST", "CarePlan/elder-plan/$meta-add", json=body)
    taken = await world.fhir("centre-doctor", "POST", "CarePlan/elder-plan/$meta-delete", json=body)

    metas = [response.json()["parameter"][0]["valueMeta"] for response in (added, told, again, taken)]
    assert [meta.get("tag") for meta in metas] == [[TAG], [TAG], [TAG], None]
    assert [meta["versionId"] for meta in metas] == ["2", "2", "2", "3"]


async def test_security_labels_are_not_the_clients(world: World) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}
    body = given({"name": "meta", "valueMeta": {"security": [label]}})

    for name in ("$meta-add", "$meta-delete"):
        response = await world.fhir("centre-doctor", "POST", f"CarePlan/elder-plan/{name}", json=body)
        assert (response.status_code, codes(response)) == (400, ["TRM-007"])


@pytest.mark.parametrize(
    ("client", "method", "path", "code"),
    [
        ("other-centre-doctor", "POST", "CarePlan/elder-plan/$meta-add", "SEC-404"),
        ("other-centre-doctor", "GET", "CarePlan/elder-plan/$meta", "SEC-404"),
        ("centre-reader", "POST", "CarePlan/elder-plan/$meta-add", "HUB-001"),
        ("centre-doctor", "GET", "CarePlan/elder-plan/$meta-add", "API-003"),
        ("centre-doctor", "POST", "CarePlan/$meta-add", "API-002"),
    ],
)
async def test_who_may_not_see_or_change_it_changes_no_tag(
    world: World, client: str, method: str, path: str, code: str
) -> None:
    options = {"json": given({"name": "meta", "valueMeta": {"tag": [TAG]}})} if method == "POST" else {}
    response = await world.fhir(client, method, path, **options)

    assert codes(response) == [code]
    assert "tag" not in (await world.read("centre-doctor", "CarePlan/elder-plan"))["meta"]


def asked(card: str, **more: Doc) -> Doc:
    patient = {"resourceType": "Patient", "identifier": [{"system": CARD, "value": card}]}
    return given({"name": "resource", "resource": patient}, *({"name": name, **value} for name, value in more.items()))


async def test_an_identity_card_is_a_certain_match(world: World) -> None:
    response = await world.fhir("centre-doctor", "POST", "Patient/$match", json=asked(ELDER_CARD))

    entry = response.json()["entry"][0]
    assert (entry["resource"]["id"], entry["search"]["score"]) == ("elder", 1.0)
    assert entry["search"]["extension"][0]["valueCode"] == "certain"
    assert fhir.accept(response.content, kind="Bundle")


async def test_a_hospitals_number_is_probable_and_no_certain_match(world: World) -> None:
    system = f"urn:yiyang:{HOSPITAL}:mrn"
    patient = {"resourceType": "Patient", "identifier": [{"system": system, "value": "MRN-elder"}]}
    row = {"name": "resource", "resource": patient}
    certain = {"name": "onlyCertainMatches", "valueBoolean": True}

    some = await world.fhir("centre-doctor", "POST", "Patient/$match", json=given(row))
    none = await world.fhir("centre-doctor", "POST", "Patient/$match", json=given(row, certain))

    assert [one["id"] for one in matches(some)] == ["elder"]
    assert some.json()["entry"][0]["search"]["extension"][0]["valueCode"] == "probable"
    assert matches(none) == []


async def test_an_elder_outside_the_relation_is_not_matched_and_no_number_is_said(world: World) -> None:
    response = await world.fhir("centre-doctor", "POST", "Patient/$match", json=asked(OTHER_CARD))

    assert (response.status_code, matches(response)) == (200, [])
    assert OTHER_CARD not in response.text


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (given({"name": "count", "valueInteger": 1}), "TRM-005"),
        (given({"name": "resource", "resource": {"resourceType": "Patient"}}), "TRM-005"),
        (
            given({"name": "resource", "resource": {"resourceType": "Group", "type": "person", "actual": True}}),
            "TRM-005",
        ),
        (given({"name": "colour", "valueString": "red"}), "TRM-006"),
        (asked(ELDER_CARD, count={"valueInteger": -1}), "TRM-007"),
        (asked(ELDER_CARD, count={"valueString": "x"}), "TRM-007"),
    ],
)
async def test_a_match_without_what_it_needs_is_told_so(world: World, body: Doc, code: str) -> None:
    response = await world.fhir("centre-doctor", "POST", "Patient/$match", json=body)

    assert (response.status_code, codes(response)) == (400, [code])


async def test_a_token_with_special_characters_asks_for_nothing_else(world: World) -> None:
    patient = {"resourceType": "Patient", "identifier": [{"system": CARD, "value": f"x,{CARD}|{OTHER_CARD}"}]}
    body = given({"name": "resource", "resource": patient})

    assert matches(await world.fhir("other-centre-doctor", "POST", "Patient/$match", json=body)) == []
