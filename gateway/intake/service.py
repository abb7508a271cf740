"""One message from any door: understood, kept, answered; and refused ones noted.

In: a feed's name, bytes, the registered sender. Out: a Reply (architecture §2). The order is: read the bytes (AR when
they cannot be read) → run the map and check every resource (all faults at once) → keep it durably with the reply →
answer. What follows an AA is `pipeline`'s.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from gateway.fhir.problem import Problem
from gateway.formats import Record, read
from gateway.intake.elder import patient_of, tentative_id, with_elder
from gateway.intake.feeds import Feeds
from gateway.intake.inbox import Arrival, Inbox
from gateway.intake.reply import Reply
from gateway.mapping import Context, Feed, MapResult
from security.caller import Caller

CHINA = ZoneInfo("Asia/Shanghai")
UNKNOWN_ELDER = "0" * 32
"""Stands for the elder while a record without deciding identifier is checked; it is parked in any case."""
MAX_MESSAGE_ID = 199
"""MSH-10 has 199 characters in HL7 v2.7; longer ids are no ids."""

Check = Callable[[dict[str, Any]], Sequence[Problem]]


@dataclass(frozen=True, slots=True)
class Understood:
    """A record that was read: its id, what its map made of it, and every issue found."""

    message_id: str
    result: MapResult
    problems: tuple[Problem, ...]
    elder: str


class Note(Protocol):
    """How intake leaves a trace in the journal."""

    def __call__(
        self, caller: Caller, feed: str, *, message_id: str, reply: str, problems: Sequence[Problem], raw: bytes
    ) -> Awaitable[None]:
        """Record one answer: durable before it is given."""
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
        note: Note,
        wake: Callable[[], None],
    ) -> None:
        """Hold the rooms, the keyed ``digest`` of raw bytes, ``order`` (elder id to its keyed hash), the journal's
        ``note`` and ``wake``, which tells the pipeline that there is work.
        """
        self._inbox = inbox
        self._feeds = feeds
        self._understand = understand
        self._digest = digest
        self._order = order
        self._note = note
        self._wake = wake

    async def accept(self, feed_name: str, raw: bytes, *, sender: str, caller: Caller) -> Reply:
        """Return the reply to ``raw`` from ``sender``, for whom ``caller`` stands; audited in every case.

        Raises Problem IN-005 (no such feed), STO-503 or SEC-503 (nothing was kept, the sender must try again).
        """
        feed = self._feeds.get(feed_name)
        try:
            understood = self._understand(feed, raw, organisation=caller.organisation)
        except Problem as problem:
            return await self._refuse(caller, feed_name, raw, problem)
        arrival = Arrival(
            sender=sender,
            feed=feed_name,
            organisation=caller.organisation,
            message_id=understood.message_id,
            raw=raw,
            digest=self._digest(raw),
            order=self._order(understood.elder) if understood.elder else 0,
        )
        reply = await self._inbox.receive(arrival, understood.problems)
        await self._note(
            caller,
            feed_name,
            message_id=understood.message_id,
            reply=reply.success,
            problems=reply.problems,
            raw=raw,
        )
        self._wake()
        return reply

    async def refuse(self, caller: Caller, feed_name: str, raw: bytes, problem: Problem) -> Reply:
        """Return AR for bytes that a door could not take (cut, too large); audited by size and digest, not kept."""
        return await self._refuse(caller, feed_name, raw, problem)

    async def _refuse(self, caller: Caller, feed_name: str, raw: bytes, problem: Problem) -> Reply:
        await self._note(caller, feed_name, message_id="", reply="AR", problems=(problem,), raw=raw)
        return Reply("AR", "", "refused", (problem,))


class Understander:
    """Read and map one record and check what came out, without asking anybody."""

    def __init__(
        self,
        *,
        check: Check,
        make_id: Callable[..., str],
        is_registered: Callable[[str], bool],
        now: Callable[[], datetime],
    ) -> None:
        """Hold ``check`` (R4, invariants, claimed profiles), the id maker, the registry's word and the clock."""
        self._check = check
        self._make_id = make_id
        self._is_registered = is_registered
        self._now = now

    def __call__(self, feed: Feed, raw: bytes, *, organisation: str) -> Understood:
        """Return what ``raw`` says. Raises Problem FMT-nnn for unreadable bytes, IN-001 without a message id."""
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
        problems = [*result.issues]
        if not any(p.severity in ("error", "fatal") for p in problems):
            problems += self._faults(result, elder)
        return Understood(message_id, result, tuple(problems), elder)

    def _faults(self, result: MapResult, elder: str) -> list[Problem]:
        """Return what is wrong with the resources themselves; a mapped record without its elder is one fault."""
        found = [] if elder else [Problem("ID-001", where="Patient.identifier")]
        for row in with_elder(result.resources, elder or UNKNOWN_ELDER):
            found += self._check(row)
        return found


def _message_id(feed: Feed, record: Record) -> str:
    found = feed.map.message_id(record)
    if not found or len(found) > MAX_MESSAGE_ID or not found.isprintable():
        raise Problem("IN-001", source=feed.map.message_path, field=feed.map.message_path)
    return found
