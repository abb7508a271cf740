"""What a row is found by: keyed hashes of tokens, references, identifiers and facts; dates as they are.

In: index values and facts. Out: the columns of `res` and the rows of `ident`, `dat` and `num`. The same functions make
the hashes of a question, so that both sides agree. What only an opened body decides leaves no trace.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import blake2b
from typing import NamedTuple

from gateway.fhir.index import Amount, Date, Entry, Identifier, Reference, Text, Token, Uri
from gateway.fhir.predicate import Facts
from gateway.fhir.query import ReferenceTerm, TokenTerm
from gateway.store.postgres import numbers, strings
from gateway.store.postgres.hashing import Hashes, system_text
from gateway.store.postgres.kinds import PROMOTED_DATES

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)
"""Stand for the open ends of a span."""
BUCKETS = 1024
UNHASHED = frozenset({"_security"})
"""Tokens of every row, rarely asked for: the opened body decides."""
Span = tuple[datetime, datetime]


class Indexed(NamedTuple):
    """The columns of one row. ``dates`` are (parameter number, from, to) of the dates that are not promoted."""

    stray: bool
    patient: int | None
    low: datetime | None
    high: datetime | None
    facts: tuple[int, ...]
    keys: tuple[int, ...]
    identifiers: tuple[int, ...]
    dates: tuple[tuple[int, datetime, datetime], ...]
    numbers: tuple[numbers.Number, ...] = ()

    @property
    def digest(self) -> int:
        """Return a 64-bit digest of everything indexed."""
        words = [*self.facts, len(self.facts), *self.keys, len(self.keys), *self.identifiers, self.patient or 0]
        spans = [(0, self.low or EARLIEST, self.high or EARLIEST), *self.dates]
        text = repr([(number, _written(low), _written(high)) for number, low, high in spans])
        if self.numbers:
            text += repr([(each.param, each.lo, each.hi, each.units) for each in self.numbers])
        data = struct.pack(f"<{len(words)}q?", *words, self.stray) + text.encode()
        return int.from_bytes(blake2b(data, digest_size=8).digest(), "little", signed=True)


def indexed(kind: str, facts: Facts, entries: Sequence[Entry], hashes: Hashes) -> Indexed:
    """Return the columns for ``entries`` and ``facts``."""
    keys: set[int] = set()
    identifiers: set[int] = set()
    spans: dict[str, set[Span]] = {}
    amounts: dict[numbers.Number, None] = {}
    stray = False
    for entry in entries:
        if isinstance(entry, Token):
            if entry.param not in UNHASHED:
                keys.update(hashes.token(entry))
        elif isinstance(entry, Reference):
            keys.update(hashes.reference(entry))
            stray = stray or (entry.kind == "Patient" and entry.id != facts.elder)
        elif isinstance(entry, Date):
            spans.setdefault(entry.param, set()).add((entry.low or EARLIEST, entry.high or LATEST))
        elif isinstance(entry, Identifier):
            identifiers.update(hashes.identifier(entry))
            keys.add(hashes.text(system_text(entry.param, entry.system or "")))
        elif isinstance(entry, Text):
            keys.update(hashes.string(entry))
        elif isinstance(entry, Uri):
            keys.update(map(hashes.text, strings.of_uri(entry)))
        elif isinstance(entry, Amount):
            amounts[numbers.number(entry, date_number(entry.param), hashes.text)] = None
    low, high = _promoted(spans.pop(PROMOTED_DATES.get(kind, ""), ()))
    return Indexed(
        stray=stray,
        patient=hashes.text(patient_text(facts.elder)) if facts.elder else None,
        low=low,
        high=high,
        facts=hashes.facts(facts),
        keys=tuple(sorted(keys)),
        identifiers=tuple(sorted(identifiers)),
        dates=tuple(sorted((date_number(param), *span) for param, found in spans.items() for span in found)),
        numbers=tuple(amounts),
    )


def token_text(param: str, term: TokenTerm) -> str:
    """Return the text whose hash a row has when ``term`` matches it."""
    if term.code is None:
        return system_text(param, term.system or "")
    if term.system is None:
        return f"c|{param}|{term.code}"
    return f"t|{param}|{term.system}|{term.code}"


def reference_text(param: str, term: ReferenceTerm) -> str:
    """Return the text whose hash a row has when ``term`` matches it."""
    return f"r|{param}|{term.kind}|{term.id}" if term.kind else f"i|{param}|{term.id}"


def patient_text(elder: str) -> str:
    """Return the text that stands for the compartment of ``elder``."""
    return f"p|{elder}"


def bucket(facts: Facts, id: str, hashes: Hashes) -> int:  # noqa: A002 - FHIR's word
    """Return the logical bucket: all of a compartment in one."""
    return hashes.text(f"b|{facts.elder or id}") % BUCKETS


@cache
def date_number(param: str) -> int:
    """Return the number of a date, number or quantity parameter: no two of R4 share one (a test says so)."""
    return zlib.crc32(param.encode()) - 2**31


@lru_cache(maxsize=4096)
def _written(moment: datetime) -> str:
    return moment.isoformat()


def _promoted(spans: Iterable[Span]) -> tuple[datetime | None, datetime | None]:
    found = sorted(spans)
    return (found[0][0], max(high for _, high in found)) if found else (None, None)
