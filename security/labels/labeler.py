"""Label a resource at write: data class, level and sensitivity, from codes and words of its whole content.

Codes of ICD systems are matched by pattern, words everywhere in codes' texts, displays, notes and narrative, contained
resources included; a denial in the same clause cancels a word. The level is the highest hit, never below the kind's.
Source: security.md CLS-01..03, §6; GB/T 39725-2020 6.2 e.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

import yaml

from security.labels.catalogue import OTHER, Catalogue
from security.labels.skim import ALIKE, Skim

CATEGORY: Final = "https://yiyang-gateway.example/fhir/CodeSystem/gbt39725-category"
LEVEL: Final = "https://yiyang-gateway.example/fhir/CodeSystem/gbt39725-level"
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_CONFIDENTIALITY_OF: Final = {1: "U", 2: "L", 3: "M", 4: "N", 5: "R"}
_CLAUSE_END = re.compile(r"[。；;，,\n]")
"""Where a denial stops; an enumeration comma (、) does not stop it."""
_ICD_SHAPE = re.compile(r"[A-Z][0-9][0-9]")


class Label:
    """One label of sensitivity.yaml with its patterns compiled."""

    def __init__(self, code: str, row: Mapping[str, Any], systems: Mapping[str, str]) -> None:
        self.code = code
        self.level: int = row["level"]
        self.system = systems[row["system"]]
        self.zh: str = row["zh"]
        self.icd = re.compile(row["icd"]) if "icd" in row else None


class Labeler:
    """Compute labels. Built once; every method is pure."""

    def __init__(self, catalogue: Catalogue) -> None:
        raw = yaml.safe_load(files("security.labels").joinpath("sensitivity.yaml").read_text("utf-8"))
        self._catalogue = catalogue
        self.labels = {code: Label(code, row, raw["systems"]) for code, row in raw["labels"].items()}
        self._word_of = {word.lower(): code for code, row in raw["labels"].items() for word in row.get("words", ())}
        longest = sorted(self._word_of, key=len, reverse=True)
        self._words = re.compile("|".join(itertools.chain.from_iterable(map(_spelled, longest))))
        self._icd_exact = tuple(name for name in raw["icd-systems"] if not name.endswith("*"))
        self._icd_prefix = tuple(name[:-1] for name in raw["icd-systems"] if name.endswith("*"))
        self._skim = Skim(self._word_of, self._words, (*self._icd_exact, *self._icd_prefix))
        self._unscanned = frozenset(raw["unscanned"])
        self._unread = frozenset(raw["unscanned-elements"])
        self._denials = tuple(raw["denials"])
        self.exclusions = _exclusions(raw["exclusions"], self.labels)

    def sensitivity(self, kind: str, doc: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the labels that ``doc`` deserves, sorted; what stands in meta.security is no part of the content."""
        if kind in self._unscanned:
            return ()
        content = _content(doc)
        return () if self._skim.finds_nothing(content) else self._looked(kind, content)

    def _looked(self, kind: str, doc: Mapping[str, Any]) -> tuple[str, ...]:
        found: set[str] = set()
        texts: list[str] = []
        self._walk(doc, texts, found, answers=kind == "QuestionnaireResponse")
        found.update(self._of_text("\n".join(texts)))
        return tuple(sorted(found))

    def level(self, kind: str, labels: tuple[str, ...]) -> int:
        """Return the level 1..5 of a resource with ``labels``."""
        base = self._catalogue.kinds.get(kind, OTHER).level
        return max([base, *(self.labels[code].level for code in labels)])

    def klass(self, kind: str, doc: Mapping[str, Any]) -> str:
        """Return the consent data class; a Flag about safety, and every allergy, is SAFETY."""
        row = self._catalogue.kinds.get(kind, OTHER)
        return "SAFETY" if kind == "Flag" and self._is_safety(doc) else row.klass

    def codes(self, kind: str, level: int, labels: tuple[str, ...]) -> list[dict[str, str]]:
        """Return the codings for meta.security."""
        category = self._catalogue.kinds.get(kind, OTHER).category
        return [
            {"system": CATEGORY, "code": category},
            {"system": LEVEL, "code": f"L{level}"},
            {"system": CONFIDENTIALITY, "code": _CONFIDENTIALITY_OF[level]},
            *({"system": self.labels[code].system, "code": code} for code in labels if code in self.labels),
        ]

    def _is_safety(self, doc: Mapping[str, Any]) -> bool:
        concepts = [doc.get("code", {}), *doc.get("category", ())]
        told = [concept.get("text", "") for concept in concepts]
        told += [
            coding.get(key, "")
            for concept in concepts
            for coding in concept.get("coding", ())
            for key in ("code", "display")
        ]
        return any(word in text for text in told for word in self._catalogue.safety_flags)

    def _walk(self, node: Any, texts: list[str], found: set[str], *, answers: bool) -> None:
        """Collect the texts and the ICD hits of ``node``; in a questionnaire only what was answered."""
        unread, open_nodes = self._unread, [node]
        while open_nodes:
            node = open_nodes.pop()
            if isinstance(node, str):
                texts.append(node)
            elif isinstance(node, list):
                open_nodes += node
            elif isinstance(node, dict):
                if "code" in node:
                    found.update(self._of_coding(node))
                asked = answers and "linkId" in node
                open_nodes += (
                    value
                    for key, value in node.items()
                    if key not in unread and not (asked and key in ("text", "display"))
                )

    def _of_coding(self, node: Mapping[str, Any]) -> frozenset[str]:
        code, system = node["code"], node.get("system", "")
        if not isinstance(code, str) or not isinstance(system, str) or not self._is_icd(system, code):
            return frozenset()
        return frozenset(
            label.code for label in self.labels.values() if label.icd is not None and label.icd.match(code)
        )

    def _is_icd(self, system: str, code: str) -> bool:
        known = system in self._icd_exact or system.startswith(self._icd_prefix)
        return known and _ICD_SHAPE.match(code) is not None

    def _of_text(self, text: str) -> Iterator[str]:
        for match in self._words.finditer(text):
            if not self._denied(text, match.start()):
                yield self._word_of[match[0].lower().translate(_PLAIN)]

    def _denied(self, text: str, place: int) -> bool:
        before = _CLAUSE_END.split(text[max(0, place - _CLAUSE) : place])[-1].strip().lower()
        return before.startswith(self._denials)


