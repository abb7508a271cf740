"""A predicate over facts as a condition of SQL on `res r`. Every form of `gateway.fhir.predicate` has one.

Elders are matched by the compartment's hash, sets by the hashes in ``sec``; a level as it is.
"""

from __future__ import annotations

from gateway.fhir.predicate import All, AnyOf, Const, In, LevelAtMost, Not, Predicate
from gateway.store.postgres.indexing import fact_text, patient_text
from gateway.store.postgres.sql import Statement


def condition(predicate: Predicate, kind: str, statement: Statement) -> str:
    """Return ``predicate`` on rows of ``kind`` as SQL that is never NULL."""
    match predicate:
        case Const(value):
            return "true" if value else "false"
        case LevelAtMost(level):
            return f"r.lvl <= {statement.bind(level, 'smallint')}"
        case Not(part):
            return f"NOT ({condition(part, kind, statement)})"
        case All(parts):
            return _joined([condition(part, kind, statement) for part in parts], " AND ", empty="true")
        case AnyOf(parts):
            return _joined([condition(part, kind, statement) for part in parts], " OR ", empty="false")
        case In(field, values):
            return _among(field, values, kind, statement)


def _among(field: str, values: frozenset[str], kind: str, statement: Statement) -> str:
    if field == "kind":
        return "true" if kind in values else "false"
    if not values:
        return "false"
    if field != "elder":
        return f"r.sec && {statement.hashes(fact_text(field, value) for value in values)}"
    elders = [patient_text(value) for value in values if value]
    inside = f"(r.pat IS NOT NULL AND r.pat = ANY({statement.hashes(elders)}))" if elders else "false"
    return f"({inside} OR r.pat IS NULL)" if "" in values else inside


def _joined(parts: list[str], word: str, *, empty: str) -> str:
    return f"({word.join(parts)})" if parts else empty
