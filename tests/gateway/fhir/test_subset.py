"""Parts of a resource hold less and never more, keep what must stay, and say that they are parts."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.fhir import definitions, validate
from gateway.fhir.problem import Problem
from gateway.fhir.subset import Portion, portion, subset
from tests.every_element import resources
from tests.gateway.fhir.samples import GOOD

PORTIONS = [Portion("true"), Portion("text"), Portion("data"), Portion(elements=("id",))]


def holds(whole: Any, part: Any) -> bool:
    """Tell whether everything in ``part`` is in ``whole``."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(name in whole and holds(whole[name], part[name]) for name in part)
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(holds, whole, part))
    return bool(whole == part)


def untagged(doc: dict[str, Any]) -> dict[str, Any]:
    meta = {**doc["meta"], "tag": doc["meta"]["tag"][:-1]}
    meta = {name: value for name, value in meta.items() if value}
    return {**{name: value for name, value in doc.items() if name != "meta"}, **({"meta": meta} if meta else {})}


@pytest.mark.parametrize("wanted", PORTIONS, ids=str)
@pytest.mark.parametrize("kind", ["Patient", "Observation", "DocumentReference", "Questionnaire", "CarePlan", "Bundle"])
def test_a_part_holds_nothing_that_the_whole_does_not(kind: str, wanted: Portion) -> None:
    for doc in resources(kind):
        assert holds(doc, untagged(subset(doc, wanted)))


@pytest.mark.parametrize("wanted", PORTIONS, ids=str)
@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_part_of_a_good_resource_keeps_its_mandatory_elements_and_says_what_it_is(kind: str, wanted: Portion) -> None:
    part = subset(GOOD[kind], wanted)

    assert part["meta"]["tag"][-1]["code"] == "SUBSETTED"
    assert [problem for problem in validate.faults(part) if problem.code == "FHIR-011"] == []


def test_a_summary_has_the_elements_that_r4_marks() -> None:
    part = subset(GOOD["Patient"], Portion("true"))

    assert {"identifier", "active", "name", "telecom", "gender", "birthDate", "deceasedBoolean", "address"} <= set(part)
    assert {"text", "extension", "maritalStatus", "contact"}.isdisjoint(part)


@pytest.mark.parametrize("name", ["value", "valueString", "value[x]"])
def test_elements_are_named_by_their_name_or_by_one_of_its_forms(name: str) -> None:
    needed = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}}
    doc = {**needed, "valueString": "a", "note": [{"text": "b"}]}

    part = subset(doc, portion([("_elements", name)], "Observation"))

    assert set(part) == {*needed, "meta", "valueString"}


def test_what_changes_the_meaning_of_others_always_stays() -> None:
    modifiers = {name for name, element in definitions.elements("Patient").items() if element.modifier}

    part = subset(GOOD["Patient"], Portion(elements=("gender",)))

    assert modifiers & set(GOOD["Patient"]) <= set(part)
    assert "_gender" in part


def test_the_text_is_what_is_left_or_what_is_left_out() -> None:
    assert "text" not in subset(GOOD["Patient"], Portion("data"))
    assert set(subset(GOOD["Patient"], Portion("text"))) >= {"text", "id", "meta"}
    assert "name" not in subset(GOOD["Patient"], Portion("text"))


@pytest.mark.parametrize("summary", ["", "false", "count"])
def test_the_whole_is_the_document_itself(summary: Any) -> None:
    assert subset(GOOD["Patient"], Portion(summary)) is GOOD["Patient"]


@pytest.mark.parametrize(
    "pairs",
    [
        [("_summary", "yes")],
        [("_summary", "")],
        [("_summary", "true"), ("_summary", "false")],
        [("_summary", "true"), ("_elements", "name")],
        [("_elements", "nam")],
        [("_elements", "")],
        [("_elements", "name,")],
        [("_elements", "name.family")],
    ],
)
def test_a_part_that_does_not_exist_is_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Problem, match="FHIR-042"):
        portion(pairs, "Patient")
