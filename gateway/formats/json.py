"""JSON bytes to a record, strictly: UTF-8 (a byte order mark is skipped), no key twice, bounded size and depth.

Numbers keep their digits (`Decimal`). Refused with FMT-001 to FMT-005: other charsets, duplicate keys, NaN,
lone surrogates, anything but an object at the top.
"""

from __future__ import annotations

import re
from decimal import Decimal
from json import JSONDecodeError, JSONDecoder
from typing import Any, NoReturn

from gateway.fhir.problem import Problem
from gateway.formats.record import MAX_BYTES, Record

MAX_DEPTH = 64
"""Deepest nesting of objects and lists (design default; our records have 6)."""
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_DECIMAL_EXPONENT = 64
"""Largest power of ten of a number (design default): no clinical value is bigger, and huge ones exhaust memory."""


def read(raw: bytes, *, limit: int = MAX_BYTES) -> Record:
    """Return the record in ``raw``; Problem FMT-001 to FMT-005 when it is not one acceptable JSON object."""
    if len(raw) > limit:
        raise Problem("FMT-002", limit=limit)
    text = _text(raw)
    body = _parse(text)
    if not isinstance(body, dict):
        raise Problem("FMT-001", reason="the top of a record is an object")
    _refuse_depth(body)
    if _SURROGATE.search(raw):
        _refuse_surrogates(body)
    return Record("json", body, raw)


def _text(raw: bytes) -> str:
    try:
        return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem("FMT-003", charset="UTF-8", at=error.start) from None


def _parse(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except JSONDecodeError as error:
        raise Problem("FMT-001", reason=f"line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise Problem("FMT-005", limit=MAX_DEPTH) from None
    except ValueError:  # an integer of thousands of digits
        raise Problem("FMT-001", reason="a number is out of range") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [key for key, _ in pairs]
        key = next(key for key in names if names.count(key) > 1)
        raise Problem("FMT-004", key=key[:40] if key.isascii() else "?")
    return found


def _number(text: str) -> Decimal:
    value = Decimal(text)
    if abs(value.adjusted()) > _DECIMAL_EXPONENT:
        raise Problem("FMT-001", reason="a number is out of range")
    return value


def _constant(name: str) -> NoReturn:
    raise Problem("FMT-001", reason=f"{name} is not JSON")


_DECODER = JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_constant)


def _refuse_depth(body: dict[str, Any]) -> None:
    level: list[Any] = [body]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise Problem("FMT-005", limit=MAX_DEPTH)
        level = [
            inner
            for outer in level
            for inner in (outer.values() if outer.__class__ is dict else outer)
            if inner.__class__ is dict or inner.__class__ is list
        ]


def _refuse_surrogates(value: Any) -> None:
    """Refuse text that UTF-8 cannot hold; called only when an escape may have made some."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_surrogates(key)
            _refuse_surrogates(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_surrogates(inner)
    elif isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value):
        raise Problem("FMT-001", reason="a lone surrogate is no character")
