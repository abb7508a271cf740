"""What the gate learns from rows: whatever order they come in, whatever state they are in, and nothing from others."""

from __future__ import annotations

import json

import pytest

from gateway.fhir.predicate import Facts
from tests.security.town import (
    CARER,
    CENTRE,
    CENTRE_DOCTOR,
    ELDER,
    STATION,
    STATION_DOCTOR,
    Row,
    Town,
    about,
    care_plan,
    consent,
    referral,
)


def _condition(town: Town) -> Facts:
    return town.put(about("Condition"))


def test_a_team_members_organisation_counts_whichever_of_plan_and_team_comes_first() -> None:
    team = about("CareTeam", "team", participant=[{"onBehalfOf": {"reference": f"Organization/{STATION}"}}])
    plan = about("CarePlan", "plan", status="active", careTeam=[{"reference": "CareTeam/team"}])
    for first, second in ((team, plan), (plan, team)):
        town = Town()
        town.put(consent())
        town.put(first, CENTRE)
        town.put(second, CENTRE)
        assert town.sees(STATION_DOCTOR, _condition(town))


def test_a_deleted_plan_gives_nothing() -> None:
    town = Town().in_care()

    town.remove("CarePlan", "plan")

    assert not town.sees(STATION_DOCTOR, _condition(town))


def test_nobody_gives_a_relation_to_oneself() -> None:
    town = Town()
    town.put(consent())

    town.put(care_plan(STATION), STATION)

    assert not town.sees(STATION_DOCTOR, _condition(town))


@pytest.mark.parametrize(("kind", "field"), [("Consent", "C-1"), ("Task", f"referral-{CENTRE}"), ("CarePlan", "plan")])
@pytest.mark.parametrize("body", [b"\xff\x00 no json", b"[]", json.dumps({"resourceType": "X", "status": 7}).encode()])
def test_a_row_that_cannot_be_read_takes_away_what_it_gave(kind: str, field: str, body: bytes) -> None:
    town = Town().in_care()
    who = STATION_DOCTOR if kind == "CarePlan" else CENTRE_DOCTOR
    before = town.sees(who, _condition(town))

    town.gate.learn([Row(kind, field, body, town.rows[kind, field].facts, version=9)])

    assert (before, town.sees(who, _condition(town))) == (True, False)


def test_rows_of_other_kinds_teach_nothing() -> None:
    town = Town()
    town.put(consent())
    disguised = json.dumps(referral("accepted")).encode()

    town.gate.learn([Row("Observation", "x", disguised, Facts("Observation", ELDER, (CENTRE,)))])

    assert not town.sees(CENTRE_DOCTOR, _condition(town))


def test_a_decision_names_the_masks_that_apply() -> None:
    town = Town().in_care()
    decision = town.ask(CARER, town.put(care_plan(), CENTRE))

    assert (decision.rule, decision.consent) == ("R4-care-carer", "Consent/C-1@1")
    assert {"note", "addresses"} <= set(decision.masks)
