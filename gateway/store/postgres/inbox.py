"""The inbox on PostgreSQL: raw bytes and replies sealed, durable before anybody is told, order kept per elder.

A row that is claimed comes again as soon as its worker's seat is empty: it has died. Source: storage.md section 6;
architecture §2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import asyncpg

from gateway.fhir.problem import Problem
from gateway.store.arrivals import Arrival, InboxRow
from gateway.store.postgres import cursors
from gateway.store.postgres.committing import reply_place
from gateway.store.postgres.keeping import Keeping
from gateway.store.postgres.pool import GONE, HeldPool
from gateway.store.postgres.states import NAME_OF, NUMBER_OF, WORKING
from gateway.store.protocol import Sealer

LEASE: Final = timedelta(seconds=60)
"""After that a claim of a worker that lives counts for nothing: it takes 10 ms a record (design default)."""
_COLUMNS = "sender, msg_id, sha, feed, organisation, elder, state, reason, attempts, received, raw, result"
# By name: what `*` stands for changes under a running program when a migration adds a column.
_TAKEN = ", ".join(f"t.{name}" for name in _COLUMNS.split(", "))
RETRY: Final = timedelta(seconds=2)
"""Pause before a row that met a fault is tried again, longer each time (design default)."""
_CLAIMING: Final = 949265
"""Claims take turns under this advisory lock, so that two cannot take two rows of one elder."""
# Other content under a known id is held back at once: nobody may work on it before it is judged.
_NEW = 1
_OTHER = f"""
SELECT {_COLUMNS} FROM inbox WHERE sender = $1 AND msg_id = $2 AND (sha = $3) <> $4 ORDER BY received, sha LIMIT 1"""  # noqa: S608
_KNOWN = f"SELECT {_COLUMNS} FROM inbox WHERE sender = $1 AND msg_id = $2 ORDER BY received, sha"  # noqa: S608
_OPEN = "SELECT 1 FROM inbox WHERE elder = $1 AND state IN (0, 1) LIMIT 1"
# The oldest open row of each elder only, and none while another is in work. A pause that ends later than any pause can
# was begun before the clock was set back.
_CLAIM = f"""
WITH living AS MATERIALIZED (SELECT live_seats() AS seats), open AS (
  SELECT sender, msg_id, sha FROM inbox i, living
  WHERE state IN (0, 1) AND (run_at IS NULL OR run_at <= $2 OR run_at > $5)
    AND (state = 0 OR claimed < $1 OR seat IS NOT NULL AND seat <> ALL (seats))
    AND NOT EXISTS (SELECT FROM inbox b WHERE b.elder = i.elder AND b.state IN (0, 1)
      AND (b.sender, b.msg_id, b.sha) <> (i.sender, i.msg_id, i.sha)
      AND (b.state = 1 AND b.claimed >= $1 AND (b.seat IS NULL OR b.seat = ANY (seats))
        OR (b.received, b.sender, b.msg_id, b.sha) < (i.received, i.sender, i.msg_id, i.sha)))
  ORDER BY received, sender, msg_id LIMIT $3 FOR UPDATE OF i SKIP LOCKED)
UPDATE inbox t SET state = {WORKING}, claimed = $2, seat = $4, attempts = attempts + 1 FROM open
WHERE t.sender = open.sender AND t.msg_id = open.msg_id AND t.sha = open.sha
RETURNING {_TAKEN}"""  # noqa: S608
_RELEASE = "UPDATE inbox SET state = 0, claimed = NULL WHERE state = 1 AND seat = $1"
_SETTLE = """
UPDATE inbox SET state = $4::smallint, reason = $5, result = coalesce($6, result), claimed = NULL,
  run_at = CASE WHEN $4::smallint = 0 AND $5 <> '' THEN $7::timestamptz + attempts * $8::interval END
WHERE sender = $1 AND msg_id = $2 AND sha = $3 AND state <> 2
  AND (state <> 1 OR seat IS NOT DISTINCT FROM $9::int)"""
_REPLAY = """
UPDATE inbox SET state = 0, reason = '', attempts = 0, run_at = NULL
WHERE sender = $1 AND msg_id = $2 AND sha = $3 AND state IN (3, 4)"""
_PAGE = f"""
SELECT {_COLUMNS} FROM inbox
WHERE ($1::smallint[] IS NULL OR state = ANY($1::smallint[]))
  AND ($2::timestamptz IS NULL OR (received, sender, msg_id, sha) < ($2, $3, $4, $5))
