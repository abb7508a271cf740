"""A parsed search: what `gateway.fhir.search.parse` makes of a query and a store answers.

Every clause is joined by AND; the ``terms`` of one clause by OR (FHIR R4 search.html#combining).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class TokenTerm:
    """A token: ``system`` None = any system, "" = explicitly without; ``code`` None = any code of the system."""

    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class ReferenceTerm:
    """A reference value; ``kind`` "" = any of the parameter's target types."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class DateTerm:
    """A date with prefix over the half-open span [low, high) of the given precision, aware UTC."""

    prefix: Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]
    low: datetime
    high: datetime


@dataclass(frozen=True, slots=True)
class IdTerm:
    """A logical id, for `_id`."""

    id: str


Term = TokenTerm | ReferenceTerm | DateTerm | IdTerm


@dataclass(frozen=True, slots=True)
class Clause:
    """One parameter: ``param`` name, its search ``type``, OR-ed ``terms`` — or a one-step ``chain``.

    ``type`` is "identifier" where the token parameter searches Identifier elements. With ``chain`` the
    terms are empty and the parameter is a reference whose target satisfies the inner query.
    """

    param: str
    type: Literal["token", "identifier", "reference", "date", "id", "lastUpdated"]
    terms: tuple[Term, ...] = ()
    chain: Query | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort key: only date parameters, `_lastUpdated` and `_id` so far."""

    param: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A search on one resource type. ``count`` is the page size (0 = only the total)."""

    kind: str
    clauses: tuple[Clause, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = 20
    cursor: str = ""
    total: bool = False
