"""Find entries again: for the auditor's search and for following the journal's end.

In: a filter. Out: opened entries, newest first, a page at a time. Rows are found by keyed hashes and decided again on
the opened entry. Nothing here asks who may look: the hub does, and reading the journal is itself an entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from gateway.fhir.problem import Problem
from security.audit.chain import Place
from security.audit.record import Entry, micros, time_of_event
from security.audit.writer import EPOCH, Pool, index, read
from security.crypto import Keys

# A page is answered in one go (design default; R4 search allows a server to cap _count).
MAX_PAGE = 500
_MILLISECOND = timedelta(milliseconds=1)
_ROWS = """
SELECT writer, seq, ts, action, outcome, elder, agent, entity, body FROM audit.event
WHERE {conditions} ORDER BY ts DESC, writer DESC, seq DESC LIMIT {limit}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What to look for; an empty field asks nothing. Times are aware, [since, until).

    ``agent`` is a client id, ``elder`` a Patient id, ``entity`` a ``Kind/id``, ``event`` one entry's id. An id of our
    own making tells its millisecond and only that is looked at; any other is looked for in all entries, slowly.
    """

    since: datetime | None = None
    until: datetime | None = None
    agent: str = ""
    elder: str = ""
    entity: str = ""
    action: str = ""
    outcome: int | None = None
    event: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first; ``next`` continues after them ("" at the end)."""

    entries: tuple[Entry, ...]
    next: str = ""


async def find(pool: Pool, keys: Keys, ask: Filter, *, limit: int = 50, cursor: str = "") -> Page:
    """Return a page of the entries that answer ``ask``. Raises Problem("SEC-901") for an altered row."""
    limit = max(1, min(limit, MAX_PAGE))
    found: list[Entry] = []
    while True:
        rows = await _fetch(pool, _conditions(keys, ask, cursor), limit)
        for row in rows:
            cursor = _cursor(row)
            entry = opened(keys, row)
            if _answers(ask, entry):
                found.append(entry)
            if len(found) == limit:
                return Page(tuple(found), cursor)
        if len(rows) < limit:
            return Page(tuple(found))


async def tail(pool: Pool, keys: Keys, *, limit: int = 20) -> tuple[Entry, ...]:
    """Return the newest ``limit`` entries, oldest of them first."""
    page = await find(pool, keys, Filter(), limit=limit)
    return page.entries[::-1]


def place_of(row: asyncpg.Record) -> Place:
    """Return the place that the row's columns claim."""
    at = (row["ts"] - EPOCH) // timedelta(microseconds=1)
    return Place(
        row["writer"], row["seq"], at, row["action"], row["outcome"], row["elder"], row["agent"], row["entity"]
    )


def opened(keys: Keys, row: asyncpg.Record) -> Entry:
    """Return the entry of ``row``. Raises Problem("SEC-901") when body or columns were altered or moved."""
    place = place_of(row)
    return read(keys.open(row["body"], place.pack()), at=place.at)


async def _fetch(pool: Pool, conditions: list[tuple[str, Any]], limit: int) -> list[asyncpg.Record]:
    clauses: list[str] = []
    values: list[Any] = []
    for clause, given in conditions:
        many = given if isinstance(given, tuple) else (given,)
        places = [f"${len(values) + at}" for at in range(1, len(many) + 1)]
        clauses.append(clause.format(*places))
        values.extend(many)
    query = _ROWS.format(conditions=" AND ".join(clauses) or "true", limit=limit)
    async with pool.acquire() as connection:
        return await connection.fetch(query, *values)


def _conditions(keys: Keys, ask: Filter, cursor: str) -> list[tuple[str, Any]]:
    named = (("elder", ask.elder), ("agent", ask.agent), ("entity", ask.entity))
    asked: list[tuple[str, Any]] = [(f"{what} = {{}}", index(keys, what, text)) for what, text in named if text]
    # The partial indexes are used only when the query says so itself.
    asked += [(f"{what} <> 0", ()) for what, text in named if text and what != "agent"]
    plain = (*_span(ask), ("outcome = {}", ask.outcome))
    asked += [(clause, value) for clause, value in plain if value is not None]
    if ask.action:
        asked.append(("action = {}", ask.action))
    if cursor:
        asked.append(("(ts, writer, seq) < ({}, {}, {})", _after(cursor)))
    return asked


def _span(ask: Filter) -> tuple[tuple[str, datetime | None], ...]:
    """Return the bounds of time, that of the id among them."""
    since, until = ask.since, ask.until
    begins = time_of_event(ask.event)
    if begins is not None:
        first = EPOCH + timedelta(microseconds=begins)
        since, until = max(first, since or first), min(first + _MILLISECOND, until or first + _MILLISECOND)
    return ("ts >= {}", since), ("ts < {}", until)


def _answers(ask: Filter, entry: Entry) -> bool:
    wanted = ((ask.elder, entry.elder), (ask.agent, entry.client), (ask.entity, entry.entity), (ask.event, entry.event))
    return all(not asked or asked == has for asked, has in wanted)


def _cursor(row: asyncpg.Record) -> str:
    return f"{micros(row['ts'])}.{row['seq']}.{row['writer']}"


def _after(cursor: str) -> tuple[datetime, str, int]:
    at, _, rest = cursor.partition(".")
    seq, _, writer = rest.partition(".")
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(at)), writer, int(seq)
    except (ValueError, OverflowError):
        raise Problem("SEC-953") from None
