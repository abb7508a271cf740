"""Search: a query and a restriction to one statement, a page of opened rows back.

A chain is answered first, its targets under their own restriction, and becomes references. What was found by a hash of
an identifier or a reference is decided again on the opened body. Source: storage.md sections 3.4 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from gateway.fhir import search as parameters
from gateway.fhir.predicate import NOTHING, Predicate
from gateway.fhir.problem import Problem
from gateway.fhir.query import Clause, Query, ReferenceTerm
from gateway.store.postgres import clauses, cursors, ordering, planning, restrict
from gateway.store.postgres.frequencies import Frequencies
from gateway.store.postgres.indexing import Hash, patient_text
from gateway.store.postgres.kinds import NUMBERS, partition
from gateway.store.postgres.pool import HeldPool
from gateway.store.postgres.sealed import opened
from gateway.store.postgres.sql import Statement
from gateway.store.protocol import Page, Sealer, Stored

MAX_CHAIN_TARGETS = 500
"""A chain whose targets are more is too broad to answer well (design default, as the hub's)."""
_COLUMNS = "r.type, r.id, r.ver, r.ts, r.deleted, r.body, r.rid"


class Searching:
    """Answer searches on one database."""

    def __init__(self, pool: HeldPool, sealer: Sealer, make: Hash) -> None:
        """Hold the pool, what opens bodies, and the keyed hash (kept for texts that come often)."""
        self._pool = pool
        self._sealer = sealer
        self._make = make
        self._frequencies = Frequencies(pool)

    async def page(self, query: Query, restriction: Predicate, chained: Mapping[str, Predicate], bind: str) -> Page:
        """Return the page of ``query``. One query, one more for a total and for each chain."""
        place = cursors.of_search(query, bind)
        values = cursors.read(self._sealer, query.cursor, place=place) if query.cursor else []
        resolved = [await self._resolved(clause, chained) for clause in query.clauses]
        if not all(clause.terms for clause in resolved):
            return Page((), total=0 if query.total or not query.count else None)
        asked = replace(query, clauses=tuple(resolved))
        total = await self._total(asked, restriction) if query.total or not query.count else None
        if not query.count:
            return Page((), total=total)
        rows, last = await self._rows(asked, restriction, values)
        return Page(tuple(rows), cursors.write(self._sealer, last, place=place) if last else "", total)

    async def _rows(
        self, query: Query, restriction: Predicate, values: Sequence[Any]
    ) -> tuple[list[Stored], list[Any]]:
        """Return the opened rows, and the sort values of the last when more follow."""
        table = partition(query.kind)
        elder = planning.elder_in_order(query)
        walk = bool(elder) or planning.walks(query, await self._frequencies.of(table), self._make)
        statement = Statement(self._make, walk=walk)
        where = self._where(query, restriction, statement)
        keys = ordering.keys_of(query, statement)
        if values:
            if len(values) != len(keys):
                raise Problem("STO-400")
            where = f"{where} AND {ordering.after(keys, values, statement)}"
        order = ordering.order_by(keys)
        limit = statement.bind(query.count + 1, "bigint")
        sorts = ", ".join(f"{key.expression} AS {name}" for name, key in keys.items())
        text = f"SELECT {_COLUMNS}, {sorts} FROM {table} r WHERE {where}"  # noqa: S608 - no outer text
        if elder:
            own, others = planning.branches(self._make(patient_text(elder)), statement)
            page = f"ORDER BY {order} LIMIT {limit}"
            text = f"SELECT * FROM (({text} AND {own} {page}) UNION ALL ({text} AND {others} {page})) found"  # noqa: S608
        text = f"{text} ORDER BY {order} LIMIT {limit}"
        found = await self._pool.fetch_held(text, *statement.values)
        more = len(found) > query.count
        shown = found[: query.count]
        last = [shown[-1][name] for name in keys] if more else []
        return [row for row in (self._opened(row, query) for row in shown) if row is not None], last

    def _opened(self, row: Any, query: Query) -> Stored | None:
        """Return the opened row if it matches in truth: 64 bits of a hash may meet by chance."""
        stored = opened(self._sealer, row)
        doubtful = [
            clause
            for clause in query.clauses
            if clause.type in ("identifier", "reference") and not clauses.is_compartment(clause, stored.facts.elder)
        ]
        if not doubtful:
            return stored
        entries = parameters.extract(stored.kind, orjson.loads(stored.body))
        return stored if all(clauses.holds(clause, entries) for clause in doubtful) else None

    async def _total(self, query: Query, restriction: Predicate) -> int:
        statement = Statement(self._make)
        where = self._where(query, restriction, statement)
        text = f"SELECT count(*) AS n FROM {partition(query.kind)} r WHERE {where}"  # noqa: S608 - no outer text
        (row,) = await self._pool.fetch_held(text, *statement.values)
        return int(row["n"])

    def _where(self, query: Query, restriction: Predicate, statement: Statement) -> str:
        parts = [f"r.type = {statement.bind(NUMBERS[query.kind], 'smallint')}", "NOT r.deleted"]
        parts += [clauses.condition(clause, query.kind, statement) for clause in query.clauses]
        parts.append(restrict.condition(restriction, query.kind, statement))
        return " AND ".join(parts)

    async def _resolved(self, clause: Clause, chained: Mapping[str, Predicate]) -> Clause:
        """Return ``clause`` with a chain replaced by references to its targets; no terms when there are none."""
        if clause.chain is None:
            return clause
        inner = replace(clause.chain, count=MAX_CHAIN_TARGETS, sort=(), total=False, cursor="")
        nested = [await self._resolved(each, chained) for each in inner.clauses]
        if not all(each.terms for each in nested):
            return replace(clause, chain=None, terms=())
        rows, last = await self._rows(replace(inner, clauses=tuple(nested)), chained.get(inner.kind, NOTHING), ())
        if last:
            raise Problem("STO-413", param=clause.param, limit=MAX_CHAIN_TARGETS)
        return replace(clause, chain=None, terms=tuple(ReferenceTerm(row.kind, row.id) for row in rows))
