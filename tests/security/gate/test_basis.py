"""One Patient that several wrote: everything on a basis, else only what one sent oneself, name, sex and birth date."""

from __future__ import annotations

from typing import Any

from tests.security.town import (
    CARER,
    CENTRE,
    CENTRE_DOCTOR,
    ELDER,
    HOSPITAL,
    OTHER_DOCTOR,
    STATION,
    STATION_DOCTOR,
    Doc,
    Town,
    about,
    care_plan,
    patient,
)

CARD = {"system": "urn:oid:2.16.156.10011.1.3", "value": "410199194303051027"}
OWN = {"system": "urn:oid:2.16.156.10011.2.5.1.4", "value": "C-77"}
WARD = {"system": "urn:oid:2.16.156.10011.2.5.1.4", "value": "P0008812"}


def _sent(*identifiers: Doc) -> list[str]:
    return [f"{each['system']}|{each['value']}" for each in identifiers]


def _joint(town: Town) -> tuple[Doc, Any]:
    """Write the elder for the hospital, then for the centre too, each with identifiers of its own."""
    whole = patient() | {
        "identifier": [CARD, WARD, OWN],
        "text": {"status": "generated", "div": "<div>王示兰 13800000001</div>"},
        "address": [{"text": "示范路8号"}],
        "contact": [{"name": {"text": "张示明"}}],
        "_gender": {"extension": [{"url": "urn:x", "valueCode": "2"}]},
    }
    town.put(whole, HOSPITAL, sent=_sent(CARD, WARD))
    return whole, town.put(whole, CENTRE, sent=_sent(CARD, OWN))


def test_without_a_basis_a_controller_sees_what_it_sent_and_who_it_is() -> None:
    town = Town()
    doc, facts = _joint(town)

    shown = town.shown(CENTRE_DOCTOR, doc, facts)

    assert shown is not None
    assert set(shown) == {"resourceType", "id", "meta", "identifier", "name", "gender", "_gender", "birthDate"}
    assert shown["identifier"] == [CARD, OWN]
    assert shown["birthDate"] == "1943-03-05"
    assert [tag["code"] for tag in shown["meta"]["tag"]] == ["SUBSETTED"]


def test_who_wrote_it_alone_sees_it_as_it_is() -> None:
    town = Town()
    facts = town.put(patient(), CENTRE)

    assert town.shown(CENTRE_DOCTOR, patient(), facts) == patient()


def test_who_never_wrote_it_does_not_see_it_at_all() -> None:
    town = Town()
    doc, facts = _joint(town)

    assert town.shown(OTHER_DOCTOR, doc, facts) is None


def test_the_end_of_the_consent_ends_the_basis() -> None:
    town = Town().in_care()
    doc, facts = _joint(town)
    before = town.shown(CENTRE_DOCTOR, doc, facts)

    town.clock.forward(days=400)

    after = town.shown(CENTRE_DOCTOR, doc, facts)
    assert before == doc
    assert after is not None
    assert "telecom" not in after
    assert facts.elder == ELDER


def test_only_of_a_patient_it_is_kept_who_sent_which_identifier() -> None:
    town = Town()
    facts = town.put({**patient(), "identifier": [CARD]})
    other = town.put(about("Condition", identifier=[OWN]))

    assert facts.sent == ((HOSPITAL, (f"{CARD['system']}|{CARD['value']}",)),)
    assert other.sent == ()


def test_a_carer_sees_the_carers_view_of_what_the_own_station_wrote() -> None:
    town = Town()
    plan = {**care_plan(), "note": [{"text": "NOTE-FOR-DOCTORS"}]}
    facts = town.put(plan, STATION)

    shown, whole = town.shown(CARER, plan, facts), town.shown(STATION_DOCTOR, plan, facts)

    assert whole is plan
    assert shown is not None
    assert "note" not in shown
    assert shown["activity"] == plan["activity"]
