"""Whose compartment a resource is in: one elder, decided by whom it is about."""

from typing import Any

import pytest

from gateway.fhir import definitions
from gateway.fhir.compartments import elder_of
from gateway.fhir.problem import Problem
from tests.gateway.fhir.samples import ELDER, GOOD, HOSPITAL, good

OTHER = {"reference": "Patient/other"}


@pytest.mark.parametrize("kind", [kind for kind in GOOD if kind not in ("Organization", "Practitioner", "Bundle")])
def test_a_record_about_an_elder_is_in_that_elders_compartment(kind: str) -> None:
    assert elder_of(GOOD[kind]) == "e1"


@pytest.mark.parametrize(
    "doc",
    [
        pytest.param(GOOD["Organization"], id="an organisation"),
        pytest.param(GOOD["Bundle"], id="a bundle"),
        pytest.param({"resourceType": "Elder", "subject": ELDER}, id="no R4 kind"),
        pytest.param({"resourceType": ["Task"]}, id="kind is a list"),
        pytest.param({}, id="nothing"),
        pytest.param(good("Observation", subject={"reference": "Group/g"}), id="a group"),
        pytest.param(good("Observation", subject={"reference": "#p"}), id="a contained person"),
        pytest.param(
            good("Observation", subject={"reference": "https://other.example/fhir/Patient/e1"}), id="elsewhere"
        ),
        pytest.param(good("Observation", subject={"reference": "urn:uuid:Patient/e1"}), id="a urn"),
        pytest.param(good("Observation", subject={"identifier": {"value": "Patient/e1"}}), id="an identifier"),
        pytest.param(good("Observation", subject="Patient/e1"), id="text for a reference"),
        pytest.param(good("Observation", subject={"reference": ["Patient/e1"]}), id="a list for text"),
    ],
)
def test_what_concerns_no_elder_of_ours_is_in_none(doc: dict[str, Any]) -> None:
    assert elder_of(doc) == ""


@pytest.mark.parametrize(
    "doc",
    [
        good("Observation", performer=[OTHER]),
        good("Composition", author=[OTHER]),
        good("DocumentReference", author=[OTHER]),
        good("CareTeam", participant=[{"member": OTHER}]),
        good("Task", requester=OTHER, owner=OTHER),
        {"resourceType": "Coverage", "policyHolder": OTHER, "beneficiary": ELDER, "payor": [OTHER]},
    ],
)
def test_whom_a_record_is_about_decides_against_who_took_part(doc: dict[str, Any]) -> None:
    assert elder_of(doc) == "e1"


def test_who_took_part_decides_where_it_is_about_nobody() -> None:
    assert elder_of(good("Observation", subject=None, performer=[HOSPITAL, OTHER])) == "other"


def test_a_record_about_two_elders_is_refused() -> None:
    doc = good("Provenance", target=[ELDER, OTHER])

    with pytest.raises(Problem) as caught:
        elder_of(doc)

    assert (caught.value.code, caught.value.where) == ("FHIR-024", "Provenance")


def test_naming_one_elder_twice_is_naming_one() -> None:
    assert elder_of(good("Provenance", target=[ELDER, {"reference": "Patient/e1/_history/2"}])) == "e1"


def test_a_false_type_does_not_hide_the_elder() -> None:
    assert elder_of(good("Condition", subject={"reference": "Patient/e1", "type": "Group"})) == "e1"


@pytest.mark.parametrize("base", ["https://hub.example/fhir", "https://hub.example/fhir/"])
def test_an_absolute_reference_to_this_server_counts(base: str) -> None:
    doc = good("Condition", subject={"reference": "https://hub.example/fhir/Patient/e1"})

    assert elder_of(doc, base) == "e1"


def test_a_binary_follows_its_security_context() -> None:
    assert elder_of({"resourceType": "Binary", "contentType": "text/plain", "securityContext": ELDER}) == "e1"


@pytest.mark.parametrize("kind", sorted(definitions.compartment("Patient")))
def test_every_kind_of_r4s_patient_compartment_has_a_way_to_a_person(kind: str) -> None:
    listed = definitions.compartment("Patient")[kind]
    expressions = [definitions.search_parameters(kind)[name].expression for name in listed]

    found = {elder_of(_at(kind, expression.split(" | ")[0])) for expression in expressions}

    assert found == ({"e1"} if kind != "Patient" else {""})


def _at(kind: str, expression: str) -> dict[str, Any]:
    """Return a document of ``kind`` whose one reference, to Patient/e1, stands where ``expression`` points."""
    names = expression.split(".where")[0].strip("()").split(" as ")[0].split(".")[1:]
    path, value = kind, ELDER
    forms = []
    for name in names:
        element = definitions.elements(path)[name]
        json_name, path = next(form for form in element.json_names() if form[1] == "Reference" or not element.choice)
        forms.append((json_name, element.many))
    node: Any = value
    for json_name, many in reversed(forms):
        node = {json_name: [node] if many else node}
    return {"resourceType": kind, **node}
