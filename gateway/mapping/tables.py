"""Code tables of a map: what a sender's code becomes; inline or in `tables/*.csv` (docs/guides/maps.md §4)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

KEYS: Final = frozenset({"system", "source", "file", "on_unmapped"})
"""Words of a table that are no codes."""
POLICIES: Final = ("reject", "text-only", "passthrough")
MAX_ROWS: Final = 100_000
"""Most rows of a table (design default; the national ICD list has 35,000)."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a code becomes: the target code, and what people call it."""

    code: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Hold a table: ``system`` of the targets, ``source`` system of the sender's codes ("" where not named)."""

    name: str
    rows: Mapping[str, Target]
    system: str = ""
    source: str = ""
    on_unmapped: str = "text-only"
    codings: dict[str, dict[str, str]] = field(default_factory=dict, compare=False)
    pairs: dict[str, tuple[dict[str, str], ...]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        """Prepare the first coding of every row, and beside it the sender's own where its system is known."""
        for code, target in self.rows.items():
            coding = {"system": self.system, "code": target.code}
            if target.display and not self.source:
                coding["display"] = target.display
            first = self.codings[code] = {name: value for name, value in coding.items() if value}
            own = {"system": self.source, "code": code, "display": target.display}
            second = {name: value for name, value in own.items() if value}
            self.pairs[code] = (first, second) if self.source else (first,)


class TableError(Exception):
    """A CSV table that cannot be read; the text goes to the map's author."""


def read_csv(path: Path) -> dict[str, Target]:
    """Return the rows of a CSV table with the columns code, target and optionally display."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise TableError(f"{path.name} cannot be read as UTF-8") from None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    reader = csv.reader(lines)
    header = [name.strip() for name in next(reader, [])]
    if header[:2] != ["code", "target"] or header[2:] not in ([], ["display"]):
        raise TableError(f"{path.name}: the columns are code,target,display")
    return _rows(path.name, reader)


def _rows(name: str, reader: object) -> dict[str, Target]:
    rows: dict[str, Target] = {}
    for cells in reader:  # type: ignore[attr-defined]
        code, target, display = (*(cell.strip() for cell in cells[:3]), "", "", "")[:3]
        if not code or not target or code in rows or len(cells) > 3:
            raise TableError(f"{name}: row {code or '?'} is empty, wider than the header, or there twice")
        if len(rows) >= MAX_ROWS:
            raise TableError(f"{name}: more than {MAX_ROWS} rows")
        rows[code] = Target(code=target, display=display)
    return rows
