"""The loop that works off the inbox: no fault ends it, and no row stays claimed behind one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from gateway.intake import pipeline as room
from gateway.intake.inbox import InboxRow, State
from gateway.intake.pipeline import Pipeline
from gateway.store.arrivals import Arrival

ARRIVAL = Arrival("his", "json-discharge", "12410000MB00000010", "M1", b"{}", b"d" * 32, 1)


def _row(attempts: int = 1) -> InboxRow:
    moment = datetime(2026, 3, 12, tzinfo=UTC)
    return InboxRow(ARRIVAL, State.RECEIVED, b"", "", attempts, moment)


class Inbox:
    """One row to claim; remembers how it was settled, fails as told."""

    def __init__(self, row: InboxRow, *errors: Exception) -> None:
        self.rows = [[row]]
        self.errors = list(errors)
        self.settled: list[tuple[str, str]] = []
        self.told = asyncio.Event()

    async def claim(self, limit: int) -> Sequence[InboxRow]:
        return self.rows.pop() if self.rows else []

    async def settle(self, arrival: Arrival, *, state: str, reason: str) -> None:
        if self.errors:
            raise self.errors.pop()
        self.settled.append((str(state), reason))
        self.told.set()


class Storing:
    """Fails as a whole."""

    async def store(self, rows: Sequence[InboxRow]) -> Sequence[Exception | None]:
        raise KeyError("a fault of ours")


@pytest.mark.parametrize(("attempts", "state"), [(1, "received"), (room.ATTEMPTS, "dead")], ids=["again", "aside"])
async def test_a_fault_of_a_whole_group_is_the_outcome_of_each_row(attempts: int, state: str) -> None:
    inbox = Inbox(_row(attempts))

    taken = await Pipeline(inbox, Storing()).drain()  # type: ignore[arg-type]

    assert (taken, inbox.settled) == (1, [(state, "IN-010")])


async def test_a_fault_while_settling_does_not_end_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PAUSE_S", 0.0)
    inbox = Inbox(_row(), ZeroDivisionError())
    pipeline = Pipeline(inbox, Storing())  # type: ignore[arg-type]

    pipeline.start()
    async with asyncio.timeout(10):
        await inbox.told.wait()
    await pipeline.stop()

    assert inbox.settled == [("received", "")]
