"""Verify the journal: does every record stand where it was written, unchanged, and is none missing?

In: the database, the keys if at hand, the anchor file if there is one. Out: a `Report` that names the first bad
record of every writer. For each writer, in order, we need of every record:
0 its number follows the last · 1 the chain leads from the last record to it · 2 with keys: its body opens in its
place · 3 every signed checkpoint at it agrees — and of the whole: 4 it reaches as far as the farthest signed checkpoint
· 5 its head says the same · 6 the checkpoints themselves are signed, numbered without gap, and all anchored ones exist.
Source: GB/T 22239-2019 8.1.4.3 c; security.md AUD-04.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from gateway.fhir.problem import Problem
from security.audit import findings
from security.audit.chain import Head, Place
from security.audit.findings import Finding
from security.audit.notes import Notes, collect
from security.audit.writer import Connection, Pool
from security.crypto import Keys

# Rows a round trip: large enough that the trip costs nothing, small enough for memory.
FETCH = 2000
_ROWS = """
SELECT seq, (extract(epoch FROM ts) * 1000000)::bigint, action, outcome, elder, agent, entity, body, chain
FROM audit.event WHERE writer = $1 ORDER BY seq, ts"""
_WRITERS = """
SELECT w.writer, h.seq, h.chain, h.frontier
FROM (SELECT writer FROM audit.head UNION SELECT DISTINCT writer FROM audit.event) w
LEFT JOIN audit.head h USING (writer) ORDER BY w.writer"""


@dataclass(slots=True)
class Report:
    """What `verify` found. ``ok`` when nothing is wrong; counts are of what was read.

    ``keyed`` tells whether bodies and signatures were checked, ``anchored`` how many anchored notes there were.
    """

    events: int = 0
    writers: int = 0
    checkpoints: int = 0
    anchored: int = 0
    keyed: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Return whether the journal is whole."""
        return not self.findings


async def verify(pool: Pool, keys: Keys | None, anchor_path: Path | None) -> Report:
    """Read the whole journal in one snapshot and report. Without ``keys`` only the chain itself can be checked."""
    report = Report(keyed=keys is not None)
    # The anchor first: whatever it names was committed before, so the snapshot must have it.
    notes = collect(anchor_path, keys)
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await notes.add_stored(connection)
        for row in await connection.fetch(_WRITERS):
            await _verify_writer(connection, row, keys, notes, report)
    report.checkpoints, report.anchored = notes.stored, notes.anchored
    report.findings += [*notes.findings, *notes.unknown_writers()]
    return report


async def _verify_writer(
    connection: Connection, known: asyncpg.Record, keys: Keys | None, notes: Notes, report: Report
) -> None:
    writer, head = known["writer"], Head()
    report.writers += 1
    notes.seen.add(writer)
    async for row in _rows(connection, writer):
        report.events += 1
        bad = _verify_row(writer, head, row, keys) or notes.disagreement(writer, head, row[1])
        if bad:
            report.findings.append(bad)
            return
    report.findings += [bad for bad in (notes.cut(writer, head.seq), _verify_head(writer, head, known)) if bad]


async def _rows(connection: Connection, writer: str) -> AsyncIterator[asyncpg.Record]:
    cursor = await connection.cursor(_ROWS, writer)
    while rows := await cursor.fetch(FETCH):
        for row in rows:
            yield row


def _verify_row(writer: str, head: Head, row: asyncpg.Record, keys: Keys | None) -> Finding | None:
    """Check (0) number, (1) chain, (2) body, and move ``head`` past the row."""
    seq, at, action, outcome, elder, agent, entity, body, chain = row
    expected = head.seq + 1
    if seq != expected:
        return findings.gap(writer, expected, at) if seq > expected else findings.twice(writer, seq, at)
    place = Place(writer, seq, at, action, outcome, elder, agent, entity).pack()
    if head.extend(place, body) != chain:
        return findings.altered(writer, seq, at)
    if keys is not None and not _opens(keys, body, place):
        return findings.forged(writer, seq, at)
    return None


def _opens(keys: Keys, body: bytes, place: bytes) -> bool:
    try:
        keys.authenticate(body, place)
    except Problem as problem:
        if problem.code == "SEC-901":
            return False
        raise
    return True


def _verify_head(writer: str, head: Head, known: Any) -> Finding | None:
    if known["seq"] == head.seq and known["chain"] == head.chain and known["frontier"] == head.tree.pack():
        return None
    return findings.head(writer, head.seq)
