"""The gate refuses what cannot be read before it looks at anything else, and reports every fault of what can."""

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir import codec, gate
from gateway.fhir.problem import Problem, Problems
from tests.budget import examples
from tests.gateway.fhir.samples import GOOD, good

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("ab王#/: ", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "name", "_name", "contained", "extension", "url", "valueString", "reference", "entry"]
            ),
            inner,
            max_size=4,
        )
    ),
)
PIECES = [b'"', b"}", b"[", b",", b"\x00", b"\xff", "王".encode(), b"1e99"]


def wire(doc: object) -> bytes:
    return json.dumps(doc, ensure_ascii=False).encode()


def refusal(body: bytes, kind: str = "Patient") -> str:
    with pytest.raises(Problem) as caught:
        gate.accept(body, kind=kind)
    return caught.value.code


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_resource_is_returned_as_it_is(kind: str) -> None:
    assert gate.accept(wire(GOOD[kind]), kind=kind) == GOOD[kind]


def test_numbers_keep_their_digits() -> None:
    body = b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":72.50}}'

    value = gate.accept(body, kind="Observation")["valueQuantity"]["value"]

    assert (value, str(value)) == (Decimal("72.50"), "72.50")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b'{"resourceType":"Patient","id":"a","id":"b"}', "FHIR-002", id="duplicate key"),
        pytest.param(b'{"resourceType":"Patient","name":[{"a":1,"\\u0061":2}]}', "FHIR-002", id="duplicate by escape"),
        pytest.param(b'{"a":' * 5000 + b"1" + b"}" * 5000, "FHIR-004", id="5000 objects deep"),
        pytest.param(b'{"a":' + b"[" * 100000, "FHIR-004", id="100000 lists deep, cut off"),
        pytest.param(b'{"a":' * 65 + b"1" + b"}" * 65, "FHIR-004", id="65 deep"),
        pytest.param(b'{"resourceType":"Patient","id":"\\ud800"}', "FHIR-001", id="lone surrogate"),
        pytest.param(b'{"resourceType":"Patient","\\uDFFF":1}', "FHIR-001", id="lone surrogate as key"),
        pytest.param(b'{"resourceType":"Patient","multipleBirthInteger":NaN}', "FHIR-001", id="NaN"),
        pytest.param(b'{"resourceType":"Patient","multipleBirthInteger":-Infinity}', "FHIR-001", id="infinity"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", "FHIR-001", id="5000 digits"),
        pytest.param(b'{"a":1e999999999}', "FHIR-001", id="huge exponent"),
        pytest.param(b'{"a":1e99999999999999999999}', "FHIR-001", id="exponent beyond decimal"),
        pytest.param(b'\xef\xbb\xbf{"resourceType":"Patient"}', "FHIR-001", id="byte order mark"),
        pytest.param('{"resourceType":"Patient","id":"王"}'.encode("gb18030"), "FHIR-001", id="GB 18030"),
        pytest.param('{"resourceType":"Patient"}'.encode("utf-16"), "FHIR-001", id="UTF-16"),
        pytest.param(b'{"resourceType":"Patient","id":"\xed\xa0\x80"}', "FHIR-001", id="surrogate in UTF-8"),
        pytest.param(b'{"resourceType":"Patient"} x', "FHIR-001", id="more after the end"),
        pytest.param(b'{"resourceType":"Patient",}', "FHIR-001", id="trailing comma"),
        pytest.param(b'[{"resourceType":"Patient"}]', "FHIR-001", id="a list"),
        pytest.param(b"", "FHIR-001", id="nothing"),
        pytest.param(b'"' + b"x" * (4 * 1024 * 1024), "FHIR-003", id="4 MiB and one"),
        pytest.param(b'{"resourceType":"Observation"}', "FHIR-005", id="another kind"),
        pytest.param(b'{"resourceType":["Patient"]}', "FHIR-005", id="kind is a list"),
        pytest.param(b"{}", "FHIR-005", id="no kind"),
    ],
)
def test_what_cannot_be_read_is_refused_with_one_reason(body: bytes, code: str) -> None:
    assert refusal(body) == code