ORDER BY received DESC, sender DESC, msg_id DESC, sha DESC LIMIT $6"""  # noqa: S608


class PostgresInbox:
    """`gateway.intake.inbox.InboxStore` on one database."""

    def __init__(self, pool: HeldPool, sealer: Sealer, *, now: Callable[[], datetime], seat: int | None = None) -> None:
        """Work on ``pool``, whose database has revision 0004, for the process of ``seat`` (see `Presence`).

        What a process without a seat claims comes again only after LEASE.
        """
        self._pool = pool
        self._keeping = Keeping(pool)
        self._seat = seat
        # A claim may have reached the disk and its answer not us: nobody here works on those rows.
        self._astray = False
        self._sealer = sealer
        self._now = now

    async def put(
        self, arrival: Arrival, *, state: str, reply: bytes, reason: str, entry: bytes | None = None
    ) -> InboxRow | None:
        """Keep ``arrival``; return None when it is new, or the row that has its sender and id already.

        One statement for a new one and for those that arrive beside it; its ``entry`` then waits for the journal in the
        same commit. A row with the same digest is returned and nothing is written; with another digest the arrival is
        written beside it, parked, without a reply and without the entry. Raises Problem("STO-503"): nothing was kept.
        """
        raw = self._sealer.seal(arrival.raw, raw_place(arrival))
        result = self._sealer.seal(reply, reply_place(arrival.sender, arrival.message_id, arrival.digest))
        kept = await self._keeping.keep(
            arrival.sender, arrival.message_id, arrival.digest, arrival.feed, arrival.organisation,
            arrival.order or None, NUMBER_OF[state], reason, raw, result, uuid4() if entry else None, entry,
        )  # fmt: skip
        if kept == _NEW:
            return None
        found = await self._fetch(_OTHER, arrival.sender, arrival.message_id, arrival.digest, kept != 0)
        return self._row(found[0]) if found else None

    async def claim(self, limit: int) -> Sequence[InboxRow]:
        """Return received rows that may be worked on now, at most one per elder, oldest first."""
        if self._astray:
            await self._execute(_RELEASE, self._seat)
            self._astray = False
        moment = self._now()
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", _CLAIMING)
                rows = await connection.fetch(_CLAIM, moment - LEASE, moment, limit, self._seat, moment + LEASE)
        except GONE:
            self._astray = True
            raise Problem("STO-503") from None
        return sorted((self._row(row) for row in rows), key=lambda row: (row.received, row.arrival.message_id))

    async def settle(self, arrival: Arrival, *, state: str, reason: str, reply: bytes | None = None) -> None:
        """Move a row to ``state`` outside a hub commit; one that is stored, or in work elsewhere, stays so.

        A row received again with a ``reason`` has met a fault, and waits a little longer each time.
        """
        place = reply_place(arrival.sender, arrival.message_id, arrival.digest)
        result = self._sealer.seal(reply, place) if reply is not None else None
        await self._execute(
            _SETTLE, arrival.sender, arrival.message_id, arrival.digest, NUMBER_OF[state], reason, result,
            self._now(), RETRY, self._seat,
        )  # fmt: skip

    async def replay(self, arrival: Arrival) -> bool:
        """Hand a parked or dead row to the pipeline as if it were new; return False when it is neither."""
        return (await self._execute(_REPLAY, arrival.sender, arrival.message_id, arrival.digest)).endswith(" 1")

    async def is_open(self, order: int) -> bool:
        """Tell whether a message of the elder that ``order`` stands for is received and not yet worked off."""
        return bool(await self._fetch(_OPEN, order))

    async def find(self, sender: str, message_id: str) -> Sequence[InboxRow]:
        """Return the rows of one message id, oldest first."""
        return [self._row(row) for row in await self._fetch(_KNOWN, sender, message_id)]

    async def page(self, *, state: str, limit: int, cursor: str) -> tuple[Sequence[InboxRow], str]:
        """Return a page of rows newest first, of one state ("" = any), and the cursor of the next."""
        place = f"inbox page|{state}".encode()
        after: list[Any] = [None, None, None, None]
        if cursor:
            at, sender, message_id, digest = cursors.read(self._sealer, cursor, place=place)
            after = [at, sender, message_id, bytes.fromhex(digest)]
        states = [number for number, name in NAME_OF.items() if name == state] if state else None
        found = await self._fetch(_PAGE, states, *after, limit + 1)
        shown = [self._row(row) for row in found[:limit]]
        if len(found) <= limit:
            return shown, ""
        last = found[limit - 1]
        values = [last["received"], last["sender"], last["msg_id"], last["sha"].hex()]
        return shown, cursors.write(self._sealer, values, place=place)

    def _row(self, row: Any) -> InboxRow:
        sender, message_id, digest = row["sender"], row["msg_id"], row["sha"]
        bare = Arrival(sender, row["feed"], row["organisation"], message_id, b"", digest, row["elder"] or 0)
        raw = self._sealer.open(row["raw"], raw_place(bare))
        reply = self._sealer.open(row["result"], reply_place(sender, message_id, digest)) if row["result"] else b""
        arrival = Arrival(sender, row["feed"], row["organisation"], message_id, raw, digest, row["elder"] or 0)
        return InboxRow(arrival, NAME_OF[row["state"]], reply, row["reason"], row["attempts"], row["received"])

    async def _fetch(self, text: str, *values: object) -> list[Any]:
        try:
            return await self._pool.fetch(text, *values)
        except GONE:
            raise Problem("STO-503") from None

    async def _execute(self, text: str, *values: object) -> str:
        try:
            return await self._pool.execute(text, *values)
        except GONE:
            raise Problem("STO-503") from None
        except asyncpg.DeadlockDetectedError:
            return await self._execute(text, *values)


def raw_place(arrival: Arrival) -> bytes:
    """Return what the raw bytes of a row are bound to."""
    return f"inbox raw|{arrival.sender}|{arrival.message_id}|{arrival.feed}|".encode() + arrival.digest
