"""Bytes to a document, strictly: UTF-8 without byte order mark, no key twice, bounded size, depth and numbers.

Out: dicts and lists whose numbers keep their literals (`codec.Number`), so that what was checked is what is read.
Refuses with FHIR-001 to FHIR-004. Source: R4 json.html, RFC 8259.
"""

from __future__ import annotations

import re
from decimal import InvalidOperation
from json import JSONDecodeError, JSONDecoder
from typing import Any, NoReturn

from gateway.fhir.codec import Json, Number
from gateway.fhir.problem import Problem

MAX_BYTES = 4 * 1024 * 1024
"""Architecture §7: 4 MiB a message."""
MAX_DEPTH = 64
"""Deepest nesting of objects and lists (design default; a care plan has 8, a deep questionnaire 20)."""
_EXPONENT = 64
"""Largest power of ten of a number (design default): no clinical value is bigger, and huge ones exhaust memory."""
_DIGITS = 64
"""Longest number (design default): R4 asks for 18 significant digits."""
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def read(body: bytes, *, limit: int = MAX_BYTES) -> Json:
    """Return the object in ``body``; raises Problem FHIR-001 to FHIR-004."""
    if len(body) > limit:
        raise Problem("FHIR-003", limit=limit)
    document = _parse(_text(body))
    if not isinstance(document, dict):
        raise Problem("FHIR-001", reason="an object is expected")
    _refuse_depth(document)
    if _SURROGATE.search(body):
        _refuse_surrogates(document)
    return document


def shown(name: object) -> str:
    """Return a name that a stranger sent as far as it can be shown: cut, and only when it looks like a name."""
    plain = isinstance(name, str) and name.isascii() and name.isidentifier()
    return str(name)[:64] if plain else "?"


def _text(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem("FHIR-001", reason=f"byte {error.start} is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise Problem("FHIR-001", reason="a byte order mark comes first")
    return text


def _parse(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except JSONDecodeError as error:
        raise Problem("FHIR-001", reason=f"line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise Problem("FHIR-004", limit=MAX_DEPTH) from None


def _object(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Problem("FHIR-002", key=shown(twice))
    return found


def _decimal(text: str) -> Number:
    try:
        value = Number(text) if len(text) <= _DIGITS else None
    except InvalidOperation:  # an exponent of twenty digits
        value = None
    if value is None or abs(value.adjusted()) > _EXPONENT:
        raise Problem("FHIR-001", reason="a number is out of range")
    return value


def _whole(text: str) -> int | Number:
    if len(text) > _DIGITS:
        raise Problem("FHIR-001", reason="a number is out of range")
    return Number(text) if text == "-0" else int(text)


def _constant(name: str) -> NoReturn:
    raise Problem("FHIR-001", reason=f"{name} is not JSON")


_DECODER = JSONDecoder(object_pairs_hook=_object, parse_float=_decimal, parse_int=_whole, parse_constant=_constant)


def _refuse_depth(document: Json) -> None:
    level: list[Any] = [document]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise Problem("FHIR-004", limit=MAX_DEPTH)
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
        raise Problem("FHIR-001", reason="a lone surrogate is no character")
