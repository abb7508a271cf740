"""Checks of the database: reachable, migrated, in time, the journal's checkpoints, messages that wait too long."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import asyncpg

from gateway.app.database import open_database
from gateway.cli import checks_journal, checks_server
from gateway.cli.check import Check, failed, same
from gateway.config import Settings
from gateway.fhir.problem import Problem
from gateway.store.postgres import migrate
from gateway.store.postgres.embedded import EmbeddedError

OLDEST_SERVER = 150_000
"""PostgreSQL 15 (architecture decision 4), as `server_version_num` counts."""
CLOCK_WARN_S = 2.0
"""Deadlines, tokens and audit times come from the gateway's clock, "last updated" from it too (design default)."""
# A message is taken, and an entry chained, within a second; what waits ten minutes is orphaned (design default).
_PENDING = "SELECT count(*) FROM audit_pending WHERE ts < now() - interval '10 minutes'"
# States as the store numbers them: 0 received, 1 being worked on, 3 parked, 4 dead.
_INBOX = """
SELECT count(*) FILTER (WHERE state IN (0, 1) AND received < now() - interval '10 minutes') AS orphaned,
       count(*) FILTER (WHERE state = 3) AS parked, count(*) FILTER (WHERE state = 4) AS dead
FROM inbox WHERE state <> 2"""
_PROCESSES = "SELECT code, policies, maps FROM process WHERE seat = ANY(live_seats())"
# A feed's cursor begins with the transaction's number, 20 digits.
_CURSOR = "(SELECT nullif(ltrim(left(cursor, 20), '0'), '') FROM feed_cursor WHERE consumer = 'workflow')"
_LATE = f"ts < now() - interval '10 minutes' AND xid > coalesce({_CURSOR}, '0')::xid8"
_BEHIND = f"SELECT EXISTS (SELECT FROM res WHERE {_LATE})"  # noqa: S608  # access: is there one, no row is read
_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


async def all_of(settings: Settings) -> AsyncIterator[Check]:
    """Yield every check of the database; one row only when it cannot be reached."""
    if not settings.database_url and not settings.database_dir.exists():
        yield failed("database", Problem("CFG-002"))
        return
    try:
        async with open_database(settings) as (dsn, _):
            rows = [row async for row in _reached(dsn, settings)]
    except EmbeddedError as error:
        yield failed("database", Problem("CLI-010", reason=str(error)))
    except _AWAY as error:
        remedy = (
            "请确认 YIYANG_DATABASE_URL 指向的 PostgreSQL 在运行、账号可用",
            "see that the PostgreSQL of YIYANG_DATABASE_URL runs and takes this account",
        )
        yield Check("database", "fail", same(type(error).__name__), remedy)
    else:
        for row in rows:
            yield row


async def _reached(dsn: str, settings: Settings) -> AsyncIterator[Check]:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        yield await _server(connection)
        yield await _clock(connection)
        async for row in checks_server.all_of(connection, settings):
            yield row
        wanted = migrate.head()
        try:
            found = await migrate.demand_fit(dsn)
        except Problem as problem:
            yield Check("schema", "fail", same(f"{problem.detail['found']} != {wanted}"), same("yiyang db upgrade"))
            return
        if found != wanted:
            finish = ("程序比数据库旧：请完成升级", "the program is older than the schema: finish the upgrade")
            yield Check("schema", "warn", same(f"{found} > {wanted}"), finish)
        else:
            yield Check("schema", "ok", same(found))
        for row in await _journal(connection):
            yield row
        async for row in checks_journal.of_database(connection, settings):
            yield row
        for row in await _processes(connection):
            yield row
        yield await _followers(connection)
        for row in await _inbox(connection):
            yield row
    finally:
        await connection.close()


async def _server(connection: asyncpg.Connection) -> Check:
    number = int(await connection.fetchval("SHOW server_version_num"))
    text = await connection.fetchval("SHOW server_version")
    if number < OLDEST_SERVER:
        return Check(
            "database", "fail", same(text), ("请升级到 PostgreSQL 15 以上", "upgrade to PostgreSQL 15 or newer")
        )
    return Check("database", "ok", same(f"PostgreSQL {text}"))


async def _clock(connection: asyncpg.Connection) -> Check:
    before = time.time()
    there = float(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8"))
    drift = there - (before + time.time()) / 2
    text = same(f"{drift:+.3f} s")
    if abs(drift) > CLOCK_WARN_S:
        remedy = ("请让两台机器与同一时钟同步（NTP）", "set both machines by the same clock (NTP)")
        return Check("database-clock", "warn", text, remedy)
    return Check("database-clock", "ok", text)


async def _journal(connection: asyncpg.Connection) -> list[Check]:
    pending = await connection.fetchval(_PENDING)
    checkpoints = await connection.fetchval("SELECT count(*) FROM audit.checkpoint")
    signed = (f"{checkpoints} 个检查点", f"{checkpoints} checkpoints")
    if pending:
        late = (f"{pending} 条记录尚未入链", f"{pending} entries are not chained yet")
        return [Check("journal", "warn", late, ("请启动网关：yiyang serve", "start the gateway: yiyang serve"))]
    return [Check("journal", "ok", signed)]


async def _processes(connection: asyncpg.Connection) -> list[Check]:
    """Those that serve one database must be of one program, one policy and one set of maps."""
    live = await connection.fetch(_PROCESSES)
    differing = [name for name in ("code", "policies", "maps") if len({row[name] for row in live}) > 1]
    if differing:
        remedy = ("请以同一版本重启全部网关", "restart every gateway with one version")
        return [Check("processes", "warn", same(f"{len(live)}: {', '.join(differing)}"), remedy)]
    return [Check("processes", "ok", (f"{len(live)} 个进程在服务", f"{len(live)} processes serve"))]


async def _followers(connection: asyncpg.Connection) -> Check:
    """The workflow draws the consequences of a commit within a second; after ten minutes it does not run."""
    late = await connection.fetchval(_BEHIND)
    if late:
        text = ("有十分钟前的变更尚未处理", "changes of ten minutes ago are not followed yet")
        remedy = ("请启动网关并查看其日志（workflow.retry）", "start the gateway and see its log (workflow.retry)")
        return Check("workflow", "warn", text, remedy)
    return Check("workflow", "ok", ("已处理全部变更", "has followed every change"))


async def _inbox(connection: asyncpg.Connection) -> list[Check]:
    row = await connection.fetchrow(_INBOX)
    return list(_inbox_rows(row["orphaned"], row["parked"], row["dead"])) if row is not None else []


def _inbox_rows(orphaned: int, parked: int, dead: int) -> Iterator[Check]:
    if orphaned:
        text = (f"{orphaned} 条消息滞留未处理", f"{orphaned} messages lie unprocessed")
        yield Check("inbox", "fail", text, ("请启动网关：yiyang serve", "start the gateway: yiyang serve"))
    if dead:
        text = (f"{dead} 条死信", f"{dead} dead messages")
        yield Check("inbox-dead", "fail", text, same("yiyang inbox list --state dead"))
    if parked:
        text = (f"{parked} 条消息等待人工处理", f"{parked} messages wait for a person")
        yield Check("inbox-parked", "warn", text, same("yiyang inbox list --state parked"))
    if not (orphaned or dead or parked):
        yield Check("inbox", "ok", ("没有滞留的消息", "no message waits"))
