"""The algebra of scopes: what a client asks for, cut down to what it is allowed; and the check of a request.

``narrow(a, b)`` permits exactly what both ``a`` and ``b`` permit, whatever wildcards they use. Scopes that
`security.state.grammar` does not understand permit nothing. Source: SMART App Launch 2.2 "Scopes and Launch Context".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from security.state.grammar import ANY, LETTERS, Scope, parse

# Sets of scopes kept compiled; a client uses one or two (design default).
COMPILED: Final = 4096
_NONE: Final = frozenset[str]()
_Permitted = Mapping[tuple[str, str], frozenset[str]]


def narrow(requested: Iterable[str], allowed: Iterable[str]) -> frozenset[str]:
    """Return the scopes, in their shortest form, that permit what ``requested`` and ``allowed`` both permit."""
    limits = _read(allowed)
    found = defaultdict[tuple[str, str], set[str]](set)
    for asked in _read(requested):
        for limit in limits:
            common = _common(asked, limit)
            if common is not None:
                found[common.context, common.target] |= set(common.letters)
    return frozenset(_written(found))


def permits(scopes: frozenset[str], kind: str, letter: str) -> bool:
    """Tell whether ``scopes`` permit ``letter`` (c, r, u, d or s) on resources of ``kind``; cached by set."""
    permitted = _compiled(scopes)
    return letter in permitted.get(("system", kind), _NONE) or letter in permitted.get(("system", ANY), _NONE)


def permits_feed(scopes: frozenset[str], feed: str) -> bool:
    """Tell whether ``scopes`` permit posting to ``feed``."""
    return ("intake", feed) in _compiled(scopes)


@lru_cache(maxsize=COMPILED)
def _compiled(scopes: frozenset[str]) -> _Permitted:
    found = defaultdict[tuple[str, str], set[str]](set)
    for scope in _read(scopes):
        found[scope.context, scope.target] |= set(scope.letters)
    return {place: frozenset(letters) for place, letters in found.items()}


def _read(scopes: Iterable[str]) -> list[Scope]:
    return [scope for scope in map(parse, scopes) if scope is not None]


def _common(one: Scope, other: Scope) -> Scope | None:
    letters = "".join(letter for letter in LETTERS if letter in one.letters and letter in other.letters)
    if one.context != other.context or not letters:
        return None
    if one.target != other.target and ANY not in (one.target, other.target):
        return None
    return Scope(one.context, other.target if one.target == ANY else one.target, letters)


def _written(found: Mapping[tuple[str, str], set[str]]) -> Iterable[str]:
    for (context, target), letters in found.items():
        # What the wildcard gives already is not said again.
        wide = set() if target == ANY else found.get((context, ANY), set())
        kept = "".join(letter for letter in LETTERS if letter in letters - wide)
        if kept:
            yield str(Scope(context, target, kept))