def test_a_kind_that_r4_does_not_have_is_refused() -> None:
    assert refusal(b'{"resourceType":"Elder"}', kind="Elder") == "FHIR-006"


def test_a_refusal_never_repeats_what_was_sent() -> None:
    with pytest.raises(Problem) as caught:
        gate.accept('{"王示兰":1,"王示兰":2}'.encode(), kind="Patient")

    assert "王" not in str(caught.value)


def test_every_fault_is_reported_with_its_place() -> None:
    doc = good("Patient", gender="M", birthDate="1943-02-30", birthPlace="x", contact=[{"gender": "male"}])

    with pytest.raises(Problems) as caught:
        gate.accept(wire(doc), kind="Patient")

    assert {(p.code, p.where) for p in caught.value.problems} == {
        ("FHIR-014", "Patient.gender"),
        ("FHIR-013", "Patient.birthDate"),
        ("FHIR-010", "Patient.birthPlace"),
        ("FHIR-020", "Patient.contact[0]"),
    }


def test_a_binary_holds_the_largest_message() -> None:
    doc = {"resourceType": "Binary", "contentType": "application/json", "data": "AAAA" * (4 * 1024 * 1024 // 3)}

    assert gate.accept(wire(doc), kind="Binary") == doc


def test_a_warning_alone_lets_a_resource_pass() -> None:
    doc = good("Condition", clinicalStatus=None, category=[{"text": "problem-list-item"}])

    accepted = gate.accept(wire(doc), kind="Condition")

    assert [(p.severity, p.detail["key"]) for p in gate.check(accepted)] == [("warning", "con-3")]


def test_a_resource_about_two_elders_is_told_where_it_stands() -> None:
    targets = [{"reference": "Patient/e1"}, {"reference": "Patient/e2"}]
    entry = {"resource": good("Provenance", target=targets), "request": {"method": "POST", "url": "Provenance"}}

    found = gate.check(good("Bundle", entry=[entry]))

    assert [(problem.code, problem.where) for problem in found] == [("FHIR-024", "Bundle.entry[0].resource")]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*GOOD["Patient"], "_name", "contained"]), JSON), st.sampled_from([*GOOD]))
def test_no_document_makes_the_gate_fail(members: dict[str, Any], kind: str) -> None:
    body = wire({**members, "resourceType": kind})

    # Anything but a refusal would be a fault of ours, and a bare 500 to the client.
    with contextlib.suppress(Problem, Problems):
        assert gate.accept(body, kind=kind) == json.loads(body)


@settings(max_examples=examples(200))
@given(st.sampled_from([*GOOD]), st.data())
def test_no_damage_to_the_bytes_makes_the_gate_fail(kind: str, data: st.DataObject) -> None:
    body = bytearray(wire(GOOD[kind]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(body) - 1, 0)))
        match data.draw(st.sampled_from(["flip", "lose", "insert", "cut", "double"])):
            case "flip":
                body[at : at + 1] = bytes(byte ^ 1 << data.draw(st.integers(0, 7)) for byte in body[at : at + 1])
            case "lose":
                del body[at : at + data.draw(st.integers(1, 6))]
            case "insert":
                body[at:at] = data.draw(
                    st.sampled_from([b'"', b"}", b"[", b",", b"\x00", b"\xff", "王".encode(), b"1e99"])
                )
            case "cut":
                del body[at + 1 :]
            case _:
                body[at:at] = body[at : at + 12]

    # What is accepted is what every reader of these bytes reads, digit by digit, and goes on as the same bytes.
    with contextlib.suppress(Problem, Problems):
        accepted = gate.accept(bytes(body), kind=kind)
        assert accepted == json.loads(body, parse_float=Decimal)
        assert gate.accept(codec.dump_exact(accepted), kind=kind) == accepted
