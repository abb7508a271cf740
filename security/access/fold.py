"""Make a predicate small for one kind: constants folded, sets of the same fact joined.

Holds exactly where the predicate held, for facts of that kind and one of its classes (proved by property test).
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.fhir.predicate import EVERYTHING, NOTHING, All, AnyOf, Const, In, Not, Predicate


def fold(predicate: Predicate, kind: str, classes: frozenset[str]) -> Predicate:
    """Return ``predicate`` for resources of ``kind``, whose data class is one of ``classes``."""
    match predicate:
        case In():
            return _test(predicate, kind, classes)
        case Not(part):
            return _negate(fold(part, kind, classes))
        case All(parts):
            return _all([fold(part, kind, classes) for part in parts])
        case AnyOf(parts):
            return _any([fold(part, kind, classes) for part in parts])
        case _:
            return predicate


def _test(test: In, kind: str, classes: frozenset[str]) -> Predicate:
    match test:
        case In("kind", values):
            return Const(kind in values)
        case In("klass", values) if classes <= values:
            return EVERYTHING
        case In("klass", values):
            return In("klass", values & classes) if values & classes else NOTHING
        case In(_, values):
            return test if values else NOTHING


def _negate(part: Predicate) -> Predicate:
    match part:
        case Const(value):
            return Const(not value)
        case Not(inner):
            return inner
        case _:
            return Not(part)


def _all(parts: Iterable[Predicate]) -> Predicate:
    """Join by AND; sets of elders are intersected, since a resource has one elder."""
    elders: frozenset[str] | None = None
    others: dict[Predicate, None] = {}
    for part in _flat(parts, All):
        match part:
            case Const(False):
                return NOTHING
            case Const(True):
                continue
            case In("elder", values):
                elders = values if elders is None else elders & values
            case _:
                others[part] = None
    if elders is not None and not elders:
        return NOTHING
    joined = ((In("elder", elders),) if elders is not None else ()) + tuple(others)
    return _single(joined, All, EVERYTHING)


def _any(parts: Iterable[Predicate]) -> Predicate:
    """Join by OR; sets of the same fact are united."""
    sets: dict[str, In] = {}
    others: dict[Predicate, None] = {}
    for part in _flat(parts, AnyOf):
        match part:
            case Const(True):
                return EVERYTHING
            case Const(False):
                continue
            case In(field, values):
                known = sets.get(field)
                sets[field] = part if known is None else In(field, known.values | values)
            case _:
                others[part] = None
    return _single((*sets.values(), *others), AnyOf, NOTHING)


def _flat(parts: Iterable[Predicate], joint: type[All] | type[AnyOf]) -> Iterable[Predicate]:
    for part in parts:
        if isinstance(part, joint):
            yield from part.parts
        else:
            yield part


def _single(parts: tuple[Predicate, ...], joint: type[All] | type[AnyOf], empty: Predicate) -> Predicate:
    if not parts:
        return empty
    return parts[0] if len(parts) == 1 else joint(parts)
