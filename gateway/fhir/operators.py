"""FHIRPath's operators on collections: truth in three values, equality, order, membership.

A collection is a list of `Item`s, a value with its R4 type (None for a primitive that has only extensions).
Source: FHIRPath 2.0 (N1) §6.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from gateway.fhir.spans import Span, span

Json = dict[str, Any]
Item = tuple[Any, str]
Items = list[Item]

_DATES = frozenset(("date", "dateTime", "instant"))
TRUE: Items = [(True, "boolean")]
FALSE: Items = [(False, "boolean")]


def truth(value: bool | None) -> Items:  # noqa: FBT001 - a truth value
    """Return ``value`` as a collection; None is the empty one."""
    return [] if value is None else TRUE if value else FALSE


def holds(items: Items) -> bool | None:
    """Return the truth of a result: None for an empty one; a single value that is no boolean counts as true."""
    if not items:
        return None
    value = items[0][0]
    return value if value.__class__ is bool else True


def _or(a: bool | None, b: bool | None) -> bool | None:  # noqa: FBT001 - truth values
    return True if a or b else None if a is None or b is None else False


def _and(a: bool | None, b: bool | None) -> bool | None:  # noqa: FBT001
    return False if a is False or b is False else None if a is None or b is None else True


def _xor(a: bool | None, b: bool | None) -> bool | None:  # noqa: FBT001
    return None if a is None or b is None else a is not b


def _implies(a: bool | None, b: bool | None) -> bool | None:  # noqa: FBT001
    return _or(None if a is None else not a, b)


LOGIC = {"or": _or, "and": _and, "xor": _xor, "implies": _implies}


def _equal(a: Items, b: Items) -> Items:
    if not a or not b:
        return []
    return truth(len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True)))


def _same(a: Item, b: Item) -> bool:
    return bool(a[0] == b[0]) and (a[0].__class__ is bool) is (b[0].__class__ is bool)


def _unequal(a: Items, b: Items) -> Items:
    return [(not value, kind) for value, kind in _equal(a, b)]


def _compare(order: str) -> Callable[[Items, Items], Items]:
    def run(a: Items, b: Items) -> Items:
        return truth(_ordered(a[0], b[0], order)) if len(a) == len(b) == 1 else []

    return run


def _ordered(a: Item, b: Item, order: str) -> bool | None:
    """Compare two values; None when they cannot be: of another kind, another unit, or without a value."""
    if a[1] in _DATES and b[1] in _DATES:
        return _in_time(span(str(a[0])), span(str(b[0])), order)
    if a[0].__class__ is dict and b[0].__class__ is dict:
        return _quantities(a[0], b[0], order)
    numbers = _is_number(a[0]) and _is_number(b[0])
    if not numbers and not (a[0].__class__ is str and b[0].__class__ is str):
        return None
    return _decide(a[0], b[0], order)


def _decide(a: Any, b: Any, order: str) -> bool:
    return bool({"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[order])


def _in_time(a: Span | None, b: Span | None, order: str) -> bool | None:
    """Compare two spans with the benefit of the doubt: `2026-03` is not after `2026-03-04`.

    R4 Period: "If the end of the period is missing precision, it is inclusive".
    """
    if a is None or b is None:
        return None
    return {"<": a[0] < b[1], "<=": a[0] < b[1], ">": a[1] > b[0], ">=": a[1] > b[0]}[order]


def _quantities(a: Json, b: Json, order: str) -> bool | None:
    unit = [(q.get("system"), q.get("code") or q.get("unit")) for q in (a, b)]
    if unit[0] != unit[1] or not _is_number(a.get("value")) or not _is_number(b.get("value")):
        return None
    return _decide(a["value"], b["value"], order)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and value.__class__ is not bool


def _contains(a: Items, b: Items) -> Items:
    return truth(any(_same(b[0], item) for item in a)) if b else []


def _in(a: Items, b: Items) -> Items:
    return _contains(b, a)


def key_of(value: Any) -> Any:
    """Return what stands for ``value`` in a set: equal values have equal keys."""
    if value.__class__ is dict:
        return frozenset((name, key_of(inner)) for name, inner in value.items())
    if value.__class__ is list:
        return tuple(key_of(inner) for inner in value)
    return value.__class__ is bool, value


def _union(a: Items, b: Items) -> Items:
    return list({key_of(item[0]): item for item in (*b, *a)}.values())


def _concatenate(a: Items, b: Items) -> Items:
    return [("".join(str(items[0][0] or "") if items else "" for items in (a, b)), "string")]


def _arithmetic(apply: Callable[[Any, Any], Any]) -> Callable[[Items, Items], Items]:
    def run(a: Items, b: Items) -> Items:
        both = len(a) == len(b) == 1 and _is_number(a[0][0]) and _is_number(b[0][0])
        return [(apply(a[0][0], b[0][0]), a[0][1])] if both else []

    return run


def _mod(a: Items, b: Items) -> Items:
    return _REMAINDER(a, b) if b and b[0][0] != 0 else []


_REMAINDER = _arithmetic(operator.mod)


OPERATORS: dict[str, Callable[[Items, Items], Items]] = {
    "=": _equal,
    "!=": _unequal,
    **{order: _compare(order) for order in ("<", "<=", ">", ">=")},
    "in": _in,
    "contains": _contains,
    "|": _union,
    "&": _concatenate,
    "+": _arithmetic(operator.add),
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "mod": _mod,
}
