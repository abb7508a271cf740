"""What a row is found by: keyed hashes of tokens, references, identifiers and facts; dates as they are.

In: index values and facts. Out: the columns of `res` and the rows of `ident` and `dat`. The same functions make the
hashes of a question, so that both sides agree. Texts, uris and amounts are not searchable yet and leave no trace.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

from gateway.fhir.index import Date, Entry, Identifier, Reference, Token
from gateway.fhir.predicate import Facts
from gateway.fhir.query import ReferenceTerm, TokenTerm
from gateway.store.postgres.kinds import PROMOTED_DATES

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)
"""Stand for the open ends of a span."""
BUCKETS = 1024
Hash = Callable[[str], int]
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

    @property
    def digest(self) -> int:
        """Return a 64-bit digest of everything indexed."""
        words = [*self.facts, len(self.facts), *self.keys, len(self.keys), *self.identifiers, self.patient or 0]
        spans = [(0, self.low or EARLIEST, self.high or EARLIEST), *self.dates]
        text = repr([(number, low.isoformat(), high.isoformat()) for number, low, high in spans])
        data = struct.pack(f"<{len(words)}q?", *words, self.stray) + text.encode()
        return int.from_bytes(blake2b(data, digest_size=8).digest(), "little", signed=True)


def indexed(kind: str, facts: Facts, entries: Sequence[Entry], make: Hash) -> Indexed:
    """Return the columns for ``entries`` and ``facts``; ``make`` is the installation's keyed hash."""
    keys: set[int] = set()
    identifiers: set[int] = set()
    spans: dict[str, set[Span]] = {}
    for entry in entries:
        match entry:
            case Token():
                keys.update(map(make, _token_texts(entry.param, entry.system or "", entry.code)))
            case Identifier():
                identifiers.update(map(make, _value_texts(entry.param, entry.system or "", entry.value)))
                keys.add(make(_system_text(entry.param, entry.system or "")))
            case Reference():
                keys.update(map(make, _reference_texts(entry)))
            case Date():
                spans.setdefault(entry.param, set()).add((entry.low or EARLIEST, entry.high or LATEST))
    low, high = _promoted(spans.pop(PROMOTED_DATES.get(kind, ""), set()))
    return Indexed(
        stray=_is_stray(facts, entries),
        patient=make(patient_text(facts.elder)) if facts.elder else None,
        low=low,
        high=high,
        facts=tuple(sorted(map(make, fact_texts(facts)))),
        keys=tuple(sorted(keys)),
        identifiers=tuple(sorted(identifiers)),
        dates=tuple(sorted((date_number(param), *span) for param, found in spans.items() for span in found)),
    )


def token_text(param: str, term: TokenTerm) -> str:
    """Return the text whose hash a row has when ``term`` matches it."""
    if term.code is None:
        return _system_text(param, term.system or "")
    if term.system is None:
        return f"c|{param}|{term.code}"
    return f"t|{param}|{term.system}|{term.code}"


def reference_text(param: str, term: ReferenceTerm) -> str:
    """Return the text whose hash a row has when ``term`` matches it."""
    return f"r|{param}|{term.kind}|{term.id}" if term.kind else f"i|{param}|{term.id}"


def patient_text(elder: str) -> str:
    """Return the text that stands for the compartment of ``elder``."""
    return f"p|{elder}"


def fact_text(field: str, value: str) -> str:
    """Return the text that stands for one fact."""
    return f"f|{field}|{value}"


def fact_texts(facts: Facts) -> Iterable[str]:
    """Yield the texts of the facts that a restriction may ask for in a set."""
    for field in ("controllers", "labels", "handed_to"):
        for value in getattr(facts, field):
            yield fact_text(field, value)
    yield fact_text("klass", facts.klass)


def bucket(facts: Facts, id: str, make: Hash) -> int:  # noqa: A002 - FHIR's word
    """Return the logical bucket: all of a compartment in one."""
    return make(f"b|{facts.elder or id}") % BUCKETS


@cache
def date_number(param: str) -> int:
    """Return the number of a date parameter: no two of R4's parameters share one (a test says so)."""
    return zlib.crc32(param.encode()) - 2**31


def _token_texts(param: str, system: str, code: str) -> Iterable[str]:
    return (*_value_texts(param, system, code), _system_text(param, system))


def _value_texts(param: str, system: str, value: str) -> Iterable[str]:
    return f"c|{param}|{value}", f"t|{param}|{system}|{value}"


def _system_text(param: str, system: str) -> str:
    return f"s|{param}|{system}"


def _reference_texts(entry: Reference) -> Iterable[str]:
    return f"r|{entry.param}|{entry.kind}|{entry.id}", f"i|{entry.param}|{entry.id}"


def _promoted(spans: Iterable[Span]) -> tuple[datetime | None, datetime | None]:
    found = sorted(spans)
    return (found[0][0], max(high for _, high in found)) if found else (None, None)


def _is_stray(facts: Facts, entries: Iterable[Entry]) -> bool:
    """Tell whether the resource refers to a Patient other than the one of its compartment."""
    return any(isinstance(e, Reference) and e.kind == "Patient" and e.id != facts.elder for e in entries)
