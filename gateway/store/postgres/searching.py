"""Search: a query and a restriction to one statement, a page of opened rows back.

A chain is answered first, its targets under their own restriction, and becomes references. What was found by a hash of
an identifier or a reference is decided again on the opened body. Source: storage.md sections 3.4 and 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from gateway.fhir import codec, matching
from gateway.fhir import search as parameters
from gateway.fhir.index import Reference
from gateway.fhir.predicate import NOTHING, Facts, Predicate
from gateway.fhir.problem import Problem
from gateway.fhir.query import Clause, IdTerm, Query, ReferenceTerm
from gateway.store.postgres import arranging, clauses, cursors, deciding, pages, planning
from gateway.store.postgres.frequencies import Frequencies
from gateway.store.postgres.hashing import Hash
from gateway.store.postgres.kinds import partition
from gateway.store.postgres.ordering import Keys
from gateway.store.postgres.pool import HeldPool
from gateway.store.postgres.sealed import opened
from gateway.store.protocol import Page, Sealer, Stored

MAX_CHAIN_TARGETS = 500
"""A chain whose targets are more is too broad to answer well (design default, as the hub's)."""


class Searching:
    """Answer searches on one database."""

    def __init__(self, pool: HeldPool, sealer: Sealer, make: Hash) -> None:
        """Hold the pool, what opens bodies, and the keyed hash (kept for texts that come often)."""
        self._pool = pool
        self._sealer = sealer
        self._make = make
        self._pages = pages.Pages(make)
        self._frequencies = Frequencies(pool)

    async def page(self, query: Query, restriction: Predicate, chained: Mapping[str, Predicate], bind: str) -> Page:
        """Return the page of ``query``. One query, one more for a total and for each chain."""
        values: list[Any] = []
        if query.cursor:
            values = cursors.read(self._sealer, query.cursor, place=cursors.of_search(query, bind))
        asked = query
        if any(clause.chain is not None or clause.has is not None for clause in query.clauses):
            resolved = [await self._resolved(query.kind, clause, chained) for clause in query.clauses]
            asked = replace(query, clauses=tuple(resolved))
        if not all(clause.terms for clause in asked.clauses):
            return Page((), total=0 if query.total or not query.count else None)
        total = await self._total(asked, restriction) if query.total or not query.count else None
        if not query.count:
            return Page((), total=total)
        rows, last = await self._rows(asked, restriction, values)
        onward = cursors.write(self._sealer, last, place=cursors.of_search(query, bind)) if last else ""
        return Page(tuple(rows), onward, total)

    async def _rows(self, query: Query, restriction: Predicate, after: Sequence[Any]) -> tuple[list[Stored], list[Any]]:
        """Return the opened rows, and the sort values of the last when more follow."""
        if not arranging.by_index(query):
            return await self._arranged(query, restriction, after)
        if any(map(clauses.inexact, query.clauses)):
            find, decide = self._candidates(query, restriction), self._deciding(query)
            return await deciding.page(find, decide, count=query.count, after=after)
        found, keys = await self._found(query, restriction, after)
        more = len(found) > query.count
        shown = found[: query.count]
        last = [shown[-1][name] for name in keys] if more else []
        return self._opened(shown, query), last

    async def _arranged(
        self, query: Query, restriction: Predicate, after: Sequence[Any]
    ) -> tuple[list[Stored], list[Any]]:
        """Return what `_rows` returns, in an order that no index has. Raises Problem("FHIR-062") for too many rows."""
        whole = replace(query, sort=(), count=arranging.MAX_SORTED)
        found, _ = await self._found(whole, restriction, ())
        if len(found) > arranging.MAX_SORTED:
            raise arranging.too_many(query)
        decide = self._deciding(query)
        aged = [(row["rid"], stored) for row in found if (stored := decide(row)) is not None]
        return arranging.page(query, aged, after)

    async def _found(self, query: Query, restriction: Predicate, after: Sequence[Any]) -> tuple[list[Any], Keys]:
        """Return the rows of a page and one more if there is, with their sort keys."""
        elder = planning.only_elder(query)
        if elder:
            text, values, keys = self._pages.of_elder(query, restriction, after, elder)
            found = await self._pool.fetch_held(text, *values)
            if not any(row[pages.STRAY] for row in found):
                return found, keys
        walks = planning.walks(query, await self._frequencies.of(partition(query.kind)), self._make)
        write = self._pages.walked if walks else self._pages.keyed
        text, values, keys = write(query, restriction, after)
        return await self._pool.fetch_held(text, *values), keys

    def _candidates(self, query: Query, restriction: Predicate) -> deciding.Find:
        wide = replace(query, count=deciding.STEP)
        return lambda after: self._found(wide, restriction, after)

    def _opened(self, rows: Sequence[Any], query: Query) -> list[Stored]:
        """Return the opened rows that match in truth: 64 bits of a hash may meet by chance."""
        decide = self._deciding(query)
        return [stored for row in rows if (stored := decide(row)) is not None]

    def _deciding(self, query: Query) -> deciding.Decide:
        """Return what opens a row and tells whether it matches; a compartment is proved by the sealed facts alone."""
        doubts = [
            (clauses.compartments(clause), matching.decider(query.kind, clause))
            for clause in query.clauses
            if clauses.doubtful(clause)
        ]
        read = codec.parse_exact if any(clause.type == "composite" for clause in query.clauses) else orjson.loads
        known: dict[bytes, Facts] = {}

        def decide(row: Any) -> Stored | None:
            stored = opened(self._sealer, row, known)
            if query.within not in ("", stored.facts.elder):
                return None
            asked = [holds for elders, holds in doubts if stored.facts.elder not in elders]
            if asked:
                doc = read(stored.body)
                return stored if all(holds(doc) for holds in asked) else None
            return stored

        return decide

    async def _total(self, query: Query, restriction: Predicate) -> int:
        if any(map(clauses.inexact, query.clauses)):
            return await deciding.total(self._candidates(query, restriction), self._deciding(query))
        text, values, _ = self._pages.total(query, restriction)
        (row,) = await self._pool.fetch_held(text, *values)
        return int(row["n"])

    async def _resolved(self, kind: str, clause: Clause, chained: Mapping[str, Predicate]) -> Clause:
        """Return ``clause`` of a search on ``kind`` with a chain replaced by what it leads to; no terms for nothing."""
        if clause.chain is not None:
            rows = await self._step(clause.chain, clause.param, chained)
            return replace(clause, chain=None, terms=tuple(ReferenceTerm(row.kind, row.id) for row in rows))
        if clause.has is not None:
            rows = await self._step(Query(clause.has.kind, (clause.has.clause,)), clause.param, chained)
            return Clause("_id", "id", tuple(map(IdTerm, _referred(rows, clause.has.param, kind))))
        return clause

    async def _step(self, inner: Query, param: str, chained: Mapping[str, Predicate]) -> list[Stored]:
        """Return all that one step of a chain finds."""
        nested = [await self._resolved(inner.kind, each, chained) for each in inner.clauses]
        if not all(each.terms for each in nested):
            return []
        asked = Query(inner.kind, tuple(nested), count=MAX_CHAIN_TARGETS)
        rows, last = await self._rows(asked, chained.get(inner.kind, NOTHING), ())
        if last:
            raise Problem("STO-413", param=param, limit=MAX_CHAIN_TARGETS)
        return rows


def _referred(rows: Iterable[Stored], param: str, kind: str) -> Iterable[str]:
    """Return the ids of ``kind`` that ``rows`` refer to by ``param``."""
    entries = (each for row in rows for each in parameters.values_of(row.kind, param, orjson.loads(row.body)))
    return dict.fromkeys(each.id for each in entries if isinstance(each, Reference) and each.kind == kind)
