"""The terminology that comes with the program: the profiles' own, and the tables behind R4's required bindings.

Out: `Loadable` values and a mark that changes with their content. R4's tables hold codes alone: the definitions that
the program carries are slimmed, so a display of theirs is the code. Source: hl7.fhir.r4.core 4.0.1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gateway.fhir import definitions
from gateway.terminology.reading import loadables
from gateway.terminology.values import CodeSystem, Concept, Head, Loadable, ValueSet

R4_VERSION = "4.0.1"
_KINDS = ("CodeSystem-*.json", "ValueSet-*.json", "ConceptMap-*.json")
_FORM = "2"
"""Changes when the tables would be filled otherwise from the same files."""


class Shipped(NamedTuple):
    """What there is to load, and its ``mark``."""

    resources: tuple[Loadable, ...]
    mark: str


def shipped(folder: Path) -> Shipped:
    """Return the terminology of the generated profiles in ``folder`` and of R4. Raises Problem TRM-010."""
    bodies = [path.read_bytes() for pattern in _KINDS for path in sorted(folder.glob(pattern))]
    own = [one for body in bodies for one in loadables(body)]
    taken = {one.head.url for one in own}
    sets = definitions.required_sets()
    mark = hashlib.sha256(b"\0".join([_FORM.encode(), *bodies, json.dumps(sets, sort_keys=True).encode()]))
    core = (one for one in _core(sets) if one.head.url not in taken)
    return Shipped((*own, *core), mark.hexdigest())


def _core(sets: dict[str, dict[str, list[str]]]) -> Iterator[Loadable]:
    systems: dict[str, set[str]] = {}
    for parts in sets.values():
        for system, codes in parts.items():
            systems.setdefault(system, set()).update(codes)
    for url, all_codes in systems.items():
        # What no binding asks for is not in the tables, so no system is known to be whole.
        yield CodeSystem(_head(url), [Concept(code) for code in sorted(all_codes)], "fragment")
    for url, parts in sets.items():
        include = [{"system": at, "concept": [{"code": code} for code in codes]} for at, codes in parts.items()]
        yield ValueSet(_head(url), {"include": include})


def _head(url: str) -> Head:
    name = url.rstrip("/").rpartition("/")[2]
    return Head(url, R4_VERSION, name[:64], name, name, "en", "active")
