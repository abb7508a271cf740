"""Every profile accepts its good examples and refuses its bad ones, each for the reason that its file names."""

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir import gate, profiles
from gateway.fhir.check_digits import has_card_check, is_credit_code
from gateway.fhir.evaluate import Scope, compiled
from gateway.fhir.profiles import CANONICAL_BASE

ROOT = Path(__file__).resolve().parents[3] / "profiles"
GENERATED = ROOT / "generated"
EXAMPLES = ROOT / "examples"
GOOD = sorted(EXAMPLES.glob("*/good*.json"))
BAD = sorted(EXAMPLES.glob("*/bad-*.json"))
RESOURCES = [json.loads(path.read_bytes()) for path in sorted(GENERATED.glob("StructureDefinition-*.json"))]
PROFILED = sorted(row["id"] for row in RESOURCES if row["type"] != "Extension")
RULES = [
    (row["id"], rule) for row in RESOURCES for e in row["differential"]["element"] for rule in e.get("constraint", ())
]

Json = dict[str, Any]


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def read(path: Path) -> Json:
    return json.loads(path.read_bytes())


def patched(doc: Json, operations: list[Json]) -> Json:
    """Return ``doc`` after JSON Patch operations (RFC 6902: add, remove, replace, copy)."""
    result = copy.deepcopy(doc)
    for operation in operations:
        value = operation.get("value")
        if operation["op"] == "copy":
            value = copy.deepcopy(at(result, operation["from"]))
        *above, last = operation["path"].split("/")
        parent = at(result, "/".join(above))
        if operation["op"] == "remove":
            del parent[int(last) if isinstance(parent, list) else last]
        elif last == "-":
            parent.append(value)
        else:
            parent[int(last) if isinstance(parent, list) else last] = value
    return result


def at(doc: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        doc = doc[int(step) if isinstance(doc, list) else step]
    return doc


def told(doc: Json) -> list[tuple[str, str]]:
    return [(problem.code, problem.where) for problem in gate.check(doc)]


@pytest.mark.parametrize("path", GOOD, ids=named)
def test_a_good_example_is_accepted_without_a_word(path: Path) -> None:
    doc = read(path)

    assert doc["meta"]["profile"] == [f"{CANONICAL_BASE}/StructureDefinition/{path.parent.name}"]
    assert told(doc) == []


@pytest.mark.parametrize("path", BAD, ids=named)
def test_a_bad_example_is_told_by_its_problems_and_places(path: Path) -> None:
    bad = read(path)
    doc = patched(read(path.parent / bad["of"]), bad["patch"])

    assert sorted(told(doc)) == sorted((problem["code"], problem["expression"]) for problem in bad["problems"])


@pytest.mark.parametrize("profile", PROFILED)
def test_every_profile_has_a_good_and_two_bad_examples(profile: str) -> None:
    assert list(EXAMPLES.glob(f"{profile}/good*.json"))
    assert len(list(EXAMPLES.glob(f"{profile}/bad-*.json"))) >= 2


@pytest.mark.parametrize(("profile", "rule"), RULES, ids=[f"{p}-{r['key']}" for p, r in RULES])
def test_a_rule_speaks_both_languages(profile: str, rule: Json) -> None:
    zh, _, en = rule["human"].partition(" / ")

    assert not zh.isascii()
    assert en
    assert en.isascii() or "离院方式" in en


def patient(**changes: Any) -> Json:
    return {**read(EXAMPLES / "yy-patient" / "good.json"), **changes}


def test_a_profile_of_ours_that_does_not_exist_is_an_error() -> None:
    claim = f"{CANONICAL_BASE}/StructureDefinition/yy-nobody"

    (problem,) = gate.check(patient(meta={"profile": [claim]}))

    assert (problem.code, problem.severity, problem.where) == ("FHIR-039", "error", "Patient.meta.profile[0]")
    assert claim in problem.text("en")


def test_another_version_of_a_profile_of_ours_is_an_error() -> None:
    claim = f"{CANONICAL_BASE}/StructureDefinition/yy-patient|9.9.9"

    assert told(patient(meta={"profile": [claim]})) == [("FHIR-039", "Patient.meta.profile[0]")]


def test_somebody_elses_profile_is_told_and_not_checked() -> None:
    (problem,) = gate.check(patient(meta={"profile": ["http://hl7.org/fhir/StructureDefinition/vitalsigns"]}))

    assert (problem.code, problem.severity) == ("FHIR-037", "warning")


def test_a_claim_that_looks_like_an_identity_number_is_not_repeated() -> None:
    (problem,) = gate.check(patient(meta={"profile": ["http://x.example/410199194303051027"]}))

    assert "410199194303051027" not in problem.text("zh") + problem.text("en")


def test_a_profile_of_another_kind_is_an_error() -> None:
    claim = f"{CANONICAL_BASE}/StructureDefinition/yy-goal"

    assert told(patient(meta={"profile": [claim]})) == [("FHIR-038", "Patient.meta.profile[0]")]


def test_a_profile_is_checked_in_the_entries_of_a_bundle() -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient(birthDate=None)}]}
    del bundle["entry"][0]["resource"]["birthDate"]

    assert told(bundle) == [("FHIR-030", "Bundle.entry[0].resource.birthDate")]


