"""The writer: moves a group of entries into its chain, in one transaction with the pending ones it finds.

It trusts the head in the database only as far as it knows it: a head that is neither the one it left nor the one it
tried to leave means another process writes under the same name, or a hand in the database, and is a fault.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import asyncpg

from gateway.fhir.problem import Problem
from security.audit.chain import Head, Place, Tree
from security.audit.record import MAJOR, Entry, micros
from security.crypto import Keys

log = logging.getLogger(__name__)
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What asyncpg raises when the database refuses or does not answer."""
COLUMNS = ("writer", "seq", "ts", "action", "outcome", "elder", "agent", "entity", "body", "chain")
_OUTCOME = COLUMNS.index("outcome")
UNREADABLE = "unreadable"
"""The action of bytes that were handed in as an entry and are none: kept, never dropped."""

_TAKE = """
DELETE FROM audit_pending WHERE id IN
  (SELECT id FROM audit_pending ORDER BY ts, id LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING ts, id, entry"""
_HEAD = "SELECT seq, chain, frontier, claim FROM audit.head WHERE writer = $1 FOR UPDATE"
_WROTE = "SELECT true FROM audit.event WHERE writer = $1 AND seq = $2 AND chain = $3"
_MOVE = "UPDATE audit.head SET seq = $2, chain = $3, frontier = $4 WHERE writer = $1"


Claim: TypeAlias = tuple[str, int]
"""A writer's name and the number of its claim; who claims the name later has a higher one."""
Renew: TypeAlias = Callable[[], Awaitable[Claim]]
"""Claim a name that is free, for a writer whose name somebody else has claimed. Does not raise."""


class _Superseded(Exception):  # noqa: N818 - the word for it
    """Another process has claimed this writer's name."""


