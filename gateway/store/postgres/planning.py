"""Which way a search goes where PostgreSQL cannot tell: it plans once for all values and takes any key for a rare one.

Rows are found by an index of keys, unless every key is common and an index has the wanted order: then rows are read in
that order and tested one by one. The rows of one elder come in order of their date from the elder's own index.
Source: storage.md section 3.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Final

from gateway.fhir.query import Query
from gateway.store.postgres import clauses
from gateway.store.postgres.hashing import Hash
from gateway.store.postgres.kinds import PROMOTED_DATES
from gateway.store.postgres.sql import Statement

COMMON: Final = 0.01
"""From this share of rows on, reading in order finds a page sooner than the index of keys (storage.md section 3.4)."""


def walks(query: Query, shares: Mapping[int, float], make: Hash) -> bool:
    """Tell whether ``query`` is to read rows in order; ``shares`` has those of the common keys."""
    if not query.clauses or not _has_index(query):
        return False
    if any(map(clauses.is_sought, query.clauses)):
        return False
    asked = [texts for clause in query.clauses if (texts := clauses.keys_asked(clause))]
    return prod(sum(shares.get(make(text), 0.0) for text in texts) for texts in asked) >= COMMON


def only_elder(query: Query) -> str:
    """Return the one Patient whose rows ``query`` wants, "" when it asks otherwise."""
    if query.within:
        return query.within
    asked = [found for clause in query.clauses if (found := clauses.patients(clause))]
    return asked[0][0] if len(asked) == 1 and len(asked[0]) == 1 else ""


def elder_in_order(query: Query) -> str:
    """Return the one Patient whose rows ``query`` wants newest first, "" when it asks otherwise."""
    if not query.sort or not (query.sort[0].descending and query.sort[0].param == PROMOTED_DATES.get(query.kind)):
        return ""
    return only_elder(query)


def branches(elder: int, statement: Statement) -> tuple[str, str]:
    """Return the condition of rows in the compartment with the hash ``elder``, and of strays that may refer to it.

    Two indexes have them in one order, so a page takes a page of each.
    """
    place = statement.bind(elder, "bigint")
    return f"r.pat = {place}", f"r.stray AND r.pat IS DISTINCT FROM {place}"


def _has_index(query: Query) -> bool:
    """Tell whether an index has the order of ``query``."""
    if not query.sort:
        return True
    first = query.sort[0]
    by_date = first.descending and first.param == PROMOTED_DATES.get(query.kind)
    return len(query.sort) == 1 and (by_date or first.param in ("_lastUpdated", "_id"))
