"""A predicate over the facts that a store can index of a resource: the form of a restriction.

`security.gate` turns the policy residual into it, a store turns it into its own query language, and `holds`
decides it on one resource's facts. Plain values, no behaviour of any store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold what is known of a stored resource apart from its content; computed at write, sealed with the body.

    ``elder`` is the id of the Patient whose compartment it is in ("" for none), ``controllers`` the
    organisations (credit codes) that wrote it, ``klass`` the consent data class, ``level`` 1..5
    (GB/T 39725-2020 6.2), ``labels`` sensitivity codes (e.g. PSY), ``handed_to`` the organisations to which a
    Task or ServiceRequest is handed over (empty while it is held), ``sent`` which identifiers ("system|value")
    each controller contributed to a Patient.
    """

    kind: str
    elder: str = ""
    controllers: tuple[str, ...] = ()
    klass: str = ""
    level: int = 4
    labels: tuple[str, ...] = ()
    handed_to: tuple[str, ...] = ()
    sent: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Const:
    """A predicate that is always ``value``."""

    value: bool


@dataclass(frozen=True, slots=True)
class In:
    """The fact ``field`` is one of (or, for tuples, shares one with) ``values``."""

    field: Literal["kind", "elder", "controllers", "klass", "labels", "handed_to"]
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class LevelAtMost:
    """The level is at most ``level``."""

    level: int


@dataclass(frozen=True, slots=True)
class Not:
    """The negation of ``part``."""

    part: Predicate


@dataclass(frozen=True, slots=True)
class All:
    """Every one of ``parts`` holds (true when empty)."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of ``parts`` holds (false when empty)."""

    parts: tuple[Predicate, ...]


Predicate = Const | In | LevelAtMost | Not | All | AnyOf

EVERYTHING = Const(value=True)
NOTHING = Const(value=False)


def holds(predicate: Predicate, facts: Facts) -> bool:
    """Decide ``predicate`` on ``facts``."""
    match predicate:
        case Const(value):
            return value
        case In(field, values):
            fact = getattr(facts, field)
            return fact in values if isinstance(fact, str) else not values.isdisjoint(fact)
        case LevelAtMost(level):
            return facts.level <= level
        case Not(part):
            return not holds(part, facts)
        case All(parts):
            return all(holds(part, facts) for part in parts)
        case AnyOf(parts):
            return any(holds(part, facts) for part in parts)
