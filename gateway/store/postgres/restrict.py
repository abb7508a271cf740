"""A predicate over facts as a condition of SQL on `res r`. Every form of `gateway.fhir.predicate` has one.

Elders are matched by the compartment's hash, sets by the hashes in ``sec``; a level as it is. A caller's restriction
comes with each of its searches and names all its elders: it is made once, and once more for each way in which the one
elder whose rows are asked for stands in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from gateway.fhir.predicate import EVERYTHING, NOTHING, All, AnyOf, Const, In, LevelAtMost, Not, Predicate
from gateway.store.postgres.hashing import Hash, fact_text
from gateway.store.postgres.indexing import patient_text
from gateway.store.postgres.sql import Statement

KEPT: Final = 500
"""Restrictions kept made before all are forgotten: some dozen callers times some dozen kinds (design default)."""


class Made(NamedTuple):
    """A condition whose values stand at the first places of a statement."""

    text: str
    values: tuple[Any, ...]


class _Kept(NamedTuple):
    """A restriction, held so that its identity is nobody else's, its sets of elders, and what was made of it."""

    predicate: Predicate
    elders: tuple[frozenset[str], ...]
    made: dict[tuple[str, tuple[bool, ...] | None], Made]
    folded: dict[tuple[str, tuple[bool, ...]], Predicate]


class Restrictions:
    """Make restrictions into SQL, each once."""

    def __init__(self, make: Hash, *, keep: int = KEPT) -> None:
        """Hash with ``make``, the installation's keyed hash; ``keep`` restrictions made."""
        self._make = make
        self._keep = keep
        self._kept: dict[int, _Kept] = {}
        self._hashes: dict[frozenset[str], list[int]] = {}
        self._same: dict[Predicate, Predicate] = {}

    def of(self, predicate: Predicate, kind: str, elder: str | None = None) -> Made:
        """Return ``predicate`` on rows of ``kind``; with ``elder`` on those of that compartment alone.

        Then no row is looked for among all of the caller's elders: whether this one is there is known.
        """
        kept = self._known(predicate)
        key = (kind, None if elder is None else tuple([elder in elders for elders in kept.elders]))
        made = kept.made.get(key)
        if made is None:
            statement = Statement(self._make)
            text = self.condition(given(predicate, kind, elder), statement)
            made = kept.made[key] = Made(text, tuple(statement.values))
        return made

    def folded(self, predicate: Predicate, kind: str, elder: str) -> Predicate:
        """Return what ``predicate`` leaves to ask of rows of ``kind`` of ``elder``; one object for what is equal."""
        kept = self._known(predicate)
        key = (kind, tuple([elder in elders for elders in kept.elders]))
        found = kept.folded.get(key)
        if found is None:
            made = given(predicate, kind, elder)
            found = kept.folded[key] = self._same.setdefault(made, made)
        return found

    def _known(self, predicate: Predicate) -> _Kept:
        kept = self._kept.get(id(predicate))
        if kept is None:
            if len(self._kept) >= self._keep:
                self._kept.clear()
                self._hashes.clear()
                self._same.clear()
            kept = self._kept[id(predicate)] = _Kept(predicate, tuple(_elders(predicate)), {}, {})
        return kept

    def condition(self, predicate: Predicate, statement: Statement) -> str:
        """Return ``predicate``, whose constants are folded, as SQL that is never NULL."""
        match predicate:
            case Const(value):
                return "true" if value else "false"
            case LevelAtMost(level):
                return f"r.lvl <= {statement.bind(level, 'smallint')}"
            case Not(part):
                return f"NOT ({self.condition(part, statement)})"
            case All(parts) | AnyOf(parts):
                word = " AND " if isinstance(predicate, All) else " OR "
                return f"({word.join([self.condition(part, statement) for part in _cheap_first(parts)])})"
            case In("elder", values):
                return self._in_compartments(values, statement)
            case In(field, values):
                return f"r.sec && {statement.hashes(fact_text(field, value) for value in values)}"

    def _in_compartments(self, elders: frozenset[str], statement: Statement) -> str:
        inside = ""
        if elders != {""}:
            inside = f"(r.pat IS NOT NULL AND r.pat = ANY({statement.bind(self._hashed(elders), 'bigint[]')}))"
        if "" not in elders:
            return inside
        return f"({inside} OR r.pat IS NULL)" if inside else "r.pat IS NULL"

    def _hashed(self, elders: frozenset[str]) -> list[int]:
        """Return the hashes of the compartments of ``elders``; one list for the same elders, whoever asks."""
        found = self._hashes.get(elders)
        if found is None:
            found = self._hashes[elders] = sorted(self._make(patient_text(elder)) for elder in elders if elder)
        return found


def given(predicate: Predicate, kind: str, elder: str | None) -> Predicate:
    """Return ``predicate`` where the kind, and the elder unless None, is known; constants are folded away."""
    match predicate:
        case In():
            return _known(predicate, kind, elder)
        case Not(part):
            inner = given(part, kind, elder)
            return Const(not inner.value) if isinstance(inner, Const) else Not(inner)
        case All(parts) | AnyOf(parts):
            neutral, decides = (EVERYTHING, NOTHING) if isinstance(predicate, All) else (NOTHING, EVERYTHING)
            left = tuple(part for each in parts if (part := given(each, kind, elder)) != neutral)
            if decides in left:
                return decides
            return type(predicate)(left) if left else neutral
        case _:
            return predicate


def _known(test: In, kind: str, elder: str | None) -> Predicate:
    if test.field == "kind":
        return Const(kind in test.values)
    if test.field == "elder" and elder is not None:
        return Const(elder in test.values)
    return test if test.values else NOTHING


def _cheap_first(parts: Iterable[Predicate]) -> list[Predicate]:
    """Return ``parts`` so that those which look for a row among many elders come last: few rows then need them."""
    return sorted(parts, key=lambda part: any(True for _ in _elders(part)))


def _elders(predicate: Predicate) -> Iterator[frozenset[str]]:
    """Yield the sets of elders in ``predicate``."""
    match predicate:
        case In("elder", values):
            yield values
        case Not(part):
            yield from _elders(part)
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _elders(part)
