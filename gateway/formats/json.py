"""JSON bytes to a record, strictly: UTF-8 (a byte order mark is skipped), no key twice, bounded size and depth.

Numbers keep their digits (`Decimal`). Refused with FMT-001 to FMT-005: other charsets, duplicate keys, NaN,
lone surrogates, anything but an object at the top.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from gateway.fhir.problem import Problem
from gateway.fhir.strict_json import MAX_DEPTH, MAX_EXPONENT, StrictJson, Unreadable, out_of_range
from gateway.fhir.wire import PERSONAL
from gateway.formats.record import MAX_BYTES, Record

MAX_KEY_CHARS = 40
"""Of a repeated key in the answer: it is quoted so that its sender finds it."""


def read(raw: bytes, *, limit: int = MAX_BYTES) -> Record:
    """Return the record in ``raw``; Problem FMT-001 to FMT-005 when it is not one acceptable JSON object."""
    if len(raw) > limit:
        raise Problem("FMT-002", limit=limit)
    usual = _STRICT.usual(raw)
    if usual is not None:
        return Record("json", usual, raw)
    try:
        return Record("json", _STRICT.read(_text(raw)), raw)
    except Unreadable as found:
        raise _problem(found) from None


def _text(raw: bytes) -> str:
    try:
        return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem("FMT-003", charset="UTF-8", at=error.start) from None


def _problem(found: Unreadable) -> Problem:
    match found.why:
        case "key":
            return Problem("FMT-004", key=_shown(found.detail))
        case "depth":
            return Problem("FMT-005", limit=MAX_DEPTH)
        case _:
            return Problem("FMT-001", reason=found.detail)


def _shown(key: str) -> str:
    return key[:MAX_KEY_CHARS] if key.isascii() and not PERSONAL.search(key) else "?"


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:  # an exponent of twenty digits
        raise out_of_range() from None
    if abs(value.adjusted()) > MAX_EXPONENT:
        raise out_of_range()
    return value


_STRICT = StrictJson(decimal=_number, whole=int)
