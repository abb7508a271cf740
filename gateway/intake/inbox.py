"""The inbox: a message is durable here before anybody is told so, and is told the same twice.

In: an arrival with the reply that mapping found for it. Out: the reply to give. The same id with the same content
gets its first reply again; the same id with other content is kept as a row of its own, parked.
Source: architecture §2; domain.md §4 (idempotency key).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

from gateway.fhir.problem import Problem
from gateway.intake.reply import Reply, pack, unpack
from gateway.store.arrivals import Arrival, InboxRow

__all__ = ["Arrival", "Inbox", "InboxRow", "InboxStore", "State"]


class State(StrEnum):
    """Where a message stands. `parked` waits for a person, `dead` for an engineer; nothing is ever dropped."""

    RECEIVED = "received"
    STORED = "stored"
    PARKED = "parked"
    DEAD = "dead"


class InboxStore(Protocol):
    """What the inbox needs of the database."""

    async def put(
        self, arrival: Arrival, *, state: str, reply: bytes, reason: str, entry: bytes | None = None
    ) -> InboxRow | None:
        """Keep ``arrival`` durably; return None when it is new, or the row that already has its sender and id.

        ``entry`` of a new one waits for the journal in the same commit. A row with the same digest is returned as it is
        and nothing is written; with another digest the arrival is written beside it in any case, parked, without a
        reply and without the entry.
        """
        ...

    async def claim(self, limit: int) -> Sequence[InboxRow]:
        """Return received rows that may be worked on now, at most one per elder, oldest first."""
        ...

    async def settle(self, arrival: Arrival, *, state: str, reason: str, reply: bytes | None = None) -> None:
        """Move a row to ``state`` outside a hub commit."""
        ...

    async def is_open(self, order: int) -> bool:
        """Tell whether a message of the elder that ``order`` stands for is received and not yet worked off."""
        ...

    async def find(self, sender: str, message_id: str) -> Sequence[InboxRow]:
        """Return the rows of one message id, oldest first."""
        ...

    async def page(self, *, state: str, limit: int, cursor: str) -> tuple[Sequence[InboxRow], str]:
        """Return a page of rows newest first, of one state ("" = any), and the cursor of the next."""
        ...


class Inbox:
    """Keep arrivals and answer them."""

    def __init__(self, store: InboxStore) -> None:
        """Hold the table."""
        self._store = store

    async def receive(
        self, arrival: Arrival, problems: Sequence[Problem], entry: Callable[[Reply], bytes]
    ) -> tuple[Reply, bool]:
        """Keep ``arrival`` and return its reply: AA without errors in ``problems``, else AE and parked.

        ``entry`` makes the journal's record of a reply; it is kept in the same commit when the arrival is new, and the
        second value tells so. Durable when it returns. Raises Problem STO-503 when the database is gone: nothing was
        kept.
        """
        failed = [p for p in problems if p.severity in ("error", "fatal")]
        state = State.PARKED if failed else State.RECEIVED
        reply = Reply("AE" if failed else "AA", arrival.message_id, state, tuple(problems))
        reason = failed[0].code if failed else ""
        known = await self._store.put(arrival, state=state, reply=pack(reply), reason=reason, entry=entry(reply))
        if known is None:
            return reply, True
        if known.arrival.digest == arrival.digest and known.reply:
            return unpack(known.reply, message_id=arrival.message_id, state=known.state), False
        conflict = Reply("AE", arrival.message_id, State.PARKED, (Problem("IN-002", source="msgId"),))
        await self._store.settle(arrival, state=State.PARKED, reason="IN-002", reply=pack(conflict))
        return conflict, False
