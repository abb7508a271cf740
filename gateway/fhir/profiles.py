"""The profiles that a resource claims, checked on top of R4: every fault, each with its FHIRPath.

In: a folder of generated StructureDefinitions, ValueSets and CodeSystems, read once; then parsed resources. Out: the
`Problem`s of each claimed profile. A claim of our own that does not exist is an error; somebody else's profile is told
in a warning and not checked. A profile that is not understood whole refuses to load. Source: R4 profiling.html,
fhir-core.md D4; docs/decisions/0031-profiles-as-an-overlay.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from gateway.fhir import definitions
from gateway.fhir.evaluate import Scope
from gateway.fhir.problem import Problem, Severity
from gateway.fhir.profile_node import Form, Node, Place, written
from gateway.fhir.profile_tree import tree_of
from gateway.fhir.shapes import MAX_ITEMS
from gateway.fhir.slices import agrees, bound, claims_of, compile_slices, kind_of_target
from gateway.fhir.straight import Straight
from gateway.fhir.validate import MAX_FAULTS
from gateway.fhir.value_sets import ValueSets

Json = dict[str, Any]

CANONICAL_BASE = "https://yiyang-gateway.example/fhir"
"""Base of every canonical URL of ours; reserved by RFC 2606 until the project owns a domain (domain.md §6)."""
_OWN = CANONICAL_BASE + "/StructureDefinition/"
_GATEWAY = Path(__file__).resolve().parent.parent
_PACKAGED = _GATEWAY / "_data" / "profiles"
_CHECKOUT = _GATEWAY.parent / "profiles" / "generated"
_SHOWABLE = re.compile(r"(?!.*\d{6})https?://[A-Za-z0-9.\-]+(?:/[A-Za-z0-9._\-]+)*(?:\|[A-Za-z0-9._\-]+)?")


class Profiles:
    """Profiles, compiled. Immutable after `load`; safe to share."""

    def __init__(self, resources: list[Json]) -> None:
        """Compile the StructureDefinitions among ``resources``; ValueError when one is not understood whole."""
        value_sets = ValueSets(resources)
        self._definitions = {r["url"]: r for r in resources if r["resourceType"] == "StructureDefinition"}
        self._trees = {url: tree_of(url, self._definitions, value_sets) for url in self._definitions}
        urls = {url: url for url, row in self._definitions.items() if row["type"] == "Extension"}
        for url, tree in self._trees.items():
            try:
                compile_slices(tree, urls)
            except (KeyError, ValueError) as error:
                raise ValueError(f"{url}: {error}") from error
        self._straight = Straight(self._trees, {url: row["type"] for url, row in self._definitions.items()})

    @classmethod
    def load(cls, folder: Path) -> Profiles:
        """Read every definition in ``folder``; ValueError when there is none or one is not understood."""
        read = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json")))
        resources = [doc for doc in read if "resourceType" in doc]
        if not resources:
            raise ValueError(f"no profiles in {folder.name}")
        return cls(resources)

    def supported(self, kind: str) -> tuple[str, ...]:
        """Return the URLs of the profiles of ``kind``, in name order."""
        return tuple(sorted(url for url, row in self._definitions.items() if row["type"] == kind))

    def is_clean(self, doc: Json) -> bool:
        """Tell whether R4 and `faults` surely find nothing in ``doc``, any resource; False means nothing.

        About 20 µs for 1 kB.
        """
        return self._straight.is_clean(doc)

    def faults(self, doc: Json) -> list[Problem]:
        """Return what breaks the profiles that ``doc`` and what it contains claim, at most `MAX_FAULTS`; never raises.

        ``doc`` stands by itself: resources in the entries of a Bundle are each handed in alone. R4 itself is not
        checked here. About 100 µs for a Patient.
        """
        found: list[Problem] = []
        for resource, where in _resources(doc):
            for at, claim in enumerate(claims_of(resource)):
                found += self._claimed(claim, resource, doc, where, f"{where}.meta.profile[{at}]")
                if len(found) >= MAX_FAULTS:
                    return found[:MAX_FAULTS]
        return found

    def _claimed(self, claim: str, resource: Json, root: Json, where: str, at: str) -> list[Problem]:
        url, _, version = claim.partition("|")
        definition = self._definitions.get(url)
        if definition is None or version not in ("", definition["version"]):
            if url.startswith(_OWN):
                return [Problem("FHIR-039", where=at, profile=_shown(claim))]
            return [Problem("FHIR-037", where=at, severity="warning", profile=_shown(claim))]
        kind = str(resource.get("resourceType"))
        if definition["type"] != kind:
            expected = definition["type"]
            return [Problem("FHIR-038", where=at, profile=definition["id"], expected=expected, found=kind)]
        walk = _Walk(self._trees, definition["id"], resource, root)
        try:
            walk.item(self._trees[url], resource, None, kind, (None, where, None))
        except _Enough:
            pass
        except RecursionError:
            walk.found.append(Problem("FHIR-023", reason="it is nested too deeply"))
        return walk.found


@cache
def shipped() -> Profiles:
    """Return the profiles that come with this program: those in the package, in a checkout the generated folder's."""
    return Profiles.load(_PACKAGED if _PACKAGED.is_dir() else _CHECKOUT)


