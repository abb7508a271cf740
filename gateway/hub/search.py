"""search-type: the page of resources of one kind that match and that the caller may see (FHIR R4 http.html#search).

The guard refuses a parameter that would reveal a hidden element; the restriction narrows the query; the re-check
decides every row. A chained parameter is answered in two steps, so that its targets are decided too.
Source: architecture §2 read path; security.md AZN-02, AZN-07.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from gateway.fhir import search as parameters
from gateway.fhir.predicate import NOTHING
from gateway.fhir.problem import Problem
from gateway.fhir.query import Clause, Query, ReferenceTerm
from gateway.fhir.wire import shown
from gateway.hub import links
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.values import Found, Released
from gateway.store.protocol import Page, Stored
from security.audit.record import blind_query, entry
from security.caller import Caller

log = logging.getLogger(__name__)
MAX_CHAIN_TARGETS = 500
"""A chain whose inner search finds more is too broad to answer well: ask more precisely (design default)."""
CRITERIA = frozenset({
    "_id", "_lastUpdated", "_tag", "_profile", "_security", "_source", "_text", "_content", "_list", "_has",
})  # fmt: skip
"""Parameters of all kinds that say which resource; the others say how an answer looks and are no criteria."""
Pairs = Sequence[tuple[str, str]]


async def search(tools: Tools, caller: Caller, kind: str, *, pairs: Pairs = (), strict: bool = False) -> Found:
    """Return a page for the search parameters ``pairs``. One query, one more for each chain.

    ``strict`` is `Prefer: handling=strict`. Raises HUB-001 (scope), HUB-002 (a parameter hidden from the caller),
    SEC-403 (a kind that the role never sees), HUB-003 (chain too broad), HUB-009 (page of somebody else), or what the
    parser finds.
    """
    async with tools.interaction(caller, "search", kind=kind) as it:
        it.scope("search", kind)
        asked, cursor = links.resume(tools.keys, caller, kind, pairs)
        query, warnings = prepare(it, kind, asked, strict=strict)
        page = await _page(it, replace(query, cursor=cursor) if cursor else query)
        rows = await _release(it, page.rows)
        return Found(
            rows,
            query=links.blinded(asked, query, tools.keys.blind),
            next=links.onward(tools.keys, caller, kind, asked, cursor=page.next),
            # The restriction makes the store's count the caller's own; a row that it let through in error is not told.
            total=page.total if len(rows) == len(page.rows) else None,
            warnings=warnings,
        )


def prepare(it: Interaction, kind: str, pairs: Pairs, *, strict: bool) -> tuple[Query, tuple[Problem, ...]]:
    """Return the parsed query and its warnings, after the guard."""
    it.note({"query": blind_query(pairs, it.tools.keys.blind)})
    query, warnings = parameters.parse(kind, pairs, strict=strict, base=it.tools.base)
    if query.cursor:
        raise Problem("HUB-009")  # a place in the store is told through sealed links only
    _guard(it, query)
    return query, tuple(warnings)


def _guard(it: Interaction, query: Query) -> None:
    """Refuse, not filter: a search on an element that the caller may not read would reveal it (AZN-07).

    A kind that the caller's role never sees is refused too (AZN-04): that tells nothing of any resource.
    """
    for clause in query.clauses:
        if clause.chain is not None:
            it.scope("search", clause.chain.kind)
            _guard(it, clause.chain)
        if it.tools.gate.forbidden_param(it.caller, query.kind, clause.param, terms=clause.terms):
            raise Problem("HUB-002", where=f"{query.kind}?{clause.param}", parameter=clause.param)
    for key in query.sort:
        if it.tools.gate.forbidden_param(it.caller, query.kind, key.param):
            raise Problem("HUB-002", where=f"{query.kind}?_sort", parameter=key.param)
    if it.tools.gate.narrow(it.caller, "search", query.kind) == NOTHING:
        raise Problem("SEC-403", where=query.kind)


async def matched(it: Interaction, kind: str, criteria: Pairs, *, limit: int) -> tuple[Stored, ...]:
    """Return at most ``limit`` resources that the caller finds by ``criteria``, for a write that means them.

    Nothing is released. Raises HUB-001, HUB-002, HUB-003, SEC-403, HUB-040 (no criteria), HUB-044 (what is no
    criterion), and what the parser finds, unknown parameters too: they would widen what is meant.
    """
    it.scope("search", kind)
    for name, _ in criteria:
        if name.startswith("_") and name.partition(":")[0] not in CRITERIA:
            raise Problem("HUB-044", where=kind, parameter=shown(name))
    query, _ = prepare(it, kind, criteria, strict=True)
    if not query.clauses:
        raise Problem("HUB-040", where=kind)
    page = await _page(it, replace(query, count=limit))
    return tuple(row for row in page.rows if it.decide("search", row.facts).allow)


async def _page(it: Interaction, query: Query) -> Page:
    asked = query
    if any(clause.chain is not None for clause in query.clauses):
        asked = replace(query, clauses=tuple([await _resolved(it, clause) for clause in query.clauses]))
    if not all(clause.terms for clause in asked.clauses):
        return Page((), total=0 if query.total else None)
    restriction = it.tools.gate.narrow(it.caller, "search", query.kind, by=query)
    return await it.tools.store.search(asked, restriction)


async def _resolved(it: Interaction, clause: Clause) -> Clause:
    """Return ``clause`` with a chain replaced by references to the targets that the caller may see."""
    if clause.chain is None:
        return clause
    inner = replace(clause.chain, count=MAX_CHAIN_TARGETS, sort=(), total=False)
    page = await _page(it, inner)
    if page.next:
        raise Problem("HUB-003", parameter=clause.param, limit=MAX_CHAIN_TARGETS)
    seen = (row for row in page.rows if it.decide("search", row.facts).allow)
    return replace(clause, chain=None, terms=tuple(ReferenceTerm(row.kind, row.id) for row in seen))


async def _release(it: Interaction, rows: Sequence[Stored]) -> tuple[Released, ...]:
    """Decide and mask every row, and account for them."""
    pairs = list(zip(rows, it.offered_each(rows, "search"), strict=True))
    released = tuple(shown for _, shown in pairs if shown is not None)
    if len(released) != len(rows):
        log.error("search.recheck_failed", extra={"kind": rows[0].kind})
    elders = sorted({row.facts.elder for row, shown in pairs if shown is not None and row.facts.elder})
    it.note(
        {
            "count": len(released),
            "size": sum(len(row.body) for row in released),
            "elder": elders[0] if len(elders) == 1 else "",
            "level": max((row.facts.level for row, shown in pairs if shown is not None), default=0),
        }
    )
    if len(elders) > 1:
        await _disclose(it, elders)
    return released


async def _disclose(it: Interaction, elders: Sequence[str]) -> None:
    """Leave one more entry for each elder of a mixed page: each may ask who saw the own record (GB/T 39725 7 g)."""
    for elder in elders:
        told = entry(it.caller, "disclose", at=it.tools.now(), interface="FHIR search", elder=elder)
        await it.tools.journal.append(told, durable=False)
