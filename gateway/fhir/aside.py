"""Run what takes long for a large body beside the event loop, so that whoever else waits has turns meanwhile.

A megabyte of JSON takes some 50 ms to check. Source: architecture §6; the limit is a design default.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")
LARGE_BYTES: Final = 256 * 1024
"""From here on a thread is worth its start; below, the work is done within some milliseconds."""


async def aside(size: int, work: Callable[[], T]) -> T:
    """Return what ``work`` returns or raise what it raises; in a thread when ``size`` bytes are many."""
    return await asyncio.to_thread(work) if size > LARGE_BYTES else work()