def _content(doc: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``doc`` without its security labels: one that a client sends back would last for ever (CLS-07)."""
    meta = doc.get("meta")
    if not isinstance(meta, dict) or "security" not in meta:
        return doc
    return {**doc, "meta": {key: value for key, value in meta.items() if key != "security"}}


_PLAIN: Final = {0x131: "i", 0x307: None, 0x17F: "s"}
"""What of `ALIKE` `lower` leaves; 0x307 is the dot that it makes of 0x130."""


def _spelled(word: str) -> Iterator[str]:
    """Yield expressions that together match ``word`` in any case, each beginning with one plain letter.

    By their first letters the text is skimmed; an expression that ignores case as a whole is tried at every place.
    """
    first, rest = word[0], re.escape(word[1:])
    letters = {letter for letter in (first.lower(), first.upper(), first, *ALIKE) if len(letter) == 1}
    same = re.compile(re.escape(first), re.IGNORECASE)
    for letter in sorted(letters):
        if same.fullmatch(letter):
            yield f"{re.escape(letter)}(?i:{rest})"


_CLAUSE: Final = 60
"""Characters looked back for the beginning of a clause; longer ones count as not denied, which is the strict side."""


def _exclusions(words: Mapping[str, list[str]], labels: Mapping[str, Label]) -> Mapping[str, frozenset[str]]:
    """Return what an exclusion's code or word denies: every label by its own code, and the words of the table."""
    own = {code: frozenset({code}) for code in labels}
    return {**own, **{word: frozenset(codes) for word, codes in words.items()}}
