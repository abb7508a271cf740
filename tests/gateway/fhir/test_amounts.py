"""Numbers of a question stand for what their digits say; units that measure the same are compared exactly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir import amounts, ucum
from gateway.fhir.query import NumberTerm

CODES = ["mg", "g", "kg", "ug", "mm[Hg]", "kPa", "/min", "{beats}/min", "mg/dL", "g/L", "mmol/L", "10*9/L", "kg/m2",
         "Cel", "[degF]", "K", "%", "1", "U/L", "mL/min/{1.73_m2}", "cm", "[in_i]", "h", "d", "kcal",
         "mg/kg/d"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("100", "99.5", "100.5"),
        ("100.00", "99.995", "100.005"),
        ("1e2", "50", "150"),
        ("1.0e2", "95", "105"),
        ("-5.4", "-5.45", "-5.35"),
        (".5", "0.45", "0.55"),
        ("0", "-0.5", "0.5"),
    ],
)
def test_a_number_stands_for_the_span_of_its_digits(text: str, low: str, high: str) -> None:
    found = amounts.number(text)

    assert found == NumberTerm("eq", Decimal(text), Decimal(low), Decimal(high))


@pytest.mark.parametrize("text", ["", "x", "1,5", "--1", "1e", "1e1000", "eq", "Infinity", "NaN", "\u0661", "1" * 41])
def test_what_is_no_number_is_none(text: str) -> None:
    assert amounts.number(text) is None


def test_about_a_number_is_a_tenth_around() -> None:
    found = amounts.number("ap-30")

    assert found is not None
    assert [amounts.meets(found, Decimal(n), Decimal(n)) for n in ("-33.1", "-33", "-27", "-26.9")] == [
        False, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "code", "other", "in_code"),
    [
        ("5", "g", "5000", "mg"),
        ("7.5", "mmol/L", "7500", "umol/L"),
        ("90", "mg/dL", "0.9", "g/L"),
        ("120", "mm[Hg]", "15.9986864898", "kPa"),
        ("60", "/min", "1", "Hz"),
        ("37", "Cel", "98.6", "[degF]"),
        ("37", "Cel", "310.15", "K"),
        ("1", "[lb_av]", "453.59237", "g"),
        ("6", "10*9/L", "6000", "10*6/L"),
        ("1", "U", "1", "umol/min"),
    ],
)
def test_the_same_in_two_units_is_the_same(one: str, code: str, other: str, in_code: str) -> None:
    first, second = ucum.unit(code), ucum.unit(in_code)

    assert first is not None
    assert second is not None
    assert first.base == second.base
    assert first.convert(Fraction(one)) == second.convert(Fraction(other))


@pytest.mark.parametrize(
    "code", ["", "mmHg", "[iU]", "[iU]/L", "a.", "//", "g/", "m0", "毫克", "g g", "x" * 33, "0g", "-"]
)
def test_a_code_that_is_not_understood_is_left_as_it_is(code: str) -> None:
    assert ucum.unit(code) is None


@given(st.text("mgLkdc/.*^[]{}%129-uHin", max_size=12))
def test_any_text_is_a_unit_or_none(code: str) -> None:
    found = ucum.unit(code)

    assert found is None or found.factor > 0


DECIMALS = st.decimals(-(10**6), 10**6, allow_nan=False, places=4)


@given(st.sampled_from(CODES), DECIMALS, DECIMALS)
def test_conversion_keeps_order_and_equality(code: str, one: Decimal, other: Decimal) -> None:
    unit = ucum.unit(code)
    assert unit is not None

    first, second = amounts.in_base(one, unit), amounts.in_base(other, unit)

    assert (first < second, first == second) == (one < other, one == other)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [("eq", "3"), ("ne", "1 2 4 5"), ("gt", "4 5"), ("ge", "3 4 5"), ("lt", "1 2"), ("le", "1 2 3"), ("sa", "4 5"),
     ("eb", "1 2")],
)  # fmt: skip
def test_a_prefix_compares_with_the_number_itself(prefix: str, expected: str) -> None:
    found = amounts.number(f"{prefix}3")

    assert found is not None
    assert [n for n in "12345" if amounts.meets(found, Decimal(n), Decimal(n))] == expected.split()


@pytest.mark.parametrize(("prefix", "holds"), [("gt", True), ("lt", False), ("eq", False), ("sa", False), ("ne", True)])
def test_an_open_range_reaches_for_ever(prefix: str, *, holds: bool) -> None:
    found = amounts.number(f"{prefix}3")

    assert found is not None
    assert amounts.meets(found, Decimal(3), None) is holds
