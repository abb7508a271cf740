"""SMART v2 scopes as a set: does any of them cover an interaction on a kind?

Source: SMART App Launch 2.2 "Scopes and Launch Context": `system|user / kind . cruds`. A scope with a query part or
of the patient context needs what is not built yet, and covers nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SCOPE = re.compile(r"(?:system|user)/(\*|[A-Za-z]+)\.(c?r?u?d?s?)")
_INTAKE = re.compile(r"intake/[a-z0-9-]+\.c")
_LETTERS = {"read": "r", "vread": "r", "history": "r", "search": "s", "create": "c", "update": "u", "delete": "d"}
CACHED = 4096
"""Answers kept; a key is (scopes of a token, action, kind), a few dozen a client."""


@lru_cache(maxsize=CACHED)
def covers(scopes: frozenset[str], action: str, kind: str) -> bool:
    """Tell whether ``scopes`` cover ``action`` on ``kind``.

    "ingest" asks for any `intake/<feed>.c` (which feed is the door's to check), "audit" for reading and searching
    AuditEvent.
    """
    if action == "ingest":
        return any(_INTAKE.fullmatch(scope) for scope in scopes)
    letters = "rs" if action == "audit" else _LETTERS[action]
    return all(any(_grants(scope, letter, kind) for scope in scopes) for letter in letters)


def _grants(scope: str, letter: str, kind: str) -> bool:
    match = _SCOPE.fullmatch(scope)
    return match is not None and match[1] in ("*", kind) and letter in match[2]
