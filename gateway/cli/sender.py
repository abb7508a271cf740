"""`yiyang sender`: who may send messages, over MLLP or over HTTP."""

from __future__ import annotations

import click

from gateway.app.rooms import open_rooms
from gateway.cli.answer import Answer, Table
from gateway.cli.change import record_change
from gateway.cli.shell import Shell
from gateway.cli.word import Option, Word, Words, argument
from gateway.fhir.problem import Problem
from security.state import Change, HttpSender, MllpSender, Sender
from security.state.records import Ack, Charset


async def add(  # noqa: PLR0913 - one option each
    shell: Shell,
    name: str,
    org: str,
    feed: str,
    client: str,
    msh3: str,
    msh4: str,
    network: str,
    charset: Charset,
    ack: Ack,
) -> Answer:
    """Register an HL7 v2 system, or a client for one more feed."""
    async with open_rooms(shell.settings()) as rooms:
        if client:
            change = await rooms.registry.add_http_sender(client, feed)
        else:
            entry = MllpSender(
                _given(name, "NAME"), _given(org, "--org"), feed, msh3, msh4 or org, network, charset, ack
            )
            change = await rooms.registry.add_sender(entry)
        await record_change(rooms, change)
    return Answer(
        "yiyang.sender.add/1",
        _row(_added(change)),
        lines=[(f"已登记发送方 {change.name}", f"sender {change.name} is registered")],
    )


async def list_(shell: Shell) -> Answer:
    """List the senders, disabled ones too."""
    async with open_rooms(shell.settings()) as rooms:
        rows = [_row(one) for one in await rooms.registry.list_senders()]
    heads = [("名称", "name"), ("方式", "transport"), ("机构", "organisation"), ("数据源", "feed"), ("来自", "from")]
    cells = [[str(row[field]) for field in ("name", "transport", "organisation", "feed", "from")] for row in rows]
    return Answer("yiyang.sender.list/1", {"senders": rows}, table=Table(heads, cells))


def sender_keys(registry: list[Sender]) -> list[str]:
    """Return the names under which the inbox keeps the messages of ``registry``'s senders."""
    names = (one.client if isinstance(one, HttpSender) else f"mllp:{one.name}" for one in registry)
    return list(dict.fromkeys(names))


def _given(value: str, name: str) -> str:
    if not value:
        raise Problem("CLI-002", name=name)
    return value


def _added(change: Change) -> Sender:
    if not isinstance(change.after, MllpSender | HttpSender):
        raise TypeError(change.kind)
    return change.after


def _row(one: Sender) -> dict[str, object]:
    row: dict[str, object] = {
        "name": one.name,
        "transport": "http" if isinstance(one, HttpSender) else "mllp",
        "organisation": one.organisation,
        "feed": one.feed,
        "disabled": one.disabled,
    }
    if isinstance(one, HttpSender):
        return row | {"from": one.client, "client": one.client}
    more = {"msh3": one.msh3, "msh4": one.msh4, "network": one.network, "charset": one.charset, "ack": one.ack}
    return row | {"from": f"{one.msh3}|{one.msh4} {one.network}"} | more


WORDS = {
    "add": Word(
        "add",
        add,
        (
            "登记 HL7 v2 系统 NAME，或用 --client 为客户端加一个数据源",
            "Register the HL7 v2 system NAME, or by --client a client for one more feed",
        ),
        [
            argument("name", required=False, default=""),
            Option("--feed", required=True, texts=("数据源，即映射目录名", "the feed: its map's folder name")),
            Option("--org", default="", texts=("机构代码", "code of its organisation")),
            Option("--client", default="", texts=("HTTP：客户端", "HTTP: the client")),
            Option("--msh3", default="HIS", show_default=True, texts=("MSH-3 发送应用", "MSH-3, sending application")),
            Option("--msh4", default="", texts=("MSH-4 发送机构，默认机构代码", "MSH-4, default: the organisation")),
            Option("--network", default="127.0.0.1/32", show_default=True, texts=("来源网段", "its address range")),
            Option(
                "--charset",
                default="",
                type=click.Choice(["", "UTF-8", "GB18030"]),
                texts=("MSH-18 为空时的字符集", "charset where MSH-18 names none"),
            ),
            Option(
                "--ack",
                default="",
                type=click.Choice(["", "original", "enhanced"]),
                texts=("应答模式，默认按消息", "mode of acknowledgement; default: as each message asks"),
            ),
        ],
    ),
    "list": Word("list", list_, ("列出发送方", "List the senders"), []),
}
WORD = Words(
    "sender",
    {"add": ("sender", "登记发送方", "register one"), "list": ("sender", "列出发送方", "list them")},
    ("登记消息的发送方", "Register senders of messages"),
)