def test_a_profile_is_checked_in_what_a_resource_contains() -> None:
    inner = patient(id="e")
    del inner["birthDate"]
    doc = {
        "resourceType": "Basic",
        "code": {"text": "x"},
        "contained": [inner],
        "subject": {"reference": "#e"},
    }

    assert [p.where for p in profiles.shipped().faults(doc)] == ["Basic.contained[0].birthDate"]


def test_a_masked_element_is_there() -> None:
    """A view that hides a birth date says so by an extension: what is required is not missing."""
    masked = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]
    }
    doc = patient(_birthDate=masked)
    del doc["birthDate"]

    assert told(doc) == []


NAMES = [
    "identifier", "system", "value", "name", "text", "gender", "_gender", "extension", "url", "valueCoding",
    "coding", "code", "birthDate", "component", "category", "valueQuantity", "assigner", "meta", "profile",
    "contained", "reference", "subject", "section", "provision",
]  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("a/#1", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
)


@pytest.mark.parametrize("profile", ["yy-patient", "yy-ability-level", "yy-consent-sharing", "yy-careplan"])
@given(body=st.dictionaries(st.sampled_from(NAMES), ANY))
def test_any_json_is_a_list_of_problems(profile: str, body: Json) -> None:
    kind = next(row["type"] for row in RESOURCES if row["id"] == profile)
    meta = {"profile": [f"{CANONICAL_BASE}/StructureDefinition/{profile}"]}

    assert isinstance(profiles.shipped().faults({**body, "resourceType": kind, "meta": meta}), list)


def rule_of(key: str) -> str:
    return next(rule["expression"] for _, rule in RULES if rule["key"] == key)


def by_fhirpath(key: str, text: str) -> bool:
    item = ({"value": text}, "Identifier")
    return compiled(rule_of(key))([item], Scope({}, {}, item, {})) == [(True, "boolean")]


@given(digits=st.text("0123456789", min_size=17, max_size=17), last=st.sampled_from("0123456789X"))
def test_the_card_rule_in_code_answers_as_its_expression(digits: str, last: str) -> None:
    assert has_card_check(digits + last) is by_fhirpath("yy-idcard", digits + last)


@given(text=st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=19))
def test_the_organisation_rule_in_code_answers_as_its_expression(text: str) -> None:
    assert is_credit_code(text) is by_fhirpath("yy-uscc", text)


@pytest.mark.parametrize("text", ["12410000MB00000010", "52410102MJ0000003J", "91110000600037341L"])
def test_a_right_credit_code_is_right(text: str) -> None:
    assert is_credit_code(text)
    assert by_fhirpath("yy-uscc", text)


@pytest.mark.parametrize(("text", "right"), [("11010519491231002X", True), ("410199194303051028", False)])
def test_a_card_number_is_right_by_its_check_digit(text: str, right: bool) -> None:  # noqa: FBT001
    assert has_card_check(text) is right
    assert by_fhirpath("yy-idcard", text) is right


def test_the_profiles_of_a_kind_are_named() -> None:
    base = f"{CANONICAL_BASE}/StructureDefinition"

    assert profiles.shipped().supported("Task") == (f"{base}/yy-followup-task", f"{base}/yy-referral-task")


def test_the_generated_files_are_those_of_the_sources() -> None:
    """Whoever edits FSH builds again (`make profiles`); whoever edits what was generated is found out."""
    manifest = read(GENERATED / "MANIFEST.json")
    sources = [ROOT / "sushi-config.yaml", *sorted((ROOT / "fsh").glob("*.fsh"))]
    generated = sorted(path for path in GENERATED.glob("*.json") if path.name != "MANIFEST.json")

    assert manifest["sources"] == {path.relative_to(ROOT).as_posix(): digest(path) for path in sources}
    assert manifest["generated"] == {path.name: digest(path) for path in generated}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
