"""Read catalogue.yaml: what every element is, and who sees it how. Anything misspelt stops the start-up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final

import yaml

LETTERS: Final = frozenset("FPX-")
_ROW_KEYS: Final = frozenset({"see", "mask", "keep", "drop", "params"})


class CatalogueError(ValueError):
    """A row of the catalogue cannot be used; the text names it."""


@dataclass(frozen=True, slots=True)
class Element:
    """Who sees one element: ``see`` holds a letter a role; ``mask``/``keep``/``drop`` say what P means."""

    see: str
    mask: str = ""
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    params: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource type. ``elements`` is keyed by R4 names (``value[x]`` for choices); empty for own-only kinds."""

    name: str
    klass: str
    category: str
    level: int
    safety: bool = False
    own_only: bool = False
    basis: frozenset[str] = frozenset()
    elements: Mapping[str, Element] = field(default_factory=dict)

    def element(self, key: str) -> Element | None:
        """Return the row of the JSON member ``key`` (``valueString`` -> ``value[x]``, ``_x`` -> ``x``), if any."""
        name = key.removeprefix("_")
        found = self.elements.get(name)
        if found is not None:
            return found
        for choice, row in self.elements.items():
            stem = choice.removesuffix("[x]")
            if stem != choice and name.startswith(stem) and name[len(stem) : len(stem) + 1].isupper():
                return row
        return None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The whole file; ``shown`` are the kinds of which a role ever sees others' resources, ``sha`` hashes the text."""

    roles: tuple[str, ...]
    kinds: Mapping[str, Kind]
    skipped: Mapping[str, Mapping[str, str]]
    advice: frozenset[str]
    safety_flags: tuple[str, ...]
    shown: Mapping[str, frozenset[str]]
    sha: str

    @classmethod
    def load(cls) -> Catalogue:
        """Read the catalogue of this package; raise CatalogueError for a row that is not understood."""
        text = files("security.labels").joinpath("catalogue.yaml").read_text("utf-8")
        return cls.parse(text)

    @classmethod
    def parse(cls, text: str) -> Catalogue:
        """Return the catalogue written in ``text``."""
        raw = yaml.safe_load(text)
        roles = tuple(raw["roles"])
        common = {name: _element(name, row, len(roles)) for name, row in raw["common"].items()}
        kinds = {name: _kind(name, row, common, len(roles)) for name, row in raw["kinds"].items()}
        kinds |= {name: _own_only(name, row) for name, row in raw["own-only"].items()}
        return cls(
            roles=roles,
            kinds=kinds,
            skipped=raw["skipped"],
            advice=frozenset(raw["advice"]),
            safety_flags=tuple(raw["safety-flags"]),
            shown={role: _shown(kinds, column) for column, role in enumerate(roles)},
            sha=hashlib.sha256(text.encode()).hexdigest(),
        )

    def classes(self, kind: str) -> frozenset[str]:
        """Return the data classes that resources of ``kind`` may have."""
        row = self.kinds.get(kind, OTHER)
        return frozenset({row.klass, "SAFETY"}) if row.safety else frozenset({row.klass})


OTHER: Final = Kind(name="", klass="OTHER", category="C3", level=4, own_only=True)
"""A kind that the catalogue does not list: it stays with whoever wrote it."""


def _kind(name: str, row: Mapping[str, Any], common: Mapping[str, Element], width: int) -> Kind:
    own = {key: _element(f"{name}.{key}", value, width) for key, value in row["elements"].items()}
    hidden = [place for place in range(width) if all(element.see[place] == "-" for element in own.values())]
    shared = {key: _hide(element, hidden) for key, element in common.items()}
    return Kind(
        name=name,
        klass=row["klass"],
        category=row["category"],
        level=row["level"],
        safety=row.get("safety", False),
        basis=frozenset(row.get("basis", ())),
        elements={**shared, **own},
    )


def _hide(element: Element, hidden: list[int]) -> Element:
    """Return a common row with "-" for the roles that never see the kind."""
    see = "".join("-" if place in hidden else letter for place, letter in enumerate(element.see))
    return Element(see=see, mask=element.mask, params=element.params)


def _shown(kinds: Mapping[str, Kind], column: int) -> frozenset[str]:
    return frozenset(
        name for name, kind in kinds.items() if not kind.own_only and kind.elements["id"].see[column] != "-"
    )


def _own_only(name: str, row: Mapping[str, Any]) -> Kind:
    if not row.get("why"):
        raise CatalogueError(f"{name}: own-only needs a reason")
    return Kind(name=name, klass=row["klass"], category=row["category"], level=row["level"], own_only=True)


def _element(where: str, row: Any, width: int) -> Element:
    fields = {"see": row} if isinstance(row, str) else dict(row)
    if not fields.keys() <= _ROW_KEYS or len(fields["see"]) != width or not LETTERS.issuperset(fields["see"]):
        raise CatalogueError(f"{where}: cannot read {row!r}")
    ways = [name for name in ("mask", "keep", "drop") if fields.get(name)]
    if ("P" in fields["see"]) != (len(ways) == 1):
        raise CatalogueError(f"{where}: P needs exactly one of mask, keep, drop")
    return Element(
        see=fields["see"],
        mask=fields.get("mask", ""),
        keep=tuple(fields.get("keep", ())),
        drop=tuple(fields.get("drop", ())),
        params=tuple(fields.get("params", ())),
    )
