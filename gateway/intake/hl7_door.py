"""The MLLP door: find the registered sender of a frame, hand the frame to intake, answer in HL7.

In: frames from `mllp`. Out: ACK bytes (AA/AE/AR, or CA/CE/CR in enhanced mode, with ERR segments). The sender is told
by MSH-3, MSH-4 and the peer's address together; an unknown one is refused, audited and not kept.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Protocol
from uuid import uuid4

from gateway.fhir.problem import Problem
from gateway.formats import Record, read
from gateway.formats.ack import ack
from gateway.formats.hl7v2 import Message, header
from gateway.intake.mllp import Cut, TooLarge
from gateway.intake.reply import Reply
from security.caller import Caller

log = logging.getLogger("yiyang.mllp")


@dataclass(frozen=True, slots=True)
class KnownSender:
    """A registered sender: the name its messages are kept under, its feed, and the caller it acts as."""

    name: str
    feed: str
    caller: Caller


class Accepts(Protocol):
    """What the door needs of `intake.service`."""

    async def accept(self, feed_name: str, raw: bytes, *, sender: str, caller: Caller, record: Record | None) -> Reply:
        """Return the reply to one message, read already."""
        ...


class Hl7Door:
    """Answer frames."""

    def __init__(
        self,
        intake: Accepts,
        *,
        sender: Callable[[str, str, str, str], KnownSender | None],
        stranger: Callable[[str, Problem, bytes], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        """Hold intake, ``sender(application, facility, address, request)``, ``stranger(address, problem, raw)``, which
        audits a frame of nobody known, and the clock.
        """
        self._intake = intake
        self._sender = sender
        self._stranger = stranger
        self._now = now

    async def frame(self, content: bytes, *, peer: str) -> bytes:
        """Return the answer to one frame; never raises."""
        message: Message | None = None
        began = perf_counter()
        try:
            record = read("hl7v2", content)
            message = record.body
            reply = await self._reply(record, content, peer)
        except Problem as problem:
            message = message or header(content)
            reply = await self._refused(problem, content, peer)
        except Exception:
            log.exception("mllp.fault")
            reply = await self._faulted(content, peer)
        first = reply.problems[0].code if reply.problems else ""
        ms = round((perf_counter() - began) * 1000, 2)
        log.info("mllp.message", extra={"reply": reply.success, "problem": first, "ms": ms})
        return self._answer(message, reply)

    async def refused(self, fault: Cut | TooLarge, *, peer: str) -> bytes:
        """Audit a frame that never became one; a cut one gets no answer, a too large one AR."""
        if isinstance(fault, Cut):
            await self._refused(Problem("IN-008"), fault.partial, peer)
            return b""
        reply = await self._refused(Problem("IN-007", limit=fault.limit), fault.head, peer)
        return self._answer(header(fault.head), reply)

    async def _reply(self, record: Record, content: bytes, peer: str) -> Reply:
        application, facility = record.body.sender
        known = self._sender(application, facility, peer, str(uuid4()))
        if known is None:
            raise Problem("IN-004", source="MSH-3")
        return await self._intake.accept(known.feed, content, sender=known.name, caller=known.caller, record=record)

    async def _faulted(self, content: bytes, peer: str) -> Reply:
        """Return AR, audited if that still works: a fault of ours kept nothing that the sender could rely on."""
        problem = Problem("IN-009")
        try:
            return await self._refused(problem, content, peer)
        except Exception:
            log.exception("mllp.fault_unaudited")
            return Reply("AR", "", "refused", (problem,))

    async def _refused(self, problem: Problem, raw: bytes, peer: str) -> Reply:
        try:
            await self._stranger(peer, problem, raw)
        except Problem as unable:
            log.warning("mllp.refusal_unaudited", extra={"problem": unable.code})
        # A transient fault is no refusal: AE with nothing kept would lie, so the sender is told to try again.
        return Reply("AR", "", "refused", (problem,))

    def _answer(self, message: Message | None, reply: Reply) -> bytes:
        return ack(message, reply.success, reply.problems, control_id=uuid4().hex[:20], now=self._now())
