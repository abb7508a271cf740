"""Commit: a whole batch in one statement and one transaction, durable when it returns.

Rows are read, the writes worked out, and put against exactly the versions that were read. Who was overtaken reads
again; what then still cannot be is refused. Rows are locked in one order everywhere, so that two batches do not wait
for each other; a deadlock with somebody else is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import asyncpg

from gateway.fhir.problem import Problem
from gateway.store import accounts
from gateway.store.postgres import lookup
from gateway.store.postgres.kinds import NUMBERS, PARTITIONS
from gateway.store.postgres.pool import GONE, HeldPool
from gateway.store.postgres.states import NUMBER_OF, STORED
from gateway.store.postgres.writing import Planned, Planner, ResIn
from gateway.store.protocol import MUST_NOT_EXIST, Batch, Committed, InboxMark, Sealer, Write

ATTEMPTS: Final = 30
"""How often a batch starts over because somebody was faster (design default)."""
PAUSE_S: Final = 0.005
_CHANGED, _MARKED, _AHEAD = "YY001", "YY002", "YY003"
_CURRENT = ("type", "id", "bucket", "rid", "ver", "ts", "deleted", "ixh", "sha", "body")


class Committing:
    """Commit batches to one database."""

    def __init__(self, pool: HeldPool, sealer: Sealer, planner: Planner, *, now: Callable[[], datetime]) -> None:
        """Hold the pool, what seals, the planner of writes and the clock."""
        self._pool = pool
        self._sealer = sealer
        self._planner = planner
        self._now = now

    async def commit(self, batch: Batch) -> tuple[Committed, ...]:
        """Apply ``batch``; see `FhirStore.commit`."""
        keys = [(write.kind, write.id) for write in batch.writes]
        if len(set(keys)) != len(keys):
            raise ValueError("two writes of one resource in a batch")
        for attempt in range(ATTEMPTS):
            planned = await self._planned(batch.writes, trusting=not attempt)
            if await self._put(planned, batch):
                return tuple(each.outcome for each in planned)
            await asyncio.sleep(PAUSE_S * attempt)
        raise Problem("STO-412", kind=keys[0][0] if keys else "", id=keys[0][1] if keys else "")

    async def _planned(self, writes: Sequence[Write], *, trusting: bool) -> list[Planned]:
        """Work out ``writes``; with ``trusting`` what is said not to exist is not looked for.

        Where it does exist after all, PostgreSQL refuses the second row of one id, and the batch starts over, looking.
        """
        met = [write for write in writes if not (trusting and write.expect == MUST_NOT_EXIST and not write.deleted)]
        rows: dict[tuple[int, str], Any] = {}
        if met:
            text, values = lookup.by_keys(_CURRENT, [(write.kind, write.id) for write in met])
            rows = {(row["type"], row["id"]): row for row in await self._pool.fetch_held(text, *values)}
        now = self._now()
        return [self._planner.plan(write, rows.get((NUMBERS[write.kind], write.id)), now=now) for write in writes]

    async def _put(self, planned: Sequence[Planned], batch: Batch) -> bool:
        """Run the batch; tell False when it must start over."""
        calls, values = _calls(planned, batch, self._sealer)
        if not calls:
            return True
        text = f"SELECT {', '.join(calls)}"
        try:
            async with self._pool.held() as held:
                await (await held.prepared(text)).fetch(*values)
        except asyncpg.PostgresError as error:
            if _again(error):
                return False
            raise
        except GONE as error:
            if isinstance(error, ValueError):
                raise  # a value that the driver cannot send: our fault, not the database's
            raise Problem("STO-503") from None
        return True


def _again(error: asyncpg.PostgresError) -> bool:
    """Tell whether the batch is to start over. Raises the Problem where that would not help."""
    if error.sqlstate == _MARKED:
        raise Problem("STO-409", what="message") from None
    if error.sqlstate == _AHEAD:
        raise Problem("STO-409", what="consumer") from None
    if isinstance(error, GONE):
        raise Problem("STO-503") from None
    return error.sqlstate == _CHANGED or isinstance(
        error, asyncpg.UniqueViolationError | asyncpg.DeadlockDetectedError | asyncpg.SerializationError
    )


def _calls(planned: Sequence[Planned], batch: Batch, sealer: Sealer) -> tuple[list[str], list[Any]]:
    """Return the functions to call, rows in the order in which everybody locks them, and their values."""
    calls: list[str] = []
    values: list[Any] = []

    def call(function: str, *arguments: tuple[Any, str]) -> None:
        places = []
        for value, type_ in arguments:
            values.append(value)
            places.append(f"${len(values)}::{type_}")
        calls.append(f"{function}({', '.join(places)})")

    for table in PARTITIONS:
        rows = sorted((each.row for each in planned if each.table == table and each.row), key=lambda row: row[:2])
        if rows:
            kept = sum(row.seen > 0 for row in rows)
            call(f"put_{table.removeprefix('res_')}", (rows, "res_in[]"), (kept, "int"))
    dates = [
        (each.row.type, each.row.rid, each.row.bucket, *span) for each in planned if each.row for span in each.dates
    ]
    if dates:
        call("put_dates", (dates, "dat[]"))
    numbers = [
        (each.row.type, each.row.rid, each.row.bucket, *found) for each in planned if each.row for found in each.numbers
    ]
    if numbers:
        call("put_numbers", (numbers, "num_in[]"))
    if batch.marks:
        call("put_marks", ([_mark(mark, sealer) for mark in batch.marks], "mark_in[]"))
    entries = [*_reports(planned, batch), *batch.entries]
    if entries:
        call("put_entries", ([uuid4() for _ in entries], "uuid[]"), (entries, "bytea[]"))
    if batch.cursors:
        names, cursors = zip(*batch.cursors, strict=True)
        call("put_cursors", (names, "text[]"), (cursors, "text[]"))
    return calls, values


def _reports(planned: Sequence[Planned], batch: Batch) -> Iterator[bytes]:
    """Yield the entries that tell what the commit did."""
    if batch.report:
        yield batch.report(_account(planned, batch.marks))
    written = marked = 0
    for each in batch.reports:
        own = planned[written : written + each.writes], batch.marks[marked : marked + each.marks]
        written, marked = written + each.writes, marked + each.marks
        if each.report:
            yield each.report(_account(*own))


def _account(planned: Sequence[Planned], marks: Sequence[InboxMark]) -> list[str]:
    """Return what the journal is told of this commit."""
    told = [_told(each.outcome, each.row) for each in planned if each.row]
    return told + [accounts.message(mark.digest) for mark in marks if NUMBER_OF[mark.state] == STORED]


def _told(outcome: Committed, row: ResIn) -> str:
    stored = outcome.stored
    if outcome.changed:
        return accounts.version(stored.kind, stored.id, stored.version, row.sha)
    return accounts.indexed(stored.kind, stored.id, stored.version)


def _mark(mark: InboxMark, sealer: Sealer) -> tuple[Any, ...]:
    place = reply_place(mark.sender, mark.message_id, mark.digest)
    result = sealer.seal(mark.result, place) if mark.result else None
    return mark.sender, mark.message_id, mark.digest, NUMBER_OF[mark.state], mark.reason, result


def reply_place(sender: str, message_id: str, digest: bytes) -> bytes:
    """Return what a kept reply is bound to."""
    return f"inbox reply|{sender}|{message_id}|".encode() + digest
