"""An order that no index has: all that matches is opened, up to a bound, and put in order here.

In: opened rows and the sort keys of a query. Out: the page behind a cursor. What has no value comes last; of several
values the first in the wanted direction counts (R4 search.html#sort). Texts are compared without case, sign by sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cmp_to_key
from typing import Any, Final, NamedTuple

import orjson

from gateway.fhir import definitions
from gateway.fhir import search as parameters
from gateway.fhir.index import Amount, Date, Identifier, Reference, Text, Token, Uri
from gateway.fhir.problem import Problem
from gateway.fhir.query import Query, Sort
from gateway.store.postgres.indexing import EARLIEST
from gateway.store.protocol import Stored

MAX_SORTED: Final = 1000
"""Rows that are opened to be put in order; more are refused (FHIR-062): ask more precisely (design default)."""
_BY_INDEX: Final = frozenset({"_id", "_lastUpdated"})
_NUMBERS: Final = frozenset({"number", "quantity"})
MAX_SIGNS: Final = 128
"""Of a text that are compared: a cursor holds the last row's values (design default)."""
Value = str | Decimal | datetime


_OF: Final[Mapping[type, Callable[[Any], Value]]] = {
    Date: lambda entry: entry.low or EARLIEST,
    Token: lambda entry: str(entry.code),
    Identifier: lambda entry: str(entry.value),
    Reference: lambda entry: f"{entry.kind}/{entry.id}",
    Text: lambda entry: str(entry.text).casefold(),
    Uri: lambda entry: str(entry.uri),
    Amount: lambda entry: Decimal(entry.low or entry.high),
}
"""What of an index value is compared."""


class Placed(NamedTuple):
    """A row with its sort values and its age, which decides between equals."""

    values: tuple[Value | None, ...]
    age: int
    stored: Stored


def by_index(query: Query) -> bool:
    """Tell whether the index has every key of ``query.sort``: dates, `_id` and `_lastUpdated`."""
    return all(key.param in _BY_INDEX or _type(query.kind, key) == "date" for key in query.sort)


def page(query: Query, rows: Sequence[tuple[int, Stored]], after: Sequence[Any]) -> tuple[list[Stored], list[Any]]:
    """Return the page of ``rows`` (age and row) behind ``after``, and its cursor's values when more follow.

    Raises Problem("STO-400") for a cursor of another order.
    """
    compare = _comparing(query.sort)
    placed = [Placed(tuple(_value(query.kind, key, stored) for key in query.sort), age, stored) for age, stored in rows]
    if after:
        last = _read(query, after)
        placed = [each for each in placed if compare(each, Placed(*last, each.stored)) > 0]
    placed.sort(key=cmp_to_key(compare))
    shown = placed[: query.count]
    onward = [*map(_written, shown[-1].values), shown[-1].age] if len(placed) > len(shown) else []
    return [each.stored for each in shown], onward


def too_many(query: Query) -> Problem:
    """Return the refusal of an order of more than `MAX_SORTED` rows; it names the first key that no index has."""
    key = next(key for key in query.sort if not by_index(Query(query.kind, sort=(key,))))
    return Problem("FHIR-062", where="http._sort", name=key.param, limit=MAX_SORTED)


def _type(kind: str, key: Sort) -> str:
    return definitions.search_parameters(kind)[key.param].type


def _comparing(sort: Sequence[Sort]) -> Callable[[Placed, Placed], int]:
    newest = bool(sort) and sort[0].descending

    def compare(one: Placed, other: Placed) -> int:
        for key, left, right in zip(sort, one.values, other.values, strict=True):
            if left == right:
                continue
            if left is None or right is None:
                return 1 if left is None else -1
            # Values of one key are of one type.
            less = left < right  # type: ignore[operator]
            return -1 if less is not key.descending else 1
        behind = one.age - other.age
        return -behind if newest else behind

    return compare


def _value(kind: str, key: Sort, stored: Stored) -> Value | None:
    if key.param == "_id":
        return stored.id
    if key.param == "_lastUpdated":
        return stored.updated
    entries = parameters.values_of(kind, key.param, orjson.loads(stored.body))
    found = [_OF[type(entry)](entry) for entry in entries if entry.param == key.param and type(entry) in _OF]
    if not found:
        return None
    best = max(found) if key.descending else min(found)
    return best[:MAX_SIGNS] if isinstance(best, str) else best


def _written(value: Value | None) -> str | datetime | None:
    return str(value) if isinstance(value, Decimal) else value


def _read(query: Query, after: Sequence[Any]) -> tuple[tuple[Value | None, ...], int]:
    *values, age = after
    if len(values) != len(query.sort):
        raise Problem("STO-400")
    numbers = [key.param not in _BY_INDEX and _type(query.kind, key) in _NUMBERS for key in query.sort]
    return tuple(
        Decimal(value) if number and value is not None else value for number, value in zip(numbers, values, strict=True)
    ), age
