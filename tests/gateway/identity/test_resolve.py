"""Exact match on verified identifiers; everything else is a new elder or a person's decision."""

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from gateway.fhir.predicate import Facts, Predicate
from gateway.fhir.problem import Problem
from gateway.fhir.query import Query, TokenTerm
from gateway.identity import Identity, resident_id
from gateway.identity.keys import HOSPITAL_NUMBER, RESIDENT_ID
from gateway.store.protocol import Page, Stored

NOW = datetime(2026, 3, 12, tzinfo=UTC)
H1, H2 = "12410000MB00000010", "12410100MB00000028"
CARD = {"system": RESIDENT_ID, "value": "410199194303051027"}


def number(value: str, organisation: str = H1) -> dict[str, Any]:
    assigner = {"reference": f"Organization/{organisation}"}
    return {"system": HOSPITAL_NUMBER, "value": value, "assigner": assigner}


def patient(*identifiers: dict[str, Any], **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": list(identifiers), **elements}


class Memory:
    """Patients by identifier value, as a store would find them: without regard to the assigner."""

    def __init__(self, **patients: dict[str, Any]) -> None:
        self.patients = patients

    async def search(self, query: Query, restriction: Predicate) -> Page:
        terms = query.clauses[0].terms
        asked = {(term.system, term.code) for term in terms if isinstance(term, TokenTerm)}
        hits = [
            Stored("Patient", id_, 1, NOW, False, orjson.dumps({"id": id_, **doc}), Facts("Patient", elder=id_))
            for id_, doc in self.patients.items()
            if any((i["system"], i["value"]) in asked for i in doc["identifier"])
        ]
        return Page(tuple(hits))


def identity(**patients: dict[str, Any]) -> Identity:
    return Identity(Memory(**patients), make_id=lambda *parts: "|".join(parts), now=lambda: NOW)


async def test_the_identity_card_finds_its_elder() -> None:
    resolution = await identity(p1=patient(CARD)).resolve(patient(number("P1"), CARD))

    assert (resolution.elder, resolution.review) == ("p1", False)


async def test_an_unknown_card_mints_an_id_from_the_card_alone() -> None:
    resolution = await identity().resolve(patient(number("P1"), CARD))

    assert resolution.elder == f"Patient|{RESIDENT_ID}||{CARD['value']}"
    assert resolution.current is None


async def test_without_a_card_the_elder_is_the_hospitals_own_and_goes_to_review() -> None:
    resolution = await identity().resolve(patient(number("P1")))

    assert (resolution.elder, resolution.review) == (f"Patient|{HOSPITAL_NUMBER}|{H1}|P1", True)


async def test_the_same_number_of_another_hospital_is_another_elder() -> None:
    resolution = await identity(p1=patient(number("P1", H2))).resolve(patient(number("P1", H1)))

    assert resolution.elder != "p1"


async def test_nothing_is_linked_on_name_and_birth_date() -> None:
    same = {"name": [{"text": "王示兰"}], "birthDate": "1943-03-05"}

    resolution = await identity(p1=patient(number("P1"), **same)).resolve(patient(number("P2"), **same))

    assert resolution.elder != "p1"


async def test_identifiers_of_two_elders_park_the_record() -> None:
    known = identity(p1=patient(CARD), p2=patient(number("P2")))

    with pytest.raises(Problem) as parked:
        await known.resolve(patient(CARD, number("P2")))

    assert parked.value.code == "ID-002"


async def test_a_hospital_number_with_another_card_parks_the_record() -> None:
    other = {"system": RESIDENT_ID, "value": "11010519491231002X"}

    with pytest.raises(Problem) as parked:
        await identity(p1=patient(other, number("P1"))).resolve(patient(CARD, number("P1")))

    assert parked.value.code == "ID-003"


async def test_a_record_without_any_deciding_identifier_is_refused() -> None:
    with pytest.raises(Problem) as parked:
        await identity().resolve(patient({"system": "urn:oid:2.16.156.10011.1.2", "value": "41019910100100017"}))

    assert parked.value.code == "ID-001"


def test_a_number_states_birth_and_sex() -> None:
    stated = resident_id.parse("410199194303051027", today=date(2026, 3, 12))

    assert stated is not None
    assert (stated.birth, stated.gender) == (date(1943, 3, 5), "female")


@pytest.mark.parametrize(
    "text", ["410199194303051028", "410199194302301027", "41019919430305102", "\uff1410199194303051027", ""]
)
def test_a_wrong_number_states_nothing(text: str) -> None:
    assert resident_id.parse(text, today=date(2026, 3, 12)) is None
