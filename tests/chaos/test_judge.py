"""The judge of the storms sees what it is there for: each kind of loss and doubling, made by hand, is found."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.judge import inside, judge
from tests.chaos.load import KINDS, Message, make_load
from tests.chaos.senders import Answer, Senders
from tests.chaos.storm import EVERYTHING, SEED, housed

RECORDS = 40


async def test_the_judge_sees_what_is_lost_doubled_or_out_of_order(tmp_path: Path) -> None:
    async with housed(tmp_path) as house:
        load = make_load(SEED + 9, RECORDS)
        senders = Senders(house)
        await senders.gate.open_to(EVERYTHING)
        await senders.send_all(load)
        whole = await judge(house, load, senders)
        plans = [one for one in senders.ledger.accepted() if one.what == "plan"]
        first, second = _two_of_one(plans)

        _swap(senders.ledger.answers, first, second)
        swapped = await judge(house, load, senders)
        _swap(senders.ledger.answers, second, first)

        senders.ledger.answers.append((_never_sent(first), Answer("AA")))
        unsent = await judge(house, load, senders)
        del senders.ledger.answers[-1]

        kept = list(senders.ledger.answers)
        senders.ledger.answers[:] = [row for row in kept if row[0].number != first.number]
        doubled = await judge(house, load, senders)
        senders.ledger.answers[:] = kept

        async with inside(house) as (pool, _), pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute("DELETE FROM audit.event WHERE seq = (SELECT max(seq) / 2 FROM audit.event)")
        cut = await judge(house, load, senders)
        await senders.close()

    assert whole.holds(), whole.told()
    assert [fault for fault in swapped.faults if fault.startswith(f"order: {KINDS['plan']} {first.number}")]
    assert [fault for fault in unsent.lost if fault.startswith("lost: plan")]
    assert [fault for fault in doubled.twice if "CarePlan stand for" in fault]
    assert [fault for fault in cut.faults if fault.startswith("audit verify")]


def _two_of_one(plans: list[Message]) -> tuple[Message, Message]:
    """Return two messages of one care plan; elders are told of side by side, so others may stand between."""
    seen: dict[str, Message] = {}
    for plan in plans:
        if plan.number in seen:
            return seen[plan.number], plan
        seen[plan.number] = plan
    raise AssertionError("the load has no care plan that was sent twice")


def _swap(answers: list[tuple[Message, Answer]], one: Message, other: Message) -> None:
    """Let it look as if ``other`` had been sent before ``one``."""
    sent = [message for message, _ in answers]
    at, after = sent.index(one), sent.index(other)
    answers[at], answers[after] = answers[after], answers[at]


def _never_sent(like: Message) -> Message:
    """Return a message of the same kind that the gateway never saw."""
    return Message(like.elder, like.what, like.sender, "NEVER", b"", "AA", like.card, "JH-NEVER", "T-NEVER")
