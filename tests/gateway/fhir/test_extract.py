"""What a resource is found by: values of every R4 search parameter of its kind, typed for the store's indexes."""

from typing import Any

import pytest

from gateway.fhir import definitions, index
from gateway.fhir.extract import extract
from gateway.fhir.search import params_of
from gateway.fhir.spans import Span, span
from tests.gateway.fhir.samples import ELDER, GOOD, TERMS, good

MOTHER = "http://hl7.org/fhir/StructureDefinition/patient-extensions-Patient-mothersMaidenName"


def entries(doc: dict[str, Any], param: str) -> list[index.Entry]:
    return [entry for entry in extract(doc["resourceType"], doc) if entry.param == param]


def day(text: str) -> Span:
    found = span(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "param", "expected"),
    [
        ("Patient", "gender", [index.Token("gender", "http://hl7.org/fhir/administrative-gender", "female")]),
        ("Patient", "active", [index.Token("active", None, "true")]),
        (
            "Patient",
            "identifier",
            [index.Identifier("identifier", "urn:oid:2.16.156.10011.1.3", "410199194303051027")],
        ),
        ("Patient", "phone", [index.Identifier("phone", None, "13800000001")]),
        ("Patient", "email", []),
        ("Patient", "family", [index.Text("family", "王")]),
        ("Patient", "name", [index.Text("name", "王示兰"), index.Text("name", "王"), index.Text("name", "示兰")]),
        ("Patient", "birthdate", [index.Date("birthdate", *day("1943-03-05"))]),
        ("Patient", "organization", [index.Reference("organization", "Organization", "h1")]),
        ("Encounter", "class", [index.Token("class", f"{TERMS}/v3-ActCode", "IMP")]),
        ("Encounter", "patient", [index.Reference("patient", "Patient", "e1")]),
        (
            "Encounter",
            "date",
            [index.Date("date", day("2026-03-04T08:00:00+08:00")[0], day("2026-03-12T16:00:00+08:00")[1])],
        ),
        ("Observation", "component-code", [index.Token("component-code", "http://loinc.org", "8480-6")]),
        (
            "Observation",
            "component-value-quantity",
            [index.Amount("component-value-quantity", "152", "152", "http://unitsofmeasure.org", "mm[Hg]", "mmHg")],
        ),
        ("Condition", "code", [index.Token("code", "urn:oid:2.16.156.10011.2.3.3.11", "I50.900x007")]),
        ("QuestionnaireResponse", "subject", [index.Reference("subject", "Patient", "e1")]),
        (
            "QuestionnaireResponse",
            "questionnaire",
            [
                index.Reference("questionnaire", "", "https://x.example/Questionnaire/gb42195|1.0"),
                index.Reference("questionnaire", "", "https://x.example/Questionnaire/gb42195"),
            ],
        ),
        ("Task", "owner", [index.Reference("owner", "Organization", "c1")]),
        ("Provenance", "patient", [index.Reference("patient", "Patient", "e1")]),
    ],
)
def test_a_parameter_finds_its_values(kind: str, param: str, expected: list[index.Entry]) -> None:
    assert entries(GOOD[kind], param) == expected


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"deceasedBoolean": False}, "false"),
        ({"deceasedBoolean": True}, "true"),
        ({"deceasedBoolean": None, "deceasedDateTime": "2026-03"}, "true"),
        ({"deceasedBoolean": None}, "false"),
    ],
)
def test_deceased_is_a_flag_whatever_says_it(changes: dict[str, Any], code: str) -> None:
    assert entries(good("Patient", **changes), "deceased") == [index.Token("deceased", None, code)]


def test_a_period_without_an_end_is_open() -> None:
    doc = good("Encounter", period={"start": "2026-03-04"})

    assert entries(doc, "date") == [index.Date("date", day("2026-03-04")[0], None)]


def test_a_timing_counts_by_its_outer_limits() -> None:
    doc = good("Observation", effectiveDateTime=None, effectiveTiming={"event": ["2026-03-05", "2026-03-01"]})

    assert entries(doc, "date") == [index.Date("date", day("2026-03-01")[0], day("2026-03-05")[1])]


def test_a_logical_reference_is_found_by_its_identifier() -> None:
    doc = good("Task", owner={"identifier": {"system": "urn:uscc", "value": "12410100MB00000028"}})

    found = entries(doc, "owner:identifier")

    assert found == [index.Identifier("owner:identifier", "urn:uscc", "12410100MB00000028")]


def test_a_reference_inside_the_resource_is_there_but_found_by_nothing() -> None:
    assert entries(GOOD["MedicationRequest"], "medication") == [index.Present("medication")]


def test_a_quantity_keeps_its_digits() -> None:
    from gateway.fhir.wire import read

    doc = read(b'{"resourceType":"Observation","valueQuantity":{"value":72.50}}')

    assert entries(doc, "value-quantity") == [index.Amount("value-quantity", "72.50", "72.50")]


@pytest.mark.parametrize("kind", sorted(definitions.kinds()))
def test_every_kind_has_an_extractor_that_takes_an_empty_resource(kind: str) -> None:
    found = extract(kind, {"resourceType": kind})

    assert {entry.param for entry in found} <= {"deceased"}


@pytest.mark.parametrize("kind", GOOD)
def test_only_parameters_of_the_kind_are_written(kind: str) -> None:
    known = definitions.search_parameters(kind)

    assert {entry.param.removesuffix(":identifier") for entry in extract(kind, GOOD[kind])} <= known.keys()


def test_every_parameter_that_can_be_asked_for_is_indexed_for_some_resource() -> None:
    asked = params_of("Patient").keys() - {"_id", "_lastUpdated", "_text", "_content"}
    full = good(
        "Patient",
        generalPractitioner=[{"reference": "Practitioner/d1"}],
        link=[{"other": ELDER, "type": "seealso"}],
        communication=[{"language": {"coding": [{"code": "zh"}]}}],
        deceasedBoolean=None,
        deceasedDateTime="2026-03",
        telecom=[{"system": "phone", "value": "1"}, {"system": "email", "value": "a@x.example"}],
        address=[{"use": "home", "city": "a", "state": "b", "postalCode": "c", "country": "d", "text": "e"}],
        extension=[{"url": MOTHER, "valueString": "李"}],
        meta={"tag": [{"code": "a"}], "security": [{"code": "R"}], "profile": ["urn:p"], "source": "urn:s"},
    )

    assert asked - {entry.param for entry in extract("Patient", full)} == set()
