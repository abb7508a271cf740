"""The keyed hashes by which rows are found, remembered where the same come again: of texts, of index values, of facts.

In: the installation's keyed hash of one text. Out: the same hashes, for one value all that a row has of it. Bounded;
identifiers and strings, which are of one person each, are not remembered here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from gateway.fhir.index import Identifier, Reference, Text, Token
from gateway.fhir.predicate import Facts
from gateway.store.postgres import strings

KEPT_TEXTS = 20_000
"""Texts that were asked for: some 4 MB."""
KEPT_VALUES = 50_000
"""Codes, and references of the elders in work: some 15 MB each."""
Hash = Callable[[str], int]


class Hashes:
    """All hashes under one key. ``text`` hashes what a question asks for."""

    def __init__(self, make: Hash) -> None:
        """Hash with ``make``, a pure function."""
        self._make = make
        self.text: Hash = lru_cache(KEPT_TEXTS)(make)
        self.token: Callable[[Token], tuple[int, ...]] = lru_cache(KEPT_VALUES)(self._token)
        """Three: by the code, by system and code, by the system."""
        self.reference: Callable[[Reference], tuple[int, ...]] = lru_cache(KEPT_VALUES)(self._reference)
        """Two: by kind and id, by the id."""
        self._facts = lru_cache(KEPT_TEXTS)(self._facts_of)

    def identifier(self, entry: Identifier) -> tuple[int, int]:
        """Return the hashes by the value, and by system and value."""
        by_value, of_system = value_texts(entry.param, entry.system or "", entry.value)
        return self._make(by_value), self._make(of_system)

    def string(self, entry: Text) -> Iterator[int]:
        """Return the hashes by the string, its beginnings and its pairs of characters."""
        return map(self._make, strings.of_text(entry))

    def facts(self, facts: Facts) -> tuple[int, ...]:
        """Return the hashes, sorted, of the facts that a restriction may ask for in a set."""
        return self._facts(facts.controllers, facts.labels, facts.handed_to, facts.klass)

    def _token(self, entry: Token) -> tuple[int, ...]:
        system = entry.system or ""
        texts = (*value_texts(entry.param, system, entry.code), system_text(entry.param, system))
        return tuple(map(self._make, texts))

    def _reference(self, entry: Reference) -> tuple[int, ...]:
        texts = f"r|{entry.param}|{entry.kind}|{entry.id}", f"i|{entry.param}|{entry.id}"
        return tuple(map(self._make, texts))

    def _facts_of(
        self, controllers: tuple[str, ...], labels: tuple[str, ...], handed_to: tuple[str, ...], klass: str
    ) -> tuple[int, ...]:
        return tuple(sorted(map(self._make, _fact_texts(controllers, labels, handed_to, klass))))


def value_texts(param: str, system: str, value: str) -> tuple[str, str]:
    """Return the texts by which a coded value or identifier is found without its system, and with it."""
    return f"c|{param}|{value}", f"t|{param}|{system}|{value}"


def system_text(param: str, system: str) -> str:
    """Return the text by which whatever has a value of ``system`` is found."""
    return f"s|{param}|{system}"


def fact_text(field: str, value: str) -> str:
    """Return the text that stands for one fact."""
    return f"f|{field}|{value}"


def _fact_texts(
    controllers: tuple[str, ...], labels: tuple[str, ...], handed_to: tuple[str, ...], klass: str
) -> Iterator[str]:
    for field, values in (("controllers", controllers), ("labels", labels), ("handed_to", handed_to)):
        for value in values:
            yield fact_text(field, value)
    yield fact_text("klass", klass)
