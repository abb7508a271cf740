"""The registry: add, list, get, disable organisations, clients and senders; a snapshot in memory for every request.

A change is checked and written under one lock, so two administrators cannot pass each other; every process sees it
within a second, by polling one number. When the database has not answered for a while, nobody is let in any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal, TypeVar

from asyncpg import (
    InterfaceError,
    InternalClientError,
    Pool,
    PostgresConnectionError,
    PostgresError,
    Record,
)
from asyncpg.exceptions import InsufficientResourcesError, OperatorInterventionError

from gateway.fhir.problem import Problem
from security.caller import Role
from security.state import checks, queries
from security.state.keys import public_keys
from security.state.records import Change, Client, HttpSender, MllpSender, Organisation, Sender
from security.state.snapshot import Snapshot, http_name

log = logging.getLogger(__name__)
T = TypeVar("T")

# Two polls fit into the second within which a change must be seen.
POLL_S: Final = 0.4
# A snapshot that could not be confirmed this long is not trusted: a client may have been disabled meanwhile.
STALE_AFTER_S: Final = 10.0
# Expired jti's are removed this often; and "last used" is kept no finer, to spare writes.
PURGE_EVERY: Final = timedelta(minutes=1)
LAST_USED_EVERY: Final = timedelta(minutes=1)
# A replayed assertion is remembered longer than any clock leeway (30 s) would let it pass.
REMEMBER_AFTER_EXPIRY: Final = timedelta(minutes=1)

# One moment for all tables.
_READ: Final[dict[str, Any]] = {"isolation": "repeatable_read", "readonly": True}
_AWAY: Final = (
    OSError,
    TimeoutError,
    InterfaceError,
    InternalClientError,
    PostgresConnectionError,
    OperatorInterventionError,
    InsufficientResourcesError,
)


class Registry:
    """Everything registered. Call `start` before use and `close` at the end.

    Verbs raise Problems of SEC-1xx for what is wrong with an entry, Problem("SEC-119") when the database is away.
    """

    def __init__(
        self,
        pool: Pool[Record],
        *,
        now: Callable[[], datetime],
        poll_s: float = POLL_S,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """Work on ``pool``, whose database has migration 0002; ``now`` returns aware UTC.

        ``elapsed`` counts seconds and never goes back: a clock that is set back must not keep what is stale.
        """
        self._pool, self._now, self._poll_s, self._elapsed = pool, now, poll_s, elapsed
        self._snapshot = Snapshot()
        self._confirmed: float | None = None
        self._purged: datetime | None = None
        self._moved = asyncio.Condition()
        self._refreshing = asyncio.Lock()
        self._polling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the registry and begin to follow the changes of other processes."""
        await self.refresh()
        self._polling = asyncio.create_task(self._poll(), name="registry-poll")

    async def close(self) -> None:
        """Stop following."""
        if self._polling is not None:
            self._polling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._polling
            self._polling = None

    def snapshot(self) -> Snapshot:
        """Return the registry as last seen; no I/O. Raises Problem("SEC-119") when that was too long ago."""
        if self._confirmed is None or self._elapsed() - self._confirmed > STALE_AFTER_S:
            raise Problem("SEC-119")
        return self._snapshot

    async def seen(self, version: int) -> Snapshot:
        """Wait until the snapshot holds ``version`` (of a Change made anywhere), and return it."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._snapshot.version >= version)
        return self._snapshot

    async def refresh(self) -> None:
        """Load what changed since the last look; one query when nothing did."""
        async with self._refreshing:  # one at a time, so that what is older never replaces what is newer
            asked = self._elapsed()
            async with _reachable():
                known = await self._pool.fetchval(queries.VERSION)
            if known != self._snapshot.version:
                await self._publish(await self._load())
            self._confirmed = asked

    async def add_organisation(self, entry: Organisation) -> Change:
        """Register an organisation."""
        entry = replace(entry, disabled=False)
        return await self._add("organisation", entry.uscc, [entry], lambda known: checks.organisation(entry, known))

    async def add_client(  # noqa: PLR0913 - one keyword for each fact of a client
        self,
        client_id: str,
        name: str,
        *,
        role: Role,
        organisation: str,
        jwks: Mapping[str, Any],
        scopes: Iterable[str],
        feeds: Iterable[str] = (),
    ) -> Change:
        """Register a client with its public keys, and one HTTP sender for each of ``feeds``."""
        entry = Client(
            client_id, name, role, organisation, public_keys(jwks), frozenset(scopes), frozenset(feeds),
            created=self._now(),
        )  # fmt: skip
        posts = [HttpSender(http_name(client_id, feed), organisation, feed, client_id) for feed in sorted(entry.feeds)]
        return await self._add("client", client_id, [entry, *posts], lambda known: checks.client(entry, known))

    async def add_sender(self, entry: MllpSender) -> Change:
        """Register an HL7 v2 system."""
        entry = replace(entry, disabled=False)
        return await self._add("sender", entry.name, [entry], lambda known: checks.sender(entry, known))

    async def add_http_sender(self, client_id: str, feed: str) -> Change:
        """Register ``client_id`` for one more feed; its scopes must have ``intake/<feed>.c`` already."""
        owner = self.snapshot().client(client_id)
        entry = HttpSender(http_name(client_id, feed), owner.organisation if owner else "", feed, client_id)
        return await self._add("sender", entry.name, [entry], lambda known: checks.sender(entry, known))

    async def list_organisations(self) -> list[Organisation]:
        """Return all organisations, disabled ones too, by code."""
        return list((await self._load()).organisations.values())

    async def list_clients(self) -> list[Client]:
        """Return all clients, disabled ones too, by id."""
        return list((await self._load()).clients.values())

    async def list_senders(self) -> list[Sender]:
        """Return all senders, disabled ones too, by name."""
        return list((await self._load()).senders.values())

    async def get_organisation(self, uscc: str) -> Organisation:
        """Return the organisation, disabled or not. Raises Problem("SEC-102")."""
        return _found((await self._load()).organisations, "organisation", uscc)

    async def get_client(self, client_id: str) -> Client:
        """Return the client, disabled or not. Raises Problem("SEC-102")."""
        return _found((await self._load()).clients, "client", client_id)

    async def get_sender(self, name: str) -> Sender:
        """Return the sender, disabled or not. Raises Problem("SEC-102")."""
        return _found((await self._load()).senders, "sender", name)

    async def disable_organisation(self, uscc: str) -> Change:
        """Let nobody of the organisation in any more: its clients, its senders, its tokens."""
        return await self._disable("organisation", uscc)

    async def disable_client(self, client_id: str) -> Change:
        """Give the client no more tokens; those it holds stop here at once and elsewhere within a second."""
        return await self._disable("client", client_id)

    async def disable_sender(self, name: str) -> Change:
        """Take no more messages of the sender; its place may be registered anew under another name."""
        return await self._disable("sender", name)

    async def spend(self, client_id: str, jti: str, expires: datetime) -> bool:
        """Use up the assertion ``jti`` of the client, for all processes; False when it was used before.

        One statement, which also notes that the client was here.
        """
        moment = self._now()
        key = sha256(jti.encode()).digest()  # a fixed length, whatever the client chose
        args = (client_id, key, expires + REMEMBER_AFTER_EXPIRY, moment, moment - LAST_USED_EVERY)
        async with _reachable():
            return bool(await self._pool.fetchval(queries.SPEND, *args) == 1)

    async def revoke(self, jti: str, expires: datetime) -> None:
        """Stop the access token ``jti`` here at once and elsewhere within a second."""
        async with _reachable():
            await self._pool.execute(queries.REVOKE, jti, expires + REMEMBER_AFTER_EXPIRY)
        await self.refresh()

    async def _load(self) -> Snapshot:
        async with _reachable(), self._pool.acquire() as connection, connection.transaction(**_READ):
            return await queries.load(connection, moment=self._now())

    async def _add(
        self,
        kind: Literal["organisation", "client", "sender"],
        name: str,
        entries: Sequence[Organisation | Client | Sender],
        faults: Callable[[Snapshot], Iterable[Problem]],
    ) -> Change:
        async with self._changing() as (known, execute):
            checks.demand(faults(known))
            for entry in entries:
                statement, args = queries.insert(entry, self._now())
                await execute(statement, *args)
        return Change("add", kind, name, None, entries[0], self._snapshot.version)

    async def _disable(self, kind: Literal["organisation", "client", "sender"], name: str) -> Change:
        async with self._changing() as (known, execute):
            rows: Mapping[str, Organisation | Client | Sender] = getattr(known, f"{kind}s")
            before = _found(rows, kind, name)
            if not before.disabled:
                await execute(queries.DISABLE[kind], name, self._now())
        return Change("disable", kind, name, before, replace(before, disabled=True), self._snapshot.version)

    @contextlib.asynccontextmanager
    async def _changing(self) -> AsyncIterator[tuple[Snapshot, Callable[..., Any]]]:
        """Give the registry as it is under its lock, and a way to write; commit and publish at the end."""
        async with _reachable(), self._pool.acquire() as connection, connection.transaction():
            await connection.execute(queries.LOCK)
            known = await queries.load(connection, moment=self._now())
            yield known, connection.execute
        await self.refresh()

    async def _publish(self, fresh: Snapshot) -> None:
        async with self._moved:
            self._snapshot = fresh
            self._moved.notify_all()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            try:
                await self.refresh()
                await self._purge()
            except (Problem, PostgresError) as error:
                log.warning("registry.retry", extra={"error": type(error).__name__})

    async def _purge(self) -> None:
        moment = self._now()
        if self._purged is not None and moment - self._purged < PURGE_EVERY:
            return
        async with _reachable():
            for statement in queries.PURGE:
                await self._pool.execute(statement, moment)
        self._purged = moment


@contextlib.asynccontextmanager
async def _reachable() -> AsyncIterator[None]:
    """Turn what a lost database raises into Problem("SEC-119")."""
    try:
        yield
    except _AWAY as error:
        log.warning("registry.away", extra={"error": type(error).__name__})
        raise Problem("SEC-119") from None


def _found(rows: Mapping[str, T], kind: str, name: str) -> T:
    found = rows.get(name)
    if found is None:
        raise Problem("SEC-102", where=kind, kind=kind, name=name[:160])
    return found
