"""The care relation: what gives it, what adds writing, what ends it, and that each source answers for itself."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from security.access.relations import Bond, Relations
from tests.security.town import CENTRE, ELDER, OTHER_CENTRE, STATION, care_plan, referral

WRITES = Bond.RECEIVED | Bond.ACCEPTED


def _task(relations: Relations, state: str, *, status: str = "requested", owner: str = CENTRE, **how: Any) -> Bond:
    relations.learn("Task/1", referral(state, owner, status=status, **how), elder=ELDER)
    return relations.bond(owner, ELDER)


@pytest.mark.parametrize("state", ["draft", "requested", "awaiting-consent", "", "unheard-of"])
def test_nothing_before_received(state: str) -> None:
    assert _task(Relations(), state) == Bond.NONE


def test_received_reads() -> None:
    assert _task(Relations(), "received") == Bond.RECEIVED


@pytest.mark.parametrize("state", ["accepted", "scheduled", "in-transit", "arrived", "in-care", "completed"])
def test_accepted_and_after_writes(state: str) -> None:
    assert _task(Relations(), state) == WRITES


@pytest.mark.parametrize("state", ["declined", "rejected", "cancelled"])
def test_refusal_and_cancellation_end_it(state: str) -> None:
    relations = Relations()
    assert _task(relations, "accepted") == WRITES
    assert _task(relations, state) == Bond.NONE
    assert dict(relations.elders(CENTRE)) == {}


@pytest.mark.parametrize("status", ["rejected", "cancelled", "failed", "entered-in-error", "draft"])
def test_the_status_ends_it_whatever_the_business_status_says(status: str) -> None:
    assert _task(Relations(), "accepted", status=status) == Bond.NONE


def test_a_deleted_task_ends_it() -> None:
    relations = Relations()
    _task(relations, "accepted")
    assert relations.learn("Task/1", None, elder=ELDER) == {CENTRE}
    assert relations.bond(CENTRE, ELDER) == Bond.NONE


def test_a_follow_up_is_no_relation() -> None:
    assert _task(Relations(), "accepted", code="follow-up") == Bond.NONE


def test_a_new_owner_takes_it_over() -> None:
    relations = Relations()
    _task(relations, "accepted")
    changed = relations.learn("Task/1", referral("accepted", OTHER_CENTRE), elder=ELDER)
    assert changed == {CENTRE, OTHER_CENTRE}
    assert (relations.bond(CENTRE, ELDER), relations.bond(OTHER_CENTRE, ELDER)) == (Bond.NONE, WRITES)


def test_two_sources_give_each_for_itself() -> None:
    relations = Relations()
    relations.learn("Task/1", referral("received"), elder=ELDER)
    relations.learn("Task/2", referral("accepted"), elder=ELDER)
    relations.learn("Task/2", None, elder=ELDER)
    assert relations.bond(CENTRE, ELDER) == Bond.RECEIVED


def test_a_plan_names_a_station_by_performer() -> None:
    relations = Relations()
    assert relations.learn("CarePlan/1", care_plan(), elder=ELDER, by=(CENTRE,)) == {STATION}
    assert relations.bond(STATION, ELDER) == Bond.PLANNED


@pytest.mark.parametrize("status", ["draft", "on-hold", "revoked", "completed", "entered-in-error", "unknown"])
def test_a_plan_that_is_not_active_names_nobody(status: str) -> None:
    relations = Relations()
    relations.learn("CarePlan/1", care_plan(), elder=ELDER, by=(CENTRE,))
    relations.learn("CarePlan/1", care_plan(status=status), elder=ELDER, by=(CENTRE,))
    assert relations.bond(STATION, ELDER) == Bond.NONE


def _team(member: dict[str, Any], key: str = "t") -> dict[str, Any]:
    return {"resourceType": "CareTeam", "id": key, "participant": [member]}


def _named_by_team() -> dict[str, Any]:
    return {"resourceType": "CarePlan", "status": "active", "careTeam": [{"reference": "CareTeam/t"}]}


@pytest.mark.parametrize("team_first", [True, False])
def test_a_plan_names_a_station_by_a_member_of_its_team(*, team_first: bool) -> None:
    relations = Relations()
    member = {
        "member": {"reference": "Practitioner/p"},
        "onBehalfOf": {"reference": f"Organization/{STATION}"},
    }
    sources = [("CareTeam/t", _team(member), ""), ("CarePlan/1", _named_by_team(), ELDER)]
    for source, doc, elder in sources if team_first else reversed(sources):
        relations.learn(source, doc, elder=elder, by=(CENTRE,))
    assert relations.bond(STATION, ELDER) == Bond.PLANNED


def test_a_member_who_leaves_the_team_takes_the_relation_along() -> None:
    relations = Relations()
    relations.learn("CareTeam/t", _team({"member": {"reference": f"Organization/{STATION}"}}), elder="")
    relations.learn("CarePlan/1", _named_by_team(), elder=ELDER, by=(CENTRE,))
    relations.learn("CareTeam/t", _team({"member": {"reference": "Practitioner/p"}}), elder="")
    assert relations.bond(STATION, ELDER) == Bond.NONE


def test_a_contained_team_counts() -> None:
    relations = Relations()
    plan = _named_by_team() | {"contained": [_team({"member": {"reference": f"Organization/{STATION}"}})]}
    relations.learn("CarePlan/1", plan, elder=ELDER, by=(CENTRE,))
    assert relations.bond(STATION, ELDER) == Bond.PLANNED


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_a_role_leads_to_its_organisation_whatever_is_learned_first(order: tuple[int, ...]) -> None:
    relations = Relations()
    role = {"resourceType": "PractitionerRole", "organization": {"reference": f"Organization/{STATION}"}}
    team = _team({"member": {"reference": "PractitionerRole/r"}})
    sources = [("PractitionerRole/r", role, ""), ("CareTeam/t", team, ""), ("CarePlan/1", _named_by_team(), ELDER)]
    for source, doc, elder in (sources[place] for place in order):
        relations.learn(source, doc, elder=elder, by=(CENTRE,))
    assert relations.bond(STATION, ELDER) == Bond.PLANNED


def test_a_team_that_changes_does_not_bring_back_a_plan_that_ended() -> None:
    relations = Relations()
    relations.learn("CarePlan/1", _named_by_team(), elder=ELDER, by=(CENTRE,))
    relations.learn("CarePlan/1", _named_by_team() | {"status": "completed"}, elder=ELDER, by=(CENTRE,))
    relations.learn("CareTeam/t", _team({"member": {"reference": f"Organization/{STATION}"}}), elder="")
    assert relations.bond(STATION, ELDER) == Bond.NONE


def test_nobody_gives_a_relation_to_oneself() -> None:
    relations = Relations()
    relations.learn("CarePlan/1", care_plan(), elder=ELDER, by=(STATION,))
    assert relations.bond(STATION, ELDER) == Bond.NONE


def test_a_plan_about_nobody_gives_nothing() -> None:
    relations = Relations()
    relations.learn("CarePlan/1", care_plan(), elder="", by=(CENTRE,))
    assert relations.bond(STATION, "") == Bond.NONE


def test_a_reference_to_another_server_names_nobody() -> None:
    relations = Relations()
    plan = care_plan()
    plan["activity"][0]["detail"]["performer"] = [{"reference": f"https://else.example/Organization/{STATION}"}]
    relations.learn("CarePlan/1", plan, elder=ELDER, by=(CENTRE,))
    assert relations.bond(STATION, ELDER) == Bond.NONE


@pytest.mark.parametrize("owner", [{"reference": 7}, {"reference": ["Organization/x"]}, "Organization/x", None, {}])
def test_an_owner_that_is_no_reference_has_no_relation(owner: object) -> None:
    relations = Relations()

    changed = relations.learn("Task/1", {**referral("accepted"), "owner": owner}, elder=ELDER)

    assert changed == frozenset()


@pytest.mark.parametrize("element", ["code", "businessStatus"])
@pytest.mark.parametrize(
    "concept", ["referral", ["referral"], 7, None, {}], ids=["text", "list", "number", "null", "empty"]
)
def test_a_concept_that_is_none_gives_nothing(element: str, concept: object) -> None:
    relations = Relations()

    changed = relations.learn("Task/1", {**referral("accepted"), element: concept}, elder=ELDER)

    assert changed == frozenset()


def test_a_deleted_team_takes_away_what_it_gave() -> None:
    relations = Relations()
    team = {"resourceType": "CareTeam", "participant": [{"member": {"reference": f"Organization/{STATION}"}}]}
    plan = {"resourceType": "CarePlan", "status": "active", "careTeam": [{"reference": "CareTeam/team"}]}
    relations.learn("CareTeam/team", team, elder=ELDER)
    given = relations.learn("CarePlan/plan", plan, elder=ELDER, by=[CENTRE])

    taken = relations.learn("CareTeam/team", None, elder=ELDER)

    assert (given, taken, relations.bond(STATION, ELDER)) == ({STATION}, {STATION}, Bond.NONE)
