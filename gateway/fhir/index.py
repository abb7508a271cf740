"""What search finds a resource by: the values that the extractors draw from it (FHIR R4 search.html §3.1.1).

The extractors of `gateway.fhir.search` make them, a store keeps them in its own form.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Token:
    """A coded value of ``param``; ``system`` is None where the element has none."""

    param: str
    system: str | None
    code: str


@dataclass(frozen=True, slots=True)
class Identifier:
    """An identifier value of ``param`` (near unique: a B-tree, never the array index; storage §3.4)."""

    param: str
    system: str | None
    value: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference of ``param`` to ``kind``/``id`` (``kind`` "" where only an absolute URL is known)."""

    param: str
    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Date:
    """A time span of ``param``: half-open [low, high), aware UTC; None is unbounded."""

    param: str
    low: datetime | None
    high: datetime | None


@dataclass(frozen=True, slots=True)
class Text:
    """A string value of ``param`` as written."""

    param: str
    text: str


@dataclass(frozen=True, slots=True)
class Uri:
    """A uri value of ``param``."""

    param: str
    uri: str


@dataclass(frozen=True, slots=True)
class Amount:
    """A number or quantity of ``param``; ``system``/``code`` "" for plain numbers."""

    param: str
    value: str
    system: str = ""
    code: str = ""


Entry = Token | Identifier | Reference | Date | Text | Uri | Amount
