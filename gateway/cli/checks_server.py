"""Checks of the PostgreSQL server behind the database: does it keep what it confirms, does anything hold it up.

In: a connection. Out: rows. Sources: PostgreSQL documentation, "Reliability and the Write-Ahead Log", "Routine
Vacuuming"; the limits are design defaults.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from gateway.cli.check import Check, same
from gateway.config import Settings

if TYPE_CHECKING:
    import asyncpg

LONG_TRANSACTION_S: Final = 60
"""The change feed waits for the oldest open transaction; ours end within seconds."""
MIN_CONNECTIONS: Final = 40
"""Two workers and the command line beside them."""
MAX_AGE: Final = 1_000_000_000
"""Half way to the transaction ids' end: vacuum should have been there."""
_DURABLE: Final = ("fsync", "full_page_writes")
_SHOWN: Final = "SELECT name, setting FROM pg_settings WHERE name = ANY($1)"
_OLDEST: Final = """
SELECT coalesce(max(extract(epoch FROM now() - xact_start)), 0)::int FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
_PLACE: Final = """
SELECT pg_encoding_to_char(encoding) AS encoding, age(datfrozenxid) AS age,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS super
FROM pg_database WHERE datname = current_database()"""


async def all_of(connection: asyncpg.Connection[asyncpg.Record], settings: Settings) -> AsyncIterator[Check]:
    """Yield every check of the server."""
    names = (*_DURABLE, "data_checksums", "max_connections", "log_statement")
    shown = {row["name"]: row["setting"] for row in await connection.fetch(_SHOWN, names)}
    yield _durable(shown)
    yield _checksums(shown)
    yield _statements(shown)
    yield _connections(shown)
    place = await connection.fetchrow(_PLACE)
    if place is not None:
        yield _encoding(place["encoding"])
        yield _wraparound(place["age"])
        if settings.database_url:
            yield _role(is_super=place["super"])
    yield _transactions(await connection.fetchval(_OLDEST))


def _durable(shown: dict[str, str]) -> Check:
    off = [name for name in _DURABLE if shown[name] != "on"]
    if off:
        remedy = (
            f"断电会丢失已确认的数据：请在 postgresql.conf 中设 {off[0]} = on",
            f"a power failure loses what was acknowledged: set {off[0]} = on in postgresql.conf",
        )
        return Check("database-durable", "fail", same(", ".join(f"{name}=off" for name in off)), remedy)
    return Check("database-durable", "ok", same("fsync, full_page_writes"))


def _checksums(shown: dict[str, str]) -> Check:
    if shown["data_checksums"] != "on":
        remedy = (
            "磁盘损坏不会被发现：请停库后运行 pg_checksums --enable",
            "a failing disk goes unnoticed: stop the server and run pg_checksums --enable",
        )
        return Check("database-checksums", "warn", same("off"), remedy)
    return Check("database-checksums", "ok", same("on"))


def _statements(shown: dict[str, str]) -> Check:
    if shown["log_statement"] != "none":
        remedy = (
            "语句会写入数据库日志：请设 log_statement = none",
            "statements go into the server's log: set log_statement = none",
        )
        return Check("database-log", "warn", same(shown["log_statement"]), remedy)
    return Check("database-log", "ok", same("none"))


def _connections(shown: dict[str, str]) -> Check:
    if int(shown["max_connections"]) < MIN_CONNECTIONS:
        remedy = (
            f"请设 max_connections 至少为 {MIN_CONNECTIONS}（每个工作进程约 18 个）",
            f"set max_connections to {MIN_CONNECTIONS} or more (a worker takes some 18)",
        )
        return Check("database-connections", "warn", same(shown["max_connections"]), remedy)
    return Check("database-connections", "ok", same(shown["max_connections"]))


def _encoding(encoding: str) -> Check:
    if encoding != "UTF8":
        remedy = ("请以 UTF8 编码重建数据库", "make the database anew, with encoding UTF8")
        return Check("database-encoding", "fail", same(encoding), remedy)
    return Check("database-encoding", "ok", same(encoding))


def _wraparound(age: int) -> Check:
    if age > MAX_AGE:
        remedy = ("请在该数据库上运行 VACUUM FREEZE", "run VACUUM FREEZE on this database")
        return Check("database-vacuum", "warn", same(age), remedy)
    return Check("database-vacuum", "ok", same(age))


def _role(*, is_super: bool) -> Check:
    if is_super:
        remedy = (
            "请改用只拥有本数据库的账号",
            "take an account that owns this database and nothing else",
        )
        return Check("database-role", "warn", ("超级用户", "a superuser"), remedy)
    return Check("database-role", "ok", ("普通账号", "an ordinary account"))


def _transactions(oldest_s: int) -> Check:
    text = (f"最早的事务已开 {oldest_s} 秒", f"the oldest transaction is {oldest_s} s old")
    if oldest_s > LONG_TRANSACTION_S:
        remedy = (
            "变更通知在等待它：请在 pg_stat_activity 中找到并结束该会话",
            "the change feed waits for it: find the session in pg_stat_activity and end it",
        )
        return Check("database-transactions", "warn", text, remedy)
    return Check("database-transactions", "ok", text)
