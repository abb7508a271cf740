"""The contract of a FHIR store: versions of resources, found again, changed atomically, followed in order.

Both stores pass the same conformance suite. No shared base class. A store keeps what it is given and decides
nothing: permission arrives as a predicate, index values and facts arrive computed, bodies arrive as bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from gateway.fhir.index import Entry
from gateway.fhir.predicate import Facts, Predicate
from gateway.fhir.query import Query, ReferenceTerm

ANY_VERSION = -1
"""``expect`` of a write that does not ask for a version."""
MUST_NOT_EXIST = 0
"""``expect`` of a create (a deleted resource does not exist; its version numbers go on)."""
UNCHAINED: Final[Mapping[str, Predicate]] = MappingProxyType({})
"""``chained`` of a search without chains: a chain to a kind that is not named finds nothing."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of one resource. ``body`` is the exact JSON (id and meta patched), b"" when deleted."""

    kind: str
    id: str
    version: int
    updated: datetime
    deleted: bool
    body: bytes
    facts: Facts


@dataclass(frozen=True, slots=True)
class Write:
    """Ask for a new version of ``kind``/``id``.

    ``body`` is the JSON without regard to meta.versionId and meta.lastUpdated: the store splices both in with the
    version and time that it assigns. ``expect`` is the current version demanded, ANY_VERSION, or MUST_NOT_EXIST.
    A write whose content (without meta.versionId/lastUpdated) equals the current version makes no new one.
    """

    kind: str
    id: str
    body: bytes
    facts: Facts
    index: tuple[Entry, ...] = ()
    expect: int = ANY_VERSION
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class InboxMark:
    """Move an inbox row to ``state`` in the same transaction (exactly-once effect)."""

    sender: str
    message_id: str
    digest: bytes
    state: str
    reason: str = ""
    result: bytes = b""


Report = Callable[[Sequence[str]], bytes]
"""Make the audit record of a commit, given what it did (`gateway.store.accounts`)."""


class Told(NamedTuple):
    """Of several who share a commit, the next: its ``report``, if it has one, and how many writes and marks are its."""

    report: Report | None
    writes: int
    marks: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that must happen together: writes, inbox marks, audit entries, consumer cursors.

    ``entries`` are finished audit records, queued in the same transaction for the journal's writer; ``report`` makes
    one more, which tells what the commit really did: the store alone knows which versions came of it. ``reports`` make
    one each, of their own writes and marks, where several share the commit.
    ``cursors`` moves named change-feed consumers (name -> cursor) so that their effect is exactly once.
    """

    writes: tuple[Write, ...] = ()
    marks: tuple[InboxMark, ...] = ()
    entries: tuple[bytes, ...] = ()
    cursors: tuple[tuple[str, str], ...] = ()
    report: Report | None = None
    reports: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class Committed:
    """The outcome of one write; ``changed`` is False for a no-op update (same version as before)."""

    stored: Stored
    created: bool
    changed: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search or history. ``next`` is the cursor of the following page ("" at the end)."""

    rows: tuple[Stored, ...]
    next: str = ""
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """A stretch of the change feed in commit order; ``cursor`` continues after it."""

    rows: tuple[Stored, ...] = field(default=())
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Compartment:
    """The current versions in the compartment of ``elder``, ``kinds`` each under its restriction.

    Only those changed at or after ``since`` (aware), and with ``about`` only those that refer to it by one of the
    reference parameters that ``by`` names for their kind.
    """

    elder: str
    kinds: Mapping[str, Predicate]
    count: int
    since: datetime | None = None
    about: ReferenceTerm | None = None
    by: Mapping[str, Sequence[str]] = field(default_factory=dict)


