"""The journal: takes entries, chains them in groups, one writer a process, and loses none.

In: packed entries by `append`, and those that the store's commits left in ``audit_pending``. Out: rows of
``audit.event``, each sealed and chained to the one before. A full queue pushes back; an error stops everything that
would need an entry. Source: architecture decision 14; GB/T 22239-2019 8.1.4.3; security.md AUD-01.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter

from gateway.fhir.problem import Problem
from security.audit.chain import Head
from security.audit.keeper import Keeper
from security.audit.writer import AWAY, Pool, Renew, Writer
from security.crypto import Keys

log = logging.getLogger(__name__)
Waiting = tuple[bytes, "asyncio.Future[None] | None"]
Committed = Callable[[Sequence[int], float], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """The journal's measures, times in seconds (design defaults, security-engine.md section 5).

    ``capacity`` entries wait at most, ``batch`` go into one commit (larger ones hold up the event loop), reads linger
    ``linger_s`` for company (durable within 50 ms, AUD-01), a caller waits ``patience_s`` before SEC-503, a
    checkpoint is signed at most every ``checkpoint_s``, what other processes left is looked for every ``poll_s``, a
    refused commit is tried again after ``retry_s``, and `stop` gives up after ``stop_s``.
    """

    capacity: int = 50_000
    batch: int = 256
    linger_s: float = 0.02
    patience_s: float = 5.0
    checkpoint_s: float = 0.25
    poll_s: float = 1.0
    retry_s: float = 0.1
    stop_s: float = 20.0


class Journal:
    """One process's journal. `start` it before the doors open, `stop` it after they closed."""

    def __init__(  # noqa: PLR0913 - everything is handed in
        self,
        pool: Pool,
        keys: Keys,
        *,
        now: Callable[[], datetime],
        writer_id: str,
        anchor_path: Path,
        limits: Limits | None = None,
        claim: int = 0,
        renew: Renew | None = None,
        committed: Committed | None = None,
    ) -> None:
        """Write as ``writer_id``, which no other running process may use; ``anchor_path`` is outside the database.

        ``claim`` is the number under which the name was claimed, ``renew`` claims another when it was taken over.
        ``committed`` is told the outcomes and the seconds of every commit.
        """
        self._limits = limits or Limits()
        self._committed = committed
        self._writer = Writer(pool, keys, now=now, name=writer_id, claim=claim, renew=renew)
        self._keeper = Keeper(pool, keys, now=now, anchor_path=anchor_path, pause_s=self._limits.checkpoint_s)
        self._queue: deque[Waiting] = deque()
        self._some, self._urgent, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._pending = True
        self._fault: Problem | None = None
        self._refused = False

    @property
    def writer(self) -> str:
        """Return the name that this process writes under now."""
        return self._writer.name

    @property
    def head(self) -> Head:
        """Return how far this writer is."""
        return self._writer.head

    @property
    def waiting(self) -> int:
        """Return how many entries wait for their commit."""
        return len(self._queue)

    async def check(self) -> None:
        """Raise the Problem that keeps an entry from being written now: SEC-503, SEC-951, or SEC-952 of the anchor."""
        if self._fault:
            raise self._fault
        if self._task is None or self._stopping or self._refused:
            raise Problem("SEC-503")
        await self._keeper.check()

    async def start(self) -> None:
        """Take up the chain where it ended. Raises SEC-952 (anchor), or what the database raises."""
        await self._keeper.start()
        await self._writer.start()
        self._fault, self._stopping = None, False
        self._task = asyncio.create_task(self._run(), name="audit journal")
        self._task.add_done_callback(self._ended)
        self.kick()

    async def stop(self) -> None:
        """Chain everything that waits, sign the last checkpoint, and end. Raises the fault that stopped it before."""
        self._stopping = True
        self._wake()
        if self._task and not (await asyncio.wait((self._task,), timeout=self._limits.stop_s))[0]:
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self._keeper.stop()
        if self._fault:
            raise self._fault

    async def broken(self) -> None:
        """Return when the journal was stopped. Raises the fault for which it cannot go on: then nor can the process."""
        if self._task is not None:
            await asyncio.wait((self._task,))
        if self._fault:
            raise self._fault

    async def append(self, entry: bytes, *, durable: bool) -> None:
        """Queue ``entry``; with ``durable`` return only when it is committed.

        Raises Problem("SEC-503") when the journal is full or the database away for too long, and SEC-951 when the
        chain is not this writer's any more: nothing may then be done that needs an entry.
        """
        await self._enter()
        if not durable:
            self._queue.append((entry, None))
            self._some.set()
            return
        done = asyncio.get_running_loop().create_future()
        self._queue.append((entry, done))
        self._wake()
        await self._patiently(done)

    def kick(self) -> None:
        """Say that a commit may have left entries in ``audit_pending``; costs nothing, waits for nothing.

        They are durable there already, so they may linger for company like reads.
        """
        self._pending = True
        self._some.set()

    async def checkpoint(self) -> None:
        """Sign a checkpoint of everything committed so far, now, and anchor it."""
        await self._keeper.checkpoint()

    async def _enter(self) -> None:
        if self._fault:
            raise self._fault
        if self._task is None or self._stopping:
            raise Problem("SEC-503")
        while len(self._queue) >= self._limits.capacity:
            self._room.clear()
            await self._patiently(self._room.wait())
            if self._fault:
                raise self._fault

    async def _patiently(self, awaited: Awaitable[object]) -> None:
        try:
            async with asyncio.timeout(self._limits.patience_s):
                await awaited
        except TimeoutError:
            raise Problem("SEC-503") from None

    def _wake(self) -> None:
        self._some.set()
        self._urgent.set()

    async def _run(self) -> None:
        while not self._stopping or self._queue or self._pending:
            await self._gather()
            await self._flush()

    async def _gather(self) -> None:
        """Wait for something to write, then a little for company unless somebody waits for it."""
        if not await _within(self._some, self._limits.poll_s):
            self._pending = True
        elif len(self._queue) < self._limits.batch:
            await _within(self._urgent, self._limits.linger_s)
        self._some.clear()
        self._urgent.clear()

    async def _flush(self) -> None:
        while self._queue or self._pending:
            look, self._pending = self._pending, False
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._limits.batch))]
            try:
                more = await self._commit([entry for entry, _ in batch], look=look)
            except BaseException:
                self._queue.extendleft(reversed(batch))
                self._pending = self._pending or look
                raise
            self._pending = self._pending or more
            self._settle(batch)

    async def _commit(self, entries: list[bytes], *, look: bool) -> bool:
        """Write ``entries``, however often the database has to be asked; True when pending ones are left."""
        while True:
            began = perf_counter()
            try:
                added, more = await self._writer.commit(entries, look=look, limit=self._limits.batch)
            except AWAY as error:
                self._refused = True
                log.warning("audit.commit_refused", extra={"error": type(error).__name__})
                if self._stopping and not entries:
                    return False
                await asyncio.sleep(self._limits.retry_s)
            else:
                self._refused = False
                if added:
                    self._keeper.mark()
                    if self._committed:
                        self._committed(self._writer.outcomes, perf_counter() - began)
                return more

    def _settle(self, batch: list[Waiting]) -> None:
        for _, done in batch:
            if done is not None and not done.done():
                done.set_result(None)
        self._room.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Refuse everything from now on when the writer ended otherwise than by `stop`."""
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            return
        said = {"problem": error.code} if isinstance(error, Problem) else {"error": type(error).__name__}
        log.critical("audit.stopped", extra=said)
        self._fault = error if isinstance(error, Problem) else Problem("SEC-503")
        for _, done in self._queue:
            if done is not None and not done.done():
                done.set_exception(self._fault)
        self._room.set()


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for ``event`` at most ``seconds``; True when it came."""
    if event.is_set():
        return True
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
