"""Reads `_include` and `_revinclude`: `Type:param[:Target]`, `Type:*`, and `*` for the kind that is searched.

In: name and value of one pair. Out: an `Include`. Source: R4 search.html#include.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.fhir import definitions
from gateway.fhir.problem import Problem
from gateway.fhir.query import Include

NAMES = ("_include", "_revinclude")
MAX_INCLUDES = 16
"""Of one search: each costs a question to the store for each page (design default)."""
ALL = "*"
_VALUE = re.compile(r"([A-Za-z]{1,64})(?::([A-Za-z0-9\-*]{1,64}))(?::([A-Za-z]{1,64}))?")
Targets = Callable[[str, str], tuple[str, ...]]
"""The kinds that a parameter of a kind may point to, none where it is no reference."""


def include_of(kind: str, name: str, value: str, *, targets: Targets) -> Include:
    """Return what the pair asks for on a search of ``kind``.

    Raises Problem FHIR-041 (a modifier other than `:iterate`), FHIR-060 (a value that names no reference).
    """
    base, _, modifier = name.partition(":")
    # `:recurse` is what STU3 called it; no client of R4 sends it.
    if modifier not in ("", "iterate") or name.endswith(":"):
        raise Problem("FHIR-041", where=f"http.{base}", name=f"{base}:{modifier[:32]}" if modifier.isalpha() else base)
    reverse, iterate = base == "_revinclude", modifier == "iterate"
    if value == ALL and not reverse:
        return Include(kind, ALL, iterate=iterate)
    found = _VALUE.fullmatch(value)
    if found is None or found[1] not in definitions.kinds():
        raise _bad(base)
    source, param, target = found[1], found[2], found[3] or ""
    if param == ALL:
        if target and target not in definitions.kinds():
            raise _bad(base)
        return Include(source, ALL, target, reverse, iterate)
    allowed = targets(source, param) if param in definitions.search_parameters(source) else ()
    if not allowed or (target and target not in allowed):
        raise _bad(base)
    return Include(source, param, target, reverse, iterate)


def references(kind: str, *, targets: Targets) -> tuple[str, ...]:
    """Return the names of the parameters of ``kind`` that `*` stands for, in order."""
    known = definitions.search_parameters(kind)
    return tuple(sorted(name for name in known if not name.startswith("_") and targets(kind, name)))


def _bad(name: str) -> Problem:
    return Problem("FHIR-060", where=f"http.{name}", name=name)
