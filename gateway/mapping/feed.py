"""A feed: one folder of `mappings/`, complete in itself (docs/guides/maps.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.fhir.problem import Problem, Problems
from gateway.mapping.compiled import Map
from gateway.mapping.compiler import ReadTable, compile_program
from gateway.mapping.tables import TableError, Target, read_csv

_NONE: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Feed:
    """One source of records and its map. ``name`` is the folder's (`json-discharge`), ``tier`` the folder above it."""

    name: str
    tier: str
    rank: int
    map: Map
    folder: Path = field(repr=False)
    warnings: tuple[Problem, ...] = ()

    def merge_keys(self, kind: str) -> Mapping[str, Sequence[str]]:
        """Return the lists of ``kind`` that merge by key: element name to the paths of its key."""
        return self.map.program.merge.get(kind, _NONE)


def load_feed(folder: Path) -> Feed:
    """Return the feed in ``folder``.

    Raises Problems of MAP-001, every mistake of the map at once, each with `tier/feed/map.yaml:line:column`.
    """
    folder = Path(folder)
    tier, name = folder.resolve().parent.name, folder.resolve().name
    file = f"{tier}/{name}/map.yaml"
    try:
        text = (folder / "map.yaml").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise Problems([_fault(file, "map.yaml cannot be read as UTF-8")]) from None
    program, warnings = compile_program(text, file=file, read_table=_tables(folder))
    if program.feed != f"{tier}/{name}":
        raise Problems([_fault(file, f"map: {program.feed} does not bear the folder's name {tier}/{name}")])
    return Feed(name, tier, program.rank, Map(program, file=file), folder, tuple(warnings))


def check(folder: Path) -> list[Problem]:
    """Return everything that is wrong (MAP-001, error) or remarkable (MAP-002, warning) about the map in ``folder``."""
    try:
        return list(load_feed(folder).warnings)
    except Problems as found:
        return list(found.problems)


def _tables(folder: Path) -> ReadTable:
    def read(name: str) -> dict[str, Target]:
        if Path(name).name != name:
            raise TableError("a table's file stands in the folder tables")
        return read_csv(folder / "tables" / name)

    return read


def _fault(file: str, reason: str) -> Problem:
    return Problem("MAP-001", source=f"{file}:1:1", reason=reason)
