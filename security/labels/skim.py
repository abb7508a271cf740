"""A short look at a document that tells whether the labeler surely finds nothing in it.

In: the words and code systems of sensitivity.yaml. Out: "surely nothing", or "look": nearly every resource holds none
of them anywhere. Source: docs/decisions/0012-a-short-way-for-what-is-usual.md; a property test holds it against the
labeler.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from gateway.fhir.codec import dump_exact

ALIKE: Final = "\u0131\u0130\u017f\u212a\u00b5\u03bc"
"""Signs that Python takes for the same letter when case does not matter, though `lower` and `upper` do not tell so."""
_ALIKE_SIGNS: Final = frozenset(ALIKE)
_ASCII: Final = bytes(range(128))
_RUN: Final = re.compile(r"[0-9A-Za-z]+")


class Skim:
    """Made once of what the labeler looks for."""

    def __init__(self, words: Iterable[str], pattern: re.Pattern[str], systems: Iterable[str]) -> None:
        """Take the ``words`` with the ``pattern`` that finds them, and how the names of ``systems`` begin."""
        self._pattern = pattern
        partly = [word for word in words if any(sign.isascii() or sign in _ALIKE_SIGNS for sign in word)]
        # What is left of such a word in ASCII, whole: JSON writes letters and digits as they are.
        self._runs = tuple({max(_RUN.findall(word), key=len, default="").lower().encode() for word in partly})
        self._systems = tuple(name.encode() for name in systems)

    def finds_nothing(self, doc: Mapping[str, Any]) -> bool:
        """Tell whether none of the words and systems stands anywhere in ``doc``, JSON; False tells nothing."""
        written = dump_exact(doc)
        for name in self._systems:
            if name in written:
                return False
        if self._runs:
            lower = written.lower()
            for run in self._runs:
                if run in lower:
                    return False
        # What is not ASCII stands together whatever was between: more words than there are, never fewer.
        beyond = written.translate(None, _ASCII).decode()
        return _ALIKE_SIGNS.isdisjoint(beyond) and self._pattern.search(beyond) is None
