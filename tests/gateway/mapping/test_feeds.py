"""Every feed does what its cases say, what it makes is valid R4, and the two shapes of one stay meet in their ids."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gateway.fhir import gate
from gateway.formats import read
from gateway.intake.elder import with_elder
from gateway.mapping import MapResult, load_feed, merge, test_cases
from gateway.mapping.cases import case_context
from security.labels import Catalogue, Labeler

ROOT = Path(__file__).parents[3]
RECORDS = ROOT / "tests" / "fixtures" / "records"
FEEDS = sorted(path.parent for path in (ROOT / "mappings").glob("*/*/map.yaml"))
CASES = sorted(path.parent for path in (ROOT / "mappings").glob("*/*/cases/*/in.*"))
CENTRE, STATION = "12410100MB00000028", "52410102MJ0000003J"
CONVERGING = (
    "Organization", "Practitioner", "Patient", "RelatedPerson", "Encounter", "Condition", "Procedure",
    "AllergyIntolerance", "Composition",
)  # fmt: skip
SCALES = ("96761-2", "38227-5", "59460-6")
Resource = dict[str, Any]


def _named(path: Path) -> str:
    return "/".join(path.parts[len(ROOT.parts) + 1 :])


@pytest.mark.parametrize("folder", FEEDS, ids=_named)
def test_every_case_of_a_feed_holds(folder: Path) -> None:
    cases = test_cases(folder)

    assert cases
    assert [line for case in cases for line in case.diff] == []


@pytest.mark.parametrize("folder", CASES, ids=_named)
def test_a_case_shows_what_is_stored_or_why_not(folder: Path) -> None:
    out, problems = folder / "out.json", folder / "problems.json"

    told = json.loads(problems.read_bytes()) if problems.exists() else []

    assert out.exists() is not any(problem["severity"] == "error" for problem in told)


@pytest.mark.parametrize("folder", [case for case in CASES if (case / "out.json").exists()], ids=_named)
def test_what_a_case_stores_is_valid_and_satisfies_the_profiles_it_claims(folder: Path) -> None:
    resources = json.loads((folder / "out.json").read_bytes())["resources"]

    faults = [
        (resource["resourceType"], problem.code, problem.where)
        for resource in with_elder(resources, "elder-1")
        for problem in gate.check(resource)
        if problem.severity == "error"
    ]

    assert faults == []


@pytest.mark.parametrize("kind", CONVERGING)
def test_both_shapes_of_a_stay_mint_the_same_ids(kind: str) -> None:
    assert _ids(_discharge_json(), kind) == _ids(_discharge_v2(), kind) != []


def test_both_shapes_of_a_stay_mint_the_same_ids_for_the_scales() -> None:
    assert [_scale(_discharge_json(), code)["id"] for code in SCALES] == [
        _scale(_discharge_v2(), code)["id"] for code in SCALES
    ]


def test_the_v2_shape_tells_nothing_about_the_stay_that_json_contradicts() -> None:
    v2, rich = _one(_discharge_v2(), "Encounter"), _one(_discharge_json(), "Encounter")

    told = ("status", "class", "period", "diagnosis", "hospitalization", "participant", "serviceProvider", "subject")

    assert {name: v2[name] for name in told} == {name: rich[name] for name in told}


@pytest.mark.parametrize("kind", ["Encounter", "Condition", "Procedure", "AllergyIntolerance", "RelatedPerson"])
def test_the_richer_shape_leads_whichever_came_first(kind: str) -> None:
    v2, rich = _all(_discharge_v2(), kind)[0], _all(_discharge_json(), kind)[0]

    v2_first = merge(kind, v2, rich, keys=_keys("json-discharge", kind), outranks=True)
    json_first = merge(kind, rich, v2, keys=_keys("adt-a03", kind), outranks=False)

    single = [name for name, value in rich.items() if name != "meta" and not isinstance(value, list)]
    assert {name: v2_first[name] for name in single} == {name: json_first[name] for name in single}
    assert v2_first.keys() == json_first.keys()


def test_the_orders_of_a_v2_discharge_stand_under_medication_alone() -> None:
    resources = _discharge_v2().resources

    holders = [row["resourceType"] for row in resources if "阿司匹林" in json.dumps(row, ensure_ascii=False)]

    assert holders == ["MedicationStatement"]


def test_the_sample_assessment_is_level_2_with_57_points() -> None:
    result = _run("centre/assessment", "07_ability_assessment.json", CENTRE)

    observation = _one(result, "Observation")
    assert observation["valueCodeableConcept"]["coding"][0]["code"] == "2"
    assert observation["component"][0]["valueQuantity"]["value"] == 57
    assert [flag["code"]["text"] for flag in _all(result, "Flag")] == ["失能", "独居"]


@pytest.mark.parametrize(("field", "declared", "computed"), [("total", 58, 57), ("level", "1", 2)])
def test_a_declared_result_that_differs_from_ours_parks_the_assessment(
    field: str, declared: object, computed: int
) -> None:
    record = json.loads((RECORDS / "07_ability_assessment.json").read_bytes())
    record["data"][field] = declared

    issue = _mapped("centre/assessment", json.dumps(record).encode(), CENTRE).issues[0]

    assert (issue.code, issue.severity, issue.source) == ("MAP-031", "error", f"data.{field}")
    assert (issue.detail["declared"], issue.detail["computed"]) == (str(declared), computed)


def test_a_care_plan_names_the_station_as_performer_and_for_its_team_members() -> None:
    result = _run("centre/care-plan", "08_care_plan.json", CENTRE)

    performers = [
        row["reference"] for activity in _one(result, "CarePlan")["activity"] for row in activity["detail"]["performer"]
    ]
    team = [row["onBehalfOf"]["reference"] for row in _one(result, "CareTeam")["participant"]]
    assert performers.count(f"Organization/{STATION}") == 3
    assert team.count(f"Organization/{STATION}") == 2


def test_a_care_plan_refers_only_to_what_it_brings_along_or_to_organisations() -> None:
    result = _run("centre/care-plan", "08_care_plan.json", CENTRE)

    plan = _one(result, "CarePlan")
    referred = [row["reference"] for name in ("careTeam", "addresses", "goal") for row in plan[name]]
    brought = {f"{row['resourceType']}/{row.get('id')}" for row in result.resources}
    assert set(referred) <= brought
    assert len(referred) == 5


def test_an_assessor_and_a_team_member_of_one_organisation_are_one_practitioner() -> None:
    assessors = _ids(_run("centre/assessment", "07_ability_assessment.json", CENTRE), "Practitioner")
    members = _ids(_run("centre/care-plan", "08_care_plan.json", CENTRE), "Practitioner")

    assert len(set(assessors) & set(members)) == 1


@pytest.mark.parametrize(
    ("feed", "name", "organisation"),
    [
        ("centre/assessment", "07_ability_assessment.json", CENTRE),
        ("centre/care-plan", "08_care_plan.json", CENTRE),
        ("hospital/adt-a03", "01_adt_a03.hl7", "12410000MB00000010"),
    ],
)
def test_every_resource_about_the_elder_points_at_the_one_patient(feed: str, name: str, organisation: str) -> None:
    result = _run(feed, name, organisation)

    subjects = [row.get("subject") or row.get("patient") for row in result.resources]
    about = [subject["reference"] for subject in subjects if subject]
    assert set(about) == {"urn:yiyang:elder"}
    assert "id" not in _one(result, "Patient")


@pytest.mark.parametrize(
    ("case", "labels"),
    [
        ("first-assessment", []),
        ("mental-disorder-is-a-coded-answer", ["PSY"]),
        ("dementia-and-two-risk-events-raise-twice", ["DEM"]),
    ],
)
def test_the_labeller_reads_what_was_answered_not_what_was_asked(case: str, labels: list[str]) -> None:
    out = ROOT / "mappings" / "centre" / "assessment" / "cases" / case / "out.json"
    (response,) = (
        row for row in json.loads(out.read_bytes())["resources"] if row["resourceType"] == "QuestionnaireResponse"
    )

    found = Labeler(Catalogue.load()).sensitivity("QuestionnaireResponse", response)

    assert list(found) == labels


@cache
def _mapped(feed: str, raw: bytes, organisation: str) -> MapResult:
    map_ = load_feed(ROOT / "mappings" / feed).map
    record = read(map_.format, raw)
    return map_.run(record, context=case_context(map_, record, {"organisation": organisation}))


def _run(feed: str, name: str, organisation: str) -> MapResult:
    result = _mapped(feed, (RECORDS / name).read_bytes(), organisation)
    assert result.issues == ()
    return result


def _discharge_json() -> MapResult:
    return _run("hospital/json-discharge", "04_discharge.json", "12410000MB00000010")


def _discharge_v2() -> MapResult:
    return _run("hospital/adt-a03", "01_adt_a03.hl7", "12410000MB00000010")


def _keys(feed: str, kind: str) -> Any:
    return load_feed(ROOT / "mappings" / "hospital" / feed).merge_keys(kind)


def _all(result: MapResult, kind: str) -> list[Resource]:
    return [row for row in result.resources if row["resourceType"] == kind]


def _one(result: MapResult, kind: str) -> Resource:
    (found,) = _all(result, kind)
    return found


def _ids(result: MapResult, kind: str) -> list[str | None]:
    return [row.get("id") for row in _all(result, kind)]


def _scale(result: MapResult, code: str) -> Resource:
    (found,) = (row for row in _all(result, "Observation") if row["code"]["coding"][0]["code"] == code)
    return found
