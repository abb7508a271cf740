"""What the doors and the pipeline leave in the journal: token requests, messages, strangers, administration.

In: what happened, as each room tells it. Out: an entry, durable where an answer depends on it. Refused intake is kept
only as its size and keyed digest (architecture §2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from gateway.fhir.problem import Problem
from security.audit import Journal, entry, stranger
from security.audit.record import MAJOR, MINOR, SERIOUS, SUCCESS, What
from security.caller import Caller
from security.oauth import Attempt


class Trace:
    """Write entries for rooms that may not know the journal."""

    def __init__(self, journal: Journal, *, now: Callable[[], datetime], digest: Callable[[bytes], bytes]) -> None:
        """Hold the journal, the clock and the keyed digest of raw bytes."""
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

    async def message(
        self, caller: Caller, feed: str, *, message_id: str, reply: str, problems: Sequence[Problem], raw: bytes
    ) -> None:
        """Record one answer to a sender."""
        what: What = {
            "interface": f"intake/{feed}",
            "id": message_id,
            "outcome": SUCCESS if reply == "AA" else outcome(problems),
            "reasons": _codes(problems),
            "size": len(raw),
            "digest": self._digest(raw).hex(),
        }
        action: Literal["refuse", "ingest"] = "refuse" if reply == "AR" else "ingest"
        await self._journal.append(entry(caller, action, at=self._now(), **what), durable=True)

    async def frame(self, address: str, problem: Problem, raw: bytes) -> None:
        """Record a frame that no registered sender stands for."""
        what: What = {
            "interface": "MLLP",
            "outcome": outcome((problem,)),
            "reasons": (problem.code,),
            "size": len(raw),
            "digest": self._digest(raw).hex(),
        }
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
