"""Numbers and quantities of a question: what their digits stand for, and their units.

Source: R4 search.html#number (100 stands for [99.5, 100.5), `ap` for 10 % around), #quantity. Values are decimals, as
written; those of comparable units are compared in base units (`ucum`).
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from functools import lru_cache

from gateway.fhir import ucum
from gateway.fhir.query import NumberTerm, Prefix

MAX_DIGITS = 40
"""Digits of a number in a question; more would measure nothing (design default)."""
MAX_EXPONENT = 100
# Wide enough that two values which differ within MAX_DIGITS differ after conversion, and the same on both sides.
_WIDE = Context(prec=80)
_NUMBER = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)", re.ASCII)
_NEAR = Decimal("0.1")
_ENDLESS = Decimal("Infinity")


def number(text: str) -> NumberTerm | None:
    """Return the number that ``text`` asks for, None when it is none."""
    found = _NUMBER.fullmatch(text)
    if found is None or len(found[2]) > MAX_DIGITS:
        return None
    value = Decimal(found[2])
    if abs(value.adjusted()) > MAX_EXPONENT:
        return None
    if found[1] == "ap":
        reach = _WIDE.multiply(value.copy_abs(), _NEAR)
        return NumberTerm("eq", value, _WIDE.subtract(value, reach), _above(_WIDE.add(value, reach)))
    prefix: Prefix = found[1] or "eq"  # type: ignore[assignment]  # one of the prefixes
    half = Decimal(5).scaleb(_last_digit(found[2]) - 1)
    return NumberTerm(prefix, value, _WIDE.subtract(value, half), _WIDE.add(value, half))


def _last_digit(text: str) -> int:
    """Return the power of ten of the last digit that was written: 0 for 100, -1 for 5.4, 1 for 1.2e2."""
    exponent = Decimal(text).as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0  # the pattern lets no infinity through


def _above(value: Decimal) -> Decimal:
    """Return the least bound, for our purpose, of a span that ``value`` itself is part of."""
    return _WIDE.add(value, Decimal(1).scaleb(-MAX_DIGITS))


def in_base(value: Decimal, unit: ucum.Unit) -> Decimal:
    """Return ``value`` of ``unit`` in base units, rounded so far behind that order is kept."""
    times, plus, by = _whole(unit)
    return _WIDE.divide(_WIDE.add(_WIDE.multiply(value, times), plus), by)


@lru_cache(maxsize=1024)
def _whole(unit: ucum.Unit) -> tuple[Decimal, Decimal, Decimal]:
    """Return whole numbers (a, b, c) so that x of ``unit`` are (a x + b) / c base units: fractions are slow."""
    by = unit.factor.denominator * unit.offset.denominator
    return Decimal(int(unit.factor * by)), Decimal(int(unit.offset * by)), Decimal(by)


def term_in_base(term: NumberTerm, unit: ucum.Unit) -> NumberTerm:
    """Return ``term`` in base units of ``unit``."""
    return NumberTerm(term.prefix, *(in_base(value, unit) for value in (term.value, term.low, term.high)))


def meets(term: NumberTerm, low: Decimal | None, high: Decimal | None) -> bool:
    """Tell whether a stored value, or range of them, is what ``term`` asks for; None is unbounded.

    Source: R4 search.html#prefix: for eq the asked range contains the stored one; other prefixes ignore its digits.
    """
    least, most = low if low is not None else -_ENDLESS, high if high is not None else _ENDLESS
    inside = term.low <= least and most < term.high
    return {
        "eq": inside,
        "ne": not inside,
        "gt": most > term.value,
        "ge": most >= term.value,
        "lt": least < term.value,
        "le": least <= term.value,
        "sa": least > term.value,
        "eb": most < term.value,
    }[term.prefix]