class Writer:
    """One writer's chain; not safe for concurrent use: the journal has one task."""

    def __init__(
        self,
        pool: Pool,
        keys: Keys,
        *,
        now: Callable[[], datetime],
        name: str,
        claim: int = 0,
        renew: Renew | None = None,
    ) -> None:
        """Write as ``name`` (1 to 60 characters of a-z, 0-9 and hyphen; ValueError otherwise), claimed by ``claim``.

        With ``renew`` the writer goes on under another name when this one is claimed by somebody else.
        """
        if not 0 < len(name) <= 60 or not name.replace("-", "a").isalnum() or not name.isascii():
            raise ValueError("a writer's name is made of letters, digits and hyphens")
        self._pool, self._keys, self._now, self.name = pool, keys, now, name
        self._claim, self._renew = claim, renew
        self.head = Head()
        self._tried = self.head
        self._months: set[tuple[int, int]] = set()
        self.outcomes: tuple[int, ...] = ()
        """Of the entries that the last commit chained."""

    async def start(self) -> None:
        """Read the head where this writer left it; register a new writer."""
        async with self._pool.acquire() as connection:
            await connection.execute("INSERT INTO audit.head (writer) VALUES ($1) ON CONFLICT DO NOTHING", self.name)
            row = await connection.fetchrow(_HEAD.removesuffix(" FOR UPDATE"), self.name)
        self.head = self._tried = _as_head(row)

    async def commit(self, entries: Sequence[bytes], *, look: bool, limit: int) -> tuple[int, bool]:
        """Chain ``entries`` and, with ``look``, up to ``limit`` pending ones.

        Returns how many rows were added and whether more may be pending. Raises SEC-951 for a foreign head, and what
        asyncpg raises: call again with the same entries, a commit that did reach the disk is recognised.
        """
        while True:
            try:
                return await self._committed(entries, look=look, limit=limit)
            except _Superseded:
                if await self._moved() and entries:
                    return len(entries), look

    async def _committed(self, entries: Sequence[bytes], *, look: bool, limit: int) -> tuple[int, bool]:
        async with self._pool.acquire() as connection:
            await self._months_for(connection, entries)
            async with connection.transaction():
                if await self._reached(connection) and entries:
                    return len(entries), look
                pending = await connection.fetch(_TAKE, limit) if look else []
                records = [*entries, *(row["entry"] for row in sorted(pending, key=lambda row: (row["ts"], row["id"])))]
                if records:
                    await self._chain(connection, records)
        self.head = self._tried
        return len(records), len(pending) == limit

    async def _reached(self, connection: Connection) -> bool:
        """Settle whether the last try reached the disk; True when it did and the answer was lost."""
        row = await connection.fetchrow(_HEAD, self.name)
        if self._renew is not None and row is not None and row["claim"] != self._claim:
            raise _Superseded
        found = _as_head(row)
        lost = self._tried is not self.head and found == self._tried
        if not lost and found != self.head:
            raise Problem("SEC-951", writer=self.name, seq=found.seq)
        self.head = self._tried = found
        return lost

    async def _moved(self) -> bool:
        """Go on under another name; True when the last try under this one had reached the disk."""
        if self._renew is None:
            raise AssertionError
        log.warning("audit.writer_taken", extra={"writer": self.name})
        name, claim = await self._renew()
        tried = self._tried
        async with self._pool.acquire() as connection:
            wrote = tried is not self.head and await connection.fetchval(_WROTE, self.name, tried.seq, tried.chain)
            row = await connection.fetchrow(_HEAD.removesuffix(" FOR UPDATE"), name)
        self.name, self._claim, self.head = name, claim, _as_head(row)
        self._tried = self.head
        return bool(wrote)

    async def _chain(self, connection: Connection, records: Iterable[bytes]) -> None:
        head = self.head.copy()
        rows = [self._row(head, record) for record in records]
        self.outcomes = tuple(row[_OUTCOME] for row in rows)
        await connection.copy_records_to_table("event", schema_name="audit", columns=COLUMNS, records=rows)
        await connection.execute(_MOVE, self.name, head.seq, head.chain, head.tree.pack())
        self._tried = head

    def _row(self, head: Head, record: bytes) -> tuple[Any, ...]:
        place = self._place(head.seq + 1, record)
        context = place.pack()
        body = self._keys.seal(record, context)
        chain = head.extend(context, body)
        when = EPOCH + timedelta(microseconds=place.at)
        return (
            place.writer,
            place.seq,
            when,
            place.action,
            place.outcome,
            place.elder,
            place.agent,
            place.entity,
            body,
            chain,
        )

    def _place(self, seq: int, record: bytes) -> Place:
        entry = read(record, at=micros(self._now()))
        found = (index(self._keys, what, text) for what, text in _found_by(entry))
        return Place(self.name, seq, entry.at, entry.action, entry.outcome, *found)

    async def _months_for(self, connection: Connection, entries: Sequence[bytes]) -> None:
        """Make sure that the months of now and of the entries have their partitions; the default takes the rest."""
        whens = [self._now()]
        if entries:
            whens.append(EPOCH + timedelta(microseconds=read(entries[-1], at=micros(whens[0])).at))
        for when in whens:
            month = (when.year, when.month)
            if month not in self._months:
                await connection.execute("SELECT audit.ensure_month($1)", when)
                self._months.add(month)


def index(keys: Keys, what: str, text: str) -> int:
    """Return the keyed hash by which rows are found: ``what`` is elder, agent or entity; 0 for no text."""
    return keys.index_key(f"audit {what} {text}") if text else 0


def read(record: bytes, *, at: int) -> Entry:
    """Return the entry of ``record``, or one that says it is unreadable, at ``at`` microseconds."""
    try:
        return Entry.unpack(record)
    except (ValueError, TypeError):
        return Entry(event="", at=at, action=UNREADABLE, outcome=MAJOR)


def _found_by(entry: Entry) -> tuple[tuple[str, str], ...]:
    return ("elder", entry.elder), ("agent", entry.client), ("entity", entry.entity)


def _as_head(row: asyncpg.Record | None) -> Head:
    if row is None:
        raise Problem("SEC-951", writer="", seq=0)
    return Head(row["chain"], Tree.unpack(row["seq"], row["frontier"]))
