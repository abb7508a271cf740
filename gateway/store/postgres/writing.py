"""One write worked out against what is stored: refuse it, keep the version, or make the next one.

In: a write and the row it meets, if any. Out: the row to put and what the caller will be told. Pure but for sealing.
Source: `gateway.store.protocol`; FHIR R4 http.html#update, #delete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from gateway.fhir import codec
from gateway.fhir.problem import Problem
from gateway.store.postgres import sealed
from gateway.store.postgres.hashing import Hashes
from gateway.store.postgres.indexing import Indexed, bucket, indexed
from gateway.store.postgres.kinds import NUMBERS, partition
from gateway.store.postgres.numbers import Number
from gateway.store.protocol import ANY_VERSION, MUST_NOT_EXIST, Committed, Sealer, Stored, Write

_NO_INDEX = ()


class ResIn(NamedTuple):
    """One row as the database's functions take it (type res_in of revision 0001)."""

    type: int
    id: str
    seen: int
    ver: int
    reindex: bool
    ts: datetime
    deleted: bool
    bucket: int
    rid: int
    stray: bool
    lvl: int
    pat: int | None
    lo: datetime | None
    hi: datetime | None
    sec: tuple[int, ...]
    keys: tuple[int, ...]
    idents: tuple[int, ...]
    ixh: int
    sha: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Planned:
    """One write ready for the database: its table, its row, its other dates, the outcome, its numbers."""

    table: str
    row: ResIn | None
    dates: tuple[tuple[int, datetime, datetime], ...]
    outcome: Committed
    numbers: tuple[Number, ...] = ()


class Planner:
    """Work out writes."""

    def __init__(self, sealer: Sealer, hashes: Hashes, *, new_row: Callable[[], int]) -> None:
        """Hold what seals, the keyed hashes and the maker of row ids."""
        self._sealer = sealer
        self._hashes = hashes
        self._new_row = new_row

    def plan(self, write: Write, current: Any, *, now: datetime) -> Planned:
        """Return what ``write`` does to ``current``. Raises STO-404, STO-410, STO-412."""
        _demand(write, current)
        if current is not None and current["deleted"] and write.deleted:
            return self._unchanged(write, current)
        if write.deleted:
            return self._new_version(write, current, b"", self._digest(write), now)
        digest = self._digest(write)
        if current is not None and not current["deleted"] and current["sha"] == digest:
            return self._kept(write, current, digest)
        return self._new_version(write, current, write.body, digest, now)

    def _new_version(self, write: Write, current: Any, body: bytes, digest: bytes, now: datetime) -> Planned:
        version = 1 if current is None else current["ver"] + 1
        at = sealed.moment(now if current is None else max(now, current["ts"]))
        stamped = codec.stamp(body, version, at) if body else b""
        stored = Stored(write.kind, write.id, version, at, write.deleted, stamped, write.facts)
        columns = self._indexed(write)
        blob = sealed.seal(self._sealer, write.facts, stamped, kind=write.kind, id=write.id, version=version)
        row = self._row(write, current, columns, version=version, at=at, digest=digest, blob=blob)
        created = current is None or current["deleted"]
        outcome = Committed(stored, created=created and not write.deleted, changed=True)
        dates, numbers = (columns.dates, columns.numbers) if row.reindex else ((), ())
        return Planned(partition(write.kind), row, dates, outcome, numbers)

    def _kept(self, write: Write, current: Any, digest: bytes) -> Planned:
        """Keep the version; a row indexed in another way (by older code) is indexed anew.

        Any other row is left alone, not even locked: one that every message names (its hospital) must not make them
        wait for each other.
        """
        columns = self._indexed(write)
        if current["ixh"] == columns.digest:
            return self._unchanged(write, current)
        stored = sealed.opened(self._sealer, current)
        row = self._row(
            write, current, columns, version=current["ver"], at=current["ts"], digest=digest, blob=current["body"]
        )
        outcome = Committed(stored, created=False, changed=False)
        return Planned(partition(write.kind), row, columns.dates, outcome, columns.numbers)

    def _unchanged(self, write: Write, current: Any) -> Planned:
        outcome = Committed(sealed.opened(self._sealer, current), created=False, changed=False)
        return Planned(partition(write.kind), None, (), outcome)

    def _indexed(self, write: Write) -> Indexed:
        return indexed(write.kind, write.facts, _NO_INDEX if write.deleted else write.index, self._hashes)

    def _row(  # noqa: PLR0913 - one keyword a column that is not indexed
        self,
        write: Write,
        current: Any,
        columns: Indexed,
        *,
        version: int,
        at: datetime,
        digest: bytes,
        blob: bytes,
    ) -> ResIn:
        mark = columns.digest
        return ResIn(
            type=NUMBERS[write.kind],
            id=write.id,
            seen=0 if current is None else current["ver"],
            ver=version,
            reindex=current is None or current["ixh"] != mark,
            ts=at,
            deleted=write.deleted,
            bucket=bucket(write.facts, write.id, self._hashes) if current is None else current["bucket"],
            rid=self._new_row() if current is None else current["rid"],
            stray=columns.stray,
            lvl=write.facts.level,
            pat=columns.patient,
            lo=columns.low,
            hi=columns.high,
            sec=columns.facts,
            keys=columns.keys,
            idents=columns.identifiers,
            ixh=mark,
            sha=digest,
            body=blob,
        )

    def _digest(self, write: Write) -> bytes:
        content = b"" if write.deleted else codec.unstamped(write.body)
        return self._sealer.digest(sealed.packed(write.facts) + b"\n" + content)


def _demand(write: Write, current: Any) -> None:
    """Raise unless ``current`` is what the write expects."""
    if current is None:
        if write.deleted:
            raise Problem("STO-404")
        if write.expect > MUST_NOT_EXIST:
            raise Problem("STO-412", kind=write.kind, id=write.id)
        return
    if current["deleted"]:
        if write.expect > MUST_NOT_EXIST and not write.deleted:
            raise Problem("STO-410", kind=write.kind, id=write.id)
        if write.expect > MUST_NOT_EXIST and write.expect != current["ver"]:
            raise Problem("STO-412", kind=write.kind, id=write.id)
        return
    if write.expect not in (ANY_VERSION, current["ver"]):
        raise Problem("STO-412", kind=write.kind, id=write.id)
