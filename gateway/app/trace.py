"""What the doors and the pipeline leave in the journal: token requests, messages, strangers, administration.

In: what happened, as each room tells it. Out: an entry, durable where an answer depends on it. Refused intake is kept
only as its size and keyed digest (architecture §2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from gateway.fhir.problem import Problem
from gateway.intake import Reply
from security.audit import Journal, entry, stranger
from security.audit.record import MAJOR, MINOR, SERIOUS, SUCCESS, What
from security.caller import Caller
from security.oauth import Attempt

_STATES = {"AA": "received", "AE": "parked", "AR": "refused"}


class Trace:
    """Write entries for rooms that may not know the journal."""

    def __init__(
        self,
        journal: Journal,
        *,
        now: Callable[[], datetime],
        digest: Callable[[bytes], bytes],
        told: Callable[[str, str], None],
    ) -> None:
        """Hold the journal, the clock, the keyed digest of raw bytes, and who is ``told`` of answers (feed, state)."""
        self._told = told
        self._journal = journal
        self._now = now
        self._digest = digest

    async def token(self, attempt: Attempt) -> None:
        """Record one use of the token endpoint."""
        what: What = {
            "interface": "POST /oauth/token",
            "outcome": SUCCESS if attempt.granted else SERIOUS,
            "reasons": (attempt.reason,) if attempt.reason else (),
        }
        record = stranger(
            "token",
            at=self._now(),
            address=attempt.address,
            client=attempt.client,
            request=attempt.request,
            **what,
        )
        await self._journal.append(record, durable=True)

    def record(self, caller: Caller, feed: str, reply: Reply, *, message_id: str, raw: bytes) -> bytes:
        """Return the record of one answer to a sender."""
        what: What = {
            "interface": f"intake/{feed}",
            "id": message_id,
            "outcome": SUCCESS if reply.success == "AA" else outcome(reply.problems),
            "reasons": _codes(reply.problems),
            "size": len(raw),
            "digest": self._digest(raw).hex(),
        }
        action: Literal["refuse", "ingest"] = "refuse" if reply.success == "AR" else "ingest"
        return entry(caller, action, at=self._now(), **what)

    def left(self, feed: str, reply: Reply) -> None:
        """Say that a record was kept with its message: the journal's writer is to look for it."""
        self._told(feed, _STATES[reply.success])
        self._journal.kick()

    async def append(self, caller: Caller, feed: str, reply: Reply, *, message_id: str, raw: bytes) -> None:
        """Record one answer to a sender, durably."""
        self._told(feed, _STATES[reply.success])
        made = self.record(caller, feed, reply, message_id=message_id, raw=raw)
        await self._journal.append(made, durable=True)

    async def frame(self, address: str, problem: Problem, raw: bytes) -> None:
        """Record a frame that no registered sender stands for."""
        what: What = {
            "interface": "MLLP",
            "outcome": outcome((problem,)),
            "reasons": (problem.code,),
            "size": len(raw),
            "digest": self._digest(raw).hex(),
        }
        self._told("", "refused")
        await self._journal.append(stranger("refuse", at=self._now(), address=address, **what), durable=True)

    async def request(self, address: str, interface: str, problem: Problem, *, request: str = "") -> None:
        """Record a request of somebody who is not known, or whose request could not be read."""
        what: What = {"interface": interface, "outcome": outcome((problem,)), "reasons": (problem.code,)}
        record = stranger("refuse", at=self._now(), address=address, request=request, **what)
        await self._journal.append(record, durable=True)

    async def inner(self, action: Literal["start", "stop"], *, interface: str) -> None:
        """Record what the process itself did."""
        record = entry(Caller.system("app"), action, at=self._now(), interface=interface)
        await self._journal.append(record, durable=True)


def outcome(problems: Sequence[Problem]) -> int:
    """Return the AuditEvent outcome for ``problems``: the worst of them."""
    statuses = [problem.status for problem in problems]
    if any(status >= 500 for status in statuses):
        return MAJOR
    return SERIOUS if any(status in (401, 403, 404) for status in statuses) else MINOR


def _codes(problems: Sequence[Problem]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(problem.code for problem in problems))
