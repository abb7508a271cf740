"""The keeper: signs a checkpoint over all writers' heads, stores it, and anchors a copy outside the database.

It runs beside the writer: a checkpoint never delays an entry. Checkpoints are numbered without a gap.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import asyncpg

from gateway.fhir.problem import Problem
from security.audit import anchor, checkpoint
from security.audit.chain import Tree
from security.audit.checkpoint import WriterHead
from security.audit.writer import AWAY, Connection, Pool
from security.crypto import Keys

log = logging.getLogger(__name__)
# Makes the processes of one database take turns at numbering; any constant of ours does.
_LOCK = 0x59595F4155444954
_LAST = "SELECT number, note FROM audit.checkpoint ORDER BY number DESC LIMIT 1"
_HEADS = "SELECT writer, seq, chain, frontier FROM audit.head WHERE seq > 0 ORDER BY writer"


class Keeper:
    """The checkpoints of one process."""

    def __init__(
        self, pool: Pool, keys: Keys, *, now: Callable[[], datetime], anchor_path: Path, pause_s: float
    ) -> None:
        """Sign with ``keys``, at most every ``pause_s`` seconds, and copy to ``anchor_path``."""
        self._pool, self._keys, self._now, self._path, self._pause_s = pool, keys, now, anchor_path, pause_s
        self._dirty = asyncio.Event()
        self._turn = asyncio.Lock()
        self._unanchored: list[str] = []
        self._task: asyncio.Task[None] | None = None
        self.trouble: Problem | None = None
        """Why the last checkpoint could not be made, until one can."""

    async def start(self) -> None:
        """Check the anchor and copy to it what a crash kept from it. Raises Problem("SEC-952")."""
        await asyncio.to_thread(anchor.prepare, self._path)
        async with self._pool.acquire() as connection:
            last = await connection.fetchrow(_LAST)
        if last is not None and last["note"] not in await asyncio.to_thread(anchor.last, self._path):
            await asyncio.to_thread(anchor.append, self._path, (last["note"],))
        self._task = asyncio.create_task(self._run(), name="audit checkpoints")

    async def stop(self) -> None:
        """Sign and anchor what is not yet covered, and end."""
        if self._task:
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self.checkpoint()

    async def check(self) -> None:
        """Raise the Problem that keeps checkpoints from being made or anchored now."""
        if self.trouble:
            raise self.trouble
        await asyncio.to_thread(anchor.prepare, self._path)

    def mark(self) -> None:
        """Say that there is something to sign."""
        self._dirty.set()

    async def checkpoint(self) -> None:
        """Sign the heads as committed now, unless the last checkpoint says just that; store and anchor it.

        Raises Problem("SEC-952") when the anchor cannot be written (the note is kept and tried again).
        """
        async with self._turn:
            async with self._pool.acquire() as connection, connection.transaction():
                note = await self._sign(connection)
            if note:
                self._unanchored.append(note)
            await asyncio.to_thread(anchor.append, self._path, tuple(self._unanchored))
            self._unanchored.clear()

    async def _run(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            try:
                await self.checkpoint()
            except (Problem, *AWAY) as error:
                self.trouble = error if isinstance(error, Problem) else Problem("SEC-503")
                log.error("audit.checkpoint_failed", extra={"problem": _say(error)})
                self._dirty.set()
            else:
                self.trouble = None
            await asyncio.sleep(self._pause_s)

    async def _sign(self, connection: Connection) -> str:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        heads = tuple(_writer_head(row) for row in await connection.fetch(_HEADS))
        last = await connection.fetchrow(_LAST)
        if not heads or (last is not None and _heads_of(last["note"]) == heads):
            return ""
        number = last["number"] + 1 if last is not None else 1
        made = checkpoint.make(self._keys.origin, number, at=self._now(), heads=heads)
        note = self._keys.sign_note(made.text())
        await connection.execute(
            "INSERT INTO audit.checkpoint (number, ts, note) VALUES ($1, $2, $3)", number, self._now(), note
        )
        return note


def _heads_of(note: str) -> tuple[WriterHead, ...]:
    try:
        return checkpoint.parse(note.rpartition("\n\n")[0] + "\n").heads
    except ValueError:
        return ()


def _writer_head(row: asyncpg.Record) -> WriterHead:
    return WriterHead(row["writer"], row["seq"], row["chain"], Tree.unpack(row["seq"], row["frontier"]).root())


def _say(error: Exception) -> str:
    return error.code if isinstance(error, Problem) else type(error).__name__
