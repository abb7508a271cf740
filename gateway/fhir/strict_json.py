"""JSON text to values, strictly: no key twice, bounded depth and numbers, no constant that JSON lacks.

What is wrong is told as `Unreadable`; each room says it in its own problem. Numbers are made by the caller, so that
none loses a digit. Source: RFC 8259.

A fast decoder goes first, and its answer counts only when it can be told that the strict one would give the same;
whatever is odd, good or bad, is read again by the strict one (docs/decisions/0012-a-short-way-for-what-is-usual.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from json import JSONDecodeError, JSONDecoder
from typing import Any, Literal, NoReturn

import msgspec

MAX_DEPTH = 64
"""Deepest nesting of objects and lists (design default; a care plan has 8, a deep questionnaire 20)."""
MAX_EXPONENT = 64
"""Largest power of ten of a number (design default): no clinical value is bigger, and huge ones exhaust memory."""
MAX_DIGITS = 64
"""Longest number (design default): R4 asks for 18 significant digits."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_MINUS_ZERO = re.compile(rb"-0[\s,}\]]")
_DIGITS_TO_ZERO = bytes(b"0"[0] if sign in b"0123456789" else 0 for sign in range(256))
_TOO_LONG = b"0" * MAX_DIGITS

_WRITE = msgspec.json.Encoder(decimal_format="number").encode


class Unreadable(Exception):  # noqa: N818 - what it is
    """Text that is refused: ``why`` it is, and a ``detail`` that quotes nothing but a key."""

    def __init__(self, why: Literal["syntax", "key", "depth"], detail: str = "") -> None:
        """Hold the reason."""
        super().__init__(why)
        self.why = why
        self.detail = detail


class StrictJson:
    """A reader whose numbers ``decimal`` and ``whole`` make of their literals; both may raise Unreadable.

    ``whole`` may make of ``-0`` what it likes, of any other literal the `int`. ``write`` writes what is read.
    """

    def __init__(
        self,
        *,
        decimal: Callable[[str], object],
        whole: Callable[[str], object],
        write: Callable[[Any], bytes] = _WRITE,
    ) -> None:
        """Prepare the decoders."""
        self._decode = JSONDecoder(
            object_pairs_hook=_object,
            parse_float=_bounded(decimal),
            parse_int=_bounded(whole),
            parse_constant=_constant,
        ).decode
        self._write = write
        self._fast = msgspec.json.Decoder(float_hook=_bounded(decimal)).decode

    def usual(self, raw: bytes) -> dict[str, Any] | None:
        """Return the object in ``raw`` when it is one of the usual kind; None says nothing: `read` must be asked.

        About 8 µs for 1 kB.
        """
        try:
            document = self._fast(raw)
            written = self._write(document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, Unreadable):
            return None
        # Of a key twice the decoder keeps the last, of minus zero nothing: neither comes out again as it came in.
        same = written == raw or (_keeps_keys(raw, written) and not _MINUS_ZERO.search(raw))
        return document if same and document.__class__ is dict and is_bounded(document, raw) else None

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
        if _is_too_deep(document):
            raise Unreadable("depth")
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


def _keeps_keys(raw: bytes, written: bytes) -> bool:
    """Tell for sure that no key of ``raw`` is missing in what was ``written`` of it.

    Every key ends in `":`, if nothing is blank before the colon. Such signs inside of a text are the same in both, if
    no quote or colon is spelled by its number.
    """
    odd = b"\\u00" in raw or any(blank in raw and blank + b":" in raw for blank in (b" ", b"\n", b"\t", b"\r"))
    return not odd and raw.count(b'":') == written.count(b'":')


def is_bounded(document: Any, written: bytes) -> bool:
    """Tell whether ``document``, ``written`` in JSON, keeps `MAX_DEPTH` and its integers `MAX_DIGITS`.

    False also for a text that looks like a number too long.
    """
    if _TOO_LONG in written.translate(_DIGITS_TO_ZERO):
        return False
    return written.count(b"{") + written.count(b"[") <= MAX_DEPTH or not _is_too_deep(document)


def _constant(name: str) -> NoReturn:
    raise Unreadable("syntax", f"{name} is not JSON")


def _is_too_deep(document: Any) -> bool:
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if outer.__class__ is dict else outer)
            if inner.__class__ is dict or inner.__class__ is list
        ]
        if not level:
            return False
    return True


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
