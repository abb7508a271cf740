"""Check the rows of one resource: its current version, the past ones, what it is found by. Pure but for opening.

In: the rows as they lie in the database. Out: findings, and the word of each version for the ledger. We need of
0 every version: it opens for its kind, id and number · 1 its row's time and deletion mark are the body's · and of the
current one: 2 its digest · 3 its columns are those that its facts and content give · 4 its dates, too · and of all
together: 5 versions from 1 without a gap, none beyond the current, times in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from gateway.fhir import codec
from gateway.fhir import search as parameters
from gateway.fhir.index import Entry
from gateway.fhir.problem import Problem
from gateway.store import accounts
from gateway.store.postgres import sealed
from gateway.store.postgres.fsck import findings
from gateway.store.postgres.fsck.findings import Finding
from gateway.store.postgres.hashing import Hashes
from gateway.store.postgres.indexing import Indexed, bucket, indexed
from gateway.store.postgres.kinds import NAMES
from gateway.store.postgres.numbers import Number
from gateway.store.protocol import Sealer, Stored

DateRow = tuple[int, datetime, datetime]
_COLUMNS = {
    "stray": "stray",
    "pat": "patient",
    "lo": "low",
    "hi": "high",
    "sec": "facts",
    "keys": "keys",
    "idents": "identifiers",
    "ixh": "digest",
}


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one resource: the current one, the past ones by number, those of the indexes of dates and numbers."""

    current: Any
    past: Sequence[Any]
    dates: frozenset[DateRow]
    numbers: frozenset[Number] = frozenset()


def check(rows: Rows, sealer: Sealer, hashes: Hashes) -> Iterator[Finding | str]:
    """Yield what is wrong, and the word of every version that opens."""
    current = rows.current
    kind, id_ = NAMES[current["type"]], current["id"]
    yield from _history(rows, kind, id_)
    for row in rows.past:
        stored = _opened(sealer, row)
        yield findings.sealed(_place(row)) if stored is None else word(stored, sealer)
        if stored is not None and not _true_to(stored, row):
            yield findings.unlike(_place(row))
    stored = _opened(sealer, current)
    if stored is None:
        yield findings.sealed(_place(current))
        return
    yield word(stored, sealer)
    if not _true_to(stored, current):
        yield findings.unlike(_place(current))
    if current["sha"] != content_digest(stored, sealer):
        yield findings.digest(_place(current))
    yield from _indexed(rows, stored, hashes)


def words(rows: Rows, sealer: Sealer) -> Iterator[tuple[str, datetime]]:
    """Yield the word and time of every version that opens."""
    for row in (*rows.past, rows.current):
        stored = _opened(sealer, row)
        if stored is not None:
            yield word(stored, sealer), row["ts"]


def word(stored: Stored, sealer: Sealer) -> str:
    """Return the word for ``stored`` as its commit told it."""
    return accounts.version(stored.kind, stored.id, stored.version, content_digest(stored, sealer))


def content_digest(stored: Stored, sealer: Sealer) -> bytes:
    """Return the keyed digest of facts and content, as `writing` makes it."""
    content = codec.unstamped(stored.body) if stored.body else b""
    return sealer.digest(sealed.packed(stored.facts) + b"\n" + content)


def _opened(sealer: Sealer, row: Any) -> Stored | None:
    try:
        return sealed.opened(sealer, row)
    except Problem:
        return None


def _true_to(stored: Stored, row: Any) -> bool:
    """Tell whether the row's time and deletion mark are those of the sealed body."""
    if stored.deleted or not stored.body:
        return bool(row["deleted"]) and not stored.body
    return codec.stamp(stored.body, stored.version, stored.updated) == stored.body


def _history(rows: Rows, kind: str, id: str) -> Iterator[Finding]:  # noqa: A002 - FHIR's word
    current = rows.current["ver"]
    numbers = [row["ver"] for row in rows.past]
    for number in sorted(set(range(1, current)) - set(numbers)):
        yield findings.gap(findings.version(kind, id, number))
    for number in numbers:
        if not 0 < number < current:
            yield findings.ahead(findings.version(kind, id, number), current)
    for before, after in pairwise((*rows.past, rows.current)):
        if after["ts"] < before["ts"]:
            yield findings.disordered(_place(after))


def _indexed(rows: Rows, stored: Stored, hashes: Hashes) -> Iterator[Finding]:
    current = rows.current
    entries: tuple[Entry, ...] = ()
    if stored.body:
        entries = tuple(parameters.extract(stored.kind, codec.parse_exact(codec.unstamped(stored.body))))
    should = indexed(stored.kind, stored.facts, entries, hashes)
    wrong = [column for column, name in _COLUMNS.items() if _has(current[column]) != getattr(should, name)]
    wrong += ["lvl"] if current["lvl"] != stored.facts.level else []
    wrong += ["bucket"] if current["bucket"] != bucket(stored.facts, stored.id, hashes) else []
    if wrong:
        yield findings.columns(_place(current), sorted(wrong))
    yield from _dates(rows, should)


def _dates(rows: Rows, should: Indexed) -> Iterator[Finding]:
    wanted = frozenset(should.dates)
    if wanted != rows.dates:
        added, missing = len(rows.dates - wanted), len(wanted - rows.dates)
        yield findings.dates(_place(rows.current), added=added, missing=missing)
    counted = frozenset(should.numbers)
    if counted != rows.numbers:
        added, missing = len(rows.numbers - counted), len(counted - rows.numbers)
        yield findings.numbers(_place(rows.current), added=added, missing=missing)


def _has(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _place(row: Any) -> str:
    return findings.version(NAMES[row["type"]], row["id"], row["ver"])
