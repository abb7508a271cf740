"""The one timing loop of all benchmarks: CPU of an operation, its rate, its floor and goal, as table and as JSON.

CPU, not wall time: the machine is shared. Of several series the best counts; within one run figures can be set beside
each other, between runs only their ratios. Nothing here asserts.

    parser = measure.arguments("CPU of the maps.")
    budget = measure.Budget("leaves/s", floor=1e6, goal=2e6)
    row = measure.cpu_per_op(work, seconds=0.5, name="map", per=563, budget=budget)
    measure.report([row], as_json=parser.parse_args().json)
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

CORES = 2
"""Cores of the machine whose rates architecture section 6 counts."""
SERIES = 5
"""Series of which the best counts."""
MICROSECONDS = "us"
"""The unit of a row whose budget is a time: floor and goal are then most, not least."""
KILOBYTES = "KB"
"""The unit of a row that counts room on disk: most, too."""
LESS = frozenset({MICROSECONDS, KILOBYTES})


class Budget(NamedTuple):
    """What architecture §6 asks of a row: a rate in ``unit`` (``/s``, ``leaves/s``), or most `MICROSECONDS`."""

    unit: str = "/s"
    floor: float | None = None
    goal: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One measured operation.

    ``cpu_us`` is the CPU of one call in microseconds, ``rate`` what one core (where a row says so: `CORES`) does in a
    second, counted in ``unit``;
    with the unit `MICROSECONDS` the budget speaks of ``cpu_us``. ``floor`` and ``goal`` are None where there is none.
    """

    name: str
    cpu_us: float
    rate: float
    unit: str = "/s"
    floor: float | None = None
    goal: float | None = None
    note: str = ""

    @property
    def value(self) -> float:
        """Return the figure that floor and goal are about."""
        return self.cpu_us if self.unit == MICROSECONDS else self.rate

    def ratio(self, budget: float | None) -> float | None:
        """Return how many times better than ``budget`` the value is: 1 and more keeps it; None without one."""
        if not budget or not self.value:
            return None
        return budget / self.value if self.unit in LESS else self.value / budget

    @property
    def verdict(self) -> str:
        """Return `goal`, `floor` or `below`, "" for a row without a budget."""
        goal, floor = self.ratio(self.goal), self.ratio(self.floor)
        if goal is not None and goal >= 1:
            return "goal"
        if floor is None:
            return "" if goal is None else "below"
        return "floor" if floor >= 1 else "below"

    def as_json(self) -> dict[str, object]:
        """Return the row for machines; ``ratio`` is against the floor, ``ratio_goal`` against the goal."""
        floor, goal = self.ratio(self.floor), self.ratio(self.goal)
        return {
            "row": self.name,
            "unit": self.unit,
            "value": round(self.value, 2),
            "floor": self.floor,
            "goal": self.goal,
            "ratio": None if floor is None else round(floor, 3),
            "ratio_goal": None if goal is None else round(goal, 3),
            "verdict": self.verdict,
            "cpu_us": round(self.cpu_us, 3),
            "rate": round(self.rate, 1),
            "note": self.note,
        }


NONE = Budget()


def row_of(name: str, cpu_seconds: float, *, per: float = 1, budget: Budget = NONE, note: str = "") -> Row:
    """Return the row of an operation that took ``cpu_seconds`` for ``per`` units; for whoever has its own loop."""
    cpu = max(cpu_seconds, 1e-9)
    return Row(name, cpu * 1e6, per / cpu, *budget, note)


def cpu_per_op(
    call: Callable[[], object],
    *,
    seconds: float = 0.5,
    name: str = "",
    per: float = 1,
    budget: Budget = NONE,
    note: str = "",
) -> Row:
    """Measure ``call``: the best of `SERIES` series that together last about ``seconds``, warm, without collector.

    ``per`` is how many units (resources, leaves) one call does.
    """
    return row_of(name, _best(call, seconds), per=per, budget=budget, note=note)


def beside(one: Callable[[], object], other: Callable[[], object], *, seconds: float = 0.5) -> tuple[float, float]:
    """Return the CPU seconds of a call of each, measured in turns, so that both meet the same load."""
    spent = [(_best(one, seconds / 6), _best(other, seconds / 6)) for _ in range(3)]
    return min(a for a, _ in spent), min(b for _, b in spent)


async def cpu_per_await(
    work: Callable[[], Awaitable[object]], *, times: int, others: Callable[[], float] = lambda: 0.0
) -> tuple[float, float, float]:
    """Return the seconds of one awaited call: CPU of this process, CPU of ``others`` (a database), wall.

    ``others`` tells the CPU seconds spent elsewhere so far. Ten calls in a hundred, at most 20, warm it up.
    """
    for _ in range(min(max(times // 10, 1), 20)):
        await work()
    began, own, other = time.perf_counter(), time.process_time(), others()
    for _ in range(times):
        await work()
    own, other, wall = time.process_time() - own, others() - other, time.perf_counter() - began
    return own / times, other / times, wall / times


def arguments(description: str, *, seconds: float = 0.5) -> argparse.ArgumentParser:
    """Return the parser that every benchmark shares: ``--json`` and ``--seconds``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="one JSON object a row instead of a table")
    parser.add_argument("--seconds", type=float, default=seconds, help="CPU time for each row")
    return parser


def report(rows: Iterable[Row], *, as_json: bool = False) -> None:
    """Print ``rows``, as lines of JSON or as a table."""
    if as_json:
        sys.stdout.writelines(json.dumps(row.as_json(), ensure_ascii=False) + "\n" for row in rows)
    else:
        sys.stdout.write(table(rows) + "\n")


def table(rows: Iterable[Row]) -> str:
    """Return the table of ``rows`` for people."""
    lines = [f"{'':52}{'CPU us':>10}{'rate':>12} {'unit':10}{'floor':>11}{'goal':>11}  {'kept':6}note"]
    for row in rows:
        budget = "".join(f"{_number(figure):>11}" for figure in (row.floor, row.goal))
        lines.append(
            f"{row.name:52}{_number(row.cpu_us):>10}{_number(row.rate):>12} {row.unit:10}{budget}  "
            f"{row.verdict:6}{row.note}".rstrip()
        )
    return "\n".join(lines)


def renamed(row: Row, name: str, note: str = "") -> Row:
    """Return ``row`` under another name."""
    return replace(row, name=name, note=note or row.note)


def _number(figure: float | None) -> str:
    if figure is None:
        return ""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"


def _best(call: Callable[[], object], seconds: float) -> float:
    """Return the CPU seconds of one call."""
    call()
    once = max(_series(call, 1), 1e-7)
    rounds = max(1, int(seconds / SERIES / once))
    was_on = gc.isenabled()
    gc.disable()
    try:
        return min(_series(call, rounds) for _ in range(SERIES))
    finally:
        if was_on:
            gc.enable()


def _series(call: Callable[[], object], rounds: int) -> float:
    began = time.process_time()
    for _ in range(rounds):
        call()
    return (time.process_time() - began) / rounds
