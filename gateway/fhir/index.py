"""What search finds a resource by: the values that the extractors draw from it (FHIR R4 search.html §3.1.1).

The extractors of `gateway.fhir.search` make them, a store keeps them in its own form. Structs of msgspec: they are
made by the dozen for every resource, ten times as fast as frozen dataclasses.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class Token(msgspec.Struct, frozen=True, gc=False):
    """A coded value of ``param``; ``system`` is None where the element has none."""

    param: str
    system: str | None
    code: str


class Identifier(msgspec.Struct, frozen=True, gc=False):
    """An identifier value of ``param`` (near unique: a B-tree, never the array index; storage §3.4)."""

    param: str
    system: str | None
    value: str


class Reference(msgspec.Struct, frozen=True, gc=False):
    """A reference of ``param`` to ``kind``/``id`` (``kind`` "" where only an absolute URL is known)."""

    param: str
    kind: str
    id: str


class Date(msgspec.Struct, frozen=True, gc=False):
    """A time span of ``param``: half-open [low, high), aware UTC; None is unbounded."""

    param: str
    low: datetime | None
    high: datetime | None


class Text(msgspec.Struct, frozen=True, gc=False):
    """A string value of ``param`` as written."""

    param: str
    text: str


class Uri(msgspec.Struct, frozen=True, gc=False):
    """A uri value of ``param``."""

    param: str
    uri: str


class Amount(msgspec.Struct, frozen=True, gc=False):
    """A number or quantity of ``param``, or a range of them: from ``low`` to ``high`` as written, "" is unbounded.

    ``system``, ``code`` and the human ``unit`` are "" where the element has none.
    """

    param: str
    low: str
    high: str
    system: str = ""
    code: str = ""
    unit: str = ""


class Position(msgspec.Struct, frozen=True, gc=False):
    """A place on earth of ``param``, in degrees as written."""

    param: str
    latitude: str
    longitude: str


class Present(msgspec.Struct, frozen=True, gc=False):
    """``param`` has a value that nothing but `:missing` and `:text` can ask for: a text without code, for example."""

    param: str


Entry = Token | Identifier | Reference | Date | Text | Uri | Amount | Position | Present
