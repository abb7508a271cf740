"""Index what is stored as this program would: what an older one wrote is then found by what it did not know.

In: the store. Out: how many rows were looked at and how many were indexed anew. No version is made: a write of what is
there already mends the index alone. Written meanwhile by a running gateway: left to it. Source: docs/decisions/0110.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from gateway.fhir import codec
from gateway.fhir import search as parameters
from gateway.fhir.problem import Problem
from gateway.store.protocol import Batch, FhirStore, Stored, Write

STEP: Final = 200
"""Rows of one commit (design default)."""
Progress = Callable[[int], None]


class Reindexed(NamedTuple):
    """How many current versions were ``seen``; ``left`` were written by somebody else meanwhile."""

    seen: int
    left: int


async def reindex(store: FhirStore, *, progress: Progress | None = None) -> Reindexed:
    """Go through every current version; ``progress`` hears how many are done. May be run again at any time.

    Raises what the store raises, STO-503 for instance; what is done is done.
    """
    cursor, seen, left = "", 0, 0
    while True:
        stretch = await store.changes(cursor, limit=STEP)
        living = [row for row in stretch.rows if not row.deleted]
        left += await _written(store, living)
        seen += len(living)
        if progress:
            progress(seen)
        if stretch.cursor == cursor:
            return Reindexed(seen, left)
        cursor = stretch.cursor


async def _written(store: FhirStore, rows: Sequence[Stored]) -> int:
    """Write ``rows`` as they are; return how many another writer was faster with."""
    if not rows:
        return 0
    try:
        await store.commit(Batch(tuple(map(_again, rows))))
    except Problem as problem:
        if problem.code not in ("STO-410", "STO-412"):
            raise
        if len(rows) == 1:
            return 1
        return sum([await _written(store, [row]) for row in rows])
    return 0


def _again(row: Stored) -> Write:
    doc = codec.parse_exact(row.body)
    return Write(row.kind, row.id, row.body, row.facts, parameters.extract(row.kind, doc), expect=row.version)
