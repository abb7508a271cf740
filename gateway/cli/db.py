"""`yiyang db`: the database's schema, and whether what lies in it is what was written."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict

from gateway.app.database import open_database
from gateway.app.rooms import open_rooms
from gateway.app.terms import load_shipped
from gateway.app.verifying import verify_store
from gateway.cli.answer import Answer, note
from gateway.cli.change import record
from gateway.cli.exits import Exit
from gateway.cli.shell import Both, Shell
from gateway.cli.word import Option, Word, Words, argument
from gateway.fhir.problem import Problem
from gateway.store import reindexing
from gateway.store.postgres import fsck, migrate
from gateway.store.postgres.pool import open_pool
from security import audit as journal
from security.crypto import Keys

EVERY_S = 3.0
"""Between two lines of progress (design default)."""


async def upgrade(shell: Shell) -> Answer:
    """Bring schema and terminology to this version; nothing happens when they are there."""
    async with open_database(shell.settings()) as (dsn, _):
        before = await migrate.current(dsn)
        await migrate.upgrade(dsn)
        loaded = await load_shipped(dsn)
        after = await migrate.current(dsn)
    line = (f"数据库架构：{before or '空'} → {after}", f"schema of the database: {before or 'empty'} -> {after}")
    changed = loaded or before != after
    return Answer("yiyang.db.upgrade/1", {"before": before, "after": after, "changed": changed}, lines=[line])


async def downgrade(shell: Shell, revision: str, *, yes: bool) -> Answer:
    """Take the schema back to ``revision``, for an older program. Every gateway is stopped before."""
    if not migrate.OLDEST <= revision <= migrate.head():
        raise Problem("CFG-007", revision=revision, oldest=migrate.OLDEST)
    if not yes:
        raise Problem("CFG-008", revision=revision)
    async with open_database(shell.settings()) as (dsn, _):
        before = await migrate.current(dsn)
        await migrate.downgrade(dsn, revision)
        after = await migrate.current(dsn)
    line = (f"数据库架构：{before} → {after}", f"schema of the database: {before} -> {after}")
    return Answer("yiyang.db.downgrade/1", {"before": before, "after": after, "changed": before != after}, lines=[line])


async def verify(shell: Shell) -> Answer:
    """Check the journal, then hold every version and message against its seal, its index and the journal.

    Writes nothing and holds nobody up: a running gateway goes on.
    """
    settings = shell.settings()
    if not settings.key_file.exists():
        raise Problem("CFG-002")
    keys = Keys.load(settings.key_file)
    async with open_database(settings) as (dsn, _):
        pool = await open_pool(dsn, size=2)
        try:
            chain = await journal.verify(pool, keys, settings.anchor_file)
            store = await verify_store(pool, keys, progress=_progress(shell))
        finally:
            await pool.close()
    return _report(chain, store)


async def reindex(shell: Shell) -> Answer:
    """Index every resource as this program does; no version changes, a running gateway goes on."""
    async with open_rooms(shell.settings()) as rooms:
        await record(rooms, "admin", interface="yiyang db reindex")
        done = await reindexing.reindex(rooms.store, progress=_progress(shell))
    line = (
        f"已重建 {done.seen} 个资源的检索索引，其中 {done.left} 个已由运行中的网关更新",
        f"{done.seen} resources are indexed anew, {done.left} of them by the running gateway",
    )
    return Answer("yiyang.db.reindex/1", done._asdict(), lines=[line])


def _progress(shell: Shell) -> Callable[..., None]:
    """Return who tells from time to time how far the work is."""
    last = time.monotonic()

    def told(done: int, total: int = 0) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY_S:
            last = time.monotonic()
            note(
                shell,
                (f"已完成 {done} / {total}", f"{done} of {total} done")
                if total
                else (f"已完成 {done}", f"{done} done"),
            )

    return told


def _report(chain: journal.Report, store: fsck.Report) -> Answer:
    whole = chain.ok and store.ok
    found = [_of_journal(one) for one in chain.findings] + [asdict(one) for one in store.findings]
    counts = {name: value for name, value in asdict(store).items() if name != "findings"}
    data = {**counts, "events": chain.events, "checkpoints": chain.checkpoints, "whole": whole}
    zh, en = ("完整", "whole") if whole else ("已被破坏", "BROKEN")
    resources, versions, messages = store.resources, store.versions, store.messages
    lines: list[Both] = [
        (
            f"{zh}：{resources} 个资源、{versions} 个版本、{messages} 条收件，审计日志 {chain.events} 条",
            f"{en}: {resources} resources, {versions} versions, {messages} messages, {chain.events} journal entries",
        )
    ]
    if store.older:
        lines.append(
            (
                f"其中 {store.older} 个版本早于审计日志开始记录版本之时，仅校验了密封与索引",
                f"{store.older} of the versions are older than the journal's telling: only seal and index were checked",
            )
        )
    for one in found:
        where = f"  {one['code']} {one['place']}"
        lines.append((f"{where} {one['zh']}", f"{where} {one['en']}"))
    return Answer("yiyang.db.verify/1", data, lines=lines, findings=found, exit=Exit.OK if whole else Exit.BROKEN)


def _of_journal(one: journal.Finding) -> dict[str, str]:
    place = f"journal/{one.writer}#{one.seq} {one.when}".strip() if one.writer else "journal"
    return {"code": one.code, "place": place, "zh": one.zh, "en": one.en}


WORDS = {
    "upgrade": Word("upgrade", upgrade, ("升级数据库架构", "Upgrade the schema of the database"), []),
    "downgrade": Word(
        "downgrade",
        downgrade,
        (
            "把数据库架构退回到较旧的程序能用的修订（不删除任何记录）",
            "Take the schema back to a revision of an older program; no record is dropped",
        ),
        [argument("revision"), Option("--yes", is_flag=True, texts=("确认已停止全部网关", "every gateway is stopped"))],
    ),
    "reindex": Word(
        "reindex",
        reindex,
        (
            "按本版程序重建检索索引，使旧程序写入的资源可被新的检索参数找到（升级后运行一次）",
            "Index what an older program wrote as this one does, so that new searches find it (once, after an upgrade)",
        ),
        [],
    ),
    "verify": Word(
        "verify",
        verify,
        (
            "校验全部版本、收件、索引与审计日志是否一致，指出被动过之处",
            "Verify every version, message and index against its seal and the journal; name what was touched",
        ),
        [],
    ),
}
WORD = Words(
    "db",
    {
        "upgrade": ("db", "升级架构", "upgrade the schema"),
        "downgrade": ("db", "退回架构", "take the schema back"),
        "reindex": ("db", "重建索引", "index anew"),
        "verify": ("db", "校验数据", "verify what lies in it"),
    },
    ("升级、校验数据库", "Upgrade the database, verify it"),
)
