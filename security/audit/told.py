"""Read out of the journal what it tells of the store: which versions and messages each commit wrote, what arrived.

In: a connection in a snapshot, the keys. Out: entries in the order of time; rows that do not open are passed over
(`fsck` names them). What waits for its place in the chain is told, too: it was committed with what it reports.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import asyncpg

from gateway.fhir.problem import Problem
from security.audit.record import Entry
from security.audit.search import opened
from security.audit.view import recorded
from security.audit.writer import Connection, read
from security.crypto import Keys

FETCH = 2000
"""Rows a round trip, as in `fsck`."""
WRITING: Final = ("create", "update", "delete", "transaction", "ingest")
"""The actions whose entries travel in a commit of the store, and the arrival of a message."""
_ROWS = """
SELECT writer, seq, ts, action, outcome, elder, agent, entity, body FROM audit.event
WHERE action = ANY ($1) ORDER BY ts, writer, seq"""
_PENDING = "SELECT entry FROM audit_pending ORDER BY ts, id"


@dataclass(frozen=True, slots=True)
class Line:
    """One entry and where it stands: `writer#seq time`; of one that is not chained yet, `pending time`."""

    place: str
    entry: Entry


async def told(connection: Connection, keys: Keys) -> AsyncIterator[Line]:
    """Yield the entries of what was written and what arrived, oldest first; those still pending last."""
    cursor = await connection.cursor(_ROWS, list(WRITING))
    while rows := await cursor.fetch(FETCH):
        for row in rows:
            entry = _opened(keys, row)
            if entry is not None:
                yield Line(f"{row['writer']}#{row['seq']} {recorded(entry)}", entry)
    for row in await connection.fetch(_PENDING):
        entry = read(row["entry"], at=0)
        if entry.action in WRITING:
            yield Line(f"pending {recorded(entry)}", entry)


def _opened(keys: Keys, row: asyncpg.Record) -> Entry | None:
    try:
        return opened(keys, row)
    except Problem:
        return None