def _resources(doc: Json) -> Iterator[tuple[Json, str]]:
    where = str(doc.get("resourceType", ""))
    yield doc, where
    contained = doc.get("contained")
    for at, inner in enumerate(contained[:MAX_ITEMS] if isinstance(contained, list) else ()):
        if isinstance(inner, dict):
            yield inner, f"{where}.contained[{at}]"


def _shown(claim: str) -> str:
    """Return a claim that a stranger sent as far as it can be shown: only what looks like a canonical URL."""
    return claim[:200] if _SHOWABLE.fullmatch(claim) else "?"


class _Enough(Exception):  # noqa: N818 - ends the walk, never leaves this module
    """So many faults that no more are looked for."""


class _Walk:
    """One resource against one profile; ``profile`` is the id that faults are told with.

    A value travels with its ``twin`` (the extensions of a primitive), its type and its place, a chain of steps that
    is written out only when there is a fault.
    """

    def __init__(self, trees: dict[str, Node], profile: str, resource: Json, root: Json) -> None:
        self.found: list[Problem] = []
        self.trees, self.profile, self.resource, self.root = trees, profile, resource, root

    def add(self, code: str, place: Place, severity: Severity = "error", **detail: str) -> None:
        self.found.append(Problem(code, where=written(place), severity=severity, profile=self.profile, **detail))
        if len(self.found) >= MAX_FAULTS:
            raise _Enough

    def item(self, node: Node, value: Any, twin: Any, kind: str, place: Place) -> None:
        """Check one value against what ``node`` says of it and of what is below it."""
        if node.kinds and not self.type(node, value, kind, place):
            return
        if node.expected is not None and not agrees(value, node.expected):
            self.add("FHIR-032", place, name=node.label)
        if node.binding is not None and not bound(value, node.binding.systems):
            self.add("FHIR-033", place, name=node.label, valueset=node.binding.url)
        if node.rules:
            self.rules(node, value, kind, place)
        for url in node.shapes:
            self.item(self.trees[url], value, twin, kind, place)
        if node.children:
            self.children(node, value, twin, kind, place)

    def type(self, node: Node, value: Any, kind: str, place: Place) -> bool:
        """Check the type of a value, of a reference also what it points to; tell whether to look further."""
        if kind not in node.kinds:
            self.add("FHIR-035", place, name=node.label, allowed=", ".join(sorted(node.kinds)))
            return False
        target = kind_of_target(value) if node.targets else ""
        if target and target not in node.targets:
            self.add("FHIR-035", place, name=node.label, allowed=", ".join(sorted(node.targets)))
        return True

    def rules(self, node: Node, value: Any, kind: str, place: Place) -> None:
        scope = Scope(self.resource, self.root, (value, kind), {})
        for rule in node.rules:
            if rule.broken(value, kind, scope):
                zh, _, en = rule.human.partition(" / ")
                self.add("FHIR-034", place, rule.severity, key=rule.key, zh=zh, human=en or zh)

    def children(self, node: Node, value: Any, twin: Any, kind: str, place: Place) -> None:
        if kind == "Resource" and value.__class__ is dict and value.get("resourceType") in definitions.kinds():
            kind = value["resourceType"]
        holder = value
        if value.__class__ is not dict:
            holder, kind = (twin if twin.__class__ is dict else {}), "Element"
        plan = node.plan(kind)
        for child, names in plan.required:
            if holder.keys().isdisjoint(names):
                self.add("FHIR-030", (place, child.name, None), name=child.label, min=str(child.min))
        for child, forms in plan.walked:
            self.element(child, forms, holder, place)

    def element(self, node: Node, forms: tuple[Form, ...], holder: Json, place: Place) -> None:
        """Check an element of ``holder``: how often it is there, each of its values, its slices."""
        number = 0
        slices = dict.fromkeys(node.slices, 0)
        for name, twin_name, kind in forms:
            value, twin = holder.get(name), holder.get(twin_name)
            if value is None and twin is None:
                continue
            if value.__class__ is list or twin.__class__ is list:
                pairs = _pairs(value, twin)
                number += len(pairs)
                for at, (one, its_twin) in enumerate(pairs):
                    self.one(node, slices, one, its_twin, kind, (place, node.name, at))
            else:
                number += 1
                self.one(node, slices, value, twin, kind, (place, node.name, None))
        before = len(self.found)
        for slice_name, count in slices.items():
            self.count(node.slices[slice_name], count, place)
        if len(self.found) == before:  # else the slice says more exactly what is missing
            self.count(node, number, place)

    def one(self, node: Node, slices: dict[str, int], value: Any, twin: Any, kind: str, place: Place) -> None:
        """Check one value of an element, by the element and by its slice."""
        self.item(node, value, twin, kind, place)
        if node.choose is None:
            return
        name = node.choose(value, kind)
        if name is not None:
            slices[name] += 1
            self.item(node.slices[name], value, twin, kind, place)
        elif node.closed:
            self.add("FHIR-036", place, name=node.label)

    def count(self, node: Node, number: int, place: Place) -> None:
        if number < node.min:
            self.add("FHIR-030", (place, node.name, None), name=node.label, min=str(node.min))
        if node.max is not None and number > node.max:
            self.add("FHIR-031", (place, node.name, None), name=node.label, max=str(node.max))


def _pairs(value: Any, twin: Any) -> list[tuple[Any, Any]]:
    """Return the values of a list, each with its twin."""
    values, twins = (part[:MAX_ITEMS] if isinstance(part, list) else [] for part in (value, twin))
    return list(zip_longest(values, twins)) if twins else [(one, None) for one in values]
