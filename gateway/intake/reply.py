"""What a sender is told: AA, AE or AR with every issue, in both languages, and the same again when it asks again.

AA: durable, mapped and valid. AE: durable and parked. AR: refused and not kept. Source: architecture §2, domain.md §4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import orjson

from gateway.fhir.problem import Problem

Success = Literal["AA", "AE", "AR"]
ACCEPTED: dict[Success, str] = {
    "AA": "已接收并通过校验 / received and valid",
    "AE": "已保存，待处理：{issues} / kept and parked: {issues}",
    "AR": "已拒绝，未保存：{issues} / refused and not kept: {issues}",
}
SHOWN = 3
"""The one-line message names so many issues; the list under `data` has them all."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: ``success``, the message it answers, the inbox ``state`` it left, and the issues found."""

    success: Success
    message_id: str
    state: str
    problems: tuple[Problem, ...] = ()

    @property
    def status(self) -> int:
        """Return the HTTP status: 200 for AA and AE, the first problem's for AR."""
        return 200 if self.success != "AR" else next((p.status for p in self.problems), 400)


def envelope(reply: Reply) -> dict[str, Any]:
    """Return the vendor envelope ``{success, msg, data}`` of domain.md §4."""
    named = "; ".join(f"{p.code} {p.source or p.where}".strip() for p in reply.problems[:SHOWN])
    return {
        "success": reply.success,
        "msg": ACCEPTED[reply.success].format(issues=named),
        "data": {
            "msgId": reply.message_id,
            "state": reply.state,
            "issues": [issue(problem) for problem in reply.problems],
        },
    }


def issue(problem: Problem) -> dict[str, Any]:
    """Return one issue: code, severity, both texts, the source field and the target element."""
    return {
        "code": problem.code,
        "severity": problem.severity,
        "text": {"zh": problem.text("zh"), "en": problem.text("en")},
        "field": problem.source,
        "element": problem.where,
    }


def pack(reply: Reply) -> bytes:
    """Return ``reply`` for the inbox row, so that the same message gets the same reply again."""
    return orjson.dumps(
        {
            "success": reply.success,
            "problems": [[p.code, p.where, p.source, p.severity, p.detail] for p in reply.problems],
        }
    )


def unpack(raw: bytes, *, message_id: str, state: str) -> Reply:
    """Return the reply that `pack` kept; b"" stands for one that a crash kept from being given: AE without issues."""
    if not raw:
        return Reply("AE", message_id, state, ())
    kept = orjson.loads(raw)
    problems = tuple(
        Problem(code, where=where, source=source, severity=severity, **detail)
        for code, where, source, severity, detail in kept["problems"]
    )
    return Reply(kept["success"], message_id, state, problems)
