"""Searches and what they mean, made together: a parameter with its value, and a plain predicate on documents.

In: the documents that a caller may read. Out: the answer that R4 gives on them alone, so that whatever else is stored
must change nothing. Values are read from the JSON by hand, not by the extractors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

Doc = dict[str, Any]
Docs = Mapping[str, Doc]
"""By `Kind/id`, in the order in which they were written."""
Holds = Callable[[Doc, Docs], bool]


class Asked(NamedTuple):
    """A parameter as it is written, and what it demands of a document among others."""

    name: str
    value: str
    holds: Holds


def _codes(element: str) -> Callable[[Doc], list[str]]:
    def read(doc: Doc) -> list[str]:
        value = doc.get(element)
        if isinstance(value, dict):
            return [coding["code"] for coding in value.get("coding", ())]
        return [] if value is None else [value]

    return read


TOKENS: Mapping[tuple[str, str], Callable[[Doc], list[str]]] = {
    ("Patient", "gender"): _codes("gender"),
    ("Encounter", "status"): _codes("status"),
    ("Condition", "code"): _codes("code"),
    ("Condition", "clinical-status"): _codes("clinicalStatus"),
    ("Observation", "code"): _codes("code"),
    ("Observation", "status"): _codes("status"),
    ("CarePlan", "status"): _codes("status"),
    ("Task", "status"): _codes("status"),
}
REFERENCES: Mapping[tuple[str, str], tuple[str, str]] = {
    ("Encounter", "subject"): ("subject", "Patient"),
    ("Condition", "subject"): ("subject", "Patient"),
    ("Condition", "encounter"): ("encounter", "Encounter"),
    ("Observation", "subject"): ("subject", "Patient"),
    ("Observation", "encounter"): ("encounter", "Encounter"),
    ("CarePlan", "subject"): ("subject", "Patient"),
    ("Task", "subject"): ("for", "Patient"),
}
"""(kind, parameter) to the element and the kind that it refers to here."""
KINDS = sorted({kind for kind, _ in TOKENS})
VALUES = ["female", "male", "finished", "planned", "I63.900", "I10", "active", "final", "8867-4", "8480-6", "accepted"]


def refers(doc: Doc, param: str) -> str:
    """Return the `Kind/id` that ``doc`` refers to by ``param``, "" for none."""
    element, _ = REFERENCES[doc["resourceType"], param]
    return str(doc.get(element, {}).get("reference", ""))


def asked(kind: str, depth: int = 2) -> st.SearchStrategy[Asked]:
    """Return what may be asked of ``kind``: tokens, and chains of up to ``depth`` steps in either direction."""
    plain = st.builds(_token, st.sampled_from([key for key in TOKENS if key[0] == kind]), st.sampled_from(VALUES))
    if not depth:
        return plain
    forth = [key for key in REFERENCES if key[0] == kind]
    back = [key for key, (_, target) in REFERENCES.items() if target == kind]
    steps = [asked(REFERENCES[key][1], depth - 1).map(lambda inner, key=key: _chain(key, inner)) for key in forth]
    steps += [asked(key[0], depth - 1).map(lambda inner, key=key: _has(key, inner)) for key in back]
    return st.one_of(plain, *steps)


def _token(key: tuple[str, str], value: str) -> Asked:
    return Asked(key[1], value, lambda doc, _: value in TOKENS[key](doc))


def _chain(key: tuple[str, str], inner: Asked) -> Asked:
    def holds(doc: Doc, docs: Docs) -> bool:
        target = docs.get(refers(doc, key[1]))
        return target is not None and inner.holds(target, docs)

    return Asked(f"{key[1]}:{REFERENCES[key][1]}.{inner.name}", inner.value, holds)


def _has(key: tuple[str, str], inner: Asked) -> Asked:
    kind, param = key

    def holds(doc: Doc, docs: Docs) -> bool:
        own = f"{doc['resourceType']}/{doc['id']}"
        return any(
            refers(each, param) == own and inner.holds(each, docs)
            for each in docs.values()
            if each["resourceType"] == kind
        )

    return Asked(f"_has:{kind}:{param}:{inner.name}", inner.value, holds)


class Including(NamedTuple):
    """An include as it is written; ``reverse`` for `_revinclude`."""

    kind: str
    param: str
    reverse: bool
    iterate: bool

    @property
    def pair(self) -> tuple[str, str]:
        """Return the parameter."""
        name = "_revinclude" if self.reverse else "_include"
        return f"{name}{':iterate' if self.iterate else ''}", f"{self.kind}:{self.param}"


includings = st.builds(
    lambda key, reverse, iterate: Including(*key, reverse, iterate),
    st.sampled_from(sorted(REFERENCES)),
    st.booleans(),
    st.booleans(),
)


def included(matches: Sequence[str], wanted: Sequence[Including], docs: Docs) -> set[str]:
    """Return the keys of what comes with ``matches``."""
    found: set[str] = set()
    edge, using = set(matches), wanted
    while edge:
        reached = {key for each in using for key in _reached(each, edge, docs)}
        edge = reached - found - set(matches)
        found |= edge
        using = [each for each in wanted if each.iterate]
    return found


def _reached(each: Including, edge: set[str], docs: Docs) -> set[str]:
    if each.reverse:
        rows = (key for key, doc in docs.items() if doc["resourceType"] == each.kind)
        return {key for key in rows if refers(docs[key], each.param) in edge}
    rows = (docs[key] for key in edge if docs[key]["resourceType"] == each.kind)
    return {goal for doc in rows if (goal := refers(doc, each.param)) in docs}


def ordered(rows: Sequence[Doc], keys: Sequence[tuple[str, bool]]) -> list[Doc]:
    """Return ``rows`` by ``keys`` (parameter, descending); what has no value comes last."""
    found = list(rows)
    for param, descending in reversed(keys):
        there = [doc for doc in found if _sorted_by(doc, param)]
        there.sort(key=lambda doc: _sorted_by(doc, param), reverse=descending)
        found = [*there, *(doc for doc in found if not _sorted_by(doc, param))]
    return found


def _sorted_by(doc: Doc, param: str) -> str:
    if param == "_id":
        return str(doc["id"])
    kind = doc["resourceType"]
    if (kind, param) in REFERENCES:
        return refers(doc, param)
    return next(iter(TOKENS[kind, param](doc)), "")
