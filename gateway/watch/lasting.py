"""What lasts is said once: then every half minute with the number of lines held back, and once when it is over.

In: events that a lasting condition repeats (`events.LASTING`), by cause: the event and what it names. Out: whether a
line is to be written, and the lines of what has ended. A database that is away makes some fifteen lines a second
otherwise. Source: design default.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

AGAIN_S: Final = 30.0
"""How often what lasts is said again."""
OVER_S: Final = 15.0
"""Silence after which it is over: longer than the pause of any room between two tries, and of a probe."""
NAMING: Final = ("problem", "error", "part", "writer")
"""The fields that tell one cause from another."""
KEPT: Final = 256
"""Causes remembered at once; more are said each time."""

Cause = tuple[object, ...]


@dataclass(slots=True)
class _Known:
    """A condition that lasts: when it began, was last said and last seen; how often it came, and how often unsaid."""

    level: int
    named: Mapping[str, Any]
    began: float
    said: float
    seen: float
    count: int = 1
    held_back: int = 0


@dataclass(frozen=True, slots=True)
class Over:
    """A condition that has ended: ``of`` the event that told of it ``count`` times in ``seconds``, as ``named``."""

    level: int
    of: str
    named: Mapping[str, Any]
    count: int
    seconds: int


class Lasting:
    """The conditions of one process. Any thread may tell of them."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Count seconds by ``clock``."""
        self._clock = clock
        self._known: dict[Cause, _Known] = {}
        self._lock = threading.Lock()

    def held_back(self, level: int, event: str, fields: Mapping[str, Any]) -> int | None:
        """Return how many lines of this cause were held back since the last one; None: hold this one back, too."""
        named = {name: fields[name] for name in NAMING if name in fields}
        now = self._clock()
        with self._lock:
            known = self._known.get(cause := (event, *named.items()))
            if known is None:
                if len(self._known) < KEPT:
                    self._known[cause] = _Known(level, named, now, now, now)
                return 0
            known.seen, known.count = now, known.count + 1
            if now - known.said < AGAIN_S:
                known.held_back += 1
                return None
            unsaid, known.held_back, known.said = known.held_back, 0, now
            return unsaid

    def over(self) -> Iterator[Over]:
        """Yield what has not come for OVER_S, and forget it; what came only once has been said, and is not told."""
        now = self._clock()
        with self._lock:
            ended = {cause: known for cause, known in self._known.items() if now - known.seen >= OVER_S}
            for cause in ended:
                del self._known[cause]
        for cause, known in ended.items():
            if known.count > 1:
                yield Over(known.level, str(cause[0]), known.named, known.count, round(known.seen - known.began))
