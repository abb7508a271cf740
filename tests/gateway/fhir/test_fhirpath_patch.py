"""FHIRPath Patch: the operations of R4's own test cases, what cannot be applied, and paths that are not plain."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir import codec, fhirpath_patch
from gateway.fhir.problem import Problem, Problems
from tests.budget import examples

Doc = dict[str, Any]


def _operation(op: str, path: str, **parts: Any) -> Doc:
    """Return one operation; a part is a plain number or text, or ``{"valueX": ...}`` or ``{"part": [...]}``."""
    named = {"name": "valueString", "index": "valueInteger", "source": "valueInteger", "destination": "valueInteger"}
    made = [{"name": name, **(value if name == "value" else {named[name]: value})} for name, value in parts.items()]
    kind = {"name": "type", "valueCode": op}
    return {"name": "operation", "part": [kind, {"name": "path", "valueString": path}, *made]}


def _apply(document: Doc, *operations: Doc) -> Any:
    body = json.dumps({"resourceType": "Parameters", "parameter": list(operations)}).encode()
    whole = {"resourceType": "Patient", **document}
    made = fhirpath_patch.apply(fhirpath_patch.read(body, kind="Patient"), whole)
    return {name: value for name, value in made.items() if name != "resourceType"}


TEL = [{"system": "phone", "value": value} for value in ("1", "2", "3")]


@pytest.mark.parametrize(
    ("document", "operation", "expected"),
    [
        (
            {"birthDate": "1920-01-01"},
            _operation("replace", "Patient.birthDate", value={"valueDate": "1930-01-01"}),
            {"birthDate": "1930-01-01"},
        ),
        ({"birthDate": "1920-01-01"}, _operation("delete", "Patient.birthDate"), {}),
        ({}, _operation("delete", "Patient.birthDate"), {}),
        (
            {},
            _operation("add", "Patient", name="birthDate", value={"valueDate": "1930-01-01"}),
            {"birthDate": "1930-01-01"},
        ),
        (
            {"contact": [{"name": {"text": "a"}}]},
            _operation("add", "Patient.contact[0]", name="gender", value={"valueCode": "male"}),
            {"contact": [{"name": {"text": "a"}, "gender": "male"}]},
        ),
        (
            {},
            _operation(
                "add", "Patient", name="contact", value={"part": [{"name": "name", "valueHumanName": {"text": "a"}}]}
            ),
            {"contact": [{"name": {"text": "a"}}]},
        ),
        (
            {"telecom": TEL[:2]},
            _operation("add", "%resource", name="telecom", value={"valueContactPoint": TEL[2]}),
            {"telecom": TEL},
        ),
        (
            {"telecom": TEL[1:]},
            _operation("insert", "Patient.telecom", index=0, value={"valueContactPoint": TEL[0]}),
            {"telecom": TEL},
        ),
        (
            {"telecom": TEL[:2]},
            _operation("insert", "Patient.telecom", index=2, value={"valueContactPoint": TEL[2]}),
            {"telecom": TEL},
        ),
        ({"telecom": TEL}, _operation("delete", "Patient.telecom[0]"), {"telecom": TEL[1:]}),
        ({"telecom": TEL[:1]}, _operation("delete", "Patient.telecom[0]"), {}),
        ({"telecom": TEL}, _operation("delete", "Patient.telecom.where(value = '2')"), {"telecom": [TEL[0], TEL[2]]}),
        (
            {"telecom": TEL},
            _operation("move", "Patient.telecom", source=2, destination=0),
            {"telecom": [TEL[2], TEL[0], TEL[1]]},
        ),
        (
            {"deceasedBoolean": True},
            _operation("replace", "Patient.deceased", value={"valueDateTime": "2020-01-01"}),
            {"deceasedDateTime": "2020-01-01"},
        ),
        (
            {"extension": [{"url": "http://x/a", "valueString": "1"}, {"url": "http://x/b", "valueString": "2"}]},
            _operation("replace", "Patient.extension('http://x/b').value.ofType(string)", value={"valueString": "3"}),
            {"extension": [{"url": "http://x/a", "valueString": "1"}, {"url": "http://x/b", "valueString": "3"}]},
        ),
        (
            {"name": [{"given": ["a", "b"], "_given": [None, {"id": "x"}]}]},
            _operation("delete", "Patient.name.given[0]"),
            {"name": [{"given": ["b"], "_given": [{"id": "x"}]}]},
        ),
        (
            {"birthDate": "1920", "_birthDate": {"id": "x"}},
            _operation("replace", "Patient.birthDate", value={"valueDate": "1930"}),
            {"birthDate": "1930"},
        ),
    ],
)
def test_an_operation_does_what_r4_says(document: Doc, operation: Doc, expected: Doc) -> None:
    assert _apply(document, operation) == expected


@pytest.mark.parametrize(
    ("document", "operation"),
    [
        ({}, _operation("replace", "Patient.birthDate", value={"valueDate": "1930-01-01"})),
        ({"birthDate": "1920"}, _operation("add", "Patient", name="birthDate", value={"valueDate": "1930"})),
        ({"deceasedBoolean": True}, _operation("add", "Patient", name="deceased", value={"valueDateTime": "1930"})),
        ({}, _operation("add", "Patient", name="unheardOf", value={"valueDate": "1930"})),
        ({}, _operation("add", "Patient", name="deceased", value={"valueCode": "x"})),
        ({"telecom": TEL}, _operation("delete", "Patient.telecom")),
        ({"telecom": TEL}, _operation("replace", "Patient.telecom", value={"valueContactPoint": TEL[0]})),
        ({"telecom": TEL}, _operation("insert", "Patient.telecom", index=4, value={"valueContactPoint": TEL[0]})),
        ({"telecom": TEL}, _operation("insert", "Patient.telecom[0]", index=0, value={"valueContactPoint": TEL[0]})),
        ({"telecom": TEL}, _operation("move", "Patient.telecom", source=3, destination=0)),
        ({"telecom": TEL}, _operation("move", "Patient.telecom", source=0, destination=-1)),
        ({}, _operation("replace", "Patient", value={"valueString": "x"})),
        ({}, _operation("delete", "Patient")),
        (
            {"name": [{"given": ["a"]}, {"given": ["b"]}]},
            _operation("move", "Patient.name.given", source=0, destination=1),
        ),
    ],
)
def test_what_cannot_be_applied_is_refused(document: Doc, operation: Doc) -> None:
    with pytest.raises(Problem, match="FHIR-071"):
        _apply(document, operation)


@pytest.mark.parametrize(
    "operation",
    [
        {"name": "other", "part": [{"name": "type", "valueCode": "delete"}]},
        {"name": "operation", "part": [{"name": "type", "valueCode": "test"}]},
        {"name": "operation", "part": [{"name": "type", "valueCode": "delete"}]},
        _operation("delete", "Patient.telecom", index=0),
        _operation("add", "Patient", name="birthDate"),
        _operation("delete", "Patient.telecom.matches('(a+)+$')"),
        _operation("delete", "Patient.telecom.where(value.matches('(a+)+$'))"),
        _operation("delete", "Patient.telecom.where(%resource.telecom.where(%resource.telecom.exists()).exists())"),
        _operation("delete", "Patient.descendants()"),
        _operation("delete", "Patient.telecom | Patient.name"),
        _operation("delete", "'x'"),
        _operation("delete", "Patient.telecom[-1]"),
        _operation("delete", "Patient..telecom"),
        _operation("delete", "(" * 240),
        _operation("delete", "(" * 240 + "Patient" + ")" * 240),
        _operation("delete", "Patient." + "a" * 600),
        _operation("delete", "Patient.telecom.where(first(1))"),
    ],
)
def test_what_is_no_plain_patch_is_refused(operation: Doc) -> None:
    with pytest.raises(Problem, match="FHIR-070"):
        _apply({"telecom": TEL}, operation)


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("Patient.birthDate", {"birthDate", "_birthDate"}),
        ("telecom.where(value = '1')", {"telecom"}),
        ("Patient.where(birthDate.exists()).telecom", {"birthDate", "_birthDate", "telecom"}),
        (
            "Patient.where(gender = 'male' and name.family = 'x').first().contact[0].name",
            {"gender", "_gender", "name", "contact"},
        ),
        ("%resource.extension('http://x')", {"extension"}),
        ("Patient.deceased", {"deceasedBoolean", "_deceasedBoolean", "deceasedDateTime", "_deceasedDateTime"}),
    ],
)
def test_the_members_that_a_path_names_are_told(path: str, members: set[str]) -> None:
    body = json.dumps({"resourceType": "Parameters", "parameter": [_operation("delete", path)]}).encode()

    assert fhirpath_patch.touched(fhirpath_patch.read(body, kind="Patient"), kind="Patient") == members


def test_numbers_keep_their_digits() -> None:
    operation = _operation("replace", "Observation.value", value={"valueQuantity": {"value": 1}})
    body = json.dumps({"resourceType": "Parameters", "parameter": [operation]}).replace('"value": 1', '"value": 72.50')
    document = codec.parse_exact(b'{"resourceType":"Observation","valueQuantity":{"value":1.0},"component":[1.10]}')

    made = fhirpath_patch.apply(fhirpath_patch.read(body.encode(), kind="Observation"), document)

    assert codec.dump_exact(made) == (
        b'{"resourceType":"Observation","valueQuantity":{"value":72.50},"component":[1.10]}'
    )
    assert codec.dump_exact(document).startswith(b'{"resourceType":"Observation","valueQuantity":{"value":1.0}')


_WORDS = st.sampled_from(
    ["Patient", "name", "given", "telecom", "value", "deceased", ".", ".", "[0]", "[1]", ".where(", ")", "value", " = ",
     "'1'", ".first()", ".ofType(string)", "extension('x')", "%resource", "$this", " and ", ".exists()", ".count()",
     " > ", "1"]
)  # fmt: skip


@settings(max_examples=examples(400), deadline=None)
@given(
    st.lists(_WORDS, min_size=1, max_size=9).map("".join),
    st.sampled_from(["add", "insert", "delete", "replace", "move"]),
)
def test_whatever_the_path_only_a_problem_is_raised(path: str, op: str) -> None:
    document = {"telecom": TEL, "name": [{"given": ["a"]}], "deceasedBoolean": True, "extension": [{"url": "x"}]}
    more = {
        "add": {"name": "given", "value": {"valueString": "x"}},
        "insert": {"index": 0, "value": {"valueString": "x"}},
        "replace": {"value": {"valueString": "x"}},
        "move": {"source": 0, "destination": 0},
    }
    try:
        made = _apply(document, _operation(op, path, **more.get(op, {})))
    except (Problem, Problems):
        return
    assert isinstance(made, dict)
