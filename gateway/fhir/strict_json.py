"""JSON text to values, strictly: no key twice, bounded depth and numbers, no constant that JSON lacks.

What is wrong is told as `Unreadable`; each room says it in its own problem. Numbers are made by the caller, so that
none loses a digit. Source: RFC 8259.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from json import JSONDecodeError, JSONDecoder
from typing import Any, Literal, NoReturn

MAX_DEPTH = 64
"""Deepest nesting of objects and lists (design default; a care plan has 8, a deep questionnaire 20)."""
MAX_EXPONENT = 64
"""Largest power of ten of a number (design default): no clinical value is bigger, and huge ones exhaust memory."""
MAX_DIGITS = 64
"""Longest number (design default): R4 asks for 18 significant digits."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Unreadable(Exception):  # noqa: N818 - what it is
    """Text that is refused: ``why`` it is, and a ``detail`` that quotes nothing but a key."""

    def __init__(self, why: Literal["syntax", "key", "depth"], detail: str = "") -> None:
        """Hold the reason."""
        super().__init__(why)
        self.why = why
        self.detail = detail


class StrictJson:
    """A reader whose numbers ``decimal`` and ``whole`` make of their literals; both may raise Unreadable."""

    def __init__(self, *, decimal: Callable[[str], object], whole: Callable[[str], object]) -> None:
        """Prepare the decoder."""
        self._decode = JSONDecoder(
            object_pairs_hook=_object,
            parse_float=_bounded(decimal),
            parse_int=_bounded(whole),
            parse_constant=_constant,
        ).decode

    def read(self, text: str) -> dict[str, Any]:
        """Return the object in ``text``. Raises Unreadable."""
        try:
            document = self._decode(text)
        except JSONDecodeError as error:
            raise Unreadable("syntax", f"line {error.lineno} column {error.colno}") from None
        except RecursionError:
            raise Unreadable("depth") from None
        if not isinstance(document, dict):
            raise Unreadable("syntax", "an object is expected at the top")
        _refuse_depth(document)
        if _SURROGATE.search(text):
            _refuse_surrogates(document)
        return document


def out_of_range() -> Unreadable:
    """Return the refusal of a number."""
    return Unreadable("syntax", "a number is out of range")


def _bounded(make: Callable[[str], object]) -> Callable[[str], object]:
    def number(text: str) -> object:
        if len(text) > MAX_DIGITS:
            raise out_of_range()
        return make(text)

    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Unreadable("key", twice)
    return found


def _constant(name: str) -> NoReturn:
    raise Unreadable("syntax", f"{name} is not JSON")


def _refuse_depth(document: dict[str, Any]) -> None:
    level: list[Any] = [document]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise Unreadable("depth")
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
        raise Unreadable("syntax", "a lone surrogate is no character")
