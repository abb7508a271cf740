"""Texts as a search compares them: without case, accents, spaces and marks, traditional characters as simplified ones.

In: a text of a resource or of a question. Out: the forms by which it is found; of names also their pinyin and its
initials, in every usual reading. Source: R4 search.html#string ("case and accent-insensitive ... may ignore
punctuation and whitespace"); the Chinese part is a design default (docs/decisions/0110).
"""

from __future__ import annotations

import json
import lzma
import unicodedata
from functools import cache, lru_cache
from itertools import islice, product
from pathlib import Path
from typing import NamedTuple

READINGS = 16
"""Ways to read one name that are kept: beyond them only its first character, the surname, is read in every way."""
MOST = 2
"""Readings that count of a character which is not the first."""
NAME_CHARS = 16
"""Longer texts are no names of people and get no pinyin (design default)."""
PRONOUNCED = frozenset({"name", "family", "given", "phonetic"})
"""Parameters that are found by pinyin, of whatever kind."""
KEPT = 20_000
_TABLE = Path(__file__).parent / "_generated" / "hanzi.json.xz"
# Letters, their marks that carry meaning alone, and numbers: all else is space, punctuation, symbol or control.
_COUNTED = frozenset("LN")


class _Hanzi(NamedTuple):
    """Readings by character, and what makes a text simplified."""

    readings: dict[str, str]
    simple: dict[int, str]


@cache
def _hanzi() -> _Hanzi:
    """Return the table that tools/build_hanzi.py made; loading it costs about 25 ms of CPU, once."""
    found = json.loads(lzma.decompress(_TABLE.read_bytes()))
    return _Hanzi(found["readings"], str.maketrans(found["simple"]))


def plain(text: str) -> str:
    """Return ``text`` as it is compared, "" where nothing of it counts."""
    if text.isascii():
        return "".join(filter(str.isalnum, text.lower()))
    # NFKD after casefold once more: folding may make new composed characters, and a second fold changes nothing more.
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).casefold()
    kept = "".join(char for char in parts if unicodedata.category(char)[0] in _COUNTED)
    return kept if kept.isascii() else kept.translate(_hanzi().simple)


def forms(param: str, text: str) -> tuple[str, ...]:
    """Return the texts that a search by ``param`` compares with: ``text`` itself, of a Chinese name its pinyin too."""
    own = plain(text)
    if not own:
        return ()
    if own.isascii() or param not in PRONOUNCED or len(own) > NAME_CHARS:
        return (own,)
    return tuple(dict.fromkeys((own, *_spoken(own))))


@lru_cache(KEPT)
def _readings(char: str) -> tuple[str, ...]:
    """Return how ``char`` is read; a letter or a digit as itself."""
    found = _hanzi().readings.get(char, "")
    return tuple(found.split(",")) if found else (char,)


def _spoken(text: str) -> list[str]:
    """Return the pinyin of ``text`` in its readings, and the initials of each."""
    each = [_readings(char)[: MOST if place else None] for place, char in enumerate(text)]
    ways = list(islice(product(*each), READINGS + 1))
    if len(ways) > READINGS:
        ways = [(first, *(rest[0] for rest in each[1:])) for first in each[0]]
    return [*("".join(way) for way in ways), *("".join(syllable[0] for syllable in way) for way in ways)]
