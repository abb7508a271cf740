"""Searches over several kinds: `GET [base]?_type=A,B` and `GET Patient/id/*` (FHIR R4 http.html#search, #vsearch).

In: parameters that every kind knows. Out: one page, the kinds one after the other in the order of their names, each
searched as by itself. An order over several kinds is refused: no index has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.fhir import definitions
from gateway.fhir.problem import Problem
from gateway.fhir.query import Query
from gateway.fhir.subset import Portion
from gateway.hub import chains, including, links
from gateway.hub.including import Shown
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.search import Pairs, account, prepare, release
from gateway.hub.values import Found
from security.audit.record import blind_query
from security.caller import Caller

TYPE = "_type"
MAX_KINDS = 20
"""Of one search: each costs a question to the store (design default)."""
_END = "|"


async def search(tools: Tools, caller: Caller, *, pairs: Pairs, strict: bool, within: str = "") -> Found:
    """Return a page over the kinds of `_type`; in the compartment ``within`` of a Patient over all that are open.

    Raises what `search.search` raises for any of the kinds, FHIR-063 (no, too many or unknown kinds), FHIR-064 (an
    order), FHIR-045 (a parameter that one of them lacks), HUB-009, HUB-031 (page).
    """
    async with tools.interaction(caller, "search") as it:
        place = f"Patient/{within}/*" if within else "*"
        asked, cursor = links.resume(tools.binding, caller, place, pairs)
        kinds = _kinds(it, asked, within)
        rest = [(name, value) for name, value in asked if name != TYPE]
        queries = [_prepared(it, kind, rest, within, several=len(kinds) > 1) for kind in kinds]
        it.note({"query": blind_query(asked, tools.keys.blind)})
        matches, onward = await _page(it, queries, cursor)
        rows = tuple(shown.released for shown in matches)
        includes = dict.fromkeys(each for query in queries for each in query.includes)
        beside, more = await including.included(it, replace(queries[0], includes=tuple(includes)), rows)
        await account(it, [*matches, *beside])
        return Found(
            rows,
            query=links.blinded(asked, queries[0], tools.keys.blind),
            next=links.onward(tools.binding, caller, place, asked, cursor=onward),
            total=await _total(it, queries),
            warnings=tuple(more),
            portion=Portion(queries[0].summary, queries[0].elements),
            included=tuple(shown.released for shown in beside),
        )


def _kinds(it: Interaction, pairs: Pairs, within: str) -> list[str]:
    named = [kind for name, value in pairs if name == TYPE for kind in value.split(",")]
    known = definitions.compartment("Patient") if within else definitions.kinds()
    if not named and within:
        found = [kind for kind in sorted(known) if including.may_search(it, kind)]
        if not found:
            including.demand_kind(it, "Patient")
            raise Problem("SEC-403", where="Patient")
        return found
    if not named or len(set(named)) > MAX_KINDS or not all(kind in known for kind in named):
        raise Problem("FHIR-063", where=f"http.{TYPE}", limit=MAX_KINDS)
    for kind in named:
        if kind == including.AUDIT:
            raise Problem("FHIR-041", where=f"http.{TYPE}", name=TYPE)
        it.scope("search", kind)
    return sorted(set(named))


def _prepared(it: Interaction, kind: str, pairs: Pairs, within: str, *, several: bool) -> Query:
    """Return the query on ``kind``, after the guard. An unknown parameter is refused: it holds for one kind or none."""
    query, _ = prepare(it, kind, pairs, strict=True)
    if several and query.sort:
        raise Problem("FHIR-064", where="http._sort")
    return replace(query, within=within)


async def _page(it: Interaction, queries: Sequence[Query], cursor: str) -> tuple[list[Shown], str]:
    """Return a page that begins at ``cursor``, and where the next begins ("" at the end)."""
    first, _, after = cursor.partition(_END)
    shown: list[Shown] = []
    left = queries[0].count
    if not left:
        return [], ""
    for query in queries:
        if query.kind < first:
            continue
        # A full page still asks whether anything follows.
        goes_on = after if query.kind == first else ""
        page = await chains.page(it, replace(query, count=left or 1, total=False, cursor=goes_on))
        if not left:
            # No rows and yet more: candidates were opened up to a bound, and something may follow.
            if page.rows or page.next:
                return shown, f"{query.kind}{_END}"
            continue
        shown += release(it, page.rows)
        left -= len(page.rows)
        if page.next:
            return shown, f"{query.kind}{_END}{page.next}"
    return shown, ""


async def _total(it: Interaction, queries: Sequence[Query]) -> int | None:
    if not queries[0].total:
        return None
    totals = [(await chains.page(it, replace(query, count=0))).total or 0 for query in queries]
    return sum(totals)
