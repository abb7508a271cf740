"""The policies' attributes that depend on elder and organisation, as predicates over sets of elders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from gateway.fhir.predicate import NOTHING, All, AnyOf, In, Not, Predicate

Granted = Iterable[tuple[str, frozenset[str], frozenset[str]]]
"""(elder, consented classes, excluded labels)."""


def bound(organisation: str, *, reads: Iterable[str], writes: Iterable[str], granted: Granted) -> dict[str, Predicate]:
    """Return every name of `residual.BOUND` for a caller of ``organisation``.

    ``reads`` and ``writes`` are the elders towards whom it has such a relation, under a consent in force.
    """
    permitted: dict[frozenset[str], set[str]] = {}
    denied: dict[frozenset[str], set[str]] = {}
    for elder, classes, excluded in granted:
        permitted.setdefault(classes, set()).add(elder)
        denied.setdefault(excluded, set()).add(elder)
    return {
        "own": In("controllers", frozenset({organisation})),
        "handed": In("handed_to", frozenset({organisation})),
        "related": In("elder", frozenset(reads)),
        "mayWrite": In("elder", frozenset(writes)),
        "consented": _grouped("klass", permitted),
        "excluded": _grouped("labels", denied),
        "elderly": Not(In("elder", frozenset({""}))),
    }


def _grouped(field: Literal["klass", "labels"], groups: Mapping[frozenset[str], set[str]]) -> Predicate:
    """Return "the elder is of a group and the fact is among the group's values", for any of ``groups``."""
    parts = [All((In("elder", frozenset(elders)), In(field, values))) for values, elders in groups.items() if values]
    return AnyOf(tuple(parts)) if parts else NOTHING
