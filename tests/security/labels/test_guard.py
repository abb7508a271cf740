"""The search guard: what would reveal a hidden element is refused; a full identifier tells its holder nothing new."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.fhir.query import Clause, Query, Sort, StringTerm, TokenTerm
from security.labels import Guard
from security.labels.catalogue import Element
from tests.security.town import rules

GUARD = Guard(rules()[1])
FULL = (TokenTerm("urn:oid:2.16.156.10011.1.3", "410199194303051027"),)
ANY_OF_SYSTEM = (TokenTerm("urn:oid:2.16.156.10011.1.3", None),)


@pytest.mark.parametrize(
    ("role", "kind", "param", "refused"),
    [
        ("station-carer", "Patient", "birthdate", True),
        ("station-carer", "Patient", "birthdate:missing", True),
        ("station-carer", "Patient", "link", True),
        ("station-carer", "Patient", "name", False),
        ("station-carer", "Patient", "_id", False),
        ("station-carer", "CarePlan", "condition", True),
        ("station-carer", "CarePlan", "encounter", True),
        ("station-carer", "CarePlan", "performer", False),
        ("station-carer", "CarePlan", "patient", False),
        ("station-carer", "Task", "owner", False),
        ("station-carer", "Task", "status", False),
        ("station-carer", "Encounter", "_id", True),
        ("station-carer", "Condition", "code", True),
        ("station-doctor", "Encounter", "diagnosis", True),
        ("station-doctor", "Encounter", "date", False),
        ("centre-doctor", "Encounter", "diagnosis", False),
        ("centre-doctor", "Consent", "actor", True),
        ("centre-doctor", "Consent", "status", False),
        ("auditor", "AuditEvent", "date", False),
        ("centre-doctor", "DocumentReference", "date", False),
        ("station-carer", "Patient", "_text", True),
        ("station-carer", "Patient", "_content", True),
        ("station-doctor", "Patient", "_text", True),
        ("centre-doctor", "Patient", "_text", False),
        ("centre-doctor", "Condition", "_content", False),
        ("station-doctor", "Encounter", "_content", True),
        ("station-carer", "Patient", "_tag", False),
        ("station-carer", "Condition", "_security", True),
        ("station-carer", "Observation", "value-quantity", False),
        ("station-carer", "Observation", "code-value-quantity", False),
        ("station-carer", "Patient", "birthdate:not", True),
        ("station-doctor", "Encounter", "reason-code:text", True),
        ("station-doctor", "Encounter", "reason-code:missing", True),
    ],
)
def test_which_parameters_are_refused(role: str, kind: str, param: str, *, refused: bool) -> None:
    assert GUARD.forbids(role, kind, param, ()) is refused


@pytest.mark.parametrize("role", ["station-carer", "station-doctor"])
def test_an_identifier_is_only_asked_for_in_full(role: str) -> None:
    assert not GUARD.forbids(role, "Patient", "identifier", FULL)
    assert GUARD.forbids(role, "Patient", "identifier", ANY_OF_SYSTEM)
    assert GUARD.forbids(role, "Patient", "identifier", (*FULL, *ANY_OF_SYSTEM))
    assert GUARD.forbids(role, "Patient", "identifier", ())


def test_a_composite_is_refused_where_one_of_its_components_is() -> None:
    catalogue = rules()[1]
    kind = catalogue.kinds["Observation"]
    hidden = replace(kind, elements={**kind.elements, "value[x]": Element(see="FFFX", params=("value-quantity",))})
    guard = Guard(replace(catalogue, kinds={**catalogue.kinds, "Observation": hidden}))

    assert guard.forbids("station-carer", "Observation", "code-value-quantity", ())
    assert not guard.forbids("station-carer", "Observation", "code-value-date", ())
    assert not guard.forbids("centre-doctor", "Observation", "code-value-quantity", ())


@pytest.mark.parametrize("modifier", ["not", "missing", "text", "of-type", "contains"])
def test_a_modifier_makes_a_hidden_identifier_no_exact_question(modifier: str) -> None:
    assert GUARD.forbids("station-carer", "Patient", f"identifier:{modifier}", FULL)


@pytest.mark.parametrize(
    ("role", "param", "text", "refused"),
    [
        ("station-carer", "address:contains", "示范街", False),
        ("station-carer", "address:contains", "19430305", True),
        ("station-carer", "address", "\uff14\uff11", True),
        ("station-carer", "name:exact", "王4", False),
        ("centre-doctor", "address:contains", "19430305", False),
    ],
)
def test_a_partial_view_is_not_asked_for_numbers_in_texts(role: str, param: str, text: str, *, refused: bool) -> None:
    assert GUARD.forbids(role, "Patient", param, (StringTerm(text),)) is refused


@pytest.mark.parametrize(
    ("role", "terms", "refused"),
    [("centre-doctor", FULL, False), ("centre-doctor", ANY_OF_SYSTEM, True), ("station-carer", FULL, True)],
)
def test_the_identifier_in_a_reference_is_asked_for_in_full_by_who_sees_all(
    role: str, terms: tuple[TokenTerm, ...], *, refused: bool
) -> None:
    assert GUARD.forbids(role, "Task" if role == "centre-doctor" else "CarePlan", "owner:identifier", terms) is refused


def _query(param: str, *terms: TokenTerm, sort: str = "") -> Query:
    clauses = (Clause(param, "token", terms),) if param else ()
    return Query("Patient", clauses, (Sort(sort),) if sort else ())


@pytest.mark.parametrize(
    ("query", "beyond"),
    [
        (_query("phone", TokenTerm(None, "13800000001")), True),
        (_query("address"), True),
        (_query("general-practitioner"), True),
        (_query("", sort="death-date"), True),
        (_query("identifier", *ANY_OF_SYSTEM), True),
        (_query("identifier", *FULL), False),
        (Query("Patient", (Clause("identifier", "identifier", FULL, modifier="not"),)), True),
        (_query("_text"), True),
        (_query("_content"), True),
        (_query("_tag"), False),
        (_query("name"), False),
        (_query("birthdate"), False),
        (_query("_id"), False),
        (_query("", sort="birthdate"), False),
    ],
)
def test_what_lies_beyond_the_basis_of_a_joint_controller(query: Query, *, beyond: bool) -> None:
    assert GUARD.beyond_basis("Patient", query) is beyond


def test_a_kind_without_a_basis_has_nothing_beyond_it() -> None:
    assert not GUARD.beyond_basis("Condition", Query("Condition", (Clause("code", "token"),)))
