"""The FHIR store on PostgreSQL: ten verbs, each one or two statements. See README.md for the life of a version."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime

from gateway.fhir.predicate import Predicate
from gateway.fhir.query import Query
from gateway.store.postgres import cursors, lookup
from gateway.store.postgres.committing import Committing
from gateway.store.postgres.compartment import Compartments
from gateway.store.postgres.hashing import Hashes
from gateway.store.postgres.ids import RowIds
from gateway.store.postgres.kinds import NAMES, NUMBERS, partition
from gateway.store.postgres.pool import HeldPool
from gateway.store.postgres.sealed import opened
from gateway.store.postgres.searching import Searching
from gateway.store.postgres.statistics import Statistics
from gateway.store.postgres.writing import Planner
from gateway.store.protocol import UNCHAINED, Batch, Changes, Committed, Compartment, Page, Sealer, Stored

POLL_S = 0.5
"""How soon a follower notices what another process committed."""
MONTHS = 12
"""Months of past versions that get a partition in advance at each start (design default); later ones share one."""
_COLUMNS = ("type", "id", "ver", "ts", "deleted", "body")
_ROW = ", ".join(_COLUMNS)
# What began before the oldest open transaction is committed for good or gone: nothing slips in behind a cursor. The
# order is that of the numbers, which an index has: `at` must not be called xid, or the texts would be sorted.
_CHANGES = """
SELECT type, id, ver, ts, deleted, CASE WHEN $4::smallint[] IS NULL OR type = ANY($4) THEN body END AS body,
  xid::text AS at, rid
