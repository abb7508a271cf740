"""Let a county's year in through its feeds, as its systems would have sent it.

In: the records of `year` and a running gateway. Out: every record stored; the centre accepts each referral before it
writes. Elders go side by side, each one's records in order. Refused: anything that is not stored (StepFailed).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import httpx

from gateway.demo.county import Elder
from gateway.demo.doors import WITHIN_S, Doors, StepFailed, by_card, reasons
from gateway.demo.year import Sent

AT_ONCE = 6
"""Elders side by side: enough to keep two cores busy (design default)."""


async def load(
    sent: Sequence[Sent], doors: Doors, *, sender: Callable[[str], str], told: Callable[[int], None]
) -> None:
    """Send everything that is not stored yet; ``sender`` names the client of an organisation, ``told`` hears how far.

    Raises StepFailed at the first record that is not stored.
    """
    lives: dict[int, list[Sent]] = {}
    for row in sent:
        lives.setdefault(row.elder.number, []).append(row)
    turn = asyncio.Semaphore(AT_ONCE)
    done = 0

    async def live(rows: list[Sent]) -> None:
        nonlocal done
        async with turn:
            for row in rows:
                await _send(row, doors, sender(row.organisation))
                done += 1
                told(done)

    try:
        async with asyncio.TaskGroup() as group:
            for rows in lives.values():
                group.create_task(live(rows))
    except* StepFailed as failed:
        raise failed.exceptions[0] from None


async def _send(row: Sent, doors: Doors, client: str) -> None:
    if await doors.state(client, row.feed, row.record["msgId"]) == "stored":
        return  # an earlier start came so far
    if row.feed == "assessment":
        await _accept(row.elder, doors, client)
    await doors.post(client, row.feed, row.record)
    await doors.stored(client, row.feed, row.record["msgId"])


async def _accept(elder: Elder, doors: Doors, client: str) -> None:
    """Accept the elder's waiting referral: before that the centre may not write."""
    referral = {"owner": f"Organization/{elder.centre}", "code": "referral", **by_card(elder)}
    try:
        waiting = await doors.until(client, "Task", referral | {"status": "received"}, within_s=WITHIN_S)
    except StepFailed:
        # A start that was broken off may have accepted it.
        if await doors.search(client, "Task", referral | {"status": "accepted"}):
            return
        raise
    for task in waiting:
        response = await doors.put_task(client, task, "accepted")
        if response.status_code != httpx.codes.OK:
            raise StepFailed(f"{client} accepting a referral: HTTP {response.status_code} {reasons(response)}")
