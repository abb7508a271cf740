"""A text with holes: made once from a real document, filled thousands of times a second.

In: a document about one known person, and which of its texts stand for what. Out: the same document about anybody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache

DAY = re.compile(r"20\d\d-\d\d-\d\d")
COMPACT_DAY = re.compile(r"20\d{6}(?=\d{6}|\D)")


class Stencil:
    """A text of which some parts are named holes. A day is a hole by its distance from the day of the model."""

    def __init__(self, text: str, names: Mapping[str, str], *, day: date) -> None:
        """Cut ``text``: each key of ``names`` found in it is a hole of that name; each day from 2000 on is one, too."""
        words = "|".join(re.escape(word) for word in sorted(names, key=len, reverse=True))
        pattern = re.compile(f"({words})|({DAY.pattern})|({COMPACT_DAY.pattern})")
        self._pieces: list[bytes] = []
        self._holes: list[str | tuple[int, bool]] = []
        last = 0
        for match in pattern.finditer(text):
            self._pieces.append(text[last : match.start()].encode())
            self._holes.append(names[match[1]] if match[1] is not None else _distance(match[2], match[3], day))
            last = match.end()
        self._pieces.append(text[last:].encode())

    def fill(self, values: Mapping[str, bytes], *, day: int) -> bytes:
        """Return the text with ``values`` by name; ``day`` is the ordinal that stands for the model's day."""
        parts: list[bytes] = []
        for piece, hole in zip(self._pieces, self._holes, strict=False):
            parts.append(piece)
            parts.append(values[hole] if isinstance(hole, str) else _day(day + hole[0], hole[1]))
        parts.append(self._pieces[-1])
        return b"".join(parts)


def _distance(written: str | None, compact: str | None, day: date) -> tuple[int, bool]:
    found = date.fromisoformat(written or compact or "")
    return found.toordinal() - day.toordinal(), compact is not None


@lru_cache(maxsize=4096)
def _day(ordinal: int, compact: bool) -> bytes:  # noqa: FBT001 - a cache's key
    found = date.fromordinal(ordinal)
    return (f"{found:%Y%m%d}" if compact else found.isoformat()).encode()


def holes(values: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return word to name of ``values`` (name, word). Raises ValueError where one word stands for two things."""
    found = {word: name for name, word in values}
    if len(found) < len(values):
        raise ValueError("two holes have one word")
    return found
