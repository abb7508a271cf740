"""JSON is read strictly: what was checked is what is read, and nothing is replaced."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir.problem import Problem
from gateway.formats import read
from gateway.formats.json import MAX_DEPTH

RECORDS = Path(__file__).parents[2] / "fixtures" / "records"
TEXT = st.text(st.characters(codec="utf-8"), max_size=10)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize("name", sorted(path.name for path in RECORDS.glob("*.json")))
def test_each_sample_record_is_read_as_the_standard_library_reads_it(name: str) -> None:
    raw = (RECORDS / name).read_bytes()

    record = read("json", raw)

    assert (record.body, record.raw) == (json.loads(raw), raw)


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_any_object_comes_back_as_it_was(body: dict[str, Any]) -> None:
    record = read("json", json.dumps(body, ensure_ascii=False).encode())

    assert record.body == body


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_by_a_problem_never_by_a_fault(raw: bytes) -> None:
    assert _outcome(raw) in ("read", "FMT-001", "FMT-003", "FMT-004")


def test_numbers_keep_their_digits() -> None:
    body = read("json", b'{"a":72.50,"b":12345678901234567890,"c":1e2}').body

    assert str(body["a"]) == "72.50"
    assert body == {"a": Decimal("72.50"), "b": 12345678901234567890, "c": Decimal(100)}


def test_a_byte_order_mark_is_skipped() -> None:
    assert read("json", b'\xef\xbb\xbf{"a":1}').body == {"a": 1}


@pytest.mark.parametrize(
    "text", ['{"a":1,"a":1}', '{"x":[{"a":1,"b":2,"a":null}]}', '{"a":1,"\\u0061":2}'], ids=["top", "deep", "escaped"]
)
def test_a_key_twice_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(Problem) as caught:
        read("json", text.encode())

    assert (caught.value.code, caught.value.detail["key"]) == ("FMT-004", "a")


@pytest.mark.parametrize("codec", ["gb18030", "utf-16", "latin-1"])
def test_text_in_another_charset_is_refused(codec: str) -> None:
    with pytest.raises(Problem) as caught:
        read("json", '{"name":"é"}'.encode(codec))

    assert caught.value.code == "FMT-003"


@pytest.mark.parametrize("opening", ['{"a":', "["])
@pytest.mark.parametrize("depth", [MAX_DEPTH, 5_000, 100_000])
def test_deep_nesting_is_refused(opening: str, depth: int) -> None:
    closing = "}" if opening[0] == "{" else "]"
    text = '{"top":' + opening * depth + "1" + closing * depth + "}"

    with pytest.raises(Problem) as caught:
        read("json", text.encode())

    assert caught.value.code == "FMT-005"


def test_nesting_up_to_the_limit_is_read() -> None:
    text = '{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH

    assert list(read("json", text.encode()).leaves()) == [(".".join(["a"] * MAX_DEPTH), 1)]


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "1", '"text"', "{", '{"a":}', '{"a":1}{"b":2}', '{"a":NaN}', '{"a":Infinity}',
        '{"a":-Infinity}',
        "{'a':1}", '{"a":1,}', '{"a":01}', '{"a":"\t"}', '{"a":"\\ud800"}', '{"\\udc00":1}', '{"a":1e999999}',
        '{"a":1.0e-999}', '{"a":' + "9" * 5000 + "}",
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(Problem) as caught:
        read("json", text.encode())

    assert caught.value.code == "FMT-001"


def test_an_escaped_surrogate_pair_is_one_character() -> None:
    assert read("json", b'{"a":"\\ud840\\udc00"}').body == {"a": "𠀀"}


def test_too_many_bytes_are_refused_unread() -> None:
    with pytest.raises(Problem) as caught:
        read("json", b"\xff" * (4 * 1024 * 1024 + 1))

    assert (caught.value.code, caught.value.status) == ("FMT-002", 413)


def test_each_filled_leaf_names_its_place() -> None:
    record = read("json", b'{"data":{"contacts":[{"name":"x","phone":""}],"scores":{"B1.1":0},"none":null,"ok":false}}')

    assert list(record.leaves()) == [("data.contacts[0].name", "x"), ("data.scores['B1.1']", 0), ("data.ok", False)]


def test_a_record_does_not_show_its_bytes() -> None:
    assert "secret" not in repr(read("json", b'{"a":1}  ').__class__("json", {}, b"secret"))


def _outcome(raw: bytes) -> str:
    try:
        read("json", raw)
    except Problem as problem:
        return problem.code
    return "read"
