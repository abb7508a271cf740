"""One message from any door: understood, kept, answered; and refused ones noted.

In: a feed's name, bytes, the registered sender. Out: a Reply (architecture §2). The order is: read the bytes (AR when
they cannot be read) → run the map and check every resource (all faults at once) → may the sender hand it in → keep it
durably with the reply → answer. What follows an AA is `pipeline`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from gateway.fhir.aside import aside
from gateway.fhir.problem import Problem
from gateway.fhir.proof import Accepted
from gateway.formats import Record, read
from gateway.intake.combine import sourced
from gateway.intake.elder import about, patient_of, tentative_id
from gateway.intake.feeds import Feeds
from gateway.intake.inbox import Arrival, Inbox, State
from gateway.intake.reply import Reply
from gateway.mapping import Context, Feed, MapResult
from security.caller import Caller

CHINA = ZoneInfo("Asia/Shanghai")
UNKNOWN_ELDER = "0" * 32
"""Stands for the elder while a record without deciding identifier is checked; it is parked in any case."""
MAX_MESSAGE_ID = 199
"""MSH-10 has 199 characters in HL7 v2.7; longer ids are no ids."""

Prove = Callable[[dict[str, Any], bytes], tuple[Accepted | None, Sequence[Problem]]]
"""Return the proof that a resource, with its JSON, is good, None when it is not, and its problems."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A record that was read: its id, what its map made of it, and every issue found.

    ``elder`` is the Patient id that it would have if nobody knew its elder; ``accepted`` holds its resources with that
    id and their source, checked; empty where they were not, or not all were good.
    """

    message_id: str
    result: MapResult
    problems: tuple[Problem, ...]
    elder: str
    accepted: tuple[Accepted, ...] = ()


class Fresh(Protocol):
    """Where the pipeline of the same process finds what was understood already: `gateway.intake.fresh.Fresh`."""

    def keep(self, arrival: Arrival, understood: Understood) -> None:
        """Remember what ``arrival`` says."""
        ...


class Note(Protocol):
    """How intake leaves a trace in the journal: of every answer, durable before it is given."""

    def record(self, caller: Caller, feed: str, reply: Reply, *, message_id: str, raw: bytes) -> bytes:
        """Return the record of one answer, to be kept in the commit that keeps the message."""
        ...

    def left(self, feed: str, reply: Reply) -> None:
        """Say that such a record was kept."""
        ...

    async def append(self, caller: Caller, feed: str, reply: Reply, *, message_id: str, raw: bytes) -> None:
        """Record one answer, durably."""
        ...


class Permission(Protocol):
    """What is asked before a good record is answered: `gateway.intake.permission`."""

    async def problems(self, found: Understood, organisation: str) -> Sequence[Problem]:
        """Return why ``organisation`` may not hand in ``found``, nothing when it may or that cannot be said yet."""
        ...


class Intake:
    """Answer messages of registered senders."""

    def __init__(  # noqa: PLR0913 - the rooms that a message passes
        self,
        inbox: Inbox,
        feeds: Feeds,
        *,
        understand: Understander,
        digest: Callable[[bytes], bytes],
        order: Callable[[str], int],
        permission: Permission,
        note: Note,
        fresh: Fresh,
        wake: Callable[[], None],
    ) -> None:
        """Hold the rooms, the keyed ``digest`` of raw bytes, ``order`` (elder id to its keyed hash), who may send what,
        the journal's ``note``, what the pipeline finds understood, and ``wake``, which tells it that there is work.
        """
        self._inbox = inbox
        self._feeds = feeds
        self._understand = understand
        self._digest = digest
        self._order = order
        self._permission = permission
        self._note = note
        self._fresh = fresh
        self._wake = wake

    async def accept(
        self, feed_name: str, raw: bytes, *, sender: str, caller: Caller, record: Record | None = None
    ) -> Reply:
        """Return the reply to ``raw`` from ``sender``, for whom ``caller`` stands; audited in every case.

        ``record`` is what a door that had to look inside has read of it.
        Raises Problem IN-005 (no such feed), STO-503 or SEC-503 (nothing was kept, the sender must try again).
        """
        feed = self._feeds.get(feed_name)
        try:
            understood = await aside(
                len(raw), lambda: self._understand(feed, raw, organisation=caller.organisation, record=record)
            )
        except Problem as problem:
            return await self._refuse(caller, feed_name, raw, problem)
        problems = await self._problems(understood, caller)
        arrival = Arrival(
            sender=sender,
            feed=feed_name,
            organisation=caller.organisation,
            message_id=understood.message_id,
            raw=raw,
            digest=self._digest(raw),
            order=self._order(understood.elder) if understood.elder else 0,
        )
        told = partial(self._note.record, caller, feed_name, message_id=understood.message_id, raw=raw)
        reply, noted = await self._inbox.receive(arrival, problems, told)
        if noted:
            self._note.left(feed_name, reply)
        else:
            await self._note.append(caller, feed_name, reply, message_id=understood.message_id, raw=raw)
        if reply.state == State.RECEIVED:
            self._fresh.keep(arrival, understood)
        self._wake()
        return reply

    async def _problems(self, found: Understood, caller: Caller) -> Sequence[Problem]:
        """Return all that is wrong with a record; whether its sender may hand it in is asked of a good one only."""
        if not found.accepted:
            return found.problems
        return (*found.problems, *await self._permission.problems(found, caller.organisation))

    async def refuse(self, caller: Caller, feed_name: str, raw: bytes, problem: Problem) -> Reply:
        """Return AR for bytes that a door could not take (cut, too large); audited by size and digest, not kept."""
        return await self._refuse(caller, feed_name, raw, problem)

    async def _refuse(self, caller: Caller, feed_name: str, raw: bytes, problem: Problem) -> Reply:
        reply = Reply("AR", "", "refused", (problem,))
        await self._note.append(caller, feed_name, reply, message_id="", raw=raw)
        return reply


class Understander:
    """Read and map one record and check what came out, without asking anybody."""

    def __init__(
        self,
        *,
        prove: Prove,
        make_id: Callable[..., str],
        is_registered: Callable[[str], bool],
        now: Callable[[], datetime],
    ) -> None:
        """Hold ``prove`` (R4, invariants, claimed profiles), the id maker, the registry's word and the clock."""
        self._prove = prove
        self._make_id = make_id
        self._is_registered = is_registered
        self._now = now

    def __call__(
        self, feed: Feed, raw: bytes, *, organisation: str, checking: bool = True, record: Record | None = None
    ) -> Understood:
        """Return what ``raw`` says. Raises Problem FMT-nnn for unreadable bytes, IN-001 without a message id.

        ``record`` spares reading when it is of the feed's format. Without ``checking`` the resources themselves are not
        looked at: for whoever hands them to the hub, which does.
        """
        if record is None or record.format != feed.map.format:
            record = read(feed.map.format, raw)
        message_id = _message_id(feed, record)
        received = self._now()
        context = Context(
            make_id=self._make_id,
            organisation=organisation,
            is_registered=self._is_registered,
            received=received,
            message=message_id,
        )
        result = feed.map.run(record, context=context)
        patient = patient_of(result.resources)
        elder = tentative_id(patient, make_id=self._make_id, today=received.astimezone(CHINA).date())
        bare = Understood(message_id, result, tuple(result.issues), elder)
        failed = any(p.severity in ("error", "fatal") for p in result.issues)
        return bare if failed or not checking else self._checked(bare, feed)

    def _checked(self, found: Understood, feed: Feed) -> Understood:
        """Return ``found`` with what is wrong with its resources; a record without its elder is one fault."""
        problems = [*found.problems]
        if not found.elder:
            problems.append(Problem("ID-001", where="Patient.identifier"))
        accepted: list[Accepted] = []
        for row in found.result.resources:
            proof, faults = self._prove(*about(sourced(row, feed), found.elder or UNKNOWN_ELDER))
            problems += faults
            if proof is not None:
                accepted.append(proof)
        whole = bool(found.elder) and len(accepted) == len(found.result.resources)
        return replace(found, problems=tuple(problems), accepted=tuple(accepted) if whole else ())


def _message_id(feed: Feed, record: Record) -> str:
    found = feed.map.message_id(record)
    if not found or len(found) > MAX_MESSAGE_ID or not found.isprintable():
        raise Problem("IN-001", source=feed.map.message_path, field=feed.map.message_path)
    return found
