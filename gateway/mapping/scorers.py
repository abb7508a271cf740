"""Scales that the gateway scores itself and compares with what the sender declared.

GB/T 42195-2022 (ability of older people): 26 items, 90 points, higher is better; level cuts and the three upgrade
rules of domain.md §1.2. Refused: missing or impossible items.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

GB42195: Final[dict[str, int]] = {
    **{f"B1.{item}": 4 for item in range(1, 9)},
    **{f"B2.{item}": top for item, top in enumerate((4, 4, 4, 3), 1)},
    **{f"B3.{item}": top for item, top in enumerate((4, 4, 4, 4, 4, 4, 1, 1, 2), 1)},
    **{f"B4.{item}": top for item, top in enumerate((2, 2, 4, 3, 4), 1)},
}
"""Item -> its most points (GB/T 42195-2022 appendix B)."""
_PARTS: Final = {
    part.lower(): tuple(item for item in GB42195 if item.startswith(part)) for part in ("B1", "B2", "B3", "B4")
}
CUTS: Final = ((90, 0), (66, 1), (46, 2), (30, 3), (0, 4))
"""From this total on -> level: 0 able, 1 mild, 2 moderate, 3 severe, 4 complete disability."""
RISK_EVENTS: Final = 2
"""So many care-risk events within 30 days raise the level by one."""


class Unscorable(Exception):  # noqa: N818 - turned into a Problem by the compiled map
    """Items that are missing or impossible, by name."""

    def __init__(self, items: list[str]) -> None:
        """Hold the item names."""
        super().__init__(", ".join(items))
        self.items = items


@dataclass(frozen=True, slots=True)
class Score:
    """Total, level before and after the upgrade rules, and the sum of each part (b1 to b4)."""

    total: int
    base: int
    level: int
    parts: Mapping[str, int]

    def as_fields(self) -> dict[str, int]:
        """Return the names under which a map reads the result."""
        return {"total": self.total, "base": self.base, "level": self.level, **self.parts}


def gb42195(items: Mapping[str, Any], *, coma: bool, dementia_or_mental: bool, risk_events: int) -> Score:
    """Return the score of ``items`` (item name -> points); `Unscorable` names what is wrong."""
    points = {item: _points(items.get(item), top) for item, top in GB42195.items()}
    wrong = [item for item, value in points.items() if value is None]
    wrong += [str(item)[:20] for item in items if item not in GB42195]
    if wrong:
        raise Unscorable(wrong)
    total = sum(value or 0 for value in points.values())
    base = next(level for cut, level in CUTS if total >= cut)
    level = base + dementia_or_mental + (risk_events >= RISK_EVENTS)
    parts = {part: sum(points[item] or 0 for item in names) for part, names in _PARTS.items()}
    return Score(total, base, 4 if coma else min(level, 4), parts)


def _points(value: Any, top: int) -> int | None:
    """Return whole points between 0 and ``top``, None otherwise; text digits count, booleans do not."""
    if value.__class__ is int:
        return int(value) if 0 <= value <= top else None
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 1:
        value = int(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= top else None


SCORERS: Final[dict[str, Callable[..., Score]]] = {"gb42195": gb42195}
"""Name in a map -> scorer."""
FIELDS: Final = ("total", "base", "level", "b1", "b2", "b3", "b4")
"""What a map may read of a scorer's result."""