FROM res
WHERE (xid, rid) > ($1::text::xid8, $2::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY res.xid, res.rid LIMIT $3::bigint"""
_DIGITS = 20
# What the moment ``$1`` did not see yet, in whatever order it was committed: no slow transaction holds it up.
_NEWS = """
SELECT pg_current_snapshot()::text AS seen, r.type, r.id
FROM (VALUES ($1::text::pg_snapshot)) moment(before) LEFT JOIN LATERAL (
  SELECT type, id FROM res WHERE type = ANY($2::smallint[]) AND xid >= pg_snapshot_xmin(before)
    AND NOT pg_visible_in_snapshot(xid, before)) r ON true"""
_NOTHING_YET = "1:1:"


class PostgresStore:
    """`gateway.store.protocol.FhirStore` on one database."""

    def __init__(self, pool: HeldPool, sealer: Sealer, *, now: Callable[[], datetime]) -> None:
        """Work on ``pool``, whose database has revision 0001; ``now`` returns aware time."""
        self._pool = pool
        self._sealer = sealer
        self._now = now
        self._hashes = Hashes(sealer.index_key)
        self._searching = Searching(pool, sealer, self._hashes.text)
        self._compartments = Compartments(pool, sealer, self._hashes.text)
        self._statistics = Statistics(pool)
        self._committing: Committing | None = None
        self._opening = asyncio.Lock()
        self._followers: set[asyncio.Event] = set()

    async def read(self, kind: str, id: str) -> Stored | None:  # noqa: A002 - FHIR's word
        """Return the current version, deleted ones too; see `FhirStore.read`."""
        text = f"SELECT {_ROW} FROM {partition(kind)} WHERE type = $1 AND id = $2"  # noqa: S608 - our own name
        found = await self._pool.fetch_held(text, NUMBERS[kind], id)
        return opened(self._sealer, found[0]) if found else None

    async def read_many(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        """Return the current versions that exist; see `FhirStore.read_many`."""
        if not keys:
            return {}
        text, values = lookup.by_keys(_COLUMNS, keys)
        found = [opened(self._sealer, row) for row in await self._pool.fetch_held(text, *values)]
        return {(row.kind, row.id): row for row in found}

    async def vread(self, kind: str, id: str, version: int) -> Stored | None:  # noqa: A002
        """Return that version; see `FhirStore.vread`."""
        rows = await self._versions(kind, id, before=version + 1, limit=1)
        return rows[0] if rows and rows[0].version == version else None

    async def search(
        self, query: Query, restriction: Predicate, *, chained: Mapping[str, Predicate] = UNCHAINED, bind: str = ""
    ) -> Page:
        """Return a page of matches; see `FhirStore.search`. A chain to a kind that ``chained`` lacks finds nothing."""
        return await self._searching.page(query, restriction, chained, bind)

    async def compartment(self, asked: Compartment, *, cursor: str = "", bind: str = "") -> Page:
        """Return a page of one elder's rows; see `FhirStore.compartment`."""
        return await self._compartments.page(asked, cursor, bind)

    async def history(
        self,
        kind: str,
        id: str,  # noqa: A002
        *,
        count: int,
        cursor: str = "",
        bind: str = "",
    ) -> Page:
        """Return versions newest first; see `FhirStore.history`."""
        place = cursors.of_history(kind, id, bind)
        before = cursors.read(self._sealer, cursor, place=place)[0] if cursor else 2**31 - 1
        rows = await self._versions(kind, id, before=before, limit=count + 1)
        shown = rows[:count]
        onward = cursors.write(self._sealer, [shown[-1].version], place=place) if len(rows) > count else ""
        # Versions have no gaps: the newest one's number counts them.
        return Page(tuple(shown), onward, rows[0].version if rows and not cursor else None)

    async def commit(self, batch: Batch) -> tuple[Committed, ...]:
        """Apply ``batch``, all or nothing; see `FhirStore.commit`."""
        done = await (await self._opened()).commit(batch)
        self._statistics.wrote(len(done))
        self.wake()
        return done

    async def changes(self, cursor: str, *, limit: int = 100, kinds: Collection[str] | None = None) -> Changes:
        """Return what changed after ``cursor``; see `FhirStore.changes`. Other kinds' bodies do not even travel."""
        after = (str(int(cursor[:_DIGITS])), int(cursor[_DIGITS:])) if cursor else ("0", 0)
        wanted = None if kinds is None else sorted(NUMBERS[kind] for kind in kinds)
        found = await self._pool.fetch_held(_CHANGES, *after, limit, wanted)
        if not found:
            return Changes((), cursor)
        last = found[-1]
        reached = f"{int(last['at']):0{_DIGITS}d}{last['rid']:0{_DIGITS}d}"
        return Changes(tuple(opened(self._sealer, row) for row in found if row["body"] is not None), reached)

    async def news(self, seen: str, kinds: Collection[str]) -> tuple[list[tuple[str, str]], str]:
        """Return keys of ``kinds`` that changed since ``seen`` ("" = none), and this moment; see `FhirStore.news`."""
        numbers = [NUMBERS[kind] for kind in kinds] if seen else []
        rows = await self._pool.fetch_held(_NEWS, seen or _NOTHING_YET, numbers)
        return [(NAMES[row["type"]], row["id"]) for row in rows if row["id"] is not None], str(rows[0]["seen"])

    def wake(self) -> None:
        """Tell the followers that another process may have committed."""
        for follower in self._followers:
            follower.set()

    async def cursor_of(self, consumer: str) -> str:
        """Return the committed cursor of ``consumer``; see `FhirStore.cursor_of`."""
        found = await self._pool.fetch_held("SELECT cursor FROM feed_cursor WHERE consumer = $1", consumer)
        return str(found[0]["cursor"]) if found else ""

    async def follow(self) -> AsyncIterator[None]:
        """Yield whenever something may have been committed; see `FhirStore.follow`."""
        event = asyncio.Event()
        self._followers.add(event)
        try:
            while True:
                # Not `wait_for`: in Python 3.11 it can swallow a cancellation that meets the event.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await event.wait()
                event.clear()
                yield
        finally:
            self._followers.discard(event)

    async def _versions(self, kind: str, id: str, *, before: int, limit: int) -> list[Stored]:  # noqa: A002
        """Return the versions of a resource below ``before``, newest first. One query."""
        text = f"""
            WITH c AS (SELECT {_ROW}, rid, bucket FROM {partition(kind)} WHERE type = $1 AND id = $2)
            SELECT {_ROW} FROM c WHERE ver < $3
            UNION ALL
            SELECT * FROM (
              SELECT h.type, c.id, h.ver, h.ts, h.deleted, h.body
              FROM c JOIN hist h ON h.type = c.type AND h.rid = c.rid AND h.bucket = c.bucket
              WHERE h.ver < $3 ORDER BY h.ver DESC LIMIT $4) past
            ORDER BY ver DESC LIMIT $4"""  # noqa: S608 - our own names
        found = await self._pool.fetch_held(text, NUMBERS[kind], id, before, limit)
        return [opened(self._sealer, row) for row in found]

    async def _opened(self) -> Committing:
        """Return the way to commit. It once needs a node number, and room for past versions."""
        async with self._opening:
            if self._committing is None:
                (row,) = await self._pool.fetch_held("SELECT nextval('node_seq') AS node, hist_ahead($1::int)", MONTHS)
                rows = RowIds(row["node"], now=self._now)
                planner = Planner(self._sealer, self._hashes, new_row=rows.next)
                self._committing = Committing(self._pool, self._sealer, planner, now=self._now)
        return self._committing
