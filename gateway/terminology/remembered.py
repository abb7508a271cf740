"""What was read from the tables lately, dropped as a whole when anybody loads anything, in whichever process.

The generation is asked for at most every LOOK_S, by the first question after it: so nothing older is answered than
that, and a process that is asked nothing asks nothing.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, TypeVar, cast

from gateway.store.postgres.pool import HeldPool

T = TypeVar("T")
LOOK_S: Final = 0.5
"""Loads of other processes are seen within a second (docs/decisions/0087)."""
KEPT: Final = 4096
"""Answers kept; the least recently used goes first (design default)."""


class Remembered:
    """Answers by their question."""

    def __init__(self, pool: HeldPool, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._looked = float("-inf")
        self._generation = -1
        self._answers: OrderedDict[Hashable, object] = OrderedDict()

    async def get(self, question: Hashable, answer: Callable[[], Awaitable[T]]) -> T:
        """Return the answer to ``question``, by ``answer`` when it is not remembered. A Problem is not remembered."""
        await self._look()
        if question in self._answers:
            self._answers.move_to_end(question)
            return cast("T", self._answers[question])
        asked_at = self._generation
        found = await answer()
        if asked_at == self._generation:
            self._answers[question] = found
            if len(self._answers) > KEPT:
                self._answers.popitem(last=False)
        return found

    def forget(self) -> None:
        """Drop everything: this process has just loaded."""
        self._answers.clear()
        self._looked = float("-inf")

    async def _look(self) -> None:
        now = self._clock()
        if now - self._looked < LOOK_S:
            return
        rows = await self._pool.fetch_held("SELECT generation FROM terminology_state")
        self._looked = now
        if rows[0][0] != self._generation:
            self._generation = rows[0][0]
            self._answers.clear()
