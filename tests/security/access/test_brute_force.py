"""One policy, three forms, one county: function, engine and SQL on PostgreSQL agree with a plain reading of the rules.

A case is a caller, an interaction and a stored resource. The function is asked through `Gate.decide`, the engine in
its place, the residual as the statement of a search (`Gate.narrow` to `PostgresStore.search`), the plain reading over
the whole set (brute_force.py). A search must find exactly what the plain reading finds, not only the case's row.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from gateway.fhir.predicate import Facts
from gateway.fhir.query import Query
from gateway.store.postgres.pool import open_pool
from gateway.store.postgres.store import PostgresStore
from gateway.store.protocol import Batch, Write
from security.access.engine import Engine
from security.access.question import Question
from security.crypto import Keys
from security.gate import Action, Decision
from tests.security.access.brute_force import Key, World
from tests.security.access.callers import ACTIONS, CALLERS, MOMENTS, who
from tests.security.access.county import Item, county
from tests.security.town import (
    Town,
    rules,
)

SEED: Final = 20_261_125
CASES: Final = 6_000
MANY_CASES: Final = 34_002
"""Of each of three counties: above 100,000 together."""


@dataclass
class Counts:
    """What was asked, and what differed."""

    seeds: list[int] = field(default_factory=list)
    cases: int = 0
    rows: int = 0
    searches: int = 0
    allowed: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Return everything in one line."""
        by_rule = " ".join(f"{rule}={hits}" for rule, hits in sorted(self.rules.items()))
        seeds = f"seeds {self.seeds[0]}..{self.seeds[-1]}" if len(self.seeds) > 1 else f"seed {self.seeds[0]}"
        return (
            f"policy, four readings: {self.cases} cases, {self.allowed / self.cases:.1%} allowed, {self.searches}"
            f" searches over {self.rows} rows, {len(self.differences)} differences, {seeds}; {by_rule}"
        )


class County:
    """A county written into a store, learnt by two gates that differ in the form they ask."""

    def __init__(self, store: PostgresStore, seed: int) -> None:
        """Make the county of ``seed``; `fill` writes it."""
        self.store = store
        self.pick = random.Random(seed)  # noqa: S311 - a repeatable test, no secret
        self.items = county(seed)
        self.world = World((item.doc, item.writers) for item in self.items)
        self.function, self.engine = Town(), Town()
        engine = Engine(rules()[0])
        self.engine.gate._decide = lambda *values: engine.answer(Question(*values))  # the form, swapped
        self.facts: dict[Key, Facts] = {}
        self.kinds = sorted({item.key[0] for item in self.items})
        self._found: dict[tuple[int, str, str], set[Key]] = {}
        self._read: dict[tuple[int, str], set[Key]] = {}

    async def fill(self) -> None:
        """Teach the gates and write the store."""
        for item in self.items:
            self.facts[item.key] = self.function.put(item.doc, *item.writers)
            self.engine.put(item.doc, *item.writers)
        for start in range(0, len(self.items), 100):
            await self.store.commit(Batch(tuple(self._write(each) for each in self.items[start : start + 100])))

    def _write(self, item: Item) -> Write:
        kind, id = item.key
        return Write(kind, id, self.function.rows[item.key].body, self.facts[item.key])

    def at(self, days: int) -> datetime:
        """Set the clocks to ``days`` after the start; what was found before counts no longer."""
        moment = Town().clock.moment + timedelta(days=days)
        self.function.clock.moment = self.engine.clock.moment = moment
        self._found.clear()
        self._read.clear()
        return moment

    def cases(self, count: int, moment: datetime) -> list[tuple[int, Action, Key]]:
        """Return cases: half anywhere, half where the plain reading says yes, every pair of caller and action alike.

        Of the latter every other one is a resource that another organisation wrote, where there is one.
        """
        keys = [item.key for item in self.items]
        yes = []
        for number, action in ((number, action) for number in range(len(CALLERS)) for action in ACTIONS):
            reached = self._read[number, action] = self.world.reached(who(CALLERS[number]), action, moment)
            others = [key for key in sorted(reached) if CALLERS[number].organisation not in self.world.all[key][1]]
            if reached:
                yes += [(number, action, sorted(reached)), (number, action, others or sorted(reached))]
        made: list[tuple[int, Action, Key]] = []
        for place in range(count):
            if place % 2:
                number, action, among = self.pick.choice(yes)
            else:
                number, action, among = self.pick.randrange(len(CALLERS)), self.pick.choice(ACTIONS), keys
            made.append((number, action, self.pick.choice(among)))
        return made

    async def ask(self, number: int, action: Action, key: Key, counts: Counts) -> None:
        """Ask all four and count."""
        caller, facts = CALLERS[number], self.facts[key]
        decision, slow = (town.gate.decide(caller, action, facts) for town in (self.function, self.engine))
        found = await self._search(number, action, key[0], counts)
        plain = self._read[number, action]
        counts.cases += 1
        counts.allowed += decision.allow
        counts.rules[decision.rule] += 1
        self._compare(f"{caller.client} {caller.role} {action} {key}", decision, slow, counts)
        here = {each for each in plain if each[0] == key[0]}
        if found != here or (key in found) != decision.allow:
            counts.differences.append(
                f"{caller} {action} {key}: function {decision}, SQL only {found - here}, plain only {here - found}"
            )

    @staticmethod
    def _compare(case: str, function: Decision, engine: Decision, counts: Counts) -> None:
        if (function.allow, function.rule) != (engine.allow, engine.rule):
            counts.differences.append(f"{case}: function {function.rule}, engine {engine.rule}")

    async def _search(self, number: int, action: Action, kind: str, counts: Counts) -> set[Key]:
        key = (number, action, kind)
        if key not in self._found:
            restriction = self.function.gate.narrow(CALLERS[number], action, kind)
            page = await self.store.search(Query(kind, count=len(self.items)), restriction)
            self._found[key] = {(row.kind, row.id) for row in page.rows}
            counts.searches += 1
        return self._found[key]


async def _compared(store: PostgresStore, seed: int, cases: int, counts: Counts) -> None:
    place = County(store, seed)
    await place.fill()
    counts.seeds.append(seed)
    counts.rows += len(place.items)
    for days in MOMENTS:
        moment = place.at(days)
        for case in place.cases(cases // len(MOMENTS), moment):
            await place.ask(*case, counts)


def _judge(counts: Counts) -> None:
    assert counts.differences == []
    assert 0.3 <= counts.allowed / counts.cases <= 0.7
    assert set(counts.rules) == {policy.id for policy in rules()[0].policies} | {"default-deny"}


@asynccontextmanager
async def _store(dsn: str, folder: Path) -> AsyncIterator[PostgresStore]:
    pool = await open_pool(dsn, size=4)
    try:
        yield PostgresStore(pool, Keys.create(folder / "keys.json"), now=Town().clock)
    finally:
        await pool.close()


async def test_function_engine_sql_and_plain_reading_agree(
    database: str, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    counts = Counts()
    async with _store(database, tmp_path) as store:
        await _compared(store, SEED, CASES, counts)
    tell(counts.line())

    _judge(counts)


@pytest.mark.slow
@pytest.mark.parametrize("county_number", [1, 2, 3])
async def test_they_agree_in_a_hundred_thousand_cases(
    county_number: int, database: str, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    counts = Counts()
    async with _store(database, tmp_path) as store:
        await _compared(store, SEED + county_number, MANY_CASES, counts)
    tell(counts.line())

    _judge(counts)
