"""A search clause as a condition of SQL on `res r`, and the same decided once more on the opened resource.

Dates follow R4 search.html#prefix: a value is a span, and so is what is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.fhir.index import Entry, Identifier, Reference
from gateway.fhir.query import Clause, DateTerm, IdTerm, ReferenceTerm, TokenTerm
from gateway.store.postgres.indexing import date_number, patient_text, reference_text, token_text
from gateway.store.postgres.kinds import PROMOTED_DATES
from gateway.store.postgres.sql import Statement

_BY_START = frozenset({"eq", "ne", "ge", "le", "lt", "eb"})
_BY_END = frozenset({"eq", "ne", "ge", "le", "gt", "sa"})
_TIME = "timestamptz"
OF_COMPARTMENT = frozenset({"patient", "subject"})
"""Parameters whose Patient is, but for strays, the one of the compartment: the B-tree by patient answers them."""


def condition(clause: Clause, kind: str, statement: Statement) -> str:
    """Return ``clause`` (without a chain) on rows of ``kind`` as SQL."""
    match clause.type:
        case "id":
            ids = [term.id for term in clause.terms if isinstance(term, IdTerm)]
            return f"r.id = ANY({statement.bind(ids, 'text[]')})"
        case "token":
            return statement.keyed(texts(clause))
        case "identifier":
            return _identifier(clause, statement)
        case "reference":
            return _reference(clause, statement)
        case "lastUpdated":
            return _any(_instant(term, statement) for term in _dates(clause))
        case "date":
            return _dated(clause, kind, statement)
        case other:
            raise NotImplementedError(other)  # nothing parses to it yet


def matcher(clause: Clause) -> Callable[[Iterable[Entry]], bool]:
    """Return what decides an identifier or reference ``clause`` on the entries drawn from an opened resource."""
    param = clause.param
    if clause.type == "identifier":
        terms = _tokens(clause)
        return lambda entries: any(
            isinstance(entry, Identifier) and entry.param == param and any(_same(term, entry) for term in terms)
            for entry in entries
        )
    wanted = {(term.kind, term.id) for term in _references(clause)}
    return lambda entries: any(
        isinstance(entry, Reference)
        and entry.param == param
        and ((entry.kind, entry.id) in wanted or ("", entry.id) in wanted)
        for entry in entries
    )


def compartments(clause: Clause) -> frozenset[str]:
    """Return the Patients that ``clause`` asks for by compartment: the sealed facts then prove the match."""
    if clause.param not in OF_COMPARTMENT:
        return frozenset()
    return frozenset(term.id for term in _references(clause) if term.kind == "Patient")


def _same(term: TokenTerm, value: Identifier) -> bool:
    if term.code is not None and term.code != value.value:
        return False
    return term.system is None or term.system == (value.system or "")


def texts(clause: Clause) -> list[str]:
    """Return the texts whose keys a row has when a token or reference ``clause`` matches it."""
    if clause.type == "token":
        return [token_text(clause.param, term) for term in _tokens(clause)]
    return [reference_text(clause.param, term) for term in _references(clause)]


def patients(clause: Clause) -> list[str]:
    """Return the Patients that ``clause`` asks for, if it asks for compartments and for nothing else."""
    if clause.type != "reference" or clause.param not in OF_COMPARTMENT:
        return []
    terms = _references(clause)
    return [term.id for term in terms] if all(term.kind == "Patient" for term in terms) else []


def _identifier(clause: Clause, statement: Statement) -> str:
    """Return the condition by the B-tree of identifiers; a system alone is far from unique and is a key."""
    values = [token_text(clause.param, term) for term in _tokens(clause) if term.code is not None]
    systems = [token_text(clause.param, term) for term in _tokens(clause) if term.code is None]
    parts = [statement.keyed(systems)] if systems else []
    if values:
        found = f"SELECT i.rid, i.bucket FROM ident i WHERE i.h = ANY({statement.hashes(values)}) AND i.type = r.type"  # noqa: S608 - no outer text
        parts.append(f"(r.rid, r.bucket) IN ({found})")
    return _any(parts)


def _reference(clause: Clause, statement: Statement) -> str:
    keyed = statement.keyed(texts(clause))
    elders = patients(clause)
    if not elders or statement.walk:
        return keyed
    return f"(r.pat = ANY({statement.hashes(map(patient_text, elders))}) OR r.stray) AND {keyed}"


def _dated(clause: Clause, kind: str, statement: Statement) -> str:
    if PROMOTED_DATES.get(kind) == clause.param:
        return _any(f"coalesce({_date(term, 'r.lo', 'r.hi', statement)}, false)" for term in _dates(clause))
    number = statement.bind(date_number(clause.param), "int")
    met = _any(_date(term, "d.lo", "d.hi", statement) for term in _dates(clause))
    return (
        f"EXISTS (SELECT FROM dat d WHERE d.type = r.type AND d.rid = r.rid AND d.bucket = r.bucket"
        f" AND d.param = {number} AND {met})"
    )


def _instant(term: DateTerm, statement: Statement) -> str:
    """Return the comparison of `r.ts`, a millisecond, with the term's span, which is of whole milliseconds."""
    if term.prefix in ("eq", "ne"):
        within = f"(r.ts >= {statement.bind(term.low, _TIME)} AND r.ts < {statement.bind(term.high, _TIME)})"
        return within if term.prefix == "eq" else f"NOT {within}"
    sign, edge = {
        "gt": (">=", term.high),
        "sa": (">=", term.high),
        "ge": (">=", term.low),
        "lt": ("<", term.low),
        "eb": ("<", term.low),
        "le": ("<", term.high),
    }[term.prefix]
    return f"r.ts {sign} {statement.bind(edge, _TIME)}"


def _date(term: DateTerm, low: str, high: str, statement: Statement) -> str:
    """Return the comparison of the stored span [``low``, ``high``) with the term's."""
    starts, ends = term.prefix in _BY_START, term.prefix in _BY_END
    start = statement.bind(term.low, _TIME) if starts else ""
    end = statement.bind(term.high, _TIME) if ends else ""
    within = f"({low} >= {start} AND {high} <= {end})"
    return {
        "eq": within,
        "ne": f"NOT {within}",
        "gt": f"{high} > {end}",
        "lt": f"{low} < {start}",
        "ge": f"({high} > {end} OR {within})",
        "le": f"({low} < {start} OR {within})",
        "sa": f"{low} >= {end}",
        "eb": f"{high} <= {start}",
    }[term.prefix]


def _any(parts: Iterable[str]) -> str:
    return f"({' OR '.join(parts)})"


def _tokens(clause: Clause) -> list[TokenTerm]:
    return [term for term in clause.terms if isinstance(term, TokenTerm)]


def _references(clause: Clause) -> list[ReferenceTerm]:
    return [term for term in clause.terms if isinstance(term, ReferenceTerm)]


def _dates(clause: Clause) -> list[DateTerm]:
    return [term for term in clause.terms if isinstance(term, DateTerm)]
