"""Checks one primitive value as JSON writes it: type, form, and whether the date exists in the calendar.

In: the name of an R4 primitive. Out: a function that tells whether a value is one. Source: R4 datatypes.html#primitive;
stricter than its regular expressions where the text of the standard is: no control characters, no blank strings.
"""

from __future__ import annotations

import binascii
import re
from calendar import monthrange
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from gateway.fhir.strict_json import MAX_EXPONENT

Test = Callable[[Any], bool]

MAX_TEXT = 1024 * 1024
"""Longest string in characters (R4 datatypes.html#string)."""
_YEAR = r"(?!0000)[0-9]{4}"
_MONTH, _DAY = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]{1,9})?"
_OFFSET = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_FORMS: Final = {
    "date": re.compile(rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY})?)?"),
    "dateTime": re.compile(rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY}(?:T{_CLOCK}{_OFFSET})?)?)?"),
    "instant": re.compile(rf"{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_OFFSET}"),
    "time": re.compile(_CLOCK),
    "id": re.compile(r"[A-Za-z0-9\-.]{1,64}"),
    "oid": re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+"),
    "uuid": re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
}
# U+E000 and above stay: GB 18030 keeps rare names in the private use area.
_TEXT = re.compile(r"[\t\n\r -\ud7ff\ue000-\U0010ffff]+")
_WHOLE: Final = {"integer": -(2**31), "unsignedInt": 0, "positiveInt": 1}
_LIMIT = 2**31


def test_of(name: str) -> Test:
    """Return the test of the primitive ``name``; KeyError when R4 has none. `xhtml` counts as text here."""
    return _TESTS[name]


def source_of(name: str, value: str) -> str:
    """Return the same test as Python source about the variable ``value``; what it calls is in `NAMES`.

    It answers most values without a call.
    """
    return _SOURCES[name].replace("VALUE", value)


def _formed(form: re.Pattern[str]) -> Test:
    def test(value: Any) -> bool:
        return value.__class__ is str and form.fullmatch(value) is not None

    return test


def _dated(form: re.Pattern[str]) -> Test:
    def test(value: Any) -> bool:
        return value.__class__ is str and form.fullmatch(value) is not None and _in_calendar(value)

    return test


def _in_calendar(text: str) -> bool:
    day = text[8:10]
    return day <= "28" or int(day) <= monthrange(int(text[:4]), int(text[5:7]))[1]


def _whole(lowest: int) -> Test:
    def test(value: Any) -> bool:
        return value.__class__ is int and lowest <= value < _LIMIT

    return test


def _decimal(value: Any) -> bool:
    if value.__class__ is int:
        return True
    exact = Decimal(repr(value)) if value.__class__ is float else value
    # A power of ten that the strict reader would not take back is none of ours either.
    return isinstance(exact, Decimal) and exact.is_finite() and abs(exact.adjusted()) <= MAX_EXPONENT


def _boolean(value: Any) -> bool:
    return value is True or value is False


def _text(value: Any) -> bool:
    if value.__class__ is not str or not value.strip() or len(value) > MAX_TEXT:
        return False
    # Most values take the short way: `isprintable` is false for a line break.
    return value.isprintable() or _TEXT.fullmatch(value) is not None


def _code(value: Any) -> bool:
    return value.__class__ is str and value.isprintable() and value == value.strip() != "" and "  " not in value


def _uri(value: Any) -> bool:
    return value.__class__ is str and value.isprintable() and " " not in value and value != ""


def _base64(value: Any) -> bool:
    if value.__class__ is not str or not value.isascii():
        return False
    try:
        return binascii.a2b_base64("".join(value.split()), strict_mode=True) != b""
    except binascii.Error:
        return False


_TESTS: Final[dict[str, Test]] = {
    **{name: _formed(form) for name, form in _FORMS.items()},
    **{name: _dated(_FORMS[name]) for name in ("date", "dateTime", "instant")},
    **{name: _whole(lowest) for name, lowest in _WHOLE.items()},
    **dict.fromkeys(("string", "markdown", "xhtml"), _text),
    **dict.fromkeys(("uri", "url", "canonical"), _uri),
    "base64Binary": _base64,
    "boolean": _boolean,
    "code": _code,
    "decimal": _decimal,
}

_MARK = "VALUE.__class__ is str and VALUE.isprintable() and VALUE != '' and ' ' not in VALUE"
_PLAIN = "VALUE.__class__ is str and VALUE.isprintable() and 0 < len(VALUE) < 1000 and not VALUE.isspace()"
_SOURCES: Final[dict[str, str]] = {
    **{name: f"test_{name}(VALUE)" for name in _TESTS},
    **{name: f"VALUE.__class__ is str and form_{name}(VALUE)" for name in _FORMS},
    **{
        name: f"VALUE.__class__ is str and form_{name}(VALUE) and (VALUE[8:10] <= '28' or in_calendar(VALUE))"
        for name in ("date", "dateTime", "instant")
    },
    **{name: f"VALUE.__class__ is int and {lowest} <= VALUE < {_LIMIT}" for name, lowest in _WHOLE.items()},
    **{name: f"({_PLAIN} or test_{name}(VALUE))" for name in ("string", "markdown", "xhtml")},
    **dict.fromkeys(("uri", "url", "canonical"), _MARK),
    "boolean": "(VALUE is True or VALUE is False)",
    "code": f"({_MARK} or test_code(VALUE))",
    "decimal": "(VALUE.__class__ is int or test_decimal(VALUE))",
}
NAMES: Final[dict[str, object]] = {
    **{f"test_{name}": test for name, test in _TESTS.items()},
    **{f"form_{name}": form.fullmatch for name, form in _FORMS.items()},
    "in_calendar": _in_calendar,
}
"""What the sources call."""
