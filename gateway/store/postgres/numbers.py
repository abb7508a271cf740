"""What a row is found by of its numbers and quantities: rows of `num`, and the condition that a question puts on them.

Numbers stay readable, units are keyed hashes. A quantity in UCUM stands there twice: as it was written, and in base
units, so that 5 g finds 5000 mg. Source: R4 search.html#quantity; storage.md section 4 (table num).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from gateway.fhir import amounts, ucum
from gateway.fhir.index import Amount
from gateway.fhir.query import Clause, NumberTerm, QuantityTerm, Term
from gateway.store.postgres.sql import Statement

NUMERIC: Final = "numeric"
Hash = Callable[[str], int]


class Number(NamedTuple):
    """A row of `num` but for its resource: None is unbounded; ``base`` and what follows only of a UCUM unit."""

    param: int
    lo: Decimal | None
    hi: Decimal | None
    units: tuple[int, ...]
    base: int | None
    blo: Decimal | None
    bhi: Decimal | None


def number(entry: Amount, param: int, make: Hash) -> Number:
    """Return the row of ``entry``; ``param`` is the parameter's number, ``make`` the keyed hash."""
    low = Decimal(entry.low) if entry.low else None
    high = low if entry.high == entry.low else Decimal(entry.high) if entry.high else None
    names = _names(entry.system, entry.code, entry.unit)
    units = tuple(sorted(map(make, names)))
    unit = ucum.unit(entry.code) if entry.system == ucum.SYSTEM else None
    if unit is None:
        return Number(param, low, high, units, None, None, None)
    from_, to = (None if end is None else amounts.in_base(end, unit) for end in (low, high))
    return Number(param, low, high, units, make(f"Q|{unit.base}"), from_, to)


@lru_cache(maxsize=1024)
def _names(system: str, code: str, unit: str) -> tuple[str, ...]:
    """Return the texts by whose hashes a unit is known: `||code` asks for code or unit, `|system|code` for both."""
    plain = {f"q|{name}" for name in (code, unit) if name}
    return tuple(plain | {f"q|{system}|{code}"}) if code else tuple(plain)


def condition(clause: Clause, param: int, statement: Statement) -> str:
    """Return the condition of a number or quantity ``clause`` on `res r`."""
    met = " OR ".join(_term(term, statement) for term in clause.terms)
    number = statement.bind(param, "int")
    return (
        f"EXISTS (SELECT FROM num n WHERE n.type = r.type AND n.rid = r.rid AND n.bucket = r.bucket"
        f" AND n.param = {number} AND ({met}))"
    )


def _term(term: Term, statement: Statement) -> str:
    if isinstance(term, NumberTerm):
        return _compared(term, "n.lo", "n.hi", statement)
    if not isinstance(term, QuantityTerm):
        raise TypeError(type(term).__name__)
    if term.code is None:
        return _compared(term.number, "n.lo", "n.hi", statement)
    unit = ucum.unit(term.code) if term.system == ucum.SYSTEM else None
    if unit is not None:
        within = _compared(amounts.term_in_base(term.number, unit), "n.blo", "n.bhi", statement)
        return f"(n.base = {statement.hash(f'Q|{unit.base}')} AND {within})"
    name = f"q|{term.code}" if term.system is None else f"q|{term.system}|{term.code}"
    within = _compared(term.number, "n.lo", "n.hi", statement)
    return f"({statement.hash(name)} = ANY(n.units) AND {within})"


def _compared(term: NumberTerm, low: str, high: str, statement: Statement) -> str:
    """Return the comparison of the stored range with ``term``; see `amounts.meets`, which says the same of values."""
    match term.prefix:
        case "eq" | "ne":
            start, end = statement.bind(term.low, NUMERIC), statement.bind(term.high, NUMERIC)
            within = f"coalesce({low} >= {start} AND {high} < {end}, false)"
            return within if term.prefix == "eq" else f"NOT {within}"
        case "gt" | "ge":
            sign = ">" if term.prefix == "gt" else ">="
            return f"coalesce({high} {sign} {statement.bind(term.value, NUMERIC)}, true)"
        case "lt" | "le":
            sign = "<" if term.prefix == "lt" else "<="
            return f"coalesce({low} {sign} {statement.bind(term.value, NUMERIC)}, true)"
        case "sa":
            return f"coalesce({low} > {statement.bind(term.value, NUMERIC)}, false)"
        case _:
            return f"coalesce({high} < {statement.bind(term.value, NUMERIC)}, false)"
