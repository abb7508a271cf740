"""What the hub is handed and hands back: resources as this caller may see them, and what became of a write.

Plain values. A door renders them; it never sees a stored row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.fhir import compartments
from gateway.fhir.problem import Problem
from gateway.fhir.proof import Accepted
from gateway.fhir.subset import WHOLE, Portion
from gateway.store.protocol import ANY_VERSION as ANY_VERSION  # the doors name it too
from gateway.store.protocol import Committed, Stored

Doc = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Released:
    """One version that may leave. ``body`` is JSON: the stored bytes, or the masked resource when ``masked``.

    ``deleted`` rows stand only in a history; their body is b"".
    """

    kind: str
    id: str
    version: int
    updated: datetime
    body: bytes
    masked: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a search or history. ``query`` and ``next`` are the query strings of its links, without "?".

    Identifiers in ``query`` are blinded; ``next`` ("" at the end) opens only for the same caller. ``warnings`` name
    parameters that were ignored. ``included`` are what `_include` and `_revinclude` bring, none of them in ``rows``. Of
    each row a door shows the ``portion`` that was asked for.
    """

    rows: tuple[Released, ...]
    query: str = ""
    next: str = ""
    total: int | None = None
    warnings: tuple[Problem, ...] = ()
    included: tuple[Released, ...] = ()
    portion: Portion = WHOLE


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of one write. ``released`` is None where the caller may not read what it wrote, or deleted it."""

    kind: str
    id: str
    version: int
    updated: datetime
    created: bool
    changed: bool
    released: Released | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A resource on its way to the store: its bytes as they came, the same parsed, and the version it replaces."""

    kind: str
    id: str
    body: bytes
    doc: Doc
    prior: Stored | None = None

    def elder(self, base: str) -> str:
        """Return the id of the Patient whose compartment it is in ("" for none). Raises Problem FHIR-024."""
        return self.id if self.kind == "Patient" else compartments.elder_of(self.doc, base)


@dataclass(frozen=True, slots=True)
class Put:
    """One resource that an inner actor hands in, with its id.

    ``expect`` is the version it was read as, MUST_NOT_EXIST, or ANY_VERSION. ``sent`` are the identifiers
    ("system|value") that the sender's own record carried for a Patient (None: see `Gate.label`). ``accepted`` proves
    that ``doc`` was checked as it is.
    """

    doc: Doc
    expect: int = ANY_VERSION
    sent: tuple[str, ...] | None = None
    accepted: Accepted | None = None


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a batch of an inner actor, in the order of its resources."""

    committed: tuple[Committed, ...]

    @property
    def changed(self) -> int:
        """Return how many resources got a new version."""
        return sum(each.changed for each in self.committed)
