"""Strict reading of JSON: what is read is what any reader reads, digit by digit; the rest is refused by name."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir.strict_json import MAX_DEPTH, MAX_DIGITS, StrictJson, Unreadable
from tests.budget import examples

READER = StrictJson(decimal=Decimal, whole=int)
NUMBERS = st.one_of(
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False, places=4),
    st.floats(allow_nan=False, allow_infinity=False),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.text(max_size=6), NUMBERS.map(float)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=12,
)
DOCS = st.dictionaries(st.text(max_size=4), VALUES, max_size=5)
NEAR = st.text('{}[]":,0123456789.eE+-\\u"aDd8 \n\tnulltrefasNaIfiy王', max_size=40)


def read(text: str) -> dict[str, Any] | None:
    try:
        return READER.read(text)
    except Unreadable:
        return None


@settings(max_examples=examples(200))
@given(DOCS, st.booleans())
def test_what_json_writes_is_read_as_it_was(doc: dict[str, Any], escaped: bool) -> None:  # noqa: FBT001 - drawn
    text = json.dumps(doc, ensure_ascii=escaped)

    assert READER.read(text) == json.loads(text, parse_float=Decimal)


@settings(max_examples=examples(300))
@given(st.one_of(NEAR, NEAR.map(lambda inner: '{"a":' + inner + "}"), st.text(max_size=30)))
def test_any_text_is_read_as_others_read_it_or_refused(text: str) -> None:
    found = read(text)

    if found is not None:
        assert found == json.loads(text, parse_float=Decimal)
        json.dumps(found, default=str).encode()


@settings(max_examples=examples(100))
@given(DOCS.filter(bool), st.data())
def test_a_key_that_comes_twice_is_refused_wherever_it_stands(doc: dict[str, Any], data: st.DataObject) -> None:
    key = json.dumps(data.draw(st.sampled_from(sorted(doc))))
    text = json.dumps(doc)[:-1] + f", {key}: 1}}"
    depth = data.draw(st.integers(0, 5))

    with pytest.raises(Unreadable) as refused:
        READER.read('{"a":[' * depth + text + "]}" * depth)

    assert refused.value.why == "key"


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1], ids=["deepest", "deeper"])
def test_the_deepest_nesting_is_read_and_one_more_is_not(depth: int) -> None:
    text = '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)

    assert (read(text) is not None) is (depth == MAX_DEPTH)


@pytest.mark.parametrize("digits", [MAX_DIGITS, MAX_DIGITS + 1], ids=["longest", "longer"])
def test_the_longest_number_is_read_and_one_digit_more_is_not(digits: int) -> None:
    text = f'{{"a":{"7" * digits}}}'

    assert (read(text) is not None) is (digits == MAX_DIGITS)


@pytest.mark.parametrize("where", ['{"a":"\\ud800"}', '{"\\udc00":1}', '{"a":[{"b":"x\\udfff"}]}'])
def test_text_that_utf_8_cannot_hold_is_refused(where: str) -> None:
    with pytest.raises(Unreadable) as refused:
        READER.read(where)

    assert (refused.value.why, refused.value.detail) == ("syntax", "a lone surrogate is no character")
