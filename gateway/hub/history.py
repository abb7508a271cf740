"""history: the versions of one resource, newest first (FHIR R4 http.html#history)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.fhir.problem import Problem
from gateway.fhir.wire import shown
from gateway.hub import links
from gateway.hub.interaction import Tools
from gateway.hub.values import Found
from security.caller import Caller

DEFAULT_COUNT = 50
"""Versions on a page when the client names no _count (design default)."""
MAX_COUNT = 500
"""A page is built in memory; a larger _count is cut to this (R4 search.html#count allows it)."""
KNOWN = frozenset({"_count", links.PAGE})


async def history(
    tools: Tools,
    caller: Caller,
    kind: str,
    id: str,  # noqa: A002
    *,
    pairs: Sequence[tuple[str, str]] = (),
) -> Found:
    """Return a page of the versions that ``caller`` may see, each decided by itself.

    A version that is closed to the caller is left out and not counted. Raises HUB-001, HUB-006 (parameter),
    HUB-009 (page), SEC-404.
    """
    async with tools.interaction(caller, "history", kind=kind, id=id) as it:
        it.scope("history", kind)
        where = f"{kind}/{id}/_history"
        asked, cursor = links.resume(tools.binding, caller, where, pairs)
        count = _count(asked)
        current = await tools.store.read(kind, id)
        if current is None or not it.decide("history", current.facts).allow:
            raise Problem("SEC-404")
        page = await tools.store.history(kind, id, count=count, cursor=cursor)
        rows = tuple(row for row in (it.offered(stored, "history") for stored in page.rows) if row is not None)
        it.about(current)
        it.note({"count": len(rows), "size": sum(len(row.body) for row in rows)})
        return Found(
            rows,
            query=links.written(asked),
            next=links.onward(tools.binding, caller, where, asked, cursor=page.next),
            total=page.total if len(rows) == len(page.rows) else None,
        )


def _count(pairs: Sequence[tuple[str, str]]) -> int:
    count = DEFAULT_COUNT
    for name, value in pairs:
        if name not in KNOWN:
            raise Problem("HUB-006", parameter=shown(name))
        if not (value.isascii() and value.isdigit() and int(value[:9])):
            raise Problem("HUB-006", parameter="_count")
        count = min(int(value[:9]), MAX_COUNT)
    return count
