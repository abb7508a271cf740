"""Page cursors: where a page ended, sealed and bound to the question, so that nobody can read, alter or reuse one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from gateway.fhir import base64url
from gateway.fhir.problem import Problem
from gateway.fhir.query import Query
from gateway.store.protocol import Sealer

MAX_CHARS = 4096
"""A longer one was not made here."""
_DATE = "d"


def write(sealer: Sealer, values: Sequence[Any], *, place: bytes) -> str:
    """Return the cursor behind ``values`` (None, int, str or aware datetime)."""
    plain = orjson.dumps([[_DATE, value.isoformat()] if isinstance(value, datetime) else value for value in values])
    return base64url.write(sealer.seal(plain, place))


def read(sealer: Sealer, cursor: str, *, place: bytes) -> list[Any]:
    """Return the values behind ``cursor``. Raises Problem("STO-400") when it is altered or of another question."""
    try:
        if len(cursor) > MAX_CHARS:
            raise ValueError
        values = orjson.loads(sealer.open(base64url.read(cursor), place))
        return [datetime.fromisoformat(value[1]) if isinstance(value, list) else value for value in values]
    except (Problem, ValueError, TypeError, IndexError):
        raise Problem("STO-400") from None


def of_search(query: Query, bind: str) -> bytes:
    """Return what a search's cursor is bound to: the question without its page, and ``bind``."""
    # The text of what is asked; how much of it a page shows is no part of it.
    asked = f"kind={query.kind!r}, clauses={query.clauses!r}, sort={query.sort!r}"
    if query.within:
        asked += f", within={query.within!r}"
    return f"search|{bind}|Query({asked}, count=0, cursor='', total=False)".encode()


def of_history(kind: str, id: str, bind: str) -> bytes:  # noqa: A002 - FHIR's word
    """Return what a history's cursor is bound to."""
    return f"history|{bind}|{kind}|{id}".encode()
