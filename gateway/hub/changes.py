"""The change feed for followers inside the gateway: what changed, in commit order, and where a follower stands.

An inner actor sees only what the policy lets it work on. Nothing leaves the process, so no entry is written; what a
follower does about a change has its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence

from gateway.fhir import search as parameters
from gateway.fhir.query import Query
from gateway.hub.interaction import Tools, demand_inner
from gateway.store.protocol import Batch, Changes, Stored
from security.caller import Caller

PAGE = 500
"""Rows read at once when all of a kind are wanted: some 500 kB of bodies."""


async def changes(
    tools: Tools, caller: Caller, cursor: str, *, limit: int = 100, kinds: Collection[str] | None = None
) -> Changes:
    """Return what changed after ``cursor`` ("" = from the start) and is open to ``caller``, deletions flagged.

    ``kinds`` are those that the follower acts on (None: all). The gate has learnt at least what these rows say.
    """
    demand_inner(caller)
    found = await tools.store.changes(cursor, limit=limit, kinds=kinds)
    if found.rows:
        # Who acts on a consent of another process asks the gate about it.
        await tools.learning.catch_up()
    rows = tuple(row for row in found.rows if tools.gate.decide(caller, "read", row.facts).allow)
    return Changes(rows, found.cursor)


async def find(tools: Tools, caller: Caller, kind: str, *, pairs: Sequence[tuple[str, str]]) -> tuple[Stored, ...]:
    """Return all current versions of ``kind`` that match ``pairs`` and are open to ``caller``, an inner actor."""
    demand_inner(caller)
    query, _ = parameters.parse(kind, pairs, strict=True)
    rows: list[Stored] = []
    while True:
        page = await tools.store.search(_paged(query), tools.gate.narrow(caller, "search", kind))
        rows += (row for row in page.rows if tools.gate.decide(caller, "search", row.facts).allow)
        if not page.next:
            return tuple(rows)
        query = _paged(query, page.next)


async def cursor_of(tools: Tools, caller: Caller, consumer: str) -> str:
    """Return the committed cursor of ``consumer`` ("" when it never ran)."""
    demand_inner(caller)
    return await tools.store.cursor_of(consumer)


async def move(tools: Tools, caller: Caller, consumer: str, *, cursor: str) -> None:
    """Move ``consumer`` to ``cursor``, durably, without writing anything else."""
    demand_inner(caller)
    await tools.store.commit(Batch(cursors=((consumer, cursor),)))


def follow(tools: Tools, caller: Caller) -> AsyncIterator[None]:
    """Yield whenever something may have been committed."""
    demand_inner(caller)
    return tools.store.follow()


def _paged(query: Query, cursor: str = "") -> Query:
    return Query(query.kind, query.clauses, query.sort, PAGE, cursor)
