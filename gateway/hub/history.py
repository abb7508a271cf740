"""history: the versions of one resource, newest first (FHIR R4 http.html#history)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from gateway.fhir import subset
from gateway.fhir.problem import Problem
from gateway.fhir.spans import FIRST, LAST, span
from gateway.fhir.wire import shown
from gateway.hub import links
from gateway.hub.interaction import Tools
from gateway.hub.values import Found
from gateway.store.protocol import Stored
from security.caller import Caller

DEFAULT_COUNT = 50
"""Versions on a page when the client names no _count (design default)."""
MAX_COUNT = 500
"""A page is built in memory; a larger _count is cut to this (R4 search.html#count allows it)."""
_TIMES = frozenset({"_since", "_at"})
KNOWN = frozenset({"_count", links.PAGE, *_TIMES, *subset.NAMES})


async def history(
    tools: Tools,
    caller: Caller,
    kind: str,
    id: str,  # noqa: A002
    *,
    pairs: Sequence[tuple[str, str]] = (),
) -> Found:
    """Return a page of the versions that ``caller`` may see, each decided by itself.

    A version that is closed to the caller is left out and not counted.
    Raises HUB-001, HUB-006 and FHIR-042 (parameter), HUB-009 (page), SEC-404.
    """
    async with tools.interaction(caller, "history", kind=kind, id=id) as it:
        it.scope("history", kind)
        where = f"{kind}/{id}/_history"
        asked, cursor = links.resume(tools.binding, caller, where, pairs)
        count, window, wanted = _count(asked), _window(asked), subset.portion(asked, kind)
        current = await tools.store.read(kind, id)
        if current is None or not it.decide("history", current.facts).allow:
            raise Problem("SEC-404")
        page = await tools.store.history(kind, id, count=count, cursor=cursor)
        stored, over = window.of(page.rows)
        rows = tuple(row for row in (it.offered(each, "history") for each in stored) if row is not None)
        it.about(current)
        it.note({"count": len(rows), "size": sum(len(row.body) for row in rows)})
        return Found(
            rows,
            query=links.written(asked),
            next=links.onward(tools.binding, caller, where, asked, cursor="" if over else page.next),
            total=page.total if len(rows) == len(page.rows) else None,
            portion=wanted,
        )


class Window(NamedTuple):
    """Versions made at or after ``since``, and current at some time of [``low``, ``high``) (R4 http.html#history)."""

    since: datetime = FIRST
    low: datetime = FIRST
    high: datetime = LAST

    def of(self, rows: Sequence[Stored]) -> tuple[list[Stored], bool]:
        """Return those of ``rows``, newest first, that are in the window, and whether no older one can be."""
        found = []
        for row in rows:
            if self.since <= row.updated < self.high:
                found.append(row)
            if row.updated <= self.low:
                return found, True  # it was current when the time began: older ones were not
        return found, False


def _window(pairs: Sequence[tuple[str, str]]) -> Window:
    given = {name: value for name, value in pairs if name in _TIMES}
    found = {name: span(value) for name, value in given.items()}
    for name, value in found.items():
        # An instant has seconds and an offset; `_at` may be a day or a year.
        if value is None or (name == "_since" and "T" not in given[name]):
            raise Problem("HUB-006", parameter=name)
    (since, _), (low, high) = found.get("_since") or (FIRST, LAST), found.get("_at") or (FIRST, LAST)
    return Window(since, low, high)


def _count(pairs: Sequence[tuple[str, str]]) -> int:
    """Return the versions of a page, once it is sure that each parameter is known and given once."""
    count, seen = DEFAULT_COUNT, set[str]()
    for name, value in pairs:
        if name not in KNOWN or name in seen:
            raise Problem("HUB-006", parameter=shown(name))
        seen.add(name)
        if name == "_count":
            if not (value.isascii() and value.isdigit() and int(value[:9])):
                raise Problem("HUB-006", parameter="_count")
            count = min(int(value[:9]), MAX_COUNT)
    return count
