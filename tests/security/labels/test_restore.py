"""A PUT by somebody who sees a part: what was hidden is put back, and touching it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.fhir.problem import Problem
from tests.security.town import CARER, CENTRE, CENTRE_DOCTOR, OTHER_CARER, STATION_DOCTOR, Town, care_plan, patient

STORED = care_plan() | {
    "note": [{"text": "为医生"}],
    "addresses": [{"reference": "Condition/c"}],
    "title": "照护计划",
    "extension": [{"url": "urn:x", "valueString": "y"}],
}


def _restored(who: Any, incoming: dict[str, Any], stored: dict[str, Any] = STORED) -> dict[str, Any]:
    town = Town().in_care()
    decision = town.ask(who, town.put(stored, CENTRE) if stored["resourceType"] != "Patient" else town.put(stored))
    return town.gate.restore(who, decision, incoming, stored)


def _shown(who: Any, stored: dict[str, Any] = STORED) -> dict[str, Any]:
    town = Town().in_care()
    facts = town.put(stored, CENTRE) if stored["resourceType"] != "Patient" else town.put(stored)
    shown = town.shown(who, stored, facts)
    assert shown is not None
    return shown


def test_what_comes_back_as_shown_is_what_is_stored() -> None:
    assert _restored(CARER, _shown(CARER)) == STORED | {"meta": {}}


def test_a_visible_element_may_change_and_hidden_ones_are_put_back() -> None:
    assert _restored(CARER, _shown(CARER) | {"title": "新计划"}) == STORED | {"title": "新计划", "meta": {}}


def test_the_tag_does_not_stay() -> None:
    shown = _shown(CARER)
    shown["meta"]["tag"].append({"system": "urn:x", "code": "mine"})
    assert _restored(CARER, shown)["meta"] == {"tag": [{"system": "urn:x", "code": "mine"}]}


@pytest.mark.parametrize(
    ("element", "value"),
    [("note", [{"text": "改"}]), ("addresses", []), ("extension", [{"url": "urn:z"}]), ("encounter", None)],
)
def test_touching_a_hidden_element_is_refused(element: str, value: Any) -> None:
    stored = STORED | {"encounter": {"reference": "Encounter/e"}}
    changed = {"reference": "Encounter/other"} if value is None else value
    with pytest.raises(Problem) as caught:
        _restored(CARER, _shown(CARER, stored) | {element: changed}, stored)
    assert (caught.value.code, caught.value.status) == ("SEC-405", 403)
    assert caught.value.where == f"CarePlan.{element}"


def test_a_new_hidden_element_cannot_be_set() -> None:
    stored = care_plan()
    with pytest.raises(Problem, match="SEC-405"):
        _restored(CARER, _shown(CARER, stored) | {"note": [{"text": "新"}]}, stored)


def test_a_partly_shown_element_comes_back_whole() -> None:
    stored = care_plan()
    stored["activity"][0]["progress"] = [{"text": "为医生"}]
    assert _restored(CARER, _shown(CARER, stored), stored)["activity"] == stored["activity"]


def test_a_hidden_part_of_an_element_cannot_be_set() -> None:
    stored = care_plan()
    shown = _shown(CARER, stored)
    shown["activity"][0]["detail"]["reasonCode"] = [{"text": "新"}]
    with pytest.raises(Problem, match="SEC-405"):
        _restored(CARER, shown, stored)


def test_an_item_may_be_added_to_a_partly_shown_list() -> None:
    stored = care_plan()
    stored["activity"][0]["progress"] = [{"text": "为医生"}]
    shown = _shown(CARER, stored)
    shown["activity"].append({"detail": {"status": "scheduled"}})
    assert _restored(CARER, shown, stored)["activity"] == [*stored["activity"], {"detail": {"status": "scheduled"}}]


def test_changing_a_masked_number_is_refused() -> None:
    shown = _shown(STATION_DOCTOR, patient())
    shown["identifier"][0]["value"] = "410199****1028"
    with pytest.raises(Problem, match="SEC-405"):
        _restored(STATION_DOCTOR, shown, patient())


def test_giving_the_whole_birth_date_is_refused_even_when_it_is_right() -> None:
    with pytest.raises(Problem, match="SEC-405"):
        _restored(CARER, _shown(CARER, patient()) | {"birthDate": "1943-03-05"}, patient())


def test_who_sees_everything_writes_everything() -> None:
    incoming = care_plan(status="completed")
    assert _restored(CENTRE_DOCTOR, incoming) is incoming


def test_who_may_not_read_restores_nothing() -> None:
    with pytest.raises(Problem, match="SEC-403"):
        _restored(OTHER_CARER, care_plan())
