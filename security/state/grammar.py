"""The scopes that a client may hold, read strictly: ``system/<kind|*>.<cruds in order>`` and ``intake/<feed>.c``.

Refuses what is not built: the patient and user contexts, query parts (``?category=...``) and SMART v1 words
(``.read``); a scope that is not understood grants nothing. Source: SMART App Launch 2.2, "Scopes and Launch Context".
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

ANY: Final = "*"
LETTERS: Final = "cruds"
# FHIR's type names are shorter than 40 characters, a feed is a folder's name (design default).
_SYSTEM = re.compile(r"system/(\*|[A-Z][A-Za-z]{1,39})\.(c?r?u?d?s?)")
_INTAKE = re.compile(r"intake/(\*|[a-z0-9][a-z0-9-]{0,63})\.(c)")


class Scope(NamedTuple):
    """One scope: ``context`` (system or intake), ``target`` (a kind, a feed or ``*``), ``letters`` of cruds."""

    context: str
    target: str
    letters: str

    def __str__(self) -> str:
        """Return the scope as it is written in a token."""
        return f"{self.context}/{self.target}.{self.letters}"


def parse(text: str) -> Scope | None:
    """Return the scope written in ``text``, or None when it is not one that we grant."""
    for context, pattern in (("system", _SYSTEM), ("intake", _INTAKE)):
        match = pattern.fullmatch(text)
        if match is not None and match[2]:
            return Scope(context, match[1], match[2])
    return None


def covered(scope: Scope, by: Scope) -> bool:
    """Tell whether everything that ``scope`` permits is permitted by ``by`` alone."""
    return scope.context == by.context and by.target in (ANY, scope.target) and set(scope.letters) <= set(by.letters)
