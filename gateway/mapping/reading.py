"""What a compiled map asks of a record: items of a list, HL7 v2 selectors, texts of several values, comparisons.

Nothing here refuses a record: what has no answer is None, empty or False. `Bad` only where a single value is needed
and an object stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from gateway.formats.hl7v2 import Message, Segment
from gateway.formats.record import DELETE
from gateway.mapping.ir import Selector
from gateway.mapping.transforms import moment_of
from gateway.mapping.values import Bad, plain

_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?", re.ASCII)
MAX_DIGITS: Final = 9
"""Longest count in digits (design default): more is no count, and long texts of digits are slow to read."""
_COMPACT_DATE: Final = 8
"""Digits from which on a text is taken for a date before it is taken for a number (yyyyMMdd)."""


def is_filled(value: Any) -> bool:
    """Tell whether ``value`` is neither absent nor blank nor a container of such."""
    if value.__class__ is str:
        return value != "" and not value.isspace()
    if value is None or value is DELETE:
        return False
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return True
    for inner in value:  # noqa: SIM110 - most items tell at once
        if is_filled(inner):
            return True
    return False


def first(*values: Any) -> Any:
    """Return the first filled of ``values``, None when there is none."""
    for value in values:
        if is_filled(value):
            return value
    return None


def fill(pattern: str, parts: Sequence[Any], fixed: frozenset[int]) -> str | None:
    """Return ``pattern`` with ``parts``, outer blanks cut; None when all that are not ``fixed`` are empty."""
    texts = []
    decides = len(fixed) < len(parts)
    for index, part in enumerate(parts):
        text = part if part.__class__ is str else plain(part) if is_filled(part) else ""
        if not text or text.isspace():
            text = ""
        elif index not in fixed:
            decides = False
        texts.append(text)
    return None if decides else (pattern % tuple(texts)).strip()


def items(value: Any) -> Sequence[Any]:
    """Return a list's items; one thing counts as a list of one, nothing as none."""
    if value.__class__ is list:
        return value
    return () if value is None or value == "" else (value,)


def entries(value: Any) -> list[dict[str, Any]]:
    """Return an object's entries in the order of their keys."""
    if value.__class__ is not dict:
        return []
    return [{"key": key, "value": value[key]} for key in sorted(value)]


def at(value: Any, index: int) -> Any:
    """Return one item of a list; one thing counts as a list of one."""
    found = items(value)
    return found[index] if index < len(found) else None


def checked_list(check: Callable[[Any], Any], values: Iterable[Any]) -> list[Any] | None:
    """Return ``values`` each checked, None when nothing is left."""
    return [found for found in map(check, values) if found is not None] or None


def segments(message: Message, name: str, picked: Selector | None) -> Sequence[Segment]:
    """Return the segments ``name`` that ``picked`` lets through."""
    found = message.all(name)
    if picked is None:
        return found
    if picked.number:
        return found[picked.number - 1 : picked.number]
    return [one for one in found if one.get(picked.index, picked.component) == picked.value]


def segment(message: Message, name: str, picked: Selector | None) -> Segment | None:
    """Return the first segment ``name`` that ``picked`` lets through."""
    found = segments(message, name, picked)
    return found[0] if found else None


def repetitions(found: Segment | None, index: int, picked: Selector | None) -> list[str]:
    """Return the repetitions of a field, as sent, that ``picked`` lets through."""
    texts = found.repetitions(index) if found is not None else []
    if found is None or picked is None:
        return texts
    if picked.number:
        return texts[picked.number - 1 : picked.number]
    part = found.message.part
    return [text for text in texts if part(text, picked.index, picked.component) == picked.value]


def soft(call: Callable[..., Any], value: Any, *args: Any) -> Any:
    """Return ``call(value)`` inside a condition: what cannot be read is empty there."""
    if not is_filled(value):
        return None
    try:
        return call(value, *args)
    except Bad:
        return None


def text_of(value: Any) -> str:
    """Return a value as text for a comparison, "" for anything without one."""
    if value.__class__ is str:
        return value.strip()
    if not is_filled(value) or value.__class__ in (list, dict):
        return ""
    return plain(value).strip() if isinstance(value, (str, int, Decimal)) else ""


def is_true(value: Any) -> bool:
    """Tell whether ``value`` is filled and not `false`."""
    return is_filled(value) and text_of(value) != "false"


def count(value: Any) -> int:
    """Return how many times something is said to have happened: whole digits as a number, a bare yes as once."""
    text = text_of(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else int(text == "true")


def orders(left: Any, right: Any, op: str, otherwise: bool) -> bool:  # noqa: FBT001 - called by generated code only
    """Tell whether ``left op right`` holds; ``otherwise`` when a side is empty or unreadable."""
    pair = _comparable(text_of(left), text_of(right))
    if pair is None:
        return otherwise
    one, other = pair
    answers = {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}
    return bool(answers[op])


def _comparable(left: str, right: str) -> tuple[Any, Any] | None:
    if min(len(left), len(right)) < _COMPACT_DATE:
        return _numbers(left, right) or _moments(left, right)
    return _moments(left, right)  # an impossible date must not pass for a number


def _moments(left: str, right: str) -> tuple[Any, Any] | None:
    one, other = moment_of(left), moment_of(right)
    return None if one is None or other is None else (one, other)


def _numbers(left: str, right: str) -> tuple[Any, Any] | None:
    one, other = _number(left), _number(right)
    return None if one is None or other is None else (one, other)


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None
