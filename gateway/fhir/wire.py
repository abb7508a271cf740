"""Bytes to a document, strictly: UTF-8 without byte order mark, no key twice, bounded size, depth and numbers.

Out: dicts and lists whose numbers keep their literals (`codec.number`), so that what was checked is what is read.
Refuses with FHIR-001 to FHIR-004. Source: R4 json.html, RFC 8259.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from gateway.fhir.codec import Json, dump_exact, number, whole
from gateway.fhir.problem import Problem
from gateway.fhir.strict_json import MAX_DEPTH, MAX_EXPONENT, StrictJson, Unreadable, out_of_range

MAX_BYTES = 4 * 1024 * 1024
"""Architecture §7: 4 MiB a message."""

PERSONAL = re.compile(r"[0-9]{8}")
"""No name of R4 holds so long a number; what does may be an identity card's or a telephone's, and is not quoted."""


def read(body: bytes, *, limit: int = MAX_BYTES) -> Json:
    """Return the object in ``body``; raises Problem FHIR-001 to FHIR-004."""
    if len(body) > limit:
        raise Problem("FHIR-003", limit=limit)
    usual = _STRICT.usual(body)
    if usual is not None:
        return usual
    try:
        return _STRICT.read(_text(body))
    except Unreadable as found:
        raise _problem(found) from None


def shown(name: object) -> str:
    """Return a name that a stranger sent as far as it can be shown: cut, and only when it looks like a name."""
    plain = isinstance(name, str) and name.isascii() and name.isidentifier() and not PERSONAL.search(name)
    return str(name)[:64] if plain else "?"


def _text(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem("FHIR-001", reason=f"byte {error.start} is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise Problem("FHIR-001", reason="a byte order mark comes first")
    return text


def _problem(found: Unreadable) -> Problem:
    match found.why:
        case "key":
            return Problem("FHIR-002", key=shown(found.detail))
        case "depth":
            return Problem("FHIR-004", limit=MAX_DEPTH)
        case _:
            return Problem("FHIR-001", reason=found.detail)


def _decimal(text: str) -> Decimal:
    try:
        value = number(text)
    except InvalidOperation:  # an exponent of twenty digits
        raise out_of_range() from None
    if abs(value.adjusted()) > MAX_EXPONENT:
        raise out_of_range()
    return value


_STRICT = StrictJson(decimal=_decimal, whole=whole, write=dump_exact)
