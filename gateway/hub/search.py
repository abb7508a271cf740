"""search-type: the page of resources of one kind that match and that the caller may see (FHIR R4 http.html#search).

The guard refuses a parameter that would reveal a hidden element; the restriction narrows the query; the re-check
decides every row. Chains are answered step by step, so that what they lead through is decided too.
Source: architecture §2 read path; security.md AZN-02, AZN-07.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from gateway.fhir import search as parameters
from gateway.fhir.problem import Problem
from gateway.fhir.query import Query
from gateway.fhir.subset import Portion
from gateway.fhir.wire import shown as named
from gateway.hub import chains, including, links
from gateway.hub.including import Shown
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.values import Found
from gateway.store.protocol import Stored
from security.audit.record import blind_query, entry
from security.caller import Caller

log = logging.getLogger(__name__)
CRITERIA = frozenset({
    "_id", "_lastUpdated", "_tag", "_profile", "_security", "_source", "_text", "_content", "_list", "_has",
})  # fmt: skip
"""Parameters of all kinds that say which resource; the others say how an answer looks and are no criteria."""
Pairs = Sequence[tuple[str, str]]


async def search(
    tools: Tools, caller: Caller, kind: str, *, pairs: Pairs = (), strict: bool = False, within: str = ""
) -> Found:
    """Return a page for the search parameters ``pairs``. One query, one more for each step of a chain and include.

    ``strict`` is `Prefer: handling=strict`; ``within`` the Patient to whose compartment it is confined: one that is
    closed or absent has nothing in it. Raises HUB-001 (scope), HUB-002 (a parameter hidden from the caller),
    SEC-403 (a kind that the role never sees), HUB-003 (chain too broad), HUB-009 (page of somebody else), or what the
    parser finds.
    """
    async with tools.interaction(caller, "search", kind=kind) as it:
        it.scope("search", kind)
        place = f"Patient/{within}/{kind}" if within else kind
        asked, cursor = links.resume(tools.binding, caller, place, pairs)
        query, warnings = prepare(it, kind, asked, strict=strict)
        page = await chains.page(it, replace(query, cursor=cursor, within=within) if cursor or within else query)
        matches = release(it, page.rows)
        rows = tuple(shown.released for shown in matches)
        beside, more = await including.included(it, query, rows)
        await account(it, [*matches, *beside])
        return Found(
            rows,
            query=links.blinded(asked, query, tools.keys.blind),
            next=links.onward(tools.binding, caller, place, asked, cursor=page.next),
            # The restriction makes the store's count the caller's own; a row that it let through in error is not told.
            total=page.total if len(rows) == len(page.rows) else None,
            warnings=(*warnings, *more),
            portion=Portion(query.summary, query.elements),
            included=tuple(shown.released for shown in beside),
        )


def prepare(it: Interaction, kind: str, pairs: Pairs, *, strict: bool) -> tuple[Query, tuple[Problem, ...]]:
    """Return the parsed query and its warnings, after the guard."""
    it.note({"query": blind_query(pairs, it.tools.keys.blind)})
    query, warnings = parameters.parse(kind, pairs, strict=strict, base=it.tools.base)
    if query.cursor:
        raise Problem("HUB-009")  # a place in the store is told through sealed links only
    chains.guard(it, query)
    including.guard(it, query.includes)
    return query, tuple(warnings)


async def matched(it: Interaction, kind: str, criteria: Pairs, *, limit: int) -> tuple[Stored, ...]:
    """Return at most ``limit`` resources that the caller finds by ``criteria``, for a write that means them.

    Nothing is released. Raises HUB-001, HUB-002, HUB-003 (too broad to be sure), SEC-403, HUB-040 (no criteria),
    HUB-044 (what is no criterion), and what the parser finds, unknown parameters too: they would widen what is meant.
    """
    it.scope("search", kind)
    for name, _ in criteria:
        if name.startswith("_") and name.partition(":")[0] not in CRITERIA:
            raise Problem("HUB-044", where=kind, parameter=named(name))
    query, _ = prepare(it, kind, criteria, strict=True)
    if not query.clauses:
        raise Problem("HUB-040", where=kind)
    page = await chains.page(it, replace(query, count=limit))
    if page.next and len(page.rows) < limit:
        # Candidates were opened up to a bound: that no more match is not known.
        raise Problem("HUB-003", parameter=kind, limit=limit)
    return tuple(row for row in page.rows if it.decide("search", row.facts).allow)


def release(it: Interaction, rows: Sequence[Stored]) -> list[Shown]:
    """Decide and mask every row."""
    offered = zip(rows, it.offered_each(rows, "search"), strict=True)
    shown = [Shown(row, released) for row, released in offered if released is not None]
    if len(shown) != len(rows):
        log.error("search.recheck_failed", extra={"kind": rows[0].kind})
    return shown


async def account(it: Interaction, shown: Sequence[Shown]) -> None:
    """Say in the entry what leaves; each elder of several gets one more."""
    facts = [each.stored.facts for each in shown]
    elders = sorted({each.elder for each in facts if each.elder})
    it.note(
        {
            "count": len(shown),
            "size": sum(len(each.stored.body) for each in shown),
            "elder": elders[0] if len(elders) == 1 else "",
            "level": max((each.level for each in facts), default=0),
        }
    )
    if len(elders) > 1:
        await _disclose(it, elders)


async def _disclose(it: Interaction, elders: Sequence[str]) -> None:
    """Leave one more entry for each elder of a mixed page: each may ask who saw the own record (GB/T 39725 7 g)."""
    for elder in elders:
        told = entry(it.caller, "disclose", at=it.tools.now(), interface="FHIR search", elder=elder)
        await it.tools.journal.append(told, durable=False)
