"""Follow the change feed and do what a change asks for: hand over, release, hold again, name the station.

In: changed resources in commit order. Out: effects, and then the feed's cursor. A stretch that dies in between is
repeated from its start and its effects change nothing the second time: every effect happens exactly once. Of several
processes the one that holds the lease follows; when it dies another does within a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from gateway.fhir.problem import Problem
from gateway.workflow.effects import Effects

log = logging.getLogger("yiyang.workflow")
CONSUMER = "workflow"
STRETCH = 400
"""Changes taken at once: some dozen records; one commit of effects stays small (design default)."""
LINGER_S = 0.02
"""A change waits so long for company: under load one look serves many commits (design default)."""
RETRY_S = 0.5
"""Pause after a failed stretch before it is tried again from its start (design default)."""


class Feed(Protocol):
    """What the engine needs of the hub to follow changes."""

    async def changes(self, cursor: str, *, limit: int) -> tuple[Sequence[dict[str, Any]], str]:
        """Return the changed resources after ``cursor`` and the cursor behind them."""
        ...

    async def cursor_of(self, consumer: str) -> str:
        """Return where ``consumer`` stands."""
        ...

    async def move(self, consumer: str, cursor: str) -> None:
        """Move ``consumer`` to ``cursor`` durably."""
        ...

    def follow(self) -> AsyncIterator[None]:
        """Yield whenever something may have been committed."""
        ...


class Engine:
    """Run the effects over the feed until stopped."""

    def __init__(
        self, feed: Feed, effects: Effects, *, now: Callable[[], datetime], may_run: Callable[[], Awaitable[bool]]
    ) -> None:
        """Hold the feed, what to do with a change, the clock, and ``may_run``: is it this process that follows?"""
        self._feed = feed
        self._effects = effects
        self._now = now
        self._may_run = may_run
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow in the background."""
        self._task = asyncio.create_task(self._run(), name="workflow")

    async def stop(self) -> None:
        """Stop following; a commit in flight is finished or rolled back whole."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def catch_up(self) -> int:
        """Work off everything that is committed; return how many changes were seen."""
        seen = 0
        while count := await self._stretch():
            seen += count
        return seen

    async def _run(self) -> None:
        await self._catch_up_patiently()
        async for _ in self._feed.follow():
            await asyncio.sleep(LINGER_S)
            await self._catch_up_patiently()

    async def _catch_up_patiently(self) -> None:
        while True:
            try:
                await self.catch_up()
            except Problem as problem:
                # The cursor did not move: the same stretch is tried again, its effects are idempotent.
                log.warning("workflow.retry", extra={"problem": problem.code})
                await asyncio.sleep(RETRY_S)
            except Exception:
                # A fault of ours must not end the follower: every elder's hand-over waits behind it, and is told.
                log.exception("workflow.fault")
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _stretch(self) -> int:
        if not await self._may_run():
            return 0
        before = await self._feed.cursor_of(CONSUMER)
        rows, after = await self._feed.changes(before, limit=STRETCH)
        if after == before:
            return 0
        await self._effects.apply(rows, now=self._now())
        await self._feed.move(CONSUMER, after)
        return len(rows)
