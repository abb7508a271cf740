"""What a decision carries besides yes and no, what the gate keeps, and what it takes from rows that are odd."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.fhir.predicate import Facts, holds
from gateway.fhir.problem import Problem
from security import gate as room
from security.gate import Decision
from tests.security.town import (
    CARER,
    CENTRE,
    CENTRE_DOCTOR,
    ELDER,
    OTHER_DOCTOR,
    STATION,
    STATION_DOCTOR,
    Row,
    Town,
    about,
    care_plan,
    consent,
    patient,
    referral,
)


@pytest.fixture
def town() -> Town:
    return Town().in_care()


def test_it_tells_whether_elements_are_hidden(town: Town) -> None:
    masked = town.ask(CARER, town.put(care_plan(), CENTRE))
    whole = town.ask(CENTRE_DOCTOR, town.put(about("Condition"), CENTRE))

    assert (masked.masked, whole.masked) == (True, False)
    assert (whole.masks, Decision(allow=True, rule="x").masks) == ((), ())


def test_it_tells_whether_a_body_must_be_masked(town: Town) -> None:
    body = json.dumps(care_plan() | {"note": [{"text": "不外传"}]}).encode()
    masked = town.ask(CARER, town.put(care_plan(), CENTRE))

    assert masked.masks_body(body)
    assert not Decision(allow=True, rule="x").masks_body(body)


def test_a_view_that_hides_something_leaves_a_body_without_it_alone(town: Town) -> None:
    decision = town.ask(CENTRE_DOCTOR, town.put(about("Condition")))

    assert decision.view is not None
    assert not decision.masks_body(json.dumps(about("Condition")).encode())


def test_a_denial_carries_no_view(town: Town) -> None:
    decision = town.ask(replace(CARER, scopes=frozenset()), town.put(care_plan(), CENTRE))

    assert (decision.allow, decision.view) == (False, None)


def test_of_ones_own_no_consent_is_named(town: Town) -> None:
    facts = town.put(about("Condition"), CENTRE)

    assert town.ask(CENTRE_DOCTOR, facts).consent == ""
    assert town.ask(OTHER_DOCTOR, facts).consent == "Consent/C-1@1"


def test_what_a_caller_does_not_see_stays_when_it_writes(town: Town) -> None:
    stored = care_plan() | {"note": [{"text": "不外传"}]}
    decision = town.ask(CARER, town.put(stored, CENTRE))

    assert town.gate.restore(CARER, decision, care_plan(), stored)["note"] == stored["note"]


def test_who_sees_all_writes_as_it_says(town: Town) -> None:
    decision, incoming = Decision(allow=True, rule="x"), about("Condition", code={"text": "另一诊断"})

    assert town.gate.restore(CENTRE_DOCTOR, decision, incoming, about("Condition")) is incoming


def test_nothing_is_put_back_for_who_may_not_write(town: Town) -> None:
    with pytest.raises(Problem, match="SEC-403"):
        town.gate.restore(CARER, Decision(allow=False, rule="default-deny"), {}, {})


def test_the_labels_of_a_resource_go_into_its_meta(town: Town) -> None:
    codes = town.gate.security_codes(town.put(about("Condition")))

    assert {"system", "code"} <= set(codes[0])


def test_the_policies_are_explained_alike_in_both_languages(town: Town) -> None:
    chinese, english = town.gate.explain("zh"), town.gate.explain("en")

    assert len(chinese) == len(english) > 20
    assert chinese != english


@pytest.mark.parametrize(("kept", "left"), [(3, 3), (2, 1)], ids=["room for all", "one too many"])
def test_kept_restrictions_start_over_when_there_are_too_many(
    town: Town, monkeypatch: pytest.MonkeyPatch, kept: int, left: int
) -> None:
    monkeypatch.setattr(room, "KEPT_RESTRICTIONS", kept)

    for kind in ("Condition", "Observation", "Encounter"):
        town.gate.narrow(CENTRE_DOCTOR, "search", kind)

    assert len(town.gate._restrictions) == left


def test_a_kept_restriction_ends_at_the_very_moment_of_the_period(town: Town) -> None:
    facts = town.put(about("Condition"))
    town.put(consent(period=("2026-03-01", "2026-03-12")))
    before = holds(town.gate.narrow(CENTRE_DOCTOR, "search", "Condition"), facts)

    town.clock.moment = datetime(2026, 3, 12, 16, 0, tzinfo=UTC)

    assert (before, holds(town.gate.narrow(CENTRE_DOCTOR, "search", "Condition"), facts)) == (True, False)


def test_a_team_is_learnt_from_rows_of_its_kind_only() -> None:
    town = Town()
    town.put(consent())
    town.put(about("CarePlan", "plan", status="active", careTeam=[{"reference": "Basic/team"}]), CENTRE)
    team = about("CareTeam", "team", participant=[{"onBehalfOf": {"reference": f"Organization/{STATION}"}}])

    town.gate.learn([Row("Basic", "team", json.dumps(team).encode(), Facts("Basic", ELDER, (CENTRE,)))])

    assert not town.sees(STATION_DOCTOR, town.put(about("Condition")))


def test_a_deletion_gives_nothing_whatever_body_it_has(town: Town) -> None:
    facts, row = town.put(about("Condition")), town.rows["Task", f"referral-{CENTRE}"]

    town.gate.learn([replace(row, version=9, deleted=True)])

    assert not town.sees(CENTRE_DOCTOR, facts)


def test_a_plan_whose_parts_cannot_be_walked_takes_away_what_it_gave(town: Town) -> None:
    facts, row = town.put(about("Condition")), town.rows["CarePlan", "plan"]
    before = town.sees(STATION_DOCTOR, facts)

    town.gate.learn([replace(row, version=9, body=json.dumps(care_plan() | {"contained": 5}).encode())])

    assert (before, town.sees(STATION_DOCTOR, facts)) == (True, False)


def test_a_client_that_is_named_like_an_inner_actor_is_none(town: Town) -> None:
    named = replace(CENTRE_DOCTOR, client="system:workflow")

    assert town.gate._asker(named, "create", "Task").actor == room.NO_ACTOR


@pytest.mark.parametrize("state", ["treated", "unattended", "no-show"])
def test_after_the_acceptance_the_centre_goes_on_writing(state: str) -> None:
    town = Town()
    town.put(patient())
    town.put(consent())
    town.put(referral(state))

    assert town.ask(CENTRE_DOCTOR, town.put(about("Observation"), CENTRE), "create").allow


def test_a_change_names_nothing_that_the_view_hides(town: Town) -> None:
    decision = town.ask(CARER, town.put(care_plan(), CENTRE))

    town.gate.demand_shown(decision, "CarePlan", ["status", "title"])
    with pytest.raises(Problem, match="SEC-405") as told:
        town.gate.demand_shown(decision, "CarePlan", ["title", "note"])

    assert (told.value.where, told.value.detail) == ("CarePlan.note", {"element": "CarePlan.note"})


@pytest.mark.parametrize("member", ["18位号码", "n0te", "<x>"])
def test_a_member_that_no_type_has_is_refused_and_not_repeated(town: Town, member: str) -> None:
    decision = town.ask(CARER, town.put(care_plan(), CENTRE))

    with pytest.raises(Problem, match="SEC-405") as told:
        town.gate.demand_shown(decision, "CarePlan", [member])

    assert told.value.where == "CarePlan"


def test_who_sees_everything_may_name_everything(town: Town) -> None:
    decision = town.ask(CENTRE_DOCTOR, town.put(about("Condition"), CENTRE))

    town.gate.demand_shown(decision, "Condition", ["note", "code", "anything"])


def test_a_change_under_no_permission_is_refused(town: Town) -> None:
    with pytest.raises(Problem, match="SEC-403"):
        town.gate.demand_shown(Decision(allow=False, rule="default-deny"), "CarePlan", [])