class FhirStore(Protocol):
    """Thirteen verbs over versions. For expected failures all raise Problem with a STO- or FHIR- code, nothing else."""

    async def read(self, kind: str, id: str) -> Stored | None:  # noqa: A002 - FHIR's word
        """Return the current version (deleted ones too, flagged), or None. One query."""
        ...

    async def read_many(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        """Return the current versions that exist of ``(kind, id)`` keys. One query."""
        ...

    async def vread(self, kind: str, id: str, version: int) -> Stored | None:  # noqa: A002 - FHIR's word
        """Return that version, current or past, or None."""
        ...

    async def search(
        self, query: Query, restriction: Predicate, *, chained: Mapping[str, Predicate] = UNCHAINED, bind: str = ""
    ) -> Page:
        """Return the page of undeleted current versions that match ``query`` and satisfy ``restriction``.

        Order is by ``query.sort``, then by row id (age); keyset cursor, so a page is stable under inserts. A match on
        an identifier or reference is decided again on the opened body, as is whatever an index only narrows down: then
        a page may be short, even empty, while ``next`` goes on. ``total`` is exact when asked for; ``count``
        0 gives the total alone. ``chained`` holds what the caller may see of each chain target's kind; nothing of a
        kind that it lacks. ``bind``
        (the caller's client and organisation, say) goes into the cursor: Problem STO-400 for a cursor that is
        altered, or of another ``bind`` or query; STO-413 where a chain meets too many targets, STO-420 where
        a total would open too many bodies.
        """
        ...

    async def compartment(self, asked: Compartment, *, cursor: str = "", bind: str = "") -> Page:
        """Return a page of one elder's rows of several kinds, by kind and age. One query. Raises STO-400 as `search`.

        A page may hold less than ``asked.count`` before the end.
        """
        ...

    async def history(self, kind: str, id: str, *, count: int, cursor: str = "", bind: str = "") -> Page:  # noqa: A002
        """Return versions newest first, deletions as rows with ``deleted``; empty when there never was one."""
        ...

    async def commit(self, batch: Batch) -> tuple[Committed, ...]:
        """Apply ``batch`` in one durable transaction, all or nothing; results in the order of the writes.

        Raises Problem("STO-412") where ``expect`` fails (detail: kind, id), ("STO-410") for a write expecting a
        version of a deleted one, ("STO-404") for the deletion of what never was, ("STO-409") when a mark's message
        is stored already or a consumer's cursor would not advance (somebody else has done the work), ("STO-503")
        when the database is gone. Retries deadlocks itself. ValueError for two writes of one resource.
        """
        ...

    async def changes(self, cursor: str, *, limit: int = 100, kinds: Collection[str] | None = None) -> Changes:
        """Return current versions changed after ``cursor`` ("" = from the start), gap-free under concurrency.

        With ``kinds`` only rows of those; the cursor passes the others, which count towards ``limit`` too.
        """
        ...

    async def news(self, seen: str, kinds: Collection[str]) -> tuple[Sequence[tuple[str, str]], str]:
        """Return ``(kind, id)`` of ``kinds`` that changed since the moment ``seen``, and the moment of this look.

        "" = no keys, the moment alone. Unordered and never late: what is committed is in the next answer, whatever
        transactions are still open. Deletions too. One query.
        """
        ...

    def wake(self) -> None:
        """Make every follower look now: another process may have committed."""
        ...

    async def cursor_of(self, consumer: str) -> str:
        """Return the committed cursor of the consumer ("" when it never ran)."""
        ...

    def follow(self) -> AsyncIterator[None]:
        """Yield whenever something may have been committed (local commits at once, others by polling <= 0.5 s)."""
        ...


class Sealer(Protocol):
    """What a store needs of `security.crypto`, by shape: it may not import it."""

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Return ``plain`` compressed and sealed; ``context`` is bound as associated data."""
        ...

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return the plain bytes. Raises Problem("SEC-901") when the blob was altered or moved."""
        ...

    def index_key(self, text: str) -> int:
        """Return the signed 64-bit keyed hash of ``text``."""
        ...

    def digest(self, data: bytes) -> bytes:
        """Return a keyed 32-byte digest of ``data``."""
        ...
