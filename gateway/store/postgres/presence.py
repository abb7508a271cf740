"""A process among those of one database: one session whose locks say that it lives, and whose word wakes the others.

In: a DSN. Out: a seat (a number nobody else ever gets), leases that one process holds at a time, names claimed for
writing, and a call whenever another process has committed. A process that dies, however it dies, loses all of them
with its session. When only the session is lost, it is opened anew; what somebody else took meanwhile stays theirs.
Source: docs/decisions/0085-workers.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import asyncpg

from gateway.fhir.problem import Problem
from gateway.store.postgres.pool import GONE

log = logging.getLogger("yiyang.presence")
SEAT, LEASE = 949266, 949268
"""Classes of our advisory locks; migration 0004 knows the seat's, `live_seats` reads it."""
CHANNEL: Final = "yiyang_commit"
MAX_WRITERS: Final = 64
"""Processes of one name at a time (design default; one a core, and some hosts)."""
CONNECT_S: Final = 10.0
ANSWER_S: Final = 5.0
"""A session that does not answer within that is given up (design default)."""
PING_S: Final = 1.0
PAUSE_S: Final = 0.25
GATHER_S: Final = 0.05
"""Commits this close together are told by one word: telling costs the server a lock of its own (design default)."""
_SETTINGS: Final = {
    "application_name": "yiyang presence",
    "synchronous_commit": "off",  # a lock and a word need no disk
    # A machine that lost its power must not keep its locks for hours.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
_WRITER = "SELECT pg_try_advisory_lock(hashtextextended('yiyang audit writer ' || $1, 0))"
_CLAIM = """
INSERT INTO audit.head AS h (writer, claim) VALUES ($1, 1)
ON CONFLICT (writer) DO UPDATE SET claim = h.claim + 1 RETURNING claim"""


class Claim(NamedTuple):
    """A writer's name, and the number of its claim: who claims it later has a higher one."""

    name: str
    number: int


class Presence:
    """This process's seat. `start` before anything is claimed; `stop` gives everything up."""

    def __init__(self, dsn: str, *, on_news: Callable[[], None] = lambda: None) -> None:
        """Be present at ``dsn``, whose database has migration 0004; ``on_news`` is called when others committed."""
        self.on_news = on_news
        self.seat = 0
        self._dsn = dsn
        self._session: asyncpg.Connection[asyncpg.Record] | None = None
        self._turn = asyncio.Lock()
        self._held: set[str] = set()
        self._writer = ""
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take a seat. Raises Problem("STO-503")."""
        try:
            self._session = await self._opened()
        except GONE:
            raise Problem("STO-503") from None
        self._task = asyncio.create_task(self._stay(), name="presence")

    async def stop(self) -> None:
        """Leave: locks are free at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
            self._task = None
        await self._drop()

    async def hold(self, lease: str) -> bool:
        """Tell whether this process holds ``lease`` now; take it when nobody does. No query while it is held."""
        if lease in self._held and self._is_open():
            return True
        got = await self._ask("SELECT pg_try_advisory_lock($1, hashtext($2))", LEASE, lease)
        if got:
            self._held.add(lease)
        return bool(got)

    async def claim_writer(self, name: str) -> Claim:
        """Claim the first free of ``name``, ``name-2``, ``name-3``... for this process, from now on its only one.

        Raises Problem("STO-503") when the database is away or all are taken.
        """
        for number in range(1, MAX_WRITERS + 1):
            candidate = name if number == 1 else f"{name}-{number}"
            if await self._ask(_WRITER, candidate):  # true also of a name that this session has already
                claim = await self._ask(_CLAIM, candidate)
                if claim is None:
                    break
                self._writer = candidate
                return Claim(candidate, claim)
        raise Problem("STO-503")

    def announce(self) -> None:
        """Say that this process has committed something that others must learn; costs nothing, waits for nothing."""
        self._news.set()

    async def _stay(self) -> None:
        """Keep the session: tell what is to be told, ask whether it still answers, open it anew when it does not."""
        while True:
            told = False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PING_S):
                    await self._news.wait()
                self._news.clear()
                told = True
            if told:
                await self._ask("SELECT pg_notify($1, $2)", CHANNEL, str(self.seat))
                await asyncio.sleep(GATHER_S)
            else:
                await self._ask("SELECT 1")
            if not self._is_open():
                await self._again()

    async def _again(self) -> None:
        log.warning("presence.lost")
        await self._drop()
        while True:
            try:
                self._session = await self._opened()
            except (*GONE, asyncpg.PostgresError) as error:
                log.info("presence.retry", extra={"error": type(error).__name__})
                await asyncio.sleep(PAUSE_S)
            else:
                self.on_news()  # nobody told us anything meanwhile
                return

    async def _opened(self) -> asyncpg.Connection[asyncpg.Record]:
        """Return a session with this process's seat, and its writer's name if that is still free."""
        session = await asyncpg.connect(self._dsn, timeout=CONNECT_S, server_settings=_SETTINGS)
        try:
            async with asyncio.timeout(ANSWER_S):
                if not self.seat:
                    self.seat = await session.fetchval("SELECT nextval('seat_seq')")
                # The server may not have noticed yet that our last session is gone: that one's lock is ours.
                await session.execute("SELECT pg_advisory_lock($1, $2)", SEAT, self.seat)
                if self._writer:
                    # Taken by somebody else: then the number of the claim has moved, and the journal finds out.
                    await session.fetchval(_WRITER, self._writer)
                await session.add_listener(CHANNEL, self._heard)
        except BaseException:
            session.terminate()
            raise
        return session

    def _heard(self, _: object, __: int, ___: str, payload: object) -> None:
        if payload != str(self.seat):
            self.on_news()

    async def _ask(self, text: str, *values: object) -> Any:
        """Return what the session answers, None when it does not: then it is lost."""
        async with self._turn:
            if self._session is None or self._session.is_closed():
                return None
            try:
                async with asyncio.timeout(ANSWER_S):
                    return await self._session.fetchval(text, *values)
            except (*GONE, asyncpg.PostgresError):
                await self._drop()
                return None

    def _is_open(self) -> bool:
        return self._session is not None and not self._session.is_closed()

    async def _drop(self) -> None:
        session, self._session = self._session, None
        self._held.clear()
        if session is not None and not session.is_closed():
            with contextlib.suppress(*GONE, asyncpg.PostgresError):
                async with asyncio.timeout(1):
                    await session.close()
            session.terminate()
