"""Chains, forward and reverse: each step is a search of its own, and only what its caller may see leads on.

In: a query that may chain. Out: the same without chains, or its page. `a.b=v` becomes references to the targets found,
`_has:K:p:c=v` the ids that the found resources of K refer to *as they were shown*; so no step tells of anything that is
closed to the caller. Source: FHIR R4 search.html#chaining, #has; security.md AZN-04, AZN-07.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson

from gateway.fhir import search as parameters
from gateway.fhir.index import Reference
from gateway.fhir.predicate import NOTHING
from gateway.fhir.problem import Problem
from gateway.fhir.query import Clause, Has, IdTerm, Query, ReferenceTerm
from gateway.hub.interaction import Interaction
from gateway.store.protocol import Page, Stored

MAX_CHAIN_TARGETS = 500
"""A chain whose inner search finds more is too broad to answer well: ask more precisely (design default)."""
MAX_REVERSED = 2000
"""Resources that those of a reverse chain may refer to (design default)."""
AUDIT = "AuditEvent"
"""The kind that no store keeps."""


def guard(it: Interaction, query: Query) -> None:
    """Refuse, not filter: a search on an element that the caller may not read would reveal it (AZN-07).

    A kind that the caller's role never sees is refused too (AZN-04): that tells nothing of any resource.
    """
    for clause in query.clauses:
        if clause.chain is not None:
            _guard_step(it, clause.chain, clause.param)
        if clause.has is not None:
            _guard_step(it, Query(clause.has.kind, (clause.has.clause,)), clause.param)
            _demand_param(it, clause.has.kind, Clause(clause.has.param, "reference"))
        _demand_param(it, query.kind, clause)
    for key in query.sort:
        if it.tools.gate.forbidden_param(it.caller, query.kind, key.param):
            raise Problem("HUB-002", where=f"{query.kind}?_sort", parameter=key.param)
    if it.tools.gate.narrow(it.caller, "search", query.kind) == NOTHING:
        raise Problem("SEC-403", where=query.kind)


def _guard_step(it: Interaction, inner: Query, param: str) -> None:
    if inner.kind == AUDIT:
        raise Problem("FHIR-041", where=f"http.{param}", name=param)
    it.scope("search", inner.kind)
    guard(it, inner)


def _demand_param(it: Interaction, kind: str, clause: Clause) -> None:
    asked = f"{clause.param}:{clause.modifier}" if clause.modifier else clause.param
    if it.tools.gate.forbidden_param(it.caller, kind, asked, terms=clause.terms):
        raise Problem("HUB-002", where=f"{kind}?{clause.param}", parameter=clause.param)


async def page(it: Interaction, query: Query, *, reads: str = "") -> Page:
    """Return the page of ``query`` that the caller may see. One query, one more for each step of a chain.

    ``reads`` is a parameter whose values are drawn from the answer: it counts as asked for. Raises HUB-003.
    """
    asked = query
    if any(clause.chain is not None or clause.has is not None for clause in query.clauses):
        asked = replace(query, clauses=tuple([await _resolved(it, query.kind, clause) for clause in query.clauses]))
    if not all(clause.terms for clause in asked.clauses):
        return Page((), total=0 if query.total else None)
    by = replace(query, clauses=(*query.clauses, Clause(reads, "reference"))) if reads else query
    restriction = it.tools.gate.narrow(it.caller, "search", query.kind, by=by)
    return await it.tools.store.search(asked, restriction)


async def _resolved(it: Interaction, kind: str, clause: Clause) -> Clause:
    """Return ``clause`` with a chain replaced by what it leads to among what the caller may see."""
    if clause.chain is not None:
        rows = await _step(it, clause.chain, clause.param)
        seen = (row for row in rows if it.decide("search", row.facts).allow)
        return replace(clause, chain=None, terms=tuple(ReferenceTerm(row.kind, row.id) for row in seen))
    if clause.has is not None:
        ids = await _reversed(it, kind, clause.has, clause.param)
        return Clause("_id", "id", tuple(map(IdTerm, ids)))
    return clause


async def _step(it: Interaction, inner: Query, param: str, *, reads: str = "") -> Sequence[Stored]:
    found = await page(it, replace(inner, count=MAX_CHAIN_TARGETS, sort=(), total=False), reads=reads)
    if found.next:
        raise Problem("HUB-003", parameter=param, limit=MAX_CHAIN_TARGETS)
    return found.rows


async def _reversed(it: Interaction, kind: str, has: Has, param: str) -> list[str]:
    """Return the ids of ``kind`` that the resources of a reverse chain refer to, as far as the caller sees them do."""
    rows = await _step(it, Query(has.kind, (has.clause,)), param, reads=has.param)
    ids: dict[str, None] = {}
    for released in it.offered_beside(rows, "search"):
        if released is not None:
            found = parameters.values_of(has.kind, has.param, orjson.loads(released.body))
            ids |= {each.id: None for each in found if isinstance(each, Reference) and each.kind == kind}
    if len(ids) > MAX_REVERSED:
        raise Problem("HUB-003", parameter=param, limit=MAX_REVERSED)
    return list(ids)
