"""A page of a search as one statement, in the way that `planning` chose: an elder's own rows, a walk in order, or keys.

In: a query without chains, a restriction, where the page before ended. Out: text, values and sort keys. Rows of one
elder lie together; what refers to it from another compartment, a stray, is rare: it is only asked whether there is
one, and then all is asked again in the general way. So the caller's other elders need not even travel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.fhir.predicate import Predicate
from gateway.fhir.problem import Problem
from gateway.fhir.query import Query
from gateway.store.postgres import clauses, ordering, planning
from gateway.store.postgres.hashing import Hash
from gateway.store.postgres.indexing import patient_text
from gateway.store.postgres.kinds import NUMBERS, partition
from gateway.store.postgres.ordering import Keys
from gateway.store.postgres.restrict import Restrictions
from gateway.store.postgres.sql import Statement

STRAY = "stray"
"""The column that is true in the row that tells of strays and shows nothing."""
MAX_ESTIMATE = 10_000
"""Rows that `_total=estimate` counts before it says that there are as many (design default)."""
_COLUMNS = "r.type, r.id, r.ver, r.ts, r.deleted, r.body, r.rid"
_ASKED = f"{_COLUMNS}, r.bucket, r.stray, r.lvl, r.pat, r.lo, r.hi, r.sec, r.keys"
"""All that a condition may name. Never `*`: a later program adds columns (docs/decisions/0105)."""


class Asking(NamedTuple):
    """A statement with its values, and the sort keys that its rows carry."""

    text: str
    values: Sequence[Any]
    keys: Keys


class Pages:
    """Write the statements of searches on one installation's hashes."""

    def __init__(self, make: Hash) -> None:
        """Hash with ``make``."""
        self._make = make
        self._restrictions = Restrictions(make)

    def of_elder(self, query: Query, restriction: Predicate, after: Sequence[Any], elder: str) -> Asking:
        """Return the question for the rows in the compartment of ``elder``; a row `STRAY` says that it is not all."""
        made = self._restrictions.of(restriction, query.kind, elder)
        statement = Statement(self._make, walk=True, values=made.values)
        table, kind = partition(query.kind), statement.bind(NUMBERS[query.kind], "smallint")
        place = statement.bind(self._make(patient_text(elder)), "bigint")
        asked = [clauses.condition(clause, query.kind, statement) for clause in query.clauses]
        keys = ordering.keys_of(query, statement)
        columns, order = _selected(keys), ordering.order_by(keys)
        behind = _behind(keys, after, statement)
        limit = statement.bind(query.count + 1, "bigint")
        where = " AND ".join(["NOT r.deleted", *asked, made.text, *behind])
        own = f"SELECT {columns}, false AS {STRAY} FROM {table} r WHERE r.type = {kind} AND r.pat = {place} AND {where}"  # noqa: S608 - no outer text
        if query.within:
            return Asking(f"{own} ORDER BY {order} LIMIT {limit}", statement.values, keys)
        # One row of another compartment that asks for the same, deleted or not permitted or not: all is asked again.
        stray = " AND ".join(
            each for each, clause in zip(asked, query.clauses, strict=True) if clauses.patients(clause)
        )
        text = (
            f"SELECT * FROM (({own} ORDER BY {order} LIMIT {limit}) UNION ALL ("  # noqa: S608 - no outer text
            f"SELECT {columns}, true FROM {table} r WHERE r.type = {kind} AND r.stray"
            f" AND r.pat IS DISTINCT FROM {place} AND {stray} LIMIT 1)) found ORDER BY {order}"
        )
        return Asking(text, statement.values, keys)

    def walked(self, query: Query, restriction: Predicate, after: Sequence[Any]) -> Asking:
        """Return the question that reads rows in order and tests them one by one."""
        made = self._restrictions.of(restriction, query.kind)
        statement = Statement(self._make, walk=True, values=made.values)
        kind = statement.bind(NUMBERS[query.kind], "smallint")
        asked = [clauses.condition(clause, query.kind, statement) for clause in query.clauses]
        keys = ordering.keys_of(query, statement)
        columns, order = _selected(keys), ordering.order_by(keys)
        first = " AND ".join([f"r.type = {kind}", *_behind(keys, after, statement)])
        ordered = ", ".join(ordering.expressions(keys))
        limit = statement.bind(query.count + 1, "bigint")
        # OFFSET 0 keeps the tests out of the walk: taken for rare, they would have all rows read and sorted first.
        text = (
            f"SELECT {columns} FROM ("  # noqa: S608 - no outer text
            f"SELECT {_ASKED} FROM {partition(query.kind)} r WHERE {first} ORDER BY {ordered} OFFSET 0) r "
            f"WHERE {' AND '.join(['NOT r.deleted', *asked, made.text])} ORDER BY {order} LIMIT {limit}"
        )
        return Asking(text, statement.values, keys)

    def keyed(self, query: Query, restriction: Predicate, after: Sequence[Any]) -> Asking:
        """Return the question that finds rows by the index of keys, or of whatever else is asked for."""
        elder = planning.elder_in_order(query)
        statement, where = self._where(query, restriction, walk=bool(elder))
        keys = ordering.keys_of(query, statement)
        columns, order = _selected(keys), ordering.order_by(keys)
        where = " AND ".join([where, *_behind(keys, after, statement)])
        page = f"ORDER BY {order} LIMIT {statement.bind(query.count + 1, 'bigint')}"
        text = f"SELECT {columns} FROM {partition(query.kind)} r WHERE {where}"  # noqa: S608 - no outer text
        if elder:
            own, others = planning.branches(self._make(patient_text(elder)), statement)
            text = f"SELECT * FROM (({text} AND {own} {page}) UNION ALL ({text} AND {others} {page})) found"  # noqa: S608
        return Asking(f"{text} {page}", statement.values, keys)

    def total(self, query: Query, restriction: Predicate) -> Asking:
        """Return the question how many rows there are, in the column `n`; an estimate counts `MAX_ESTIMATE` at most.

        The planner's own estimate would be made of rows that the caller may not count.
        """
        statement, where = self._where(query, restriction, walk=False)
        rows = f"FROM {partition(query.kind)} r WHERE {where}"
        if query.estimate:
            rows = f"FROM (SELECT {rows} LIMIT {statement.bind(MAX_ESTIMATE, 'bigint')}) counted"
        text = f"SELECT count(*) AS n {rows}"
        return Asking(text, statement.values, {})

    def _where(self, query: Query, restriction: Predicate, *, walk: bool) -> tuple[Statement, str]:
        made = self._restrictions.of(restriction, query.kind)
        statement = Statement(self._make, walk=walk, values=made.values)
        parts = [f"r.type = {statement.bind(NUMBERS[query.kind], 'smallint')}", "NOT r.deleted"]
        if query.within:
            parts.append(f"r.pat = {statement.bind(self._make(patient_text(query.within)), 'bigint')}")
        parts += [clauses.condition(clause, query.kind, statement) for clause in query.clauses]
        return statement, " AND ".join([*parts, made.text])


def _selected(keys: Keys) -> str:
    return ", ".join([_COLUMNS, *(f"{key.expression} AS {name}" for name, key in keys.items())])


def _behind(keys: Keys, after: Sequence[Any], statement: Statement) -> list[str]:
    """Return the condition for rows behind ``after``, none for a first page. Raises Problem("STO-400")."""
    if not after:
        return []
    if len(after) != len(keys):
        raise Problem("STO-400")
    return [ordering.after(keys, after, statement)]
