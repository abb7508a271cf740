"""The change feed under any interleaving of slow transactions: nothing lost, nothing skipped, order kept.

A schedule is drawn: up to four transactions begin, touch rows, commit or roll back in any order while a follower looks
now and then. The transactions are real ones of PostgreSQL, held open as long as the schedule says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store.protocol import FhirStore
from tests.budget import examples
from tests.gateway.store.conftest import PostgresWorld
from tests.gateway.store.making import ids, patient, put
from tests.gateway.store.test_changes import drained

ROWS = tuple(f"p{number}" for number in range(6))
WRITERS = 4
Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["touch", "touch", "touch", "commit", "rollback", "look", "store"]),
        st.integers(0, WRITERS - 1),
        st.integers(0, len(ROWS) - 1),
    ),
    max_size=30,
)


@dataclass
class Schedule:
    """What has happened so far, counted in steps."""

    store: FhirStore
    writers: list[asyncpg.Connection[asyncpg.Record]]
    cursor: str
    step: int = 0
    open: dict[int, set[str]] = field(default_factory=dict)
    began: dict[int, int] = field(default_factory=dict)
    committed: list[tuple[int, int, set[str]]] = field(default_factory=list)
    told: list[tuple[int, str]] = field(default_factory=list)

    async def run(self, steps: list[Step]) -> None:
        """Do ``steps``, end what is open, and follow to the end."""
        for what, writer, row in [*steps, *(("commit", writer, 0) for writer in range(WRITERS))]:
            self.step += 1
            match what:
                case "touch":
                    await self._touch(writer, ROWS[row])
                case "commit" | "rollback":
                    await self._end(writer, what)
                case "store":
                    await self._put(ROWS[row])
                case _:
                    await self._look()
        self.step += 1
        wanted = len({row for _, _, rows in self.committed for row in rows})
        found, _ = await drained(self.store, self.cursor, wanted=wanted - len({row for _, row in self.told}))
        self.told += [(self.step, row) for row in found]

    async def _touch(self, writer: int, row: str) -> None:
        if any(row in rows for other, rows in self.open.items() if other != writer):
            return  # it would wait for the other's end, which the schedule itself decides
        if writer not in self.open:
            await self.writers[writer].execute("BEGIN")
            self.open[writer] = set()
        await self.writers[writer].execute("UPDATE res SET xid = pg_current_xact_id() WHERE id = $1", row)
        self.began.setdefault(writer, self.step)
        self.open[writer].add(row)

    async def _end(self, writer: int, how: str) -> None:
        if writer in self.open:
            await self.writers[writer].execute(how.upper())
            rows, began = self.open.pop(writer), self.began.pop(writer)
            if how == "commit":
                self.committed.append((began, self.step, rows))

    async def _put(self, row: str) -> None:
        """Commit through the store itself, between the slow ones."""
        if not any(row in rows for rows in self.open.values()):
            await put(self.store, patient(row, gender="male" if self.step % 2 else "female", language=f"x{self.step}"))
            self.committed.append((self.step, self.step, {row}))

    async def _look(self) -> None:
        stretch = await self.store.changes(self.cursor, limit=2)
        self.told += [(self.step, row) for row in ids(stretch.rows)]
        self.cursor = stretch.cursor


@pytest.fixture
async def writers(world: PostgresWorld) -> AsyncIterator[list[asyncpg.Connection[asyncpg.Record]]]:
    made = [await asyncpg.connect(world.dsn) for _ in range(WRITERS)]
    yield made
    for connection in made:
        await connection.close()


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_no_change_is_lost_or_skipped_and_order_is_kept(
    store: FhirStore, writers: list[asyncpg.Connection[asyncpg.Record]], steps: list[Step]
) -> None:
    await put(store, *(patient(row, language="start") for row in ROWS))
    _, cursor = await drained(store)
    schedule = Schedule(store, writers, cursor)
    await schedule.run(steps)

    # Every committed change is told at or after its commit, and nothing else is told.
    for _, ended, rows in schedule.committed:
        for row in rows:
            assert any(row == told and step >= ended for step, told in schedule.told), (row, ended, schedule.told)
    assert {row for _, row in schedule.told} == {row for _, _, rows in schedule.committed for row in rows}
    # Of two changes of which one ended before the other began, the first is told first.
    last = {row: at for at, (_, row) in enumerate(schedule.told)}
    final = {row: (began, ended) for began, ended, rows in schedule.committed for row in rows}
    for one, (_, ended) in final.items():
        for other, (began, _) in final.items():
            assert ended >= began or one == other or last[one] < last[other], (one, other, schedule.told)
