"""The hub: the one service through which a resource is read or written. Every verb takes the caller first.

Each verb: (0) a caller is given · (1) its scope · (2) the store, under the restriction · (3) the gate on every row ·
(4) the mask · (5) the audit entry. The files beside this one say how, one interaction each. Source: style.md 8-14.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime

from gateway.fhir.problem import Problem
from gateway.hub import (
    across,
    batch,
    conditional,
    create,
    delete,
    history,
    ingest,
    patch,
    read,
    refuses,
    search,
    trail,
    transaction,
    update,
    validate,
    vread,
)
from gateway.hub import changes as feed
from gateway.hub.demands import ANYTHING, Demand
from gateway.hub.ingest import Message, Outcome, Priors
from gateway.hub.interaction import Blinder, Journal, Tools, demand_inner
from gateway.hub.learning import Learning
from gateway.hub.operations import Operations
from gateway.hub.patch import Change
from gateway.hub.transaction import Answer
from gateway.hub.values import Doc, Found, Ingested, Put, Released, Written
from gateway.store.protocol import Changes, FhirStore, InboxMark, Stored
from gateway.terminology import Terminology
from security.audit.record import What
from security.caller import Caller
from security.gate import Gate

Pairs = Sequence[tuple[str, str]]
AUDIT = "AuditEvent"
"""The kind that no store keeps: the journal is asked, and nobody writes it (security.md AUD-04)."""


class Hub:
    """One hub a process, built by app.py."""

    def __init__(  # noqa: PLR0913 - everything is handed in
        self,
        store: FhirStore,
        gate: Gate,
        journal: Journal,
        *,
        keys: Blinder,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        base: str,
        permits: Callable[[Caller, str, str], bool],
        task_rules: Callable[[Caller, Doc, Doc], Doc],
        entries: trail.Entries,
        terminology: Terminology,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        """Hold the tools of every interaction; see `Tools` for the callables, `trail.Entries` for the journal.

        ``terminology`` answers operations on codes. ``announce`` is called after each commit: other processes
        learn of it.
        """
        self.learning = Learning(store, gate, announce=announce)
        """What the gate knows of what is stored, to be started and stopped by who builds the hub."""
        self._tools = Tools(store, gate, journal, keys, now, new_id, base, permits, task_rules, self.learning)
        self._entries = entries
        self.operations = Operations(self._tools, terminology)
        """What is asked beyond reading, searching and writing."""

    async def warm(self) -> None:
        """Teach the gate what is stored. Before the doors open."""
        await self.learning.warm()

    async def read(self, caller: Caller, kind: str, id: str) -> Released:  # noqa: A002 - FHIR's word
        """Return the current version. See `gateway.hub.read`."""
        if kind == AUDIT:
            return await trail.read(self._tools, self._entries, caller, id=id)
        return await read.read(self._tools, caller, kind, id)

    async def vread(self, caller: Caller, kind: str, id: str, *, version: int) -> Released:  # noqa: A002
        """Return one version. See `gateway.hub.vread`."""
        return await vread.vread(self._tools, caller, kind, id, version=version)

    async def history(self, caller: Caller, kind: str, id: str, *, pairs: Pairs = ()) -> Found:  # noqa: A002
        """Return the versions of one resource. See `gateway.hub.history`."""
        return await history.history(self._tools, caller, kind, id, pairs=pairs)

    async def search(self, caller: Caller, kind: str, *, pairs: Pairs = (), strict: bool = False) -> Found:
        """Return a page of matches. See `gateway.hub.search`."""
        if kind == AUDIT:
            return await trail.search(self._tools, self._entries, caller, pairs=pairs, strict=strict)
        return await search.search(self._tools, caller, kind, pairs=pairs, strict=strict)

    async def search_all(self, caller: Caller, *, pairs: Pairs = (), strict: bool = False) -> Found:
        """Return a page of matches over the kinds of `_type`. See `gateway.hub.across`."""
        return await across.search(self._tools, caller, pairs=pairs, strict=strict)

    async def compartment(
        self,
        caller: Caller,
        elder: str,
        kind: str,
        *,
        pairs: Pairs = (),
        strict: bool = False,
    ) -> Found:
        """Return a page of matches in the compartment of one Patient; ``kind`` "*" is all. See `gateway.hub.across`."""
        if kind == "*":
            return await across.search(self._tools, caller, pairs=pairs, strict=strict, within=elder)
        return await search.search(self._tools, caller, kind, pairs=pairs, strict=strict, within=elder)

    async def create(self, caller: Caller, kind: str, *, body: bytes, unless: Pairs | None = None) -> Written:
        """Store a new resource, ``unless`` the caller finds one by these. See `gateway.hub.create`, `.conditional`."""
        if unless is None:
            return await create.create(self._tools, caller, kind, body=body)
        return await conditional.create(self._tools, caller, kind, body=body, criteria=unless)

    async def update(
        self,
        caller: Caller,
        kind: str,
        id: str,  # noqa: A002
        *,
        body: bytes,
        demand: Demand = ANYTHING,
    ) -> Written:
        """Store the next version. See `gateway.hub.update`."""
        return await update.update(self._tools, caller, kind, id, body=body, demand=demand)

    async def update_where(
        self, caller: Caller, kind: str, *, criteria: Pairs, body: bytes, demand: Demand = ANYTHING
    ) -> Written:
        """Store the next version of the one match, or a new resource. See `gateway.hub.conditional`."""
        return await conditional.update_where(self._tools, caller, kind, criteria=criteria, body=body, demand=demand)

    async def patch(
        self,
        caller: Caller,
        kind: str,
        id: str,  # noqa: A002
        *,
        change: Change,
        demand: Demand = ANYTHING,
    ) -> Written:
        """Store what ``change`` makes of the current version. See `gateway.hub.patch`."""
        return await patch.patch(self._tools, caller, kind, id, change=change, demand=demand)

    async def patch_where(
        self, caller: Caller, kind: str, *, criteria: Pairs, change: Change, demand: Demand = ANYTHING
    ) -> Written:
        """Store what ``change`` makes of the one match. See `gateway.hub.conditional`."""
        return await conditional.patch_where(self._tools, caller, kind, criteria=criteria, change=change, demand=demand)

    async def delete(self, caller: Caller, kind: str, id: str, *, demand: Demand = ANYTHING) -> Written:  # noqa: A002
        """Delete the current version. See `gateway.hub.delete`."""
        return await delete.delete(self._tools, caller, kind, id, demand=demand)

    async def delete_where(
        self, caller: Caller, kind: str, *, criteria: Pairs, most: int = 1, demand: Demand = ANYTHING
    ) -> tuple[Written, ...]:
        """Delete what matches, ``most`` at most. See `gateway.hub.conditional`."""
        return await conditional.delete(self._tools, caller, kind, criteria=criteria, most=most, demand=demand)

    async def transaction(self, caller: Caller, *, body: bytes, strict: bool = False) -> tuple[Answer, ...]:
        """Carry out a transaction bundle. See `gateway.hub.transaction`."""
        return await transaction.transaction(self._tools, caller, body=body, strict=strict)

    async def batch(self, caller: Caller, *, body: bytes, strict: bool = False) -> tuple[Answer, ...]:
        """Carry out a batch bundle, each entry by itself. See `gateway.hub.batch`."""
        return await batch.batch(self._tools, caller, body=body, strict=strict)

    async def validate(
        self,
        caller: Caller,
        kind: str,
        *,
        body: bytes,
        id: str = "",  # noqa: A002
        mode: str = "",
        profile: str = "",
    ) -> tuple[Problem, ...]:
        """Return the problems of a resource. See `gateway.hub.validate`."""
        return await validate.validate(self._tools, caller, kind, body=body, id=id, mode=mode, profile=profile)

    async def ingest(
        self,
        caller: Caller,
        puts: Sequence[Put],
        *,
        marks: Sequence[InboxMark] = (),
        cursors: Sequence[tuple[str, str]] = (),
        entries: Sequence[bytes] = (),
        what: What | None = None,
    ) -> Ingested:
        """Write what an inner actor hands in, in one commit. See `gateway.hub.ingest`."""
        return await ingest.ingest(self._tools, Message(caller, puts, marks, cursors, entries, what))

    async def ingest_all(self, caller: Caller, messages: Sequence[Message], *, priors: Priors) -> list[Outcome]:
        """Write several messages that ``caller``, an inner actor, hands in. See `gateway.hub.ingest`."""
        demand_inner(caller)
        return await ingest.ingest_all(self._tools, messages, priors=priors)

    def refuses(self, caller: Caller, docs: Sequence[Doc], *, elder: str) -> bool:
        """Tell whether an ingest of ``docs`` by an inner actor would be refused. See `gateway.hub.refuses`."""
        return refuses.refuses(self._tools, caller, docs, elder=elder)

    async def current(self, caller: Caller, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Stored]:
        """Return current versions for an inner actor to merge with. See `gateway.hub.ingest`."""
        return await ingest.current(self._tools, caller, keys)

    async def find(self, caller: Caller, kind: str, *, pairs: Pairs) -> tuple[Stored, ...]:
        """Return all matches for an inner actor. See `gateway.hub.changes`."""
        return await feed.find(self._tools, caller, kind, pairs=pairs)

    async def changes(
        self, caller: Caller, cursor: str, *, limit: int = 100, kinds: Collection[str] | None = None
    ) -> Changes:
        """Return what changed after ``cursor``. See `gateway.hub.changes`."""
        return await feed.changes(self._tools, caller, cursor, limit=limit, kinds=kinds)

    async def cursor_of(self, caller: Caller, consumer: str) -> str:
        """Return where a follower stands."""
        return await feed.cursor_of(self._tools, caller, consumer)

    async def move(self, caller: Caller, consumer: str, *, cursor: str) -> None:
        """Move a follower without writing anything else."""
        await feed.move(self._tools, caller, consumer, cursor=cursor)

    def follow(self, caller: Caller) -> AsyncIterator[None]:
        """Yield whenever something may have been committed."""
        return feed.follow(self._tools, caller)
