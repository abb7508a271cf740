"""Everything wrong with a record is told in one walk: where in the record, where in the output, which map line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.fhir.problem import Problem
from gateway.formats import read
from gateway.mapping import load_feed
from gateway.mapping.cases import case_context
from tests.gateway.mapping.samples import HEAD, run

ROOT = Path(__file__).parents[3]
PATIENT = "resources:\n  - Patient:\n"


def _told(problem: Problem) -> tuple[str, str, str, str]:
    return problem.code, problem.severity, problem.where, problem.source


def test_all_faults_of_a_record_are_told_at_once() -> None:
    body = "tables: {t: {on_unmapped: reject, '1': male}}\n" + PATIENT
    body += "      identifier: [{value: idNo | resident_id}]\n      gender: sex | lookup(t) | required\n"
    body += "      birthDate: birth | date\n      name: [{text: name | required}]\n"

    result = run(body, {"idNo": "410199194303051028", "sex": "X", "birth": "19431332"})

    assert [_told(issue) for issue in result.issues] == [
        ("MAP-022", "error", "Patient.identifier[0].value", "idNo"),
        ("MAP-010", "error", "Patient.gender", "sex"),
        ("MAP-020", "error", "Patient.birthDate", "birth"),
        ("MAP-004", "error", "Patient.name[0].text", "name"),
    ]


def test_a_fault_names_the_line_of_the_map_and_its_version() -> None:
    result = run(PATIENT + "      birthDate: birth | date\n", {"birth": "x"})

    assert result.issues[0].detail["rule"] == f"test/sample@1.0.0#{HEAD.count(chr(10)) + 3}"


def test_a_place_in_a_list_is_told_by_its_numbers_on_both_sides() -> None:
    body = PATIENT + "      name: [{text: =a}, {each: items as i, when: i.name, period: {start: i.code | date}}]\n"

    result = run(body, {"items": [{"code": "19"}, {"name": "x", "code": "20"}]})

    assert [_told(issue)[2:] for issue in result.issues] == [("Patient.name[1].period.start", "items[1].code")]


def test_one_wrong_value_is_told_once_though_several_elements_read_it() -> None:
    result = run(PATIENT + "      birthDate: birth | date\n      deceasedDateTime: birth | date\n", {"birth": "x"})

    assert [issue.where for issue in result.issues] == ["Patient.birthDate"]


def test_a_required_child_that_comes_out_empty_is_an_error() -> None:
    body = "resources:\n  - Basic:\n      id: msgId | uuid(Basic)\n      code: {text: name}\n"

    assert [_told(issue) for issue in run(body, {"msgId": "1"}).issues] == [("MAP-005", "error", "Basic.code", "")]


def test_a_child_whose_own_fault_is_told_is_not_told_as_missing() -> None:
    body = "tables: {t: {on_unmapped: reject, '1': A}}\n"
    body += "resources:\n  - Basic:\n      id: msgId | uuid(Basic)\n      code: sex | concept(t)\n"

    assert [issue.code for issue in run(body, {"msgId": "1", "sex": "2"}).issues] == ["MAP-010"]


@pytest.mark.parametrize(
    ("policy", "resources"),
    [("drop-element", [{"resourceType": "Patient", "active": True}]), ("drop-resource", [])],
)
def test_a_policy_drops_instead_of_refusing(policy: str, resources: list[dict[str, Any]]) -> None:
    body = PATIENT + f"      active: flag\n      birthDate: {{from: birth | date, on_error: {policy}}}\n"

    result = run(body, {"birth": "x", "flag": True})

    assert result.resources == resources
    assert [issue.severity for issue in result.issues] == ["warning"]


def test_a_dropped_resource_leaves_no_complaint_about_its_gaps() -> None:
    body = "resources:\n  - Basic:\n      on_error: drop-resource\n      id: msgId | uuid(Basic)\n"
    body += "      code: {text: name}\n      created: birth | date\n"

    result = run(body, {"msgId": "1", "birth": "x"})

    assert (result.resources, [issue.code for issue in result.issues]) == ([], ["MAP-020"])


@pytest.mark.parametrize("value", [{"a": 1}, ["a", "b"], [[]]])
def test_a_single_value_is_wanted(value: object) -> None:
    codes = [issue.code for issue in run(PATIENT + "      name: [{text: name}]\n", {"name": value}).issues]

    assert codes == ([] if value == [[]] else ["MAP-003"])


def test_an_object_is_wanted_and_its_missing_members_are_no_faults_of_their_own() -> None:
    body = PATIENT + "      name: [{each: items as i, text: i.name | required}]\n"

    assert [_told(issue) for issue in run(body, {"items": ["x"]}).issues] == [("MAP-006", "error", "", "items[0]")]


def test_two_different_things_under_one_id_are_refused_and_two_that_agree_are_joined() -> None:
    body = "resources:\n  - Basic:\n      each: items as i\n      id: i.code | uuid(Basic)\n      code: {text: =x}\n"
    body += "      extension: [{url: =n, valueString: i.name}]\n"

    agreeing = run(body, {"items": [{"code": "1"}, {"code": "1", "name": "甲"}]})
    differing = run(body, {"items": [{"code": "1", "name": "乙"}, {"code": "1", "name": "甲"}]})

    assert ([issue.code for issue in agreeing.issues], len(agreeing.resources)) == ([], 1)
    assert agreeing.resources[0]["extension"] == [{"url": "n", "valueString": "甲"}]
    assert [issue.code for issue in differing.issues] == ["MAP-050"]


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"start": "20260302", "end": "20260301"}, [("MAP-040", "warning", "Encounter.period.end", "end")]),
        ({"start": "20260301", "end": "20260302"}, []),
        ({"start": "20260301"}, []),
        ({"start": "20260301", "end": "soon"}, []),
    ],
)
def test_a_check_compares_fields_and_leaves_absence_to_others(record: dict[str, Any], told: list[Any]) -> None:
    body = "checks: [{name: c, that: end >= start, at: end, where: Encounter.period.end,"
    body += " severity: warning, zh: 甲, en: a}]\n"

    assert [_told(issue) for issue in run(body + PATIENT + "      active: =true\n", record).issues] == told


def test_a_negated_comparison_in_a_check_also_leaves_absence_to_others() -> None:
    body = "checks: [{name: c, that: not (end < start), at: end, zh: 甲, en: a}]\n"

    assert run(body + PATIENT + "      active: =true\n", {"start": "20260301"}).issues == ()


def test_a_check_of_a_list_names_each_item() -> None:
    body = "checks: [{name: c, each: items as i, that: i.code registered, at: i.code, zh: 甲, en: a}]\n"

    result = run(body + PATIENT + "      active: =true\n", {"items": [{"code": "x"}, {}]})

    assert [issue.source for issue in result.issues] == ["items[0].code", "items[1].code"]


def test_a_flood_of_faults_is_cut() -> None:
    body = PATIENT + "      name: [{each: items as i, period: {start: i.code | date}}]\n"

    issues = run(body, {"items": [{"code": "x"}] * 500}).issues

    assert (len(issues), issues[-1].code) == (201, "MAP-051")


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("sex", "X9", "X9"),
        ("birth", "19431332", "***(8)"),
        ("sex", "王示兰", "***(3)"),
        ("sex", "13800000001", "***(11)"),
        ("sex", "410199194303051027", "***(18)"),
        ("sex", "x" * 30, "***(30)"),
    ],
)
def test_a_value_is_shown_only_where_its_field_allows_and_it_looks_like_a_code(
    field: str, value: str, shown: str
) -> None:
    issues = run(PATIENT + f"      birthDate: {field} | date\n", {field: value}).issues

    assert issues[0].detail["value"] == shown


def test_no_value_of_a_masked_field_appears_in_any_issue() -> None:
    feed = load_feed(ROOT / "mappings" / "hospital" / "json-discharge")
    record = json.loads(
        (ROOT / "mappings/hospital/json-discharge/cases/discharge-to-a-township-centre/in.json").read_text()
    )
    secrets = {}
    for place, value in _texts(record["data"], "data"):
        secrets[place] = f"秘{len(secrets)}" + "密" * 3 + str(value)
        _put(record, place, secrets[place])

    raw = json.dumps(record, ensure_ascii=False).encode()
    parsed = read("json", raw)
    result = feed.map.run(parsed, context=case_context(feed.map, parsed))

    assert result.issues
    said = " ".join(f"{i.text('zh')} {i.text('en')} {i.where} {i.source} {i.detail}" for i in result.issues)
    assert not [place for place, secret in secrets.items() if secret in said]
    assert not [one for one in result.drift if "密" in one.code]


def _texts(value: Any, place: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in _texts(inner, f"{place}.{key}")]
    if isinstance(value, list):
        return [pair for index, inner in enumerate(value) for pair in _texts(inner, f"{place}.{index}")]
    return [(place, value)] if isinstance(value, str) else []


def _put(record: Any, place: str, value: str) -> None:
    *path, last = place.split(".")
    for key in path:
        record = record[int(key)] if isinstance(record, list) else record[key]
    record[int(last) if isinstance(record, list) else last] = value
