"""Messages that arrive side by side are kept by one statement and one commit, and each is judged by itself.

In: the values of `keep_message`, one call each. Out: what it answered, once the commit is on disk. Nobody waits for
company: a statement takes what is there when its turn comes. Source: architecture §2;
docs/decisions/0077-a-message-is-kept-in-one-trip.md.
"""

from __future__ import annotations

import asyncio
from typing import Final

from gateway.fhir.problem import Problem
from gateway.store.postgres.pool import GONE, HeldPool

AT_ONCE: Final = 32
"""Messages of one statement (design default): some 300 kB sealed."""
SIDE_BY_SIDE: Final = 2
"""Statements of a process at a time (design default): while one waits for the disk the next gathers company."""
# Volatile, so each call sees what those before it wrote: of two copies in one statement the second is none.
_PUT: Final = """
SELECT keep_message(sender, msg_id, sha, feed, organisation, elder, state, reason, raw, result, entry_id, entry) AS kept
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::bigint[], $7::smallint[], $8::text[],
  $9::bytea[], $10::bytea[], $11::uuid[], $12::bytea[])
  AS message(sender, msg_id, sha, feed, organisation, elder, state, reason, raw, result, entry_id, entry)"""
Values = tuple[object, ...]
_Waiting = tuple[Values, "asyncio.Future[int]"]


class Keeping:
    """Keep messages on one database."""

    def __init__(self, pool: HeldPool) -> None:
        """Work on ``pool``, whose database has revision 0005."""
        self._pool = pool
        self._waiting: list[_Waiting] = []
        self._sending = 0
        self._senders: set[asyncio.Task[None]] = set()

    async def keep(self, *values: object) -> int:
        """Return what `keep_message` says of ``values``: 0 kept before, 1 new, 2 beside another content.

        Durable when it returns. Raises Problem("STO-503"): nothing was kept, or the answer was lost.
        """
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((values, waiter))
        if self._sending < SIDE_BY_SIDE:
            self._sending += 1
            sender = asyncio.create_task(self._send())
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)
        return await waiter

    async def _send(self) -> None:
        try:
            # Whatever the loop has ready now, such as other frames that have arrived, goes along.
            await asyncio.sleep(0)
            while self._waiting:
                # In one order everywhere, as each takes its lock: two statements cannot wait for each other.
                taken = sorted(self._waiting[:AT_ONCE], key=lambda one: (str(one[0][0]), str(one[0][1])))
                del self._waiting[:AT_ONCE]
                await self._told(taken)
        finally:
            # In the same step as the last look at who waits: nobody is left without a sender.
            self._sending -= 1

    async def _told(self, taken: list[_Waiting]) -> None:
        """Keep ``taken`` and tell each its answer; what refuses them together is asked of each alone."""
        try:
            answers = await self._kept([values for values, _ in taken])
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            if len(taken) > 1 and not isinstance(error, Problem):
                for one in taken:
                    await self._told([one])
                return
            for _, waiter in taken:
                if not waiter.done():
                    waiter.set_exception(error)
            return
        for (_, waiter), answer in zip(taken, answers, strict=True):
            if not waiter.done():
                waiter.set_result(answer)

    async def _kept(self, rows: list[Values]) -> list[int]:
        try:
            async with self._pool.held() as held:
                found = await (await held.prepared(_PUT)).fetch(*map(list, zip(*rows, strict=True)))
        except GONE as error:
            if isinstance(error, ValueError) and len(rows) > 1:
                raise  # a value that the driver cannot send: the others are asked without it
            raise Problem("STO-503") from None
        return [int(row["kept"]) for row in found]
