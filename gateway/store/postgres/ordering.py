"""The order of a page and where the next one begins: sort keys, then the row id; what has no value comes last.

A keyset, not an offset: rows that appear meanwhile move no page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.fhir.query import Query, Sort
from gateway.store.postgres.indexing import date_number
from gateway.store.postgres.kinds import PROMOTED_DATES
from gateway.store.postgres.sql import Statement


@dataclass(frozen=True, slots=True)
class Key:
    """One sort key: an expression on `r`, its SQL type, its direction, and whether it may be NULL."""

    expression: str
    type: str
    descending: bool
    nullable: bool = False


Keys = Mapping[str, Key]
"""Keys by the names of their columns."""


def keys_of(query: Query, statement: Statement) -> Keys:
    """Return the keys of ``query.sort``, the row id last (newest first where the first key descends)."""
    keys = [_key(query.kind, sort, statement) for sort in query.sort]
    keys.append(Key("r.rid", "bigint", bool(keys) and keys[0].descending))
    return {f"s{place}": key for place, key in enumerate(keys)}


def order_by(keys: Keys) -> str:
    """Return the ORDER BY of ``keys``. NULLS LAST only where there are any: it would keep an index from being used."""
    return ", ".join(f"{name}{_way(key)}" for name, key in keys.items())


def expressions(keys: Keys) -> list[str]:
    """Return what `order_by` says on `r` itself."""
    return [f"{key.expression}{_way(key)}" for key in keys.values()]


def after(keys: Keys, values: Sequence[Any], statement: Statement) -> str:
    """Return the condition for rows behind the one that had ``values``."""
    alternatives: list[str] = []
    same: list[str] = []
    for key, value in zip(keys.values(), values, strict=True):
        if value is None:
            same.append(f"{key.expression} IS NULL")
            continue
        place = statement.bind(value, key.type)
        behind = f"{key.expression} {'<' if key.descending else '>'} {place}"
        if key.nullable:
            behind = f"({behind} OR {key.expression} IS NULL)"
        alternatives.append(" AND ".join([*same, behind]))
        same.append(f"{key.expression} = {place}")
    return f"({' OR '.join(alternatives)})"


def _way(key: Key) -> str:
    return f"{' DESC' if key.descending else ''}{' NULLS LAST' if key.nullable else ''}"


def _key(kind: str, sort: Sort, statement: Statement) -> Key:
    if sort.param == "_id":
        return Key("r.id", "text", sort.descending)
    if sort.param == "_lastUpdated":
        return Key("r.ts", "timestamptz", sort.descending)
    if PROMOTED_DATES.get(kind) == sort.param:
        return Key("r.lo", "timestamptz", sort.descending, nullable=True)
    number = statement.bind(date_number(sort.param), "int")
    pick = "max" if sort.descending else "min"
    same = "d.type = r.type AND d.rid = r.rid AND d.bucket = r.bucket"
    found = f"SELECT {pick}(d.lo) FROM dat d WHERE {same} AND d.param = {number}"  # noqa: S608 - no outer text
    return Key(f"({found})", "timestamptz", sort.descending, nullable=True)
