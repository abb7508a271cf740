"""What each reader gets to see of the town's elder: the carer's view exactly, references, contained resources, text."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.fhir.codec import dump_exact, parse_exact
from security.labels.view import MASKED, SUBSETTED, View
from tests.security.town import (
    ALL_CLASSES,
    CARER,
    CENTRE,
    CENTRE_DOCTOR,
    CENTRE_NURSE,
    STATION,
    STATION_DOCTOR,
    Town,
    about,
    care_plan,
    consent,
    patient,
    rules,
)

_, CATALOGUE = rules()


@pytest.fixture
def town() -> Town:
    return Town().in_care()


def _carer(kind: str, **how: Any) -> View:
    return View(CATALOGUE, kind, "station-carer", **how)


def test_the_carer_sees_the_patient_without_identifiers_and_with_the_year_of_birth(town: Town) -> None:
    doc = patient() | {"text": {"status": "generated", "div": "<div>王示兰</div>"}, "photo": [{"url": "p"}]}
    assert town.shown(CARER, doc, town.put(doc)) == {
        "resourceType": "Patient",
        "id": "elder",
        "name": [{"text": "王示兰"}],
        "telecom": [{"system": "phone", "value": "13800000001"}],
        "gender": "female",
        "birthDate": "1943",
        "meta": {"tag": [SUBSETTED]},
    }


def test_the_carer_sees_the_care_plan_without_note_and_addresses(town: Town) -> None:
    doc = care_plan() | {
        "note": [{"text": "为医生"}],
        "addresses": [{"reference": "Condition/c", "display": "脑梗死"}],
        "text": {"status": "generated", "div": "<div/>"},
    }
    assert town.shown(CARER, doc, town.put(doc, CENTRE)) == care_plan() | {"meta": {"tag": [SUBSETTED]}}


@pytest.mark.parametrize("kind", ["Encounter", "Provenance", "Composition", "Condition", "DocumentReference", "Binary"])
def test_the_carer_sees_no(kind: str, town: Town) -> None:
    assert town.shown(CARER, about(kind), town.put(about(kind))) is None


def test_the_carer_sees_allergies_and_safety_flags_whole_but_for_the_narrative(town: Town) -> None:
    allergy = about("AllergyIntolerance", code={"text": "青霉素"}, note=[{"text": "皮试阳性"}], text={"div": "<div/>"})
    shown = town.shown(CARER, allergy, town.put(allergy))
    assert shown == {key: allergy[key] for key in allergy if key != "text"} | {"meta": {"tag": [SUBSETTED]}}


@pytest.mark.parametrize("who", [CENTRE_DOCTOR, CENTRE_NURSE])
def test_the_centre_sees_the_stored_bytes(who: Any, town: Town) -> None:
    doc = about("Condition", code={"text": "脑梗死"})
    decision = town.ask(who, town.put(doc))
    assert decision.allow
    assert not decision.masked
    assert town.gate.mask(who, decision, doc) is doc


def test_what_is_contained_is_shown_as_its_own_kind_is_also_where_nothing_else_is_hidden(town: Town) -> None:
    inside = {
        "resourceType": "Patient",
        "id": "who",
        "identifier": [{"system": "urn:x", "value": "410199194303051027"}],
    }
    doc = about("Condition", code={"text": "脑梗死"}, contained=[inside])

    shown = town.shown(STATION_DOCTOR, doc, town.put(doc))

    assert shown is not None
    assert shown["contained"][0]["identifier"][0]["value"] == "410199****1027"
    assert shown["code"] == doc["code"]
    assert SUBSETTED in shown["meta"]["tag"]


def test_an_original_that_is_contained_stays_with_its_writer(town: Town) -> None:
    doc = about("Condition", contained=[{"resourceType": "DocumentReference", "id": "d", "description": "原文"}])

    shown = town.shown(CENTRE_DOCTOR, doc, town.put(doc))

    assert shown is not None
    assert "contained" not in shown


def test_the_station_doctor_sees_a_number_in_part(town: Town) -> None:
    shown = town.shown(STATION_DOCTOR, patient(), town.put(patient()))
    assert shown is not None
    assert shown["identifier"] == [{"system": "urn:oid:2.16.156.10011.1.3", "value": "410199****1027"}]


def test_the_carer_also_sees_what_the_own_station_wrote_through_the_carers_column(town: Town) -> None:
    doc = about("Observation", note=[{"text": "为医生"}], status="final")
    shown = town.shown(CARER, doc, town.put(doc, STATION))
    assert shown == about("Observation", status="final") | {"meta": {"tag": [SUBSETTED]}}


def test_the_display_of_a_reference_to_what_is_withheld_goes() -> None:
    doc = about("Observation", focus=[{"reference": "Condition/c", "display": "HIV"}])
    assert _carer("Observation").show(doc)["focus"] == [{"reference": "Condition/c"}]


@pytest.mark.parametrize(
    ("reference", "kept"),
    [
        (
            {"reference": "http://x/fhir/Condition/c/_history/3", "display": "d"},
            {"reference": "http://x/fhir/Condition/c/_history/3"},
        ),
        ({"type": "Encounter", "display": "d"}, {"type": "Encounter"}),
        ({"display": "d"}, dict(MASKED)),
        ({"identifier": {"value": "410199194303051027"}}, dict(MASKED)),
        ({"reference": "Organization/o", "display": "d"}, {"reference": "Organization/o", "display": "d"}),
        ({"reference": "Patient/p", "identifier": {"value": "n"}}, {"reference": "Patient/p"}),
    ],
)
def test_a_reference_tells_only_where_its_target_is(reference: dict[str, Any], kept: dict[str, Any]) -> None:
    assert _carer("Observation").show(about("Observation", focus=[reference]))["focus"] == [kept]


def test_a_coding_with_a_display_alone_is_no_reference() -> None:
    doc = about("AllergyIntolerance", code={"coding": [{"display": "青霉素"}]})
    assert _carer("AllergyIntolerance").show(doc)["code"] == {"coding": [{"display": "青霉素"}]}


def test_references_within_an_activity_are_looked_at_too() -> None:
    doc = care_plan() | {"activity": [{"reference": {"reference": "Condition/c", "display": "HIV"}}]}
    assert _carer("CarePlan").show(doc)["activity"] == [{"reference": {"reference": "Condition/c"}}]


def test_what_consent_leaves_out_is_not_told_by_a_reference_either(town: Town) -> None:
    town.put(consent(classes=["DISCHARGE_SUMMARY"]))
    diagnosis = {"condition": {"reference": "Condition/c", "display": "脑梗死"}}
    doc = about("Encounter", diagnosis=[diagnosis])
    shown = town.shown(CENTRE_DOCTOR, doc, town.put(doc))
    assert shown is not None
    assert shown["diagnosis"] == [{"condition": {"reference": "Condition/c"}}]
    assert shown["meta"]["tag"] == [SUBSETTED]


def test_a_contained_resource_goes_through_its_own_row() -> None:
    medication = {"resourceType": "Medication", "id": "m", "code": {"text": "阿司匹林"}, "extension": [{"url": "u"}]}
    condition = {"resourceType": "Condition", "id": "c", "code": {"text": "脑梗死"}}
    doc = about("MedicationRequest", contained=[medication, condition])
    assert _carer("MedicationRequest").show(doc)["contained"] == [
        {"resourceType": "Medication", "id": "m", "code": {"text": "阿司匹林"}}
    ]


def test_a_contained_resource_of_a_class_without_consent_goes(town: Town) -> None:
    town.put(consent(classes=["DISCHARGE_SUMMARY"]))
    doc = about("Encounter", contained=[{"resourceType": "Condition", "id": "c", "code": {"text": "脑梗死"}}])
    shown = town.shown(CENTRE_DOCTOR, doc, town.put(doc))
    assert shown is not None
    assert "contained" not in shown


def test_an_identity_number_in_free_text_is_masked() -> None:
    doc = care_plan() | {"description": "联系 410199194303051027 之子"}
    assert _carer("CarePlan").show(doc)["description"] == "联系 410199****1027 之子"


def test_only_advice_is_left_of_a_summary_for_the_station_doctor() -> None:
    sections = [
        {"title": "出院医嘱", "code": {"coding": [{"system": "http://loinc.org", "code": "8653-8"}]}},
        {"title": "诊疗经过", "code": {"coding": [{"system": "http://loinc.org", "code": "8648-8"}]}},
        {"title": "无代码"},
    ]
    shown = View(CATALOGUE, "Composition", "station-doctor").show(about("Composition", section=sections))
    assert [each["title"] for each in shown["section"]] == ["出院医嘱"]


def test_numbers_keep_their_digits_through_a_view() -> None:
    value = b'"Observation","valueQuantity":{"value":72.50}'
    body = dump_exact(about("Observation")).replace(b'"Observation"', value, 1)
    assert b"72.50" in dump_exact(_carer("Observation").show(parse_exact(body)))


def test_a_tag_is_not_repeated() -> None:
    once = _carer("Observation").show(about("Observation"))
    assert _carer("Observation").show(once) == once


def test_what_is_hidden_is_named_for_the_journal(town: Town) -> None:
    decision = town.ask(CARER, town.put(patient()))
    assert {"identifier", "birthDate", "text", "photo"} <= set(decision.masks)
    assert not {"name", "gender", "id"} & set(decision.masks)


def test_the_directory_needs_no_consent(town: Town) -> None:
    part_of = {"reference": "Organization/x", "display": "d"}
    doc = {"resourceType": "Organization", "id": CENTRE, "name": "示范", "partOf": part_of}
    assert town.shown(CARER, doc, town.put(doc)) is doc


def test_every_class_and_every_role_has_a_view() -> None:
    for kind in CATALOGUE.kinds:
        if not CATALOGUE.kinds[kind].own_only:
            for role in CATALOGUE.roles:
                View(CATALOGUE, kind, role, withheld=frozenset(ALL_CLASSES)).show({"resourceType": kind})
