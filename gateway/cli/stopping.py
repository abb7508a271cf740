"""How a process is told to stop: SIGINT and SIGTERM, so that everything is closed in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager


@contextmanager
def stopping() -> Iterator[asyncio.Event]:
    """Give an event that SIGINT and SIGTERM set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def until_stopped(stop: asyncio.Event, broken: Awaitable[None]) -> None:
    """Return when ``stop`` is set. Raises what ``broken`` raises before."""
    stopped, fault = asyncio.ensure_future(stop.wait()), asyncio.ensure_future(broken)
    try:
        await asyncio.wait((stopped, fault), return_when=asyncio.FIRST_COMPLETED)
        if fault.done():
            fault.result()
    finally:
        stopped.cancel()
        fault.cancel()
