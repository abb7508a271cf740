"""Row ids: 64-bit numbers in order of time, made here so that no sequence is shared between databases.

41 bits of milliseconds since 1970 (to 2039), 10 of the node, 12 of a count; storage.md section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

_NODE_BITS, _COUNT_BITS = 10, 12
_COUNTS = 1 << _COUNT_BITS


class RowIds:
    """The row ids of one process; each is greater than the one before, also when the clock is set back."""

    def __init__(self, node: int, *, now: Callable[[], datetime]) -> None:
        """Make ids for ``node`` (0..1023) by the clock ``now``."""
        self._node = node % (1 << _NODE_BITS)
        self._now = now
        self._tick = -1
        self._count = 0

    def next(self) -> int:
        """Return a new id."""
        tick = int(self._now().timestamp() * 1000)
        if tick > self._tick:
            self._tick, self._count = tick, 0
        else:
            self._count += 1
            if self._count == _COUNTS:
                self._tick, self._count = self._tick + 1, 0
        return (self._tick << (_NODE_BITS + _COUNT_BITS)) | (self._node << _COUNT_BITS) | self._count
