"""Plain counters of one process: a dictionary each, so that counting costs a fifth of a microsecond.

In: a metric's name with its label values, as one tuple. Out: a snapshot that can be added to other processes'.
docs/decisions/0101 says why these and not the client library's own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.watch.metrics import MAX_SERIES, TABLE

Key = tuple[str, ...]
"""The metric's name and the values of its labels, in the table's order."""
DROPPED: Final = ("yiyang_metrics_dropped_total",)
_BUCKETS: Final = {name: metric.buckets for name, metric in TABLE.items() if metric.buckets}


@dataclass(slots=True)
class Snapshot:
    """What was counted. A spread is its bucket counts, not cumulated, one for "more", and the sum at the end."""

    counts: dict[Key, float] = field(default_factory=dict)
    spreads: dict[Key, list[float]] = field(default_factory=dict)
    gauges: dict[Key, float] = field(default_factory=dict)

    def add(self, other: Snapshot, *, alive: bool) -> None:
        """Add what another process counted; gauges of one that is gone say nothing any more."""
        for key, value in other.counts.items():
            self.counts[key] = self.counts.get(key, 0) + value
        for key, row in other.spreads.items():
            mine = self.spreads.get(key)
            self.spreads[key] = list(row) if mine is None else [a + b for a, b in zip(mine, row, strict=True)]
        for key, value in other.gauges.items() if alive else ():
            self.gauges[key] = self.gauges.get(key, 0) + value

    def rows(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            name: [[*key, value] for key, value in getattr(self, name).items()]
            for name in ("counts", "spreads", "gauges")
        }

    @classmethod
    def of(cls, rows: Mapping[str, Sequence[Sequence[Any]]]) -> Snapshot:
        """Return what `rows` wrote; names that this version does not know are left out."""
        found = cls()
        for name in ("counts", "spreads", "gauges"):
            into = getattr(found, name)
            into.update({tuple(row[:-1]): row[-1] for row in rows.get(name, ()) if row and row[0] in TABLE})
        return found


class Tally:
    """Count and time."""

    __slots__ = ("_spread_series", "counts", "spreads")

    def __init__(self) -> None:
        """Begin at nothing."""
        self.counts: dict[Key, float] = {}
        self.spreads: dict[Key, list[float]] = {}
        self._spread_series = 0

    def count(self, key: Key) -> None:
        """Add one."""
        try:
            self.counts[key] += 1
        except KeyError:
            self._first(key, 1)

    def add(self, key: Key, number: float) -> None:
        """Add ``number``."""
        try:
            self.counts[key] += number
        except KeyError:
            self._first(key, number)

    def time(self, key: Key, seconds: float) -> None:
        """Put one duration into its bucket."""
        row = self.spreads.get(key) or self._first_spread(key)
        row[bisect_left(_BUCKETS[key[0]], seconds)] += 1
        row[-1] += seconds

    def _first_spread(self, key: Key) -> list[float]:
        size = len(_BUCKETS[key[0]]) + 2
        if self._full(size):
            self.count(DROPPED)
            return [0.0] * size
        self._spread_series += size + 1
        return self.spreads.setdefault(key, [0.0] * size)

    def _first(self, key: Key, number: float) -> None:
        if key[0] not in TABLE or len(key) != len(TABLE[key[0]].labels) + 1:
            raise KeyError(key)
        if key != DROPPED and self._full(1):
            self.add(DROPPED, number)
        else:
            self.counts[key] = number

    def _full(self, more: int) -> bool:
        return len(self.counts) + self._spread_series + more > MAX_SERIES
