"""The validator finds every fault of structure, value, binding and reference, and names its place in FHIRPath."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir import gate, validate
from gateway.fhir.problem import Problem
from tests.gateway.fhir.samples import ELDER, GOOD, good

Found = set[tuple[str, str]]


def faults(doc: dict[str, Any]) -> Found:
    return {(problem.code, problem.where) for problem in validate.faults(doc)}


def extended(value: dict[str, Any]) -> dict[str, Any]:
    """Return a Patient with one extension that holds ``value``."""
    return good("Patient", extension=[{"url": "https://x.example/e", **value}])


@pytest.mark.parametrize(
    ("doc", "code", "where"),
    [
        pytest.param(good("Observation", status=None), "FHIR-011", "Observation.status", id="required is missing"),
        pytest.param(good("Encounter", **{"class": None}), "FHIR-011", "Encounter.class", id="a keyword is missing"),
        pytest.param(good("Patient", hobby="x"), "FHIR-010", "Patient.hobby", id="unknown element"),
        pytest.param(
            good("Patient", name=[{"middle": "x"}]), "FHIR-010", "Patient.name[0].middle", id="unknown inside"
        ),
        pytest.param(good("Patient", 爱好="x"), "FHIR-010", "Patient.?", id="a name that is not shown"),
        pytest.param(good("Patient", _name={"id": "x"}), "FHIR-010", "Patient._name", id="twin of what is complex"),
        pytest.param(good("Patient", name={"text": "x"}), "FHIR-012", "Patient.name", id="one for a list"),
        pytest.param(good("Patient", gender=["male"]), "FHIR-012", "Patient.gender", id="a list for one"),
        pytest.param(good("CarePlan", subject="Patient/e1"), "FHIR-012", "CarePlan.subject", id="text for an object"),
        pytest.param(good("Patient", name=[]), "FHIR-015", "Patient.name", id="empty list"),
        pytest.param(good("Patient", maritalStatus={}), "FHIR-015", "Patient.maritalStatus", id="empty object"),
        pytest.param({**good("Patient"), "active": None}, "FHIR-015", "Patient.active", id="null"),
        pytest.param(good("Patient", name=[None]), "FHIR-015", "Patient.name[0]", id="null in a list"),
        pytest.param(good("Patient", name=[{"family": ""}]), "FHIR-015", "Patient.name[0].family", id="empty string"),
        pytest.param(
            good("Patient", name=[{"given": ["a", None]}]), "FHIR-015", "Patient.name[0].given[1]", id="null, no twin"
        ),
        pytest.param(
            good("Patient", name=[{"_given": [None, {"id": "x"}]}]),
            "FHIR-015",
            "Patient.name[0].given[0]",
            id="twin of nothing",
        ),
        pytest.param(
            good("Patient", name=[{"given": ["a"], "_given": [None, {"id": "x"}]}]),
            "FHIR-023",
            "Patient.name[0].given",
            id="twin of another length",
        ),
        pytest.param(good("Patient", _birthDate="x"), "FHIR-012", "Patient.birthDate", id="twin is text"),
        pytest.param(
            good("Observation", valueString="x", valueBoolean=True), "FHIR-016", "Observation.value", id="two choices"
        ),
        pytest.param(
            good("Observation", valueString="x", _valueBoolean={"id": "a"}),
            "FHIR-016",
            "Observation.value",
            id="two choices, one by its twin",
        ),
        pytest.param(good("Observation", valueAddress={}), "FHIR-010", "Observation.valueAddress", id="no such choice"),
        pytest.param(good("Patient", gender="M"), "FHIR-014", "Patient.gender", id="required code"),
        pytest.param(
            good("Condition", clinicalStatus={"coding": [{"code": "active"}]}),
            "FHIR-014",
            "Condition.clinicalStatus",
            id="required concept without system",
        ),
        pytest.param(
            good("Condition", clinicalStatus={"text": "active"}),
            "FHIR-014",
            "Condition.clinicalStatus",
            id="required concept without code",
        ),
        pytest.param(
            good("Encounter", subject={"reference": "Practitioner/1"}), "FHIR-018", "Encounter.subject", id="target"
        ),
        pytest.param(
            good("Encounter", subject={"reference": "https://x.example/fhir/Practitioner/1"}),
            "FHIR-018",
            "Encounter.subject",
            id="target of an absolute reference",
        ),
        pytest.param(
            good("Encounter", subject={"type": "Practitioner", "identifier": {"value": "1"}}),
            "FHIR-018",
            "Encounter.subject",
            id="target by its type",
        ),
        pytest.param(
            good("Encounter", subject={"reference": "Patient/1", "type": "Group"}),
            "FHIR-017",
            "Encounter.subject.type",
            id="a type that hides the target",
        ),
        pytest.param(
            good("Encounter", subject={"reference": "Patient p1 !"}),
            "FHIR-017",
            "Encounter.subject.reference",
            id="malformed reference",
        ),
        pytest.param(
            good("Encounter", subject={"reference": "Patient?identifier=1"}),
            "FHIR-017",
            "Encounter.subject.reference",
            id="conditional reference",
        ),
        pytest.param(
            good("Encounter", subject={"reference": "Elder/1"}), "FHIR-017", "Encounter.subject.reference", id="no kind"
        ),
        pytest.param(
            good("MedicationRequest", medicationReference={"reference": "#nope"}),
            "FHIR-019",
            "MedicationRequest.medication.reference",
            id="contained is not there",
        ),
        pytest.param(
            good("MedicationRequest", contained=[{"resourceType": "Patient", "id": "med"}]),
            "FHIR-018",
            "MedicationRequest.medication",
            id="contained is of another kind",
        ),
        pytest.param(
            good("MedicationRequest", contained=[{"resourceType": "Medication", "id": "med"}] * 2),
            "FHIR-022",
            "MedicationRequest.contained[1].id",
            id="contained twice",
        ),
        pytest.param(
            good("MedicationRequest", contained=[{"resourceType": "Medication"}]),
            "FHIR-011",
            "MedicationRequest.contained[0]",
            id="contained without id",
        ),
        pytest.param(
            good("MedicationRequest", contained=[{"resourceType": "Medication", "id": ["med"]}]),
            "FHIR-011",
            "MedicationRequest.contained[0]",
            id="contained with a list for an id",
        ),
        pytest.param(
            good("Patient", contained=[{"id": "x"}]), "FHIR-011", "Patient.contained[0]", id="contained without kind"
        ),
        pytest.param(
            good("Patient", contained=[{"resourceType": "Elder", "id": "x"}]),
            "FHIR-006",
            "Patient.contained[0]",
            id="contained of no kind",
        ),
        pytest.param(good("Patient", contained=["x"]), "FHIR-012", "Patient.contained[0]", id="contained is text"),
        pytest.param(
            good(
                "Bundle",
                entry=[{"resource": good("Observation", status=None), "request": {"method": "GET", "url": "x"}}],
            ),
            "FHIR-011",
            "Bundle.entry[0].resource.status",
            id="inside a bundle",
        ),
        pytest.param(
            good("Patient", extension=[{"url": "relative", "valueString": "x"}]),
            "FHIR-013",
            "Patient.extension[0].url",
            id="extension with a relative url",
        ),
        pytest.param(
            good("Patient", extension=[{"valueString": "x"}]),
            "FHIR-011",
            "Patient.extension[0].url",
            id="extension without url",
        ),
        pytest.param(
            good("Patient", text={"status": "generated", "div": "<div><script>x</script></div>"}),
            "FHIR-021",
            "Patient.text.div",
            id="a narrative with more than text",
        ),
        pytest.param(
            good("Patient", name=[{"text": "x"}] * 2001), "FHIR-023", "Patient.name", id="a list beyond any use"
        ),
    ],
)
def test_a_fault_is_found_at_its_place(doc: dict[str, Any], code: str, where: str) -> None:
    assert (code, where) in faults(doc)


@pytest.mark.parametrize(
    "doc",
    [
        pytest.param(good("Patient", birthDate=None, _birthDate={"id": "x"}), id="a primitive of extensions alone"),
        pytest.param(good("Observation", status=None, _status={"id": "x"}), id="a required one of extensions alone"),
        pytest.param(
            good("Patient", name=[{"given": ["a", None], "_given": [None, {"id": "x"}]}]), id="null beside its twin"
        ),
        pytest.param(
            extended({"extension": [{"url": "inner", "valueBoolean": True}]}), id="nested extension, relative"
        ),
        pytest.param(
            good("Encounter", subject={"reference": "Patient/e1/_history/3", "type": "Patient"}), id="versioned"
        ),
        pytest.param(good("Encounter", subject={"reference": "urn:uuid:0b6f1a2e"}), id="urn"),
        pytest.param(good("Encounter", subject={"display": "王示兰"}), id="display alone"),
        pytest.param(
            good("Provenance", contained=[{"resourceType": "Device", "id": "d", "parent": {"reference": "#"}}]),
            id="contained refers to its container",
        ),
        pytest.param(good("Patient", name=[{"text": "\ue816某"}]), id="a rare name in the private use area"),
        pytest.param(good("Flag", code={"text": "第一行\n第二行"}), id="a line break"),
    ],
)
def test_what_r4_allows_has_no_fault(doc: dict[str, Any]) -> None:
    assert validate.faults(doc) == []


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("Date", ["1943", "1943-03", "1943-03-05", "2024-02-29"]),
        ("DateTime", ["1943", "2026-03-04T08:15:30Z", "2026-03-04T08:15:60.123456+08:00"]),
        ("Instant", ["2026-03-04T08:15:30.1+14:00"]),
        ("Time", ["23:59:59.999"]),
        ("Id", ["a-B.9", "a" * 64]),
        ("Oid", ["urn:oid:2.16.156.10011.1.3"]),
        ("Uuid", ["urn:uuid:0b6f1a2e-0c1d-4c8e-9a51-6f0c2f1f7a10"]),
        ("Uri", ["urn:x", "a/b?c#d", "https://例.example"]),
        ("Code", ["a", "a b"]),
        ("Base64Binary", ["e30=", "e3 0=\n", "AAAA"]),
        ("Integer", [-(2**31), 2**31 - 1, 0]),
        ("UnsignedInt", [0]),
        ("PositiveInt", [1]),
        ("Decimal", [0, -1.5, 3]),
        ("Boolean", [True, False]),
        ("String", ["x", " x ", "全角　空格"]),
    ],
)
def test_a_primitive_is_taken(type_: str, values: list[Any]) -> None:
    for value in values:
        assert faults(extended({f"value{type_}": value})) == set(), value


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (
            "Date",
            ["1943-13", "1943-02-30", "2023-02-29", "0000", "43-01-01", "1943/05/12", "1943-1-1", "1943-01-01\n", 1943],
        ),
        ("DateTime", ["2026-03-04T08:15:30", "2026-03-04T08:15Z", "2026-03-04T24:00:00Z", "2026-03-04T08:15:30+15:00"]),
        ("Instant", ["2026-03-04", "2026-02-29T08:15:30Z"]),
        ("Time", ["24:00:00", "08:15", "08:15:30Z"]),
        ("Id", ["a_b", "a" * 65, "a/b", "王"]),
        ("Oid", ["urn:oid:3.1", "2.16", "urn:oid:2.016"]),
        ("Uuid", ["urn:uuid:0B6F1A2E-0C1D-4C8E-9A51-6F0C2F1F7A10"]),
        ("Uri", ["a b", "a\u0000", " "]),
        ("Code", [" a", "a ", "a  b", "a\tb"]),
        ("Base64Binary", ["e30", "====", "e3*=", "王王王王"]),
        ("Integer", [2**31, 1.0, "1", True]),
        ("UnsignedInt", [-1]),
        ("PositiveInt", [0]),
        ("Decimal", ["1", True, float("nan"), float("inf")]),
        ("Boolean", ["true", 1, 0]),
        ("String", [" ", "\u3000", "a\u0000", "a\x1b[31m", "\ud800", 1]),
    ],
)
def test_a_primitive_is_refused(type_: str, values: list[Any]) -> None:
    for value in values:
        assert faults(extended({f"value{type_}": value})) == {("FHIR-013", "Patient.extension[0].value")}, value


def test_a_fault_in_a_list_counts_from_0() -> None:
    doc = good("Patient", name=[{"text": "x"}, {"given": ["a", 1]}])

    assert faults(doc) == {("FHIR-013", "Patient.name[1].given[1]")}


def test_contained_references_are_looked_up_in_their_own_entry() -> None:
    inner = good("MedicationRequest")
    doc = good(
        "Bundle",
        type="collection",
        entry=[{"resource": inner}, {"resource": good("Flag", subject={"reference": "#med"})}],
    )

    assert faults(doc) == {("FHIR-019", "Bundle.entry[1].resource.subject.reference")}


def test_a_flood_of_faults_is_cut_off() -> None:
    doc = good("Patient", **{f"x{n}": n for n in range(1000)})

    assert len(validate.faults(doc)) == validate.MAX_FAULTS


def test_no_fault_repeats_a_value() -> None:
    doc = good(
        "Patient", gender="王示兰", birthDate="王示兰", managingOrganization={"reference": "王示兰"}, photo="王示兰"
    )

    told = [text for problem in validate.faults(doc) for text in (problem.text("zh"), problem.where, str(problem))]

    assert len(told) == 12
    assert not any("王示兰" in text for text in told)


def test_the_reference_of_the_elder_is_checked_like_any_other() -> None:
    assert faults(good("Condition", subject={**ELDER, "hint": "x"})) == {("FHIR-010", "Condition.subject.hint")}


ODD = st.recursive(
    st.sampled_from([None, True, 0, -1, 1.5, "", "x", "#", "#med", "2026-03", "Patient/e1", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["value", "reference", "start", "extension", "id"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(node: Any) -> list[tuple[Any, Any]]:
    """Return (container, key or index) of everything below ``node``."""
    keys = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
    return [place for key in keys for place in ((node, key), *places(node[key]))]


@settings(deadline=None)
@given(st.sampled_from([*GOOD]), st.data())
def test_any_part_may_be_anything_and_the_answer_is_still_a_list_of_problems(kind: str, data: st.DataObject) -> None:
    doc = good(kind)
    container, key = data.draw(st.sampled_from(places(doc)))
    container[key] = data.draw(ODD)

    found = gate.check(doc)

    assert all(isinstance(problem, Problem) for problem in found)
