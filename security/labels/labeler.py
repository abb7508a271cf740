"""Label a resource at write: data class, level and sensitivity, from codes and words of its whole content.

Codes of ICD systems are matched by pattern, words everywhere in codes' texts, displays, notes and narrative, contained
resources included; a denial in the same clause cancels a word. The level is the highest hit, never below the kind's.
Source: security.md CLS-01..03, §6; GB/T 39725-2020 6.2 e.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

import yaml

from security.labels.catalogue import OTHER, Catalogue

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
        self._words = re.compile("|".join(map(re.escape, longest)), re.IGNORECASE)
        self._icd_exact = tuple(name for name in raw["icd-systems"] if not name.endswith("*"))
        self._icd_prefix = tuple(name[:-1] for name in raw["icd-systems"] if name.endswith("*"))
        self._unscanned = frozenset(raw["unscanned"])
        self._unread = frozenset(raw["unscanned-elements"])
        self._denials = tuple(raw["denials"])
        self.exclusions = _exclusions(raw["exclusions"], self.labels)

    def sensitivity(self, kind: str, doc: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the labels that ``doc`` deserves, sorted."""
        if kind in self._unscanned:
            return ()
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
        if isinstance(node, str):
            texts.append(node)
        elif isinstance(node, list):
            for item in node:
                self._walk(item, texts, found, answers=answers)
        elif isinstance(node, dict):
            found.update(self._of_coding(node))
            for key, value in node.items():
                if key not in self._unread and not (answers and key in ("text", "display") and "linkId" in node):
                    self._walk(value, texts, found, answers=answers)

    def _of_coding(self, node: Mapping[str, Any]) -> Iterator[str]:
        code, system = node.get("code"), node.get("system", "")
        if not isinstance(code, str) or not isinstance(system, str) or not self._is_icd(system, code):
            return
        for label in self.labels.values():
            if label.icd is not None and label.icd.match(code):
                yield label.code

    def _is_icd(self, system: str, code: str) -> bool:
        known = system in self._icd_exact or system.startswith(self._icd_prefix)
        return known and _ICD_SHAPE.match(code) is not None

    def _of_text(self, text: str) -> Iterator[str]:
        for match in self._words.finditer(text):
            if not self._denied(text, match.start()):
                yield self._word_of[match[0].lower()]

    def _denied(self, text: str, place: int) -> bool:
        before = _CLAUSE_END.split(text[max(0, place - _CLAUSE) : place])[-1].strip().lower()
        return before.startswith(self._denials)


_CLAUSE: Final = 60
"""Characters looked back for the beginning of a clause; longer ones count as not denied, which is the strict side."""


def _exclusions(words: Mapping[str, list[str]], labels: Mapping[str, Label]) -> Mapping[str, frozenset[str]]:
    """Return what an exclusion's code or word denies: every label by its own code, and the words of the table."""
    own = {code: frozenset({code}) for code in labels}
    return {**own, **{word: frozenset(codes) for word, codes in words.items()}}
