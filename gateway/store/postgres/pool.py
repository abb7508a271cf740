"""Open the pool of connections that the rooms share, and keep some of them held with their statements prepared.

In: a DSN. Out: `HeldPool`, an asyncpg pool. A held connection costs half the CPU of one checked out per query
(storage.md section 3.5), so hot queries go through `fetch`; everybody else uses the pool as any asyncpg pool.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from asyncpg.prepared_stmt import PreparedStatement

from gateway.fhir.problem import Problem

Record = asyncpg.Record
# A search that takes longer is a mistake in its plan (storage.md section 4).
STATEMENT_TIMEOUT_MS = 5_000
# A transaction left open holds back the change feed (storage.md section 4).
IDLE_TRANSACTION_TIMEOUT_MS = 15_000
# The others must get a connection while every held one is busy (design default).
HELD_SHARE = 0.6
# Query shapes differ by restriction; past this many a connection forgets its statements (design default).
MAX_STATEMENTS = 500
_TRIES = 2

_SETTINGS = {
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "idle_in_transaction_session_timeout": str(IDLE_TRANSACTION_TIMEOUT_MS),
    "jit": "off",
    # The compiler of searches picks the index itself (storage.md section 3.4): planning again for every value is
    # waste, and a table that is still small must not fix a plan by sequential scan.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "random_page_cost": "1.1",
    # Many small questions share the cores; one that takes several holds the others up.
    "max_parallel_workers_per_gather": "0",
    # What was acknowledged is on disk, whatever the server's own default says (architecture section 2).
    "synchronous_commit": "on",
}
GONE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a question between the server's last word and the end of the line
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    # A migration changed a table under a prepared statement; the next time it is prepared anew.
    asyncpg.InvalidCachedStatementError,
)
"""What asyncpg raises when the database does not answer."""
_LOST = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    ConnectionError,
    asyncpg.InvalidCachedStatementError,
)
"""... and among these, what another connection may not raise."""


class Held:
    """One connection held with its prepared statements."""

    __slots__ = ("connection", "statements")

    def __init__(self, connection: PoolConnectionProxy[Record]) -> None:
        """Hold ``connection``."""
        self.connection = connection
        self.statements: dict[str, PreparedStatement[Record]] = {}

    def is_closed(self) -> bool:
        """Tell whether the connection has ended. One that asyncpg took back by itself says so by an error."""
        try:
            return self.connection.is_closed()
        except asyncpg.InterfaceError:
            return True

    async def prepared(self, sql: str) -> PreparedStatement[Record]:
        """Return ``sql`` as this connection's statement; one round trip the first time."""
        statement = self.statements.get(sql)
        if statement is None:
            if len(self.statements) >= MAX_STATEMENTS:
                self.statements.clear()
            statement = self.statements[sql] = await self.connection.prepare(sql)
        return statement


if TYPE_CHECKING:
    _Pool = asyncpg.Pool[Record]
else:
    _Pool = asyncpg.Pool  # generic for the type checker only


class HeldPool(_Pool):
    """An asyncpg pool, some of whose connections `fetch` keeps. Closing it gives them back first."""

    def __init__(self, dsn: str, *, size: int, **options: Any) -> None:
        """Prepare at most ``size`` connections; use `open_pool`."""
        super().__init__(dsn, max_size=size, **options)
        self._free: deque[Held] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._may_hold = max(1, int(size * HELD_SHARE))
        self._holding = 0

    async def fetch_held(self, sql: str, *values: object) -> list[Record]:
        """Return the rows of ``sql``; a lost connection is replaced once, so ``sql`` must only read.

        Raises Problem("STO-503").
        """
        for left in range(_TRIES - 1, -1, -1):
            try:
                held = await self._take()
                try:
                    return await (await held.prepared(sql)).fetch(*values)
                except _LOST as error:
                    _end(held, error)
                    raise
                finally:
                    await self._give(held)
            except _LOST as error:
                if isinstance(error, ValueError):
                    raise  # a value that the driver cannot send: our fault, not the database's
                if not left:
                    raise Problem("STO-503") from None
            except GONE:
                raise Problem("STO-503") from None
        raise AssertionError

    @asynccontextmanager
    async def held(self) -> AsyncIterator[Held]:
        """Give a held connection for the block; one that broke is thrown away."""
        held = await self._take()
        try:
            yield held
        except _LOST as error:
            _end(held, error)
            raise
        finally:
            await self._give(held)

    async def close(self) -> None:
        """Give the held connections back and close all, waiting for those in use elsewhere."""
        self._may_hold = 0
        while self._free:
            await self._drop(self._free.pop())
        await super().close()

    async def _take(self) -> Held:
        while not self._free and self._holding >= max(1, self._may_hold):
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                self._wake_next()  # the turn may have been ours already
                raise
        while self._free:
            held = self._free.pop()
            if not held.is_closed():
                return held
            await self._drop(held)  # the server has been away
        self._holding += 1
        try:
            return Held(await self.acquire())
        except BaseException:
            self._holding -= 1
            self._wake_next()
            raise

    async def _give(self, held: Held) -> None:
        if held.is_closed() or self._may_hold == 0:
            await self._drop(held)
        else:
            self._free.append(held)
        self._wake_next()

    async def _drop(self, held: Held) -> None:
        self._holding -= 1
        held.statements.clear()
        await self.release(held.connection)

    def _wake_next(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


def _end(held: Held, error: BaseException) -> None:
    """Throw the connection of ``held`` away, unless ``error`` is about a value and not about it."""
    if not isinstance(error, ValueError) and not held.is_closed():
        held.connection.terminate()  # it may not look closed yet, and would be the next to be given


async def open_pool(dsn: str, *, size: int = 10, name: str = "yiyang") -> HeldPool:
    """Open a pool of at most ``size`` connections to ``dsn`` under the application name ``name``.

    Raises Problem("STO-503") when the database does not answer.
    """
    pool = HeldPool(dsn, size=size, **_options(name))
    try:
        await pool
        async with pool.acquire():  # does it answer at all?
            pass
    except GONE:
        raise Problem("STO-503") from None
    return pool


def _options(name: str) -> dict[str, Any]:
    return {
        "min_size": 0,  # a floor is restored in the background, and its failures told by a traceback
        "max_queries": 2**31,
        "max_inactive_connection_lifetime": 0,
        "reset": _no_reset,
        "server_settings": {**_SETTINGS, "application_name": name},
        **_UNUSED,
    }


async def _no_reset(_: object) -> None:
    """Leave the session as it is: nobody sets anything on it outside a transaction, and a reset is a round trip."""


_UNUSED: dict[str, Callable[..., object] | Sequence[object] | type | None] = {
    "setup": None,
    "init": None,
    "loop": None,
    "connection_class": asyncpg.Connection,
    "record_class": asyncpg.Record,
}
"""What `asyncpg.create_pool` would fill in."""
