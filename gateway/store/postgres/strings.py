"""The texts whose keyed hashes a row has of its strings and uris, and those that a question looks for.

A string leaves the hashes of its beginnings, of each two neighbouring characters, and of itself: nothing readable. A
question of up to BEGINNING characters is answered by one hash; for a longer one, and for `:contains`, hashes narrow
down and the opened body decides. Source: storage.md sections 4 and 8; docs/decisions/0110.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from gateway.fhir import letters
from gateway.fhir.index import Text, Uri
from gateway.fhir.uris import paths_of

BEGINNING: Final = 6
"""Characters of the longest beginning that has a hash of its own: any Chinese name, most of a surname in pinyin."""
INDEXED: Final = 64
"""Characters of a text whose pairs are indexed; a longer one is marked, and looked into (design default)."""
PAIRS: Final = 8
"""Pairs that a question looks for: more of them hardly narrow it further."""
SAME: Final = {"phonetic": "name"}
"""`phonetic` searches the names that `name` does: their hashes stand there once, and the opened body decides."""
PLAIN: Final = frozenset({"_profile", "_source"})
"""Uris of nearly every row: what lies above them is not indexed, the opened body decides."""


def of_text(entry: Text) -> Iterator[str]:
    """Yield what a row has of ``entry``."""
    param = entry.param
    if param in SAME:
        return
    yield f"={param}|{entry.text}"
    for form in letters.forms(param, entry.text):
        for length in range(1, min(len(form), BEGINNING) + 1):
            yield f"^{param}|{form[:length]}"
        for pair in _pairs(form[:INDEXED]):
            yield f"~{param}|{pair}"
        if len(form) > INDEXED:
            yield f"+{param}"


def exactly(param: str, text: str) -> str:
    """Return what a row has whose string is ``text``."""
    return f"={SAME.get(param, param)}|{text}"


def starting(param: str, text: str) -> tuple[str, ...]:
    """Return what a row has, all of it, whose string starts with ``text``, which is `letters.plain`."""
    name = SAME.get(param, param)
    return (f"^{name}|{text[:BEGINNING]}", *(f"~{name}|{pair}" for pair in _asked(text[BEGINNING - 1 : INDEXED])))


def containing(param: str, text: str) -> tuple[str, ...]:
    """Return what a row has, all of it, whose string contains ``text`` within what is indexed; () where none can say.

    A longer string has `long` instead.
    """
    name = SAME.get(param, param)
    return tuple(f"~{name}|{pair}" for pair in _asked(text[:INDEXED]))


def long(param: str) -> str:
    """Return what a row has that has a string longer than is indexed."""
    return f"+{SAME.get(param, param)}"


def is_exact(param: str, text: str) -> bool:
    """Tell whether the hash of a beginning alone answers for ``text``, which is `letters.plain`."""
    return len(text) <= BEGINNING and param not in SAME


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}


def _asked(text: str) -> list[str]:
    return sorted(_pairs(text))[:PAIRS]


def of_uri(entry: Uri) -> Iterable[str]:
    """Return what a row has of ``entry``: itself, and every path above it."""
    return _of_uri(entry.param, entry.uri)


@lru_cache(4096)
def _of_uri(param: str, uri: str) -> tuple[str, ...]:
    above = () if param in PLAIN else paths_of(uri)
    return f"u|{param}|{uri}", *(f"v|{param}|{each}" for each in above)


def same_uri(param: str, uri: str) -> str:
    """Return what a row has whose uri is ``uri``."""
    return f"u|{param}|{uri}"


def below_uri(param: str, uri: str) -> str:
    """Return what a row has whose uri is ``uri`` or lies below it."""
    return f"v|{param}|{uri.rstrip('/')}"


def above_uri(param: str, uri: str) -> list[str]:
    """Return what a row has, one of them, whose uri is ``uri`` or lies above it."""
    return [f"u|{param}|{each}{slash}" for each in paths_of(uri) for slash in ("", "/")]
