"""`yiyang org`: the organisations of the chains."""

from __future__ import annotations

import click

from gateway.app.rooms import open_rooms
from gateway.cli.answer import Answer, Table
from gateway.cli.change import record_change
from gateway.cli.shell import Shell
from gateway.cli.word import Option, Word, Words, argument
from security.caller import Tier
from security.state import Organisation

NAMES = {Tier.HOSPITAL: "hospital", Tier.CENTRE: "centre", Tier.STATION: "station"}
TIERS = {name: tier for tier, name in NAMES.items()} | {tier.value: tier for tier in NAMES}
"""What `--tier` may say: the word or its letter."""


async def add(shell: Shell, code: str, name: str, tier: str, parent: str) -> Answer:
    """Register an organisation under its credit code."""
    async with open_rooms(shell.settings()) as rooms:
        change = await rooms.registry.add_organisation(Organisation(code, name, TIERS[tier], parent))
        await record_change(rooms, change)
    line = (f"已登记机构 {code} {name}", f"organisation {code} {name} is registered")
    return Answer("yiyang.org.add/1", _row(Organisation(code, name, TIERS[tier], parent)), lines=[line])


async def list_(shell: Shell) -> Answer:
    """List the organisations, disabled ones too."""
    async with open_rooms(shell.settings()) as rooms:
        found = await rooms.registry.list_organisations()
    heads = [("代码", "code"), ("名称", "name"), ("层级", "tier"), ("上级", "parent"), ("停用", "disabled")]
    cells = [[one.uscc, one.name, NAMES[one.tier], one.parent, "✓" if one.disabled else ""] for one in found]
    return Answer("yiyang.org.list/1", {"organisations": [_row(one) for one in found]}, table=Table(heads, cells))


def _row(one: Organisation) -> dict[str, object]:
    return {
        "code": one.uscc,
        "name": one.name,
        "tier": NAMES[one.tier],
        "parent": one.parent or None,
        "disabled": one.disabled,
    }


WORDS = {
    "add": Word(
        "add",
        add,
        ("登记机构；CODE 为统一社会信用代码", "Register an organisation; CODE is its unified social credit code"),
        [
            argument("code"),
            Option("--name", required=True, texts=("名称", "its name")),
            Option("--tier", required=True, type=click.Choice(list(TIERS)), texts=("层级", "its tier")),
            Option("--parent", default="", texts=("上级机构代码", "code of the organisation above")),
        ],
    ),
    "list": Word("list", list_, ("列出机构", "List the organisations"), []),
}
WORD = Words(
    "org",
    {"add": ("org", "登记机构", "register one"), "list": ("org", "列出机构", "list them")},
    ("登记机构", "Register organisations"),
)
