"""A parsed search: what `gateway.fhir.search.parse` makes of a query and a store answers.

Every clause is joined by AND; the ``terms`` of one clause by OR (FHIR R4 search.html#combining).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]
Modifier = Literal[
    "", "exact", "contains", "missing", "not", "text", "in", "not-in", "above", "below", "of-type", "identifier"
]
"""What follows a parameter's colon; `:[type]` is in the terms' kinds, `:iterate` in an `Include`."""


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

    prefix: Prefix
    low: datetime
    high: datetime


@dataclass(frozen=True, slots=True)
class IdTerm:
    """A logical id, for `_id`."""

    id: str


@dataclass(frozen=True, slots=True)
class StringTerm:
    """A text as it was asked for; how it is compared is the modifier's matter (R4 search.html#string)."""

    text: str


@dataclass(frozen=True, slots=True)
class UriTerm:
    """A uri, compared as it is; `:above` and `:below` by path (R4 search.html#uri)."""

    uri: str


@dataclass(frozen=True, slots=True)
class NumberTerm:
    """A number with prefix; [low, high) is what its digits stand for: 100 is [99.5, 100.5) (R4 search.html#number)."""

    prefix: Prefix
    value: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class QuantityTerm:
    """A quantity: a number with a unit; ``system`` None = any, ``code`` None = any unit (R4 search.html#quantity)."""

    number: NumberTerm
    system: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class OfTypeTerm:
    """An identifier by its type: ``system`` and ``code`` of `Identifier.type`, and its value (`:of-type`)."""

    system: str
    code: str
    value: str


@dataclass(frozen=True, slots=True)
class NearTerm:
    """A place within ``metres`` of a point in degrees (R4 location.html#search)."""

    latitude: float
    longitude: float
    metres: float


@dataclass(frozen=True, slots=True)
class MissingTerm:
    """For `:missing`: True where the element must not be there."""

    missing: bool


@dataclass(frozen=True, slots=True)
class CompositeTerm:
    """The values of a composite's components, which must hold in one and the same element."""

    parts: tuple[Term, ...]


Term = (
    TokenTerm
    | ReferenceTerm
    | DateTerm
    | IdTerm
    | StringTerm
    | UriTerm
    | NumberTerm
    | QuantityTerm
    | OfTypeTerm
    | NearTerm
    | MissingTerm
    | CompositeTerm
)


@dataclass(frozen=True, slots=True)
class Has:
    """A reverse chain: a resource of ``kind`` whose reference ``param`` is this one satisfies ``clause``."""

    kind: str
    param: str
    clause: Clause


@dataclass(frozen=True, slots=True)
class Clause:
    """One parameter: ``param`` name, its search ``type``, OR-ed ``terms`` — or a ``chain``, or a reverse one.

    ``type`` is "identifier" where the token parameter searches Identifier elements. With ``chain`` the
    terms are empty and the parameter is a reference whose target satisfies the inner query, which may chain again;
    ``type`` is "has" with ``has``, of which `_has` is the parameter.
    """

    param: str
    type: Literal[
        "token",
        "identifier",
        "reference",
        "date",
        "string",
        "uri",
        "number",
        "quantity",
        "composite",
        "near",
        "id",
        "lastUpdated",
        "has",
    ]
    terms: tuple[Term, ...] = ()
    chain: Query | None = None
    modifier: Modifier = ""
    has: Has | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort key: a parameter with values that can be compared, `_lastUpdated` or `_id`."""

    param: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """What comes with the matches: targets of ``kind``'s reference ``param`` (``target`` "" = of any kind).

    ``reverse`` = resources of ``kind`` that refer to a match (`_revinclude`); ``iterate`` = from what was included
    too; ``param`` "*" = every reference (R4 search.html#include).
    """

    kind: str
    param: str
    target: str = ""
    reverse: bool = False
    iterate: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A search on one resource type. ``count`` is the page size (0 = only the total).

    ``estimate`` asks for a total that may be rough; ``summary`` and ``elements`` say how much of each resource is
    wanted (R4 search.html#summary, #elements): a store answers whole resources all the same. ``within`` is the id of
    the Patient to whose compartment the search is confined ("" for none; R4 search.html#2.1.1.2).
    """

    kind: str
    clauses: tuple[Clause, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = 20
    cursor: str = ""
    total: bool = False
    estimate: bool = False
    includes: tuple[Include, ...] = ()
    summary: Literal["", "true", "text", "data", "count", "false"] = ""
    elements: tuple[str, ...] = ()
    within: str = ""
