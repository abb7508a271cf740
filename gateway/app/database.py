"""The database of a process: another's by its URL, or the embedded server, which is started anew when it dies.

In: settings. Out: a DSN that stays true. A server that was killed is back within seconds; while it cannot start (disk
full, say) every request is refused, one line a minute says why, and it is tried again: nothing has to be restarted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gateway.config import Settings
from gateway.store.postgres.embedded import EmbeddedError, EmbeddedServer

log = logging.getLogger("yiyang.database")
LOOK_S: Final = 0.1
"""How often the server's keeper is asked whether it lives: one system call (design default)."""
PAUSE_S: Final = 0.5
MAX_PAUSE_S: Final = 5.0
"""Between two tries to start a server that does not come up (design default)."""
SAY_EVERY_S: Final = 60.0


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[tuple[str, int]]:
    """Give (DSN, pid of the embedded server or 0) for the block; the embedded server ends with its starter.

    Raises EmbeddedError where the embedded server cannot start; its text says what to do.
    """
    if settings.database_url:
        yield settings.database_url, 0
        return
    kept = Kept(await asyncio.to_thread(EmbeddedServer.start, settings.database_dir))
    watch = asyncio.create_task(kept.watch(), name="database")
    try:
        yield kept.server.dsn, kept.server.pid
    finally:
        watch.cancel()
        await asyncio.wait((watch,))
        await asyncio.to_thread(kept.server.stop)


class Kept:
    """The embedded server, whichever of its lives it is in."""

    def __init__(self, server: EmbeddedServer) -> None:
        """Hold a server that runs."""
        self.server = server
        self._said = 0.0

    async def watch(self) -> None:
        """Start the server anew whenever it has died, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            if not self.server.is_alive:
                log.error("database.ended")
                await self._back()
                log.warning("database.back", extra={"pid": self.server.pid})

    async def _back(self) -> None:
        pause = PAUSE_S
        while True:
            # A thread cannot be interrupted: who is cancelled waits for it, or its server would be nobody's.
            starting = asyncio.ensure_future(asyncio.to_thread(self.server.again))
            try:
                self.server = await asyncio.shield(starting)
            except (EmbeddedError, OSError) as error:
                self._say(error)
            except asyncio.CancelledError:
                with contextlib.suppress(EmbeddedError, OSError):
                    self.server = await starting
                raise
            else:
                return
            await asyncio.sleep(pause)
            pause = min(MAX_PAUSE_S, pause * 2)

    def _say(self, error: Exception) -> None:
        """Say why the server does not start: at once, then once a minute."""
        if time.monotonic() - self._said >= SAY_EVERY_S or not self._said:
            self._said = time.monotonic()
            log.error("database.away", extra={"why": error})
