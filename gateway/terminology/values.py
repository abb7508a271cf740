"""What the room keeps and hands back: code systems, value sets, concept maps, and the answers to what is asked of them.

Plain values. A text is sought in its folded form on both sides: full-width letters are narrow, capitals are small.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from gateway.fhir.problem import Problem

Doc = dict[str, Any]
Code = tuple[str, str]
"""A code with the code system that it is of, first."""
Subsumption = Literal["equivalent", "subsumes", "subsumed-by", "not-subsumed"]


class Designation(NamedTuple):
    """Another word for a concept; ``use`` is a code such as "synonym" or "pinyin"."""

    language: str
    use: str
    value: str


@dataclass(frozen=True, slots=True)
class Concept:
    """One code of a system; ``parent`` is "" at the top, ``props`` its further properties as text."""

    code: str
    display: str = ""
    parent: str = ""
    designations: tuple[Designation, ...] = ()
    props: Mapping[str, str] = field(default_factory=dict)

    @property
    def sought(self) -> str:
        """Return what a text is looked for in."""
        return sought(self.code, self.display, *(one.value for one in self.designations))


@dataclass(frozen=True, slots=True)
class Head:
    """What all three kinds have: their canonical url and version ("" for none), their names."""

    url: str
    version: str = ""
    id: str = ""
    name: str = ""
    title: str = ""
    language: str = ""
    status: str = "unknown"


@dataclass(frozen=True, slots=True)
class CodeSystem:
    """``content`` is R4's: "complete", "fragment" and so on."""

    head: Head
    concepts: Sequence[Concept]
    content: str = "complete"
    case_sensitive: bool = True


@dataclass(frozen=True, slots=True)
class ValueSet:
    """``compose`` as R4 writes it; it is listed when it is loaded."""

    head: Head
    compose: Doc


class MapElement(NamedTuple):
    """One line of a map; without a target (``equivalence`` "unmatched") ``target`` is ""."""

    source_system: str
    source: str
    target_system: str
    target: str
    display: str
    equivalence: str


@dataclass(frozen=True, slots=True)
class ConceptMap:
    """The elements in the order of the resource; ``source`` and ``target`` are urls of value sets."""

    head: Head
    elements: Sequence[MapElement]
    source: str = ""
    target: str = ""


Loadable = CodeSystem | ValueSet | ConceptMap


class Member(NamedTuple):
    """One code of a value set."""

    system: str
    code: str
    display: str
    sought: str


class Known(NamedTuple):
    """One loaded version of a code system, value set or concept map: its key in the tables, what it says of itself."""

    key: int
    kind: str
    url: str
    version: str
    id: str
    name: str
    title: str
    language: str
    content: str
    case_sensitive: bool
    status: str
    source: str
    target: str
    own: bool
    entries: int
    problem: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """A concept with what stands around it."""

    system: Known
    concept: Concept
    children: tuple[str, ...]

    def display(self, language: str = "") -> str:
        """Return the word for it in ``language``, else its display; a code system of R4 itself has codes only."""
        return word(self.concept, self.system.language, language)


@dataclass(frozen=True, slots=True)
class Validity:
    """Whether a code is one; ``display`` is the right word for it, ``notes`` what is wrong or doubtful."""

    result: bool
    display: str = ""
    notes: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Expansion:
    """A page of a value set; ``total`` counts what matches, ``offset`` tells where the page begins."""

    value_set: Known
    members: tuple[Member, ...]
    total: int
    offset: int
    count: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A code to translate: by ``map``, or by every map that counts between the value sets ``source`` and ``target``.

    ``to`` is the code system that is wanted ("" any); ``backward`` asks which codes lead to this one.
    """

    system: str
    code: str
    map: Known | None = None
    source: str = ""
    target: str = ""
    to: str = ""
    backward: bool = False

    def fits(self, line: MapElement) -> bool:
        """Tell whether ``line`` leads to a code of the system that is wanted."""
        return self.to in ("", line.source_system if self.backward else line.target_system)


@dataclass(frozen=True, slots=True)
class Translation:
    """What maps say of a code, each with the canonical of the map that says so."""

    matches: tuple[tuple[MapElement, str], ...]
    backward: bool = False

    @property
    def result(self) -> bool:
        """Tell whether one of them is a match (R4 conceptmap-operation-translate)."""
        return any(one.equivalence not in ("unmatched", "disjoint") for one, _ in self.matches)


def folded(text: str) -> str:
    """Return ``text`` as it is compared."""
    return unicodedata.normalize("NFKC", text).casefold()


def sought(*words: str) -> str:
    """Return ``words`` as one text to look in; a word that is looked for cannot reach over two of them."""
    return "\x1f".join(folded(one) for one in words if one)


def word(concept: Concept, language_of_display: str, language: str) -> str:
    """Return the word of ``concept`` in ``language`` (BCP 47; "" any): exactly, then by main language, else display."""
    plain = concept.display or concept.code
    if not language or _is(language_of_display, language):
        return plain
    words = [one for one in concept.designations if one.use != "pinyin"]
    exact = next((one.value for one in words if one.language.lower() == language.lower()), "")
    return exact or next((one.value for one in words if _is(one.language, language)), plain)


def _is(one: str, other: str) -> bool:
    return bool(one) and one.partition("-")[0].lower() == other.partition("-")[0].lower()
