"""The catalogue names every element and guards every parameter of its kinds; what is misspelt stops the start."""

from __future__ import annotations

import re

import pytest

from gateway.fhir import definitions
from security.labels.catalogue import Catalogue, CatalogueError
from tests.security.town import rules

_, CATALOGUE = rules()
KINDS = sorted(name for name, row in CATALOGUE.kinds.items() if not row.own_only)
OPEN_INSIDE = {
    ("CarePlan", "activity-code"), ("CarePlan", "activity-date"), ("CarePlan", "activity-reference"),
    ("CarePlan", "performer"), ("Consent", "period"),
}  # fmt: skip
"""Parameters of a partly shown element that search what is shown of it."""
SMALL = """
roles: [centre-doctor]
common: {id: F, meta: F}
kinds: {Goal: {klass: CARE_PLAN, category: C3, level: 4, elements: {ELEMENT}}}
own-only: {Binary: {klass: ORIGINAL, category: C3, level: 4, why: bytes}}
skipped: {}
advice: []
safety-flags: []
"""


@pytest.mark.parametrize("kind", KINDS)
def test_every_element_of_r4_has_a_row_and_no_other(kind: str) -> None:
    r4 = {f"{each.name}[x]" if each.choice else each.name for each in definitions.elements(kind).values()}
    listed = set(CATALOGUE.kinds[kind].elements) | set(CATALOGUE.skipped.get(kind, ()))
    assert listed == r4


def _searched(kind: str, expression: str) -> set[str]:
    return set(re.findall(rf"\b{kind}\.([A-Za-z]+)", expression))


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_on_a_hidden_element_is_guarded(kind: str) -> None:
    row, unguarded = CATALOGUE.kinds[kind], []
    for name, parameter in definitions.search_parameters(kind).items():
        for element in map(row.element, _searched(kind, parameter.expression)):
            if element is None or (set(element.see) <= {"F", "-"}) or (kind, name) in OPEN_INSIDE:
                continue
            if name not in element.params:
                unguarded.append(name)
    assert unguarded == []


@pytest.mark.parametrize("kind", [kind for kind in KINDS if CATALOGUE.kinds[kind].basis])
def test_of_a_kind_with_a_basis_every_parameter_is_listed(kind: str) -> None:
    listed = {param for element in CATALOGUE.kinds[kind].elements.values() for param in element.params}
    asked = {name for name in definitions.search_parameters(kind) if not name.startswith("_")}
    assert asked - listed == set()
    assert set(CATALOGUE.kinds[kind].basis) <= set(CATALOGUE.kinds[kind].elements)


@pytest.mark.parametrize("kind", KINDS)
def test_every_listed_parameter_is_one_of_r4(kind: str) -> None:
    listed = {param for element in CATALOGUE.kinds[kind].elements.values() for param in element.params}
    assert listed <= set(definitions.search_parameters(kind))


@pytest.mark.parametrize(
    ("element", "why"),
    [
        ("note: Q", "a letter"),
        ("note: FF", "too many letters"),
        ("note: P", "P without a way"),
        ("note: {see: P, keep: [a], drop: [b]}", "two ways"),
        ("note: {see: F, mask: year}", "a mask that nobody gets"),
        ("note: {see: F, parms: [x]}", "a misspelt key"),
    ],
)
def test_what_is_misspelt_stops_the_start(element: str, why: str) -> None:
    with pytest.raises(CatalogueError):
        Catalogue.parse(SMALL.replace("ELEMENT", element))


def test_a_kind_that_never_leaves_needs_a_reason() -> None:
    with pytest.raises(CatalogueError, match="Binary"):
        Catalogue.parse(SMALL.replace("ELEMENT", "note: F").replace(", why: bytes", ""))


def test_a_choice_and_its_twin_find_their_row() -> None:
    row = CATALOGUE.kinds["Observation"]
    assert row.element("valueQuantity") is row.element("_valueString") is row.elements["value[x]"]
    assert row.element("valuequantity") is None
    assert row.element("unheardOf") is None


@pytest.mark.parametrize(
    ("klass", "kinds"),
    [
        ("DEMOGRAPHIC", {"Patient", "RelatedPerson"}),
        ("DISCHARGE_SUMMARY", {"Encounter", "Procedure", "Composition"}),
        ("DIAGNOSIS", {"Condition"}),
        (
            "MEDICATION",
            {
                "Medication",
                "MedicationRequest",
                "MedicationStatement",
                "MedicationAdministration",
                "MedicationDispense",
            },
        ),
        ("NURSING", {"Observation", "QuestionnaireResponse", "Flag"}),
        ("CARE_PLAN", {"CarePlan", "Goal", "CareTeam"}),
        ("SAFETY", {"AllergyIntolerance"}),
        ("HANDOVER", {"Task", "ServiceRequest"}),
        ("ORIGINAL", {"DocumentReference", "Binary"}),
    ],
)
def test_the_classes_are_those_of_the_story(klass: str, kinds: set[str]) -> None:
    assert {name for name, row in CATALOGUE.kinds.items() if row.klass == klass} == kinds
