"""`yiyang inbox`: what came in, where it stands and why, and once more into the pipeline.

Nothing of a message's content is shown but with `show --raw`, which leaves an entry of its own in the journal.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import click

from gateway.app.rooms import Rooms, open_rooms
from gateway.cli.answer import Answer, Table, note
from gateway.cli.change import record
from gateway.cli.exits import Exit
from gateway.cli.sender import sender_keys
from gateway.cli.shell import Shell
from gateway.cli.word import Option, Word, Words, argument
from gateway.fhir.problem import Problem
from gateway.intake.inbox import InboxRow, State
from gateway.intake.reply import issue, unpack
from gateway.intake.status import way_on
from gateway.watch.metrics import REPLAYED
from gateway.watch.share import METRICS, Share

MAX_PAGE = 200
PACE_S = 0.2


async def list_(shell: Shell, state: str, number: int, after: str) -> Answer:
    """List messages, newest first, a page at a time."""
    async with open_rooms(shell.settings()) as rooms:
        rows, cursor = await rooms.inbox.page(state=state, limit=number, cursor=after)
    heads = [
        ("收到", "received"),
        ("发送方", "sender"),
        ("数据源", "feed"),
        ("消息号", "message"),
        ("状态", "state"),
        ("原因", "reason"),
    ]
    shown = [_row(row) for row in rows]
    cells = [[row[name] for name in ("received", "sender", "feed", "message", "state", "reason")] for row in shown]
    more = [(f"下一页：yiyang inbox list --after {cursor}", f"next page: yiyang inbox list --after {cursor}")]
    return Answer(
        "yiyang.inbox.list/1",
        {"messages": shown, "next": cursor or None},
        table=Table(heads, cells),
        after=more if cursor else [],
    )


async def show(shell: Shell, message: str, sender: str, *, raw: bool) -> Answer:
    """Show where a message stands, every issue found, and the way on."""
    async with open_rooms(shell.settings()) as rooms:
        row = await _find(rooms, message, sender)
        if raw:
            await record(rooms, "disclose", interface="yiyang inbox show --raw", id_=message)
            text = row.arrival.raw.decode("utf-8", "replace")
            return Answer("yiyang.inbox.raw/1", {**_row(row), "raw": text}, plain=row.arrival.raw)
    issues = _issues(row)
    heads = [("代码", "code"), ("级别", "severity"), ("来源", "field"), ("目标", "element"), ("说明", "text")]
    cells = [
        [one["code"], one["severity"], one["field"], one["element"], shell.say((one["text"]["zh"], one["text"]["en"]))]
        for one in issues
    ]
    way = way_on(row)
    return Answer(
        "yiyang.inbox.show/1",
        {**_row(row), "issues": issues, "next": way},
        lines=[(f"{message}：{row.state}", f"{message}: {row.state}")],
        table=Table(heads, cells),
        after=[(way["zh"], way["en"])],
    )


async def replay(shell: Shell, message: str, sender: str, wait: int) -> Answer:
    """Hand a parked or dead message to the pipeline again; the running gateway takes it within a second."""
    async with open_rooms(shell.settings()) as rooms:
        row = await _find(rooms, message, sender)
        if row.state not in (State.PARKED, State.DEAD):
            raise Problem("CLI-009", message=message, state=row.state)
        await record(rooms, "replay", interface=f"intake/{row.arrival.feed}", id_=message)
        await rooms.inbox.replay(row.arrival)
        Share(rooms.settings.home / METRICS).add(REPLAYED)
        after = await _settled(rooms, row, wait, shell)
    stored = after.state in (State.STORED, State.RECEIVED)
    moved = f"{row.state} → {after.state} {after.reason}".rstrip()
    return Answer(
        "yiyang.inbox.replay/1",
        {**_row(after), "before": row.state},
        lines=[(f"{message}：{moved}", f"{message}: {moved}")],
        findings=[] if stored else _issues(after),
        exit=Exit.OK if stored else Exit.FINDINGS,
    )


async def _settled(rooms: Rooms, row: InboxRow, wait: int, shell: Shell) -> InboxRow:
    """Return the row when it has left `received`, at the latest after ``wait`` seconds."""
    until = time.monotonic() + wait
    while True:
        found = await rooms.inbox.find(row.arrival.sender, row.arrival.message_id)
        now = next(one for one in found if one.arrival.digest == row.arrival.digest)
        if now.state != State.RECEIVED or wait == 0:
            return now
        if time.monotonic() > until:
            raise Problem("CLI-017", seconds=wait, message=row.arrival.message_id, state=now.state)
        note(shell, ("等待网关处理……", "waiting for the gateway ..."))
        await asyncio.sleep(PACE_S)


async def _find(rooms: Rooms, message: str, sender: str) -> InboxRow:
    """Return the message, its parked copy first. Raises Problem CLI-008 (none), CLI-016 (of several senders)."""
    senders = [sender] if sender else sender_keys(await rooms.registry.list_senders())
    found = [row for one in senders for row in await rooms.inbox.find(one, message)]
    if not found:
        raise Problem("CLI-008", message=message)
    owners = sorted({row.arrival.sender for row in found})
    if len(owners) > 1:
        raise Problem("CLI-016", message=message, senders=", ".join(owners))
    return next((row for row in found if row.state in (State.PARKED, State.DEAD)), found[0])


def _issues(row: InboxRow) -> list[dict[str, Any]]:
    kept = unpack(row.reply, message_id=row.arrival.message_id, state=row.state)
    problems = list(kept.problems)
    if row.reason and row.reason not in {problem.code for problem in problems}:
        problems.append(Problem(row.reason))
    return [issue(problem) for problem in problems]


def _row(row: InboxRow) -> dict[str, Any]:
    return {
        "received": row.received.isoformat(timespec="seconds"),
        "sender": row.arrival.sender,
        "feed": row.arrival.feed,
        "message": row.arrival.message_id,
        "organisation": row.arrival.organisation,
        "state": str(row.state),
        "reason": row.reason,
        "attempts": row.attempts,
        "bytes": len(row.arrival.raw),
    }


_MESSAGE = argument("message")
_SENDER = Option("--sender", default="", texts=("发送方", "the sender, where several used the id"))
WORDS = {
    "list": Word(
        "list",
        list_,
        ("列出消息，新的在前", "List messages, newest first"),
        [
            Option(
                "--state",
                default="",
                type=click.Choice(["", *(state.value for state in State)]),
                texts=("只要此状态", "of this state only"),
            ),
            Option(
                "-n",
                "number",
                default=50,
                show_default=True,
                type=click.IntRange(1, MAX_PAGE),
                texts=("条数", "how many"),
            ),
            Option("--after", default="", texts=("从此处续页", "go on from here")),
        ],
    ),
    "show": Word(
        "show",
        show,
        ("查看一条消息的状态与问题", "Show where a message stands and what is wrong with it"),
        [_MESSAGE, _SENDER, Option("--raw", is_flag=True, texts=("输出原文（留痕）", "print its bytes (audited)"))],
    ),
    "replay": Word(
        "replay",
        replay,
        ("重放暂存或死信的消息", "Hand a parked or dead message to the pipeline again"),
        [
            _MESSAGE,
            _SENDER,
            Option(
                "--wait",
                default=0,
                show_default=True,
                type=click.IntRange(0, 600),
                texts=("等待结果的秒数", "wait so many seconds for the outcome"),
            ),
        ],
    ),
}
WORD = Words(
    "inbox",
    {
        "list": ("inbox", "列出消息", "list messages"),
        "show": ("inbox", "查看一条", "show one"),
        "replay": ("inbox", "重放一条", "replay one"),
    },
    ("查看、重放收到的消息", "Look at received messages, replay them"),
)
