"""Small forms of the access room: what is folded away, what is refused, what is forgotten, who a plan or team names."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.fhir.predicate import EVERYTHING, NOTHING, All, In, Not
from security.access import compiled, policy, residual
from security.access.fold import fold
from security.access.policy import PolicyError
from security.access.question import DEFAULT_DENY, ERROR
from security.access.relations import Bond, Relations
from tests.security.town import CENTRE, ELDER, STATION, care_plan, referral

CLASSES = frozenset({"NURSING", "SAFETY"})


def _elder(*ids: str) -> In:
    return In("elder", frozenset(ids))


def test_every_class_that_the_kind_has_is_no_condition() -> None:
    assert fold(In("klass", CLASSES), "Flag", CLASSES) == EVERYTHING


def test_among_no_values_is_nothing() -> None:
    assert fold(_elder(), "Flag", CLASSES) == NOTHING


def test_no_elder_in_common_is_nothing() -> None:
    assert fold(All((_elder("a"), _elder("b"))), "Flag", CLASSES) == NOTHING


def test_what_is_joined_twice_is_joined_once() -> None:
    assert fold(
        All((All((_elder("a", "b"), In("labels", frozenset({"PSY"})))), _elder("b", "c"))), "Flag", CLASSES
    ) == All((_elder("b"), In("labels", frozenset({"PSY"}))))


@pytest.mark.parametrize("text", ["permit (", "// \ud800"], ids=["no policy", "no text"])
def test_a_file_that_is_no_cedar_is_named(text: str) -> None:
    with pytest.raises(PolicyError, match=r"broken\.cedar"):
        policy.parse({"broken.cedar": text}, "")


@pytest.mark.parametrize("form", [compiled._action, compiled._clause, compiled._resource, compiled._principal])
def test_a_scope_or_clause_that_is_not_known_is_no_policy(form: Any) -> None:
    with pytest.raises(compiled._UnknownNodeError):
        form(object())


def test_a_residual_of_several_conditions_is_refused() -> None:
    with pytest.raises(PolicyError, match="2 conditions"):
        residual._body([{"kind": "when", "body": 1}, {"kind": "unless", "body": 2}])


def test_a_residual_that_asks_for_another_kind_is_a_negation() -> None:
    node = {"!=": {"left": {".": {"attr": "kind"}}, "right": {"Value": "Task"}}}

    assert residual._predicate(node, lambda _: NOTHING) == Not(In("kind", frozenset({"Task"})))


def test_neither_a_fault_nor_silence_permits() -> None:
    assert (ERROR.allow, DEFAULT_DENY.allow) == (False, False)


@pytest.mark.parametrize("element", ["author", "contributor", "careTeam"])
def test_a_plan_names_an_organisation_by(element: str) -> None:
    reference = {"reference": f"Organization/{STATION}"}
    plan = {"resourceType": "CarePlan", "status": "active", element: reference if element == "author" else [reference]}
    relations = Relations()

    relations.learn("CarePlan/1", plan, elder=ELDER, by=[CENTRE])

    assert relations.bond(STATION, ELDER) == Bond.PLANNED


@pytest.mark.parametrize(
    ("element", "named"),
    [
        ("managingOrganization", [{"reference": f"Organization/{STATION}"}]),
        ("participant", [{"member": {"reference": f"Organization/{STATION}"}}]),
    ],
)
def test_a_team_of_a_plan_names_an_organisation_by(element: str, named: list[Any]) -> None:
    relations = Relations()
    plan = {"resourceType": "CarePlan", "status": "active", "careTeam": [{"reference": "CareTeam/1"}]}

    relations.learn("CarePlan/1", plan, elder=ELDER, by=[CENTRE])
    relations.learn("CareTeam/1", {"resourceType": "CareTeam", element: named}, elder=ELDER)

    assert relations.bond(STATION, ELDER) == Bond.PLANNED


def test_what_has_ended_is_forgotten() -> None:
    relations = Relations()
    relations.learn("Task/1", referral(), elder=ELDER)
    relations.learn("CarePlan/1", care_plan(), elder=ELDER, by=[CENTRE])
    relations.learn("CarePlan/2", {"resourceType": "CarePlan", "status": "active"}, elder=ELDER, by=[CENTRE])

    for source in ("Task/1", "CarePlan/1", "CarePlan/2"):
        relations.learn(source, None, elder=ELDER)

    kept = (relations._given, relations._sources, relations._plans, relations._watching, relations._watched)
    assert kept == ({}, {}, {}, {}, {})


def test_what_two_plans_wait_for_is_remembered_until_the_last_has_ended() -> None:
    relations = Relations()
    plan = {"resourceType": "CarePlan", "status": "active", "careTeam": [{"reference": "CareTeam/1"}]}
    for source in ("CarePlan/1", "CarePlan/2"):
        relations.learn(source, plan, elder=ELDER, by=[CENTRE])
    relations.learn("CarePlan/1", None, elder=ELDER)

    team = {"resourceType": "CareTeam", "managingOrganization": [{"reference": f"Organization/{STATION}"}]}
    relations.learn("CareTeam/1", team, elder=ELDER)

    assert relations.bond(STATION, ELDER) == Bond.PLANNED
