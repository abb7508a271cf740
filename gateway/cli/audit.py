"""`yiyang audit`: is the journal whole, and what happened last."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from gateway.app.database import open_database
from gateway.app.rooms import open_rooms
from gateway.cli.answer import Answer, Table
from gateway.cli.change import record
from gateway.cli.exits import Exit
from gateway.cli.shell import Shell
from gateway.cli.word import Option, Word, Words, argument
from gateway.fhir.problem import Problem
from gateway.store.postgres.pool import open_pool
from security import audit as journal
from security.crypto import Keys

_EPOCH = datetime.fromtimestamp(0, UTC)


async def verify(shell: Shell) -> Answer:
    """Check every record, every signed checkpoint and the copy outside the database; writes nothing.

    The journal itself stays closed meanwhile: opening it would stop at the first fault of its own chain.
    """
    settings = shell.settings()
    if not settings.key_file.exists():
        raise Problem("CFG-002")
    keys = Keys.load(settings.key_file)
    async with open_database(settings) as (dsn, _):
        pool = await open_pool(dsn, size=2)
        try:
            report = await journal.verify(pool, keys, settings.anchor_file)
        finally:
            await pool.close()
    return _report(report)


async def export(shell: Shell, folder: Path) -> Answer:
    """Write hashes, links and signed notes for an auditor outside, who has no key; no record is in it."""
    settings = shell.settings()
    if not settings.key_file.exists():
        raise Problem("CFG-002")
    keys = Keys.load(settings.key_file)
    async with open_database(settings) as (dsn, _):
        pool = await open_pool(dsn, size=2)
        try:
            made = await journal.export(pool, keys, settings.anchor_file, folder)
        finally:
            await pool.close()
    check = f"node tools/verify/verify.mjs {folder}"
    line = (
        f"{made.events} 条记录的哈希、{made.checkpoints} 个检查点已写入 {folder}；校验：{check}",
        f"hashes of {made.events} records and {made.checkpoints} checkpoints are in {folder}; to check: {check}",
    )
    return Answer("yiyang.audit.export/1", {**asdict(made), "folder": str(folder)}, lines=[line])


async def tail(shell: Shell, number: int) -> Answer:
    """Show the newest entries, oldest of them first; the look itself is an entry, too."""
    async with open_rooms(shell.settings()) as rooms:
        entries = await journal.tail(rooms.pool, rooms.keys, limit=number)
        await record(rooms, "search", interface="yiyang audit tail", kind="AuditEvent")
    heads = [
        ("时间", "time"),
        ("谁", "who"),
        ("操作", "action"),
        ("对象", "what"),
        ("结果", "outcome"),
        ("经由", "via"),
    ]
    cells = [[_when(one), one.client, one.action, _what(one), str(one.outcome), one.interface] for one in entries]
    rows = [_entry(one) for one in entries]
    return Answer("yiyang.audit.tail/1", {"entries": rows}, table=Table(heads, cells))


def _report(report: journal.Report) -> Answer:
    data = {
        "events": report.events,
        "writers": report.writers,
        "checkpoints": report.checkpoints,
        "anchored": report.anchored,
        "keyed": report.keyed,
        "whole": report.ok,
        "first": asdict(report.findings[0]) if report.findings else None,
    }
    zh = f"{report.events} 条记录，{report.writers} 条链，{report.checkpoints} 个检查点（库外 {report.anchored} 个）"
    en = (
        f"{report.events} records, {report.writers} chains, {report.checkpoints} checkpoints"
        f" ({report.anchored} outside the database)"
    )
    verdict = ("完整", "whole") if report.ok else ("已被破坏", "BROKEN")
    return Answer(
        "yiyang.audit.verify/1",
        data,
        lines=[(f"{verdict[0]}：{zh}", f"{verdict[1]}: {en}"), *(_finding(one) for one in report.findings)],
        findings=[asdict(one) for one in report.findings],
        exit=Exit.OK if report.ok else Exit.BROKEN,
    )


def _finding(one: journal.Finding) -> tuple[str, str]:
    place = f"{one.writer} #{one.seq} {one.when}".strip() if one.writer else ""
    return f"  {one.code} {place} {one.zh}", f"  {one.code} {place} {one.en}"


def _entry(one: journal.Entry) -> dict[str, Any]:
    return {"time": _when(one), **{name: value for name, value in asdict(one).items() if value not in ("", 0, ())}}


def _what(one: journal.Entry) -> str:
    return one.entity or one.id or one.kind


def _when(one: journal.Entry) -> str:
    return (_EPOCH + timedelta(microseconds=one.at)).isoformat(timespec="milliseconds")


WORDS = {
    "verify": Word(
        "verify",
        verify,
        ("逐条校验审计日志，指出第一条被动过的记录", "Verify the journal and name the first record that was touched"),
        [],
    ),
    "export": Word(
        "export",
        export,
        ("导出哈希链与检查点，供外部审计（不含任何记录内容）", "Write hashes and checkpoints for an outside auditor"),
        [argument("folder", type=click.Path(path_type=Path, file_okay=False))],
    ),
    "tail": Word(
        "tail",
        tail,
        ("查看最新的审计记录", "Show the newest entries"),
        [
            Option(
                "-n", "number", default=20, show_default=True, type=click.IntRange(1, 500), texts=("条数", "how many")
            )
        ],
    ),
}
WORD = Words(
    "audit",
    {
        "verify": ("audit", "校验完整性", "verify its integrity"),
        "export": ("audit", "导出供外部审计", "write it out for an outside auditor"),
        "tail": ("audit", "最新记录", "the newest entries"),
    },
    ("校验、查看审计日志", "Verify the audit journal, look at it"),
)
