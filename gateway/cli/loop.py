"""How a process that serves runs: the event loop in C where there is one, and a garbage collector that keeps out.

In: the coroutine that serves. Out: what it returns. What lives as long as the process (R4's tables, maps, the policy,
what the gate has learnt) is left out of every collection; the rest is looked at after many allocations instead of 700.
Reference counts free nearly everything at once either way. Source: docs/decisions/0079-where-the-paths-time-goes.md.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")
Make = Callable[[], asyncio.AbstractEventLoop]
YOUNG: Final = 20_000
"""Containers made, less those freed, before the young ones are looked at (design default)."""


def run(work: Coroutine[Any, Any, T], *, make: Make | None = None) -> T:
    """Run ``work`` to its end in a loop that ``make`` makes (None: the fastest there is); return what it returns."""
    with asyncio.Runner(loop_factory=make or _fastest()) as runner:
        return runner.run(work)


def settle() -> None:
    """Leave what is alive now out of all later collections; to be called when everything that stays is there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


def _fastest() -> Make:
    try:
        from uvloop import new_event_loop
    except ImportError:  # not built for this system
        return asyncio.new_event_loop
    return new_event_loop
