"""Tell a sender where its message stands and the way on (回执 on request).

In: the sender's own name and a message id. Out: state, reason, every issue, and what to do next, in both languages.
A message of another sender is answered as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from gateway.fhir.problem import Problem
from gateway.intake.inbox import InboxRow, InboxStore
from gateway.intake.reply import issue, unpack

WAY_ON: dict[str, dict[str, str]] = {
    "received": {"zh": "已接收，正在入库，无需操作", "en": "received and being stored: nothing to do"},
    "stored": {"zh": "已入库，无需操作", "en": "stored: nothing to do"},
    "parked": {
        "zh": "已暂存：请按问题清单更正后用新的消息号重发，或请平台管理员核对后重放",
        "en": "parked: correct it as listed and send it under a new message id, or have it reviewed and replayed",
    },
    "no-relation": {
        "zh": "已暂存：待中心接收转诊（站点列入照护计划）且同意书列明本机构后，用新的消息号重发，或请平台管理员重放",
        "en": "parked: once the centre has accepted the referral (the care plan names the station) and the consent "
        "names it, send it under a new message id or have it replayed",
    },
    "dead": {
        "zh": "处理失败，记录已保留，请联系平台管理员",
        "en": "failed, the record is kept: ask the hub's operator",
    },
    "awaiting-consent": {
        "zh": "转介等待知情同意：请登记写明接收机构的共享同意（/intake/sharing-consent），登记后自动放行",
        "en": "the hand-over awaits consent: register a sharing consent that names the receiving organisation "
        "(/intake/sharing-consent), it is released by itself",
    },
}

Held = Callable[[InboxRow], Awaitable[bool]]
"""Say whether a stored discharge made a hand-over that waits for consent."""


def way_on(row: InboxRow) -> dict[str, str]:
    """Return what to do next about ``row``, in both languages; a stored discharge may still wait for consent."""
    return WAY_ON["no-relation" if row.state == "parked" and row.reason == "IN-012" else row.state]


async def status(inbox: InboxStore, *, sender: str, message_id: str, feed: str, held: Held) -> dict[str, Any]:
    """Return where the message stands. Raises Problem IN-006 when this sender sent no such message by ``feed``."""
    rows = [row for row in await inbox.find(sender, message_id) if row.arrival.feed == feed]
    if not rows:
        raise Problem("IN-006")
    row = rows[0]
    waits = row.state == "stored" and await held(row)
    kept = unpack(row.reply, message_id=message_id, state=row.state)
    problems = list(kept.problems)
    if row.reason and row.reason not in {problem.code for problem in problems}:
        problems.append(Problem(row.reason))
    return {
        "msgId": message_id,
        "state": row.state,
        "handover": "awaiting-consent" if waits else "",
        "issues": [issue(problem) for problem in problems],
        "next": WAY_ON["awaiting-consent"] if waits else way_on(row),
        "otherVersions": len(rows) - 1,
    }
