"""Ids that a client may give to a new resource by PUT (R4 http.html#upsert): those that begin with its organisation's.

Were any id allowed, 201 or 404 would tell which ids others have taken. Below one's own beginning there is only what
one's own organisation wrote. An id stands readable in addresses and logs, so it holds no number of a person.
Source: docs/decisions/0118-ids-that-a-client-may-give.md; design default.
"""

from __future__ import annotations

import re

from gateway.fhir.wire import PERSONAL

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[A-Za-z0-9\-.]+")
MAX_LENGTH = 64
"""R4 datatypes.html#id."""


def beginning(organisation: str) -> str:
    """Return what the ids begin with that clients of ``organisation`` may give."""
    # A letter before the credit code keeps one of eighteen digits from being taken for an identity card's number.
    return f"org{organisation}-"


def may_give(organisation: str, id: str) -> bool:  # noqa: A002 - FHIR's word
    """Tell whether a client of ``organisation`` may name a new resource ``id``."""
    if not organisation or not id.startswith(beginning(organisation)) or len(id) > MAX_LENGTH:
        return False
    name = id.removeprefix(beginning(organisation))
    return bool(_NAME.fullmatch(name)) and _is_plain(name)


def _is_plain(name: str) -> bool:
    return bool(_UUID.fullmatch(name)) or not PERSONAL.search(name)
