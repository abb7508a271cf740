"""The fast reader of JSON answers only where the strict one gives the same, key by key and digit by digit."""

from __future__ import annotations

import gc
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir import codec, gate, wire
from gateway.fhir.strict_json import MAX_DEPTH, MAX_DIGITS, StrictJson, Unreadable
from tests.budget import examples
from tests.gateway.fhir.samples import GOOD

READER = StrictJson(decimal=codec.number, whole=codec.whole, write=codec.dump_exact)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
LAYOUTS = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, 1]),
        "separators": st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]),
        "ensure_ascii": st.booleans(),
    }
)
NEAR = st.text('{}[]":,0123456789.eE+-\\u"aDd8 \n\tnulltrefasNaIfiy王', max_size=30)


def same(found: Any, other: Any) -> bool:
    """Tell whether two values are written with the same digits."""
    return codec.dump_exact(found) == codec.dump_exact(other)


def agrees(raw: bytes) -> None:
    found = READER.usual(raw)
    if found is not None:
        assert same(found, READER.read(raw.decode()))


@settings(max_examples=examples(150))
@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=4), LAYOUTS)
def test_what_json_writes_is_read_the_same_by_both(doc: dict[str, Any], layout: dict[str, Any]) -> None:
    agrees(json.dumps(doc, **layout).encode("utf-8", "surrogatepass"))


@settings(max_examples=examples(300))
@given(NEAR)
def test_any_text_is_left_to_the_strict_reader_or_read_as_it_does(text: str) -> None:
    agrees(b'{"a":' + text.encode() + b"}")


@settings(max_examples=examples(150))
@given(st.dictionaries(st.sampled_from(["a", "b", 'x":', "\\"]), VALUES, min_size=1, max_size=3), LAYOUTS, st.data())
def test_a_key_that_comes_twice_is_never_read(doc: dict[str, Any], layout: dict[str, Any], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(sorted(doc)))
    spelled = data.draw(st.sampled_from([json.dumps(again), '"' + "".join(f"\\u{ord(c):04x}" for c in again) + '"']))
    gap = data.draw(st.sampled_from(["", " ", "\n"]))
    inner = json.dumps(doc, **layout).rstrip("} \n")
    raw = f'{{"outer":{inner},{spelled}{gap}:{data.draw(st.sampled_from(["1", "{}", chr(34) + "x" + chr(34)]))}}}}}'

    assert READER.usual(raw.encode()) is None


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":-0}',
        b'{"a":[-0 ]}',
        b'{"a":' + b"9" * (MAX_DIGITS + 1) + b"}",
        b'{"a":-' + b"9" * MAX_DIGITS + b"}",
        b'{"a":' * MAX_DEPTH + b"{}" + b"}" * MAX_DEPTH,
        b'{"a":"\\ud800"}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\xff"}',
        b"[1]",
        b'{"a":NaN}',
    ],
    ids=["minus zero", "minus zero in a list", "65 digits", "minus 64 digits", "65 deep", "lone surrogate", "mark",
         "no UTF-8", "a list", "NaN"],
)  # fmt: skip
def test_what_is_odd_is_left_to_the_strict_reader(raw: bytes) -> None:
    assert READER.usual(raw) is None


@pytest.mark.parametrize("number", ["7.50", "1E3", "1e-7", "0.0", "-0.0", "100000000000000000001.5", "12" * 30])
def test_a_number_is_read_with_its_digits(number: str) -> None:
    found = READER.usual(f'{{"a":{number}}}'.encode())

    assert found is not None
    assert codec.dump_exact(found) == f'{{"a":{number}}}'.encode()


@pytest.mark.parametrize("kind", GOOD)
def test_a_resource_is_of_the_usual_kind_however_it_is_laid_out(kind: str) -> None:
    for layout in ({"separators": (",", ":")}, {}, {"indent": 2}):
        raw = json.dumps(GOOD[kind], ensure_ascii=False, **layout).encode()  # type: ignore[arg-type]

        assert READER.usual(raw) == GOOD[kind]


def test_a_number_that_the_caller_refuses_is_refused_by_the_strict_reader() -> None:
    def refuse(text: str) -> Decimal:
        raise Unreadable("syntax", text[:1])

    assert StrictJson(decimal=refuse, whole=int).usual(b'{"a":1.5}') is None


@pytest.mark.parametrize("status", ["final", "bad"])
def test_the_collector_runs_again_after_a_large_body(status: str) -> None:
    doc = {"resourceType": "Observation", "status": status, "code": {"text": "x" * 300_000}}
    body = json.dumps(doc).encode()

    try:
        gate.accept(body, kind="Observation")
    except gate.Problems:
        assert status == "bad"

    assert gc.isenabled()
    assert wire.read(body) == doc
