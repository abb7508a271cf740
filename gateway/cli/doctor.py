"""`yiyang doctor`: what this installation stands on, row by row, each with what mends it.

In: settings. Out: rows `ok`, `warn`, `fail`. Exit 0 when all is well, 3 when something was found. It changes nothing,
and goes on where it can: a database that is away does not hide a key file that others may read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from gateway.cli import checks_database, checks_journal, checks_machine, checks_program, checks_running, checks_settings
from gateway.cli.answer import Answer, Table
from gateway.cli.check import Check
from gateway.cli.exits import Exit
from gateway.cli.shell import Shell
from gateway.cli.word import Option, Word
from gateway.config import Settings


async def doctor(shell: Shell, *, health: bool) -> Answer:
    """Check everything that an installation stands on; with ``health`` only whether the running gateway is ready."""
    if health:
        return checks_running.health(shell.settings())
    rows = [row async for row in _rows(shell.settings())]
    found = [row for row in rows if row.state != "ok"]
    heads = [("", ""), ("检查", "check"), ("结果", "found"), ("怎么办", "what to do")]
    cells = [[row.state, row.name, shell.say(row.found), shell.say(row.remedy)] for row in rows]
    return Answer(
        "yiyang.doctor/1",
        {"checks": [row.as_row() for row in rows], "failed": sum(row.state == "fail" for row in rows)},
        table=Table(heads, cells),
        findings=[row.as_row() for row in found],
        exit=Exit.FINDINGS if found else Exit.OK,
        after=[_verdict(found)],
    )


async def _rows(settings: Settings) -> AsyncIterator[Check]:
    for row in (
        *checks_machine.all_of(settings),
        *checks_program.all_of(),
        *checks_settings.all_of(settings),
        *checks_journal.of_machine(settings),
        *checks_running.all_of(settings),
    ):
        yield row
    async for row in checks_database.all_of(settings):
        yield row


def _verdict(found: Sequence[Check]) -> tuple[str, str]:
    if not found:
        return "一切正常", "all is well"
    return f"{len(found)} 项需要处理", f"{len(found)} to see to"


WORD = Word(
    "doctor",
    doctor,
    ("检查运行环境", "Check what this installation stands on"),
    [
        Option(
            "--health",
            is_flag=True,
            texts=("只问运行中的网关是否就绪（供容器健康检查）", "only ask whether the running gateway is ready"),
        )
    ],
)
