"""`yiyang db`: the database's schema."""

from __future__ import annotations

from gateway.app.rooms import open_database
from gateway.cli.answer import Answer
from gateway.cli.shell import Shell
from gateway.cli.word import Word, Words
from gateway.store.postgres import migrate


async def upgrade(shell: Shell) -> Answer:
    """Bring the schema to this version; nothing happens when it is there."""
    async with open_database(shell.settings()) as (dsn, _):
        before = await migrate.current(dsn)
        await migrate.upgrade(dsn)
        after = await migrate.current(dsn)
    line = (f"数据库架构：{before or '空'} → {after}", f"schema of the database: {before or 'empty'} -> {after}")
    return Answer("yiyang.db.upgrade/1", {"before": before, "after": after, "changed": before != after}, lines=[line])


WORDS = {"upgrade": Word("upgrade", upgrade, ("升级数据库架构", "Upgrade the schema of the database"), [])}
WORD = Words("db", {"upgrade": ("db", "升级架构", "upgrade the schema")}, ("升级数据库", "Upgrade the database"))
