"""The last step of every leaf: a source value becomes a value of the R4 type that its place has, or is refused.

Syntax of each primitive: FHIR R4 datatypes.html. Numbers stay exact (int, Decimal); nothing is cut or guessed. Returns
None for blank text, raises `Bad`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from gateway.formats import dates


class Bad(Exception):  # noqa: N818 - a value, caught by the compiled map and turned into a Problem
    """A value that a rule cannot take: the problem's code and its details, never the value itself."""

    def __init__(self, code: str, /, **detail: str) -> None:
        """Hold the code of the problem table."""
        super().__init__(code)
        self.code = code
        self.detail = detail


class Unmapped(Bad):
    """A code that its table lacks where that is only a warning; ``result`` is what the element becomes."""

    def __init__(self, code: str, result: Any, /, **detail: str) -> None:
        """Hold what stands in for the coded value (None: nothing)."""
        super().__init__(code, **detail)
        self.result = result


MAX_TEXT: Final = 1024 * 1024
"""Longest string in characters (R4 datatypes.html#string: 1 MB)."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_CODE = re.compile(r"[^\s]+(\s[^\s]+)*")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_URI = re.compile(r"\S+")
_OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+", re.ASCII)
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_BASE64 = re.compile(r"[0-9A-Za-z+/]*={0,2}", re.ASCII)
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?", re.ASCII)
_DATETIME = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?)?)?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,10}", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{1,20})?", re.ASCII)
_TRUE = frozenset({"true", "1", "是", "Y", "y"})
_FALSE = frozenset({"false", "0", "否", "N", "n"})


def plain(value: Any) -> str:
    """Return any single source value as text."""
    if value.__class__ is str:
        return str(value)
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, (int, Decimal)):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    raise Bad("MAP-003")


def string(value: Any) -> str | None:
    """Check a string or markdown."""
    if value.__class__ is not str:
        value = plain(value)
    if value.isprintable() and len(value) <= MAX_TEXT:
        return value if value.strip() else None
    if _CONTROL.search(value) or len(value) > MAX_TEXT:
        raise Bad("MAP-027", type="string")
    return value if value.strip() else None


def _matching(type_: str, pattern: re.Pattern[str]) -> Callable[[Any], str | None]:
    """Return a checker of ``type_``: outer blanks are cut, the rest must match."""
    matches = pattern.fullmatch

    def check(value: Any) -> str | None:
        text: str = value if value.__class__ is str else plain(value)
        if matches(text) is None:
            text = text.strip()
            if not text:
                return None
            if matches(text) is None:
                raise Bad("MAP-027", type=type_)
        return text

    return check


def _calendar(type_: str, pattern: re.Pattern[str]) -> Callable[[Any], str | None]:
    """Return a checker that asks the calendar too: a pattern alone lets 1943-13-32 through."""
    syntax = _matching(type_, pattern)

    def check(value: Any) -> str | None:
        text = syntax(value)
        if text is not None:
            _moment(text)
        return text

    return check


def _moment(text: str) -> None:
    try:
        dates.moment(text)
    except ValueError:
        raise Bad("MAP-020") from None


def boolean(value: Any) -> bool | None:
    """Check a boolean: JSON's own, or one of the usual words."""
    if value is True or value is False:
        return bool(value)
    text = plain(value).strip()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if not text:
        return None
    raise Bad("MAP-024")


def integer(value: Any) -> int | None:
    """Check an integer of 32 bits."""
    if value.__class__ is not int:
        text = plain(value).strip()
        if not text:
            return None
        if value is True or value is False or _INTEGER.fullmatch(text) is None:
            raise Bad("MAP-021")
        value = int(text)
    if not -2_147_483_648 <= value <= 2_147_483_647:
        raise Bad("MAP-021")
    return int(value)


def unsigned(value: Any) -> int | None:
    """Check an unsignedInt."""
    number = integer(value)
    if number is not None and number < 0:
        raise Bad("MAP-021")
    return number


def positive(value: Any) -> int | None:
    """Check a positiveInt."""
    number = integer(value)
    if number is not None and number < 1:
        raise Bad("MAP-021")
    return number


def decimal(value: Any) -> int | Decimal | None:
    """Check a decimal; its digits stay (`72.50`)."""
    if value.__class__ is int:
        return int(value)
    text = plain(value).strip()
    if not text:
        return None
    if value is True or value is False or _NUMBER.fullmatch(text) is None:
        raise Bad("MAP-021")
    try:
        return Decimal(text) if "." in text else int(text)
    except InvalidOperation:
        raise Bad("MAP-021") from None


def ready(value: Any) -> Any:
    """Pass a value that a transform made whole (a Coding, a Quantity, checked dates)."""
    return value


CHECKS: Final[dict[str, Callable[[Any], Any]]] = {
    "string": string,
    "markdown": string,
    "xhtml": string,
    "code": _matching("code", _CODE),
    "id": _matching("id", _ID),
    "uri": _matching("uri", _URI),
    "url": _matching("url", _URI),
    "canonical": _matching("canonical", _URI),
    "oid": _matching("oid", _OID),
    "uuid": _matching("uuid", _UUID),
    "base64Binary": _matching("base64Binary", _BASE64),
    "date": _calendar("date", _DATE),
    "dateTime": _calendar("dateTime", _DATETIME),
    "instant": _calendar("instant", _INSTANT),
    "time": _matching("time", _TIME),
    "boolean": boolean,
    "integer": integer,
    "unsignedInt": unsigned,
    "positiveInt": positive,
    "decimal": decimal,
}
"""R4 primitive -> its checker."""
