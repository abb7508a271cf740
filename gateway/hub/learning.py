"""What the gate knows of consents, referrals and plans, kept true whoever commits: this process or another.

In: every row of the kinds that the gate learns, once before the doors open; then each row of them that any process
commits, deletions too, within a second. Refuses: to let anything be decided on knowledge that could not be confirmed
for STALE_AFTER_S. Source: security.md CON-04; docs/decisions/0087-learning-what-others-committed.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

from gateway.fhir.predicate import EVERYTHING
from gateway.fhir.problem import Problem
from gateway.fhir.query import Query
from gateway.store.protocol import FhirStore, Stored
from security.gate import Gate

log = logging.getLogger("yiyang.learning")
PAGE: Final = 500
"""Rows read at once: some 500 kB of bodies."""
POLL_S: Final = 0.3
"""How soon a commit of another process is seen when its word does not arrive; three fit into the second allowed."""
GATHER_S: Final = 0.03
"""Pause between two looks, so that a busy neighbour does not keep this process looking (design default)."""
STALE_AFTER_S: Final = 10.0
"""Longer than that nothing is decided on what could not be confirmed: a consent may be withdrawn meanwhile."""

Key = tuple[str, str]


class Learning:
    """Keep one gate's knowledge. `warm` before the doors open, then `start`; `stop` at the end."""

    def __init__(
        self,
        store: FhirStore,
        gate: Gate,
        *,
        announce: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Teach ``gate`` what ``store`` holds; ``announce`` tells other processes that this one has committed.

        ``clock`` counts seconds and is never set back.
        """
        self._store = store
        self._gate = gate
        self._announce = announce
        self._clock = clock
        self._seen = ""
        self._confirmed = clock()
        # Versions that this process taught by itself and the feed has not shown yet: the feed must not go back on them.
        self._ahead: dict[Key, int] = {}
        self._looking = asyncio.Lock()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def warm(self) -> None:
        """Learn everything there is. What is committed meanwhile is in the first look that follows."""
        confirmed = self._clock()
        _, self._seen = await self._store.news("", ())
        for kind in sorted(self._gate.LEARNS):
            query = Query(kind, count=PAGE)
            while True:
                page = await self._store.search(query, EVERYTHING)
                self._gate.learn(page.rows)
                if not page.next:
                    break
                query = Query(kind, count=PAGE, cursor=page.next)
        self._confirmed = confirmed

    def start(self) -> None:
        """Begin to follow; from now on what cannot be confirmed is not decided on."""
        self._task = asyncio.create_task(self._follow(), name="learning")

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    def wake(self) -> None:
        """Look now: another process says that it has committed."""
        self._news.set()

    def committed(self, rows: Iterable[Stored]) -> None:
        """Learn what this process has just committed, before anybody can ask about it, and tell the others."""
        for row in rows:
            if row.kind in self._gate.LEARNS and row.version > self._ahead.get((row.kind, row.id), 0):
                self._ahead[row.kind, row.id] = row.version
                self._gate.learn((row,))
        self._announce()

    async def catch_up(self) -> None:
        """Learn whatever was committed, by anybody, before this call. Two queries at most a PAGE."""
        async with self._looking:
            confirmed = self._clock()
            keys, seen = await self._store.news(self._seen, self._gate.LEARNS)
            for at in range(0, len(keys), PAGE):
                found = await self._store.read_many(keys[at : at + PAGE])
                self._gate.learn(row for row in found.values() if self._is_new(row))
            self._seen, self._confirmed = seen, confirmed

    def demand_fresh(self) -> None:
        """Raise Problem("HUB-015") when what others committed could not be followed for too long."""
        if self._task is not None and self._clock() - self._confirmed > STALE_AFTER_S:
            raise Problem("HUB-015")

    def _is_new(self, row: Stored) -> bool:
        """Tell whether ``row`` is not older than what this process taught itself while the row was read."""
        key = (row.kind, row.id)
        if row.version < self._ahead.get(key, 0):
            return False
        self._ahead.pop(key, None)
        return True

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._news.wait()
            self._news.clear()
            try:
                await self.catch_up()
            except Problem as problem:
                log.warning("learning.retry", extra={"problem": problem.code})
            await asyncio.sleep(GATHER_S)
