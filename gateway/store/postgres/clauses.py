"""A search clause as a condition of SQL on `res r`, and whether the opened resource must decide it.

Dates follow R4 search.html#prefix: a value is a span, and so is what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.fhir import letters
from gateway.fhir.definitions import search_parameters
from gateway.fhir.modifiers import WORDS
from gateway.fhir.query import (
    Clause,
    CompositeTerm,
    DateTerm,
    IdTerm,
    OfTypeTerm,
    ReferenceTerm,
    StringTerm,
    TokenTerm,
    UriTerm,
)
from gateway.store.postgres import numbers, strings
from gateway.store.postgres.indexing import UNHASHED, date_number, patient_text, reference_text, token_text
from gateway.store.postgres.kinds import PROMOTED_DATES
from gateway.store.postgres.sql import Statement

_BY_START = frozenset({"eq", "ne", "ge", "le", "lt", "eb"})
_BY_END = frozenset({"eq", "ne", "ge", "le", "gt", "sa"})
_TIME = "timestamptz"
_SOUGHT = frozenset({"identifier", "id", "string", "uri", "number", "quantity", "composite"})
OF_COMPARTMENT = frozenset({"patient", "subject"})
"""Parameters whose Patient is, but for strays, the one of the compartment: the B-tree by patient answers them."""


def condition(clause: Clause, kind: str, statement: Statement) -> str:
    """Return ``clause`` (without a chain) on rows of ``kind`` as SQL, never NULL; where `inexact`, of more rows."""
    if _undone(clause):
        return "true"
    if clause.modifier == "not":
        return f"NOT ({_positive(clause, kind, statement)})"
    return _positive(clause, kind, statement)


def inexact(clause: Clause) -> bool:
    """Tell whether rows that meet the condition of ``clause`` may well not match: the opened body decides each."""
    if _undone(clause) or clause.modifier in ("of-type", "contains") or clause.type == "composite":
        return True
    if clause.type != "string" or clause.modifier == "exact":
        return False
    return not all(strings.is_exact(clause.param, letters.plain(text)) for text in _strings(clause))


def doubtful(clause: Clause) -> bool:
    """Tell whether a match is decided again on the opened body: 64 bits of a hash may meet by chance."""
    return clause.type in ("identifier", "reference") or inexact(clause)


def is_sought(clause: Clause) -> bool:
    """Tell whether an index finds the few rows of ``clause``: they are not to be read in order and tested."""
    if _undone(clause) or clause.modifier == "not":
        return False
    return clause.type in _SOUGHT or bool(patients(clause))


def keys_asked(clause: Clause) -> list[str]:
    """Return the texts whose keys a row has, one of them, when it matches; [] where ``clause`` asks for no key."""
    if _undone(clause) or clause.modifier or clause.type not in ("token", "reference"):
        return []
    return texts(clause)


def _undone(clause: Clause) -> bool:
    """Tell whether no index knows anything of ``clause``."""
    return (
        clause.modifier in ("missing", "text")
        or clause.type == "near"
        or clause.param in UNHASHED
        or clause.param in WORDS
        or (clause.modifier in ("above", "below") and clause.param in strings.PLAIN)
    )


def _positive(clause: Clause, kind: str, statement: Statement) -> str:
    match clause.type:
        case "date":
            return _dated(clause, kind, statement)
        case "number" | "quantity":
            return numbers.condition(clause, date_number(clause.param), statement)
        case "composite":
            return _composite(clause, kind, statement)
        case "string":
            return _any(_string(clause, text, statement) for text in _strings(clause))
        case "lastUpdated":
            return _any(_instant(term, statement) for term in _dates(clause))
        case _:
            return _hashed(clause, statement)


def _composite(clause: Clause, kind: str, statement: Statement) -> str:
    """Return the condition that a resource has each component's value somewhere; not that one element has them all."""
    components = search_parameters(kind)[clause.param].components
    met = []
    for term in clause.terms:
        if isinstance(term, CompositeTerm):
            parts = zip(components, term.parts, strict=True)
            asked = [Clause(each.name, each.type, (part,)) for each, part in parts]  # type: ignore[arg-type]
            met.append(f"({' AND '.join([_positive(part, kind, statement) for part in asked])})")
    return _any(met)


def _hashed(clause: Clause, statement: Statement) -> str:
    match clause.type:
        case "token":
            return statement.keyed(texts(clause))
        case "identifier":
            return _identifier(clause, statement)
        case "reference":
            return _reference(clause, statement)
        case "uri":
            return statement.keyed(_uris(clause))
        case "id":
            ids = [term.id for term in clause.terms if isinstance(term, IdTerm)]
            return f"r.id = ANY({statement.bind(ids, 'text[]')})"
        case other:
            # `near` is decided on the opened row, `has` became ids before; nothing else may widen a page.
            raise ValueError(f"no condition for a clause of type {other}")


def _string(clause: Clause, text: str, statement: Statement) -> str:
    if clause.modifier == "exact":
        return statement.keyed([strings.exactly(clause.param, text)])
    asked = letters.plain(text)
    if clause.modifier == "contains":
        pairs = strings.containing(clause.param, asked)
        return _any([statement.all_keyed(pairs), statement.keyed([strings.long(clause.param)])]) if pairs else "true"
    return statement.all_keyed(strings.starting(clause.param, asked))


def _uris(clause: Clause) -> list[str]:
    found = [term.uri for term in clause.terms if isinstance(term, UriTerm)]
    match clause.modifier:
        case "below":
            return [strings.below_uri(clause.param, uri) for uri in found]
        case "above":
            return [text for uri in found for text in strings.above_uri(clause.param, uri)]
        case _:
            return [strings.same_uri(clause.param, uri) for uri in found]


def compartments(clause: Clause) -> frozenset[str]:
    """Return the Patients that ``clause`` asks for by compartment: the sealed facts then prove the match."""
    if clause.param not in OF_COMPARTMENT:
        return frozenset()
    return frozenset(term.id for term in _references(clause) if term.kind == "Patient")


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
    param = f"{clause.param}:identifier" if clause.modifier == "identifier" else clause.param
    values = [token_text(param, term) for term in _tokens(clause) if term.code is not None]
    systems = [token_text(param, term) for term in _tokens(clause) if term.code is None]
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
    """Return the tokens of ``clause``; of an identifier with its type, the value, which is what the index knows."""
    found = (TokenTerm(None, term.value) if isinstance(term, OfTypeTerm) else term for term in clause.terms)
    return [term for term in found if isinstance(term, TokenTerm)]


def _strings(clause: Clause) -> list[str]:
    return [term.text for term in clause.terms if isinstance(term, StringTerm)]


def _references(clause: Clause) -> list[ReferenceTerm]:
    return [term for term in clause.terms if isinstance(term, ReferenceTerm)]


def _dates(clause: Clause) -> list[DateTerm]:
    return [term for term in clause.terms if isinstance(term, DateTerm)]
