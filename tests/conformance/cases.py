"""Conformance cases as data: what a file under `cases/` says, read strictly.

In: YAML. Out: the resources of a file, its searches and its exchanges. A word that nobody knows is an error: a case
that says something which is not looked at would show nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

FOLDER = Path(__file__).parent / "cases"
Doc = dict[str, Any]
_NAME = re.compile(r"<([a-z0-9-]+)>")


class Search(msgspec.Struct, forbid_unknown_fields=True):
    """A search and what of the file's resources it ``finds``, on all its ``pages`` together."""

    clause: str
    ask: str
    finds: list[str]
    ordered: bool = False
    pages: int = 0


class Step(msgspec.Struct, forbid_unknown_fields=True):
    """One request and what its answer has to be; see README.md for the words."""

    ask: str
    status: int | str
    by: str = "centre-doctor"
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    json: Any = None
    raw: str | None = None
    form: dict[str, str] = msgspec.field(default_factory=dict)
    known: dict[str, str] = msgspec.field(default_factory=dict)
    has: dict[str, str] = msgspec.field(default_factory=dict)
    body: dict[str, Any] = msgspec.field(default_factory=dict)
    unlike: dict[str, Any] = msgspec.field(default_factory=dict, name="not")
    codes: list[str] = msgspec.field(default_factory=list)
    where: str = ""
    issues: int = 0
    size: int | None = None
    text: str = ""
    empty: bool = False
    keep: dict[str, str] = msgspec.field(default_factory=dict)


class Exchange(msgspec.Struct, forbid_unknown_fields=True):
    """Requests one after the other; ``given`` are resources of this exchange alone."""

    clause: str
    steps: list[Step]
    given: dict[str, Doc] = msgspec.field(default_factory=dict)


class CaseFile(msgspec.Struct, forbid_unknown_fields=True):
    """One file: what it is ``about``, its resources, searches and exchanges by name."""

    about: str
    resources: dict[str, Doc] = msgspec.field(default_factory=dict)
    searches: dict[str, Search] = msgspec.field(default_factory=dict)
    exchanges: dict[str, Exchange] = msgspec.field(default_factory=dict)


def files() -> Mapping[str, CaseFile]:
    """Return every file by its name. Raises msgspec.ValidationError, ValueError for one that is not understood."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.yaml"))}


def _read(path: Path) -> CaseFile:
    found = msgspec.convert(yaml.load(path.read_text("utf-8"), Loader=_Strict), CaseFile)  # noqa: S506 - a SafeLoader
    for name, search in found.searches.items():
        if unknown := set(search.finds) - found.resources.keys():
            raise ValueError(f"{path.stem}: {name} finds {sorted(unknown)}, which the file does not have")
    return found


def named(node: Any, ids: Mapping[str, str]) -> Any:
    """Return ``node`` with every `<name>` replaced by its id. Raises KeyError for a name that nobody has."""
    if isinstance(node, Mapping):
        return {key: named(value, ids) for key, value in node.items()}
    if isinstance(node, list):
        return [named(value, ids) for value in node]
    return _NAME.sub(lambda match: ids[match[1]], node) if isinstance(node, str) else node


def known(text: str, ids: Mapping[str, str]) -> str:
    """Return ``text``, which may be XML, with every `<name>` that somebody has replaced by its id."""
    return _NAME.sub(lambda match: ids.get(match[1], match[0]), text)


def at(doc: Any, path: str) -> Any:
    """Return what stands at a dotted ``path`` (`entry.0.resource.id`), None where nothing does."""
    for part in path.split("."):
        if isinstance(doc, list):
            doc = doc[int(part)] if part.isdigit() and int(part) < len(doc) else None
        elif isinstance(doc, dict):
            doc = doc.get(part)
        else:
            return None
    return doc


_SUBJECT = {"CarePlan", "Condition", "Encounter", "Goal", "Observation", "Procedure", "ServiceRequest"}
_FILLED: Mapping[str, Doc] = {
    "Observation": {"status": "final", "code": {"text": "x"}},
    "Goal": {"lifecycleStatus": "active", "description": {"text": "x"}},
    "CarePlan": {"status": "active", "intent": "plan"},
}


def filled(doc: Doc) -> Doc:
    """Return ``doc`` with what its kind demands and the case is not about: the elder, a status, a code."""
    kind = doc["resourceType"]
    about = {"subject": {"reference": "Patient/elder"}} if kind in _SUBJECT else {}
    return {**about, **_FILLED.get(kind, {}), **doc}


def counted(found: Mapping[str, CaseFile]) -> int:
    """Return how many cases there are."""
    return sum(len(each.searches) + len(each.exchanges) for each in found.values())


def ordered(docs: Mapping[str, Doc]) -> Iterator[tuple[str, Doc]]:
    """Yield ``docs`` so that each comes after those that it names."""
    left = dict(docs)
    while left:
        ready = [name for name, doc in left.items() if not _names(doc) & (left.keys() - {name})]
        if not ready:
            raise ValueError(f"{sorted(left)} name each other in a circle")
        yield from ((name, left.pop(name)) for name in ready)


def _names(doc: Doc) -> set[str]:
    return set(_NAME.findall(json.dumps(doc)))


class _Strict(yaml.SafeLoader):
    """Refuses a key given twice, which YAML would let the second win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001
        keys: Sequence[str] = [key.value for key, _ in node.value if key.value != "<<"]
        if len(keys) != len(set(keys)):
            raise ValueError(f"a name is given twice: {sorted(key for key in keys if keys.count(key) > 1)}")
        return super().construct_mapping(node, deep)
