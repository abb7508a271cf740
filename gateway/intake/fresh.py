"""What the door understood of a message, kept in memory until the pipeline of the same process takes the message up.

Without it everything still works: another process, or this one after a restart, reads the kept bytes anew. Bounded:
when it is full, what came first stays, as the pipeline takes the oldest first; what nobody fetched goes after a while.
"""

from __future__ import annotations

from collections import OrderedDict
from time import monotonic
from typing import Final

from gateway.intake.inbox import Arrival
from gateway.intake.service import Understood

CAPACITY: Final = 256
"""Messages kept; one of 25 resources takes some 100 kB as objects (design default)."""
LARGEST_BYTES: Final = 256 * 1024
"""A larger message is read again: it must not hold memory for long (design default)."""
STALE_S: Final = 60.0
"""Another process has taken what nobody fetched by then (design default)."""

_Key = tuple[str, str, str, bytes]


class Fresh:
    """Understood messages by sender, feed, id and digest."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        """Keep at most ``capacity`` messages."""
        self._capacity = capacity
        self._kept: OrderedDict[_Key, tuple[float, Understood]] = OrderedDict()

    def keep(self, arrival: Arrival, understood: Understood) -> None:
        """Remember what ``arrival`` says, if there is room."""
        if len(arrival.raw) > LARGEST_BYTES:
            return
        while len(self._kept) >= self._capacity:
            oldest = next(iter(self._kept))
            if self._kept[oldest][0] + STALE_S > monotonic():
                return
            del self._kept[oldest]
        self._kept[_key(arrival)] = monotonic(), understood

    def take(self, arrival: Arrival) -> Understood | None:
        """Return and forget what is known of ``arrival``."""
        _, found = self._kept.pop(_key(arrival), (0.0, None))
        return found


def _key(arrival: Arrival) -> _Key:
    return arrival.sender, arrival.feed, arrival.message_id, arrival.digest
