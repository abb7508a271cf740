"""What follows an AA: rows are taken in order, stored, and settled.

In: inbox rows in state received, in order per elder. Out: resources stored through the hub in the same transaction as
the row's move to `stored`; or the row parked with a reason that a person can act on. A crash anywhere repeats the row.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from time import perf_counter

from gateway.fhir.problem import Problem, Problems
from gateway.intake.inbox import InboxRow, InboxStore, State
from gateway.intake.storing import Storing

log = logging.getLogger("yiyang.pipeline")
Told = Callable[[str, str], None]
AT_ONCE = 16
"""Rows taken together, each of another elder; they share queries and a commit (design default)."""
ATTEMPTS = 5
"""Faults of our own before a row is put aside as dead (design default)."""
PAUSE_S = 0.5
"""Pause after the database failed, and the pace at which another process's rows are noticed (design default)."""


class Pipeline:
    """Work off received rows until stopped."""

    def __init__(self, inbox: InboxStore, storing: Storing, *, told: Told | None = None) -> None:
        """Hold the rooms; ``told`` hears of every row that came to stand somewhere (feed, state)."""
        self._inbox = inbox
        self._storing = storing
        self._told = told
        self._work = asyncio.Event()
        # Claimed, and the database went away before it could be said what became of them.
        self._owed: list[InboxRow] = []
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Say that a row was received."""
        self._work.set()

    def start(self) -> None:
        """Begin to work in the background, with what a crash left first."""
        self._task = asyncio.create_task(self._run(), name="pipeline")

    async def stop(self) -> None:
        """Stop after the commits in flight."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def drain(self) -> int:
        """Work off everything that is received now; return how many rows were taken."""
        await self._hand_back()
        taken = 0
        while rows := await self._inbox.claim(AT_ONCE):
            await self._work_off(rows)
            taken += len(rows)
        return taken

    async def _run(self) -> None:
        while True:
            self._work.clear()
            try:
                await self.drain()
            except Problem as problem:
                log.warning("pipeline.retry", extra={"problem": problem.code})
                await asyncio.sleep(PAUSE_S)
                continue
            except Exception:
                # A fault of ours must not end the loop: messages go on being acknowledged.
                log.exception("pipeline.fault")
                await asyncio.sleep(PAUSE_S)
                continue
            # Not `wait_for`: in Python 3.11 it can swallow a cancellation that meets the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_S):
                    await self._work.wait()

    async def _hand_back(self) -> None:
        """Give up the claims that a lost database left with this process, which lives and would keep them."""
        while self._owed:
            row = self._owed.pop()
            try:
                await self._inbox.settle(row.arrival, state=State.RECEIVED, reason="")
            except Problem:
                self._owed.append(row)
                raise

    async def _work_off(self, rows: Sequence[InboxRow]) -> None:
        """Store ``rows`` and settle what could not be. Raises a problem that passes by itself, after the last row."""
        began = perf_counter()
        outcomes = await self._stored(rows)
        passing: Exception | None = None
        for row, outcome in zip(rows, outcomes, strict=True):
            try:
                await self._settle(row, outcome, seconds=perf_counter() - began)
            except Exception as error:  # noqa: BLE001 - the others are settled first, then it is raised
                self._owed.append(row)
                passing = error
        if passing is not None:
            raise passing

    async def _stored(self, rows: Sequence[InboxRow]) -> Sequence[Exception | None]:
        try:
            return await self._storing.store(rows)
        except Exception as fault:  # noqa: BLE001 - the outcome of each of them
            return [fault] * len(rows)

    async def _settle(self, row: InboxRow, outcome: Exception | None, *, seconds: float) -> None:
        state, reason = State.STORED, ""
        if isinstance(outcome, Problem | Problems):
            state, reason = State.PARKED, await self._park(row, outcome)
        elif outcome is not None:
            log.error("pipeline.fault", exc_info=outcome, extra={"feed": row.arrival.feed})
            state = State.DEAD if row.attempts >= ATTEMPTS else State.RECEIVED
            reason = "IN-010"
            await self._inbox.settle(row.arrival, state=state, reason=reason)
        self._tell(row, state, reason, seconds=seconds)

    def _tell(self, row: InboxRow, state: State, reason: str, *, seconds: float) -> None:
        feed = row.arrival.feed
        said = {"feed": feed, "state": str(state), "problem": reason, "attempts": row.attempts}
        log.info("message.settled", extra={**said, "ms": round(seconds * 1000, 2)})
        if self._told:
            self._told(feed, str(state))

    async def _park(self, row: InboxRow, found: Problem | Problems) -> str:
        """Set the row aside and return why. Raises a problem that passes by itself."""
        if found.status == 503:
            raise found
        first = found if isinstance(found, Problem) else found.problems[0]
        await self._inbox.settle(row.arrival, state=State.PARKED, reason=first.code)
        return first.code
