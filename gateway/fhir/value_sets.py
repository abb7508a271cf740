"""The codes of the value sets that profiles bind, listed from the committed CodeSystems and ValueSets.

In: parsed CodeSystem and ValueSet resources. Out: codes by system. Raises ValueError for a value set that cannot be
listed: a binding that is not decided would let bad codes pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.fhir import definitions

Json = dict[str, Any]
Systems = Mapping[str, frozenset[str]]


class ValueSets:
    """Listed on demand; a value set of R4 itself comes from the definitions."""

    def __init__(self, resources: Iterable[Json]) -> None:
        self._systems: dict[str, frozenset[str]] = {}
        self._sets: dict[str, Json] = {}
        for resource in resources:
            if resource["resourceType"] == "CodeSystem":
                self._systems[resource["url"]] = frozenset(_codes(resource.get("concept", ())))
            elif resource["resourceType"] == "ValueSet":
                self._sets[resource["url"]] = resource

    def systems(self, canonical: str) -> Systems:
        """Return {code system: codes} of the value set ``canonical``; ValueError when it cannot be listed."""
        url = canonical.partition("|")[0]
        if url in self._sets:
            return self._listed(self._sets[url])
        found = definitions.systems(url)
        if found is None:
            raise ValueError(f"the value set {url} is not loaded")
        return found

    def _listed(self, value_set: Json) -> Systems:
        compose = value_set["compose"]
        if "exclude" in compose:
            raise ValueError(f"the value set {value_set['url']} excludes codes, which is not built")
        found: dict[str, frozenset[str]] = {}
        for part in compose["include"]:
            for system, codes in self._included(part, value_set["url"]):
                found[system] = found.get(system, frozenset()) | codes
        return found

    def _included(self, part: Json, url: str) -> Iterable[tuple[str, frozenset[str]]]:
        if "filter" in part or ("valueSet" in part and "system" in part):
            raise ValueError(f"the value set {url} is computed, which is not built")
        if "valueSet" in part:
            return [pair for inner in part["valueSet"] for pair in self.systems(inner).items()]
        system = part["system"]
        if "concept" in part:
            return [(system, frozenset(row["code"] for row in part["concept"]))]
        if system not in self._systems:
            raise ValueError(f"the code system {system} of {url} is not loaded")
        return [(system, self._systems[system])]


def _codes(concepts: Iterable[Json]) -> Iterable[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _codes(concept.get("concept", ()))
