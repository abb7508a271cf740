"""Read the whole store in one snapshot, a stretch of rows at a time.

Bodies are opened by whoever asks. What must merely agree between tables is asked of PostgreSQL in one statement each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

from gateway.store.postgres.fsck.rows import Rows
from gateway.store.postgres.kinds import PARTITIONS
from gateway.store.postgres.numbers import Number
from gateway.store.postgres.pool import HeldPool

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
STRETCH = 250
"""Resources at a time: with their history some megabytes (design default)."""
MOST = 100
"""Findings of one kind that are told: more of it say nothing new (design default)."""
# A look that takes an hour holds nobody up: it has no transaction number, so the change feed passes it by.
_PATIENCE = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SET LOCAL enable_seqscan = on",
    "SET LOCAL plan_cache_mode = auto",
    "SET LOCAL work_mem = '32MB'",
)
_RES = """
SELECT type, id, bucket, rid, ver, ts, deleted, stray, lvl, pat, lo, hi, sec, keys, idents, ixh, sha, body,
  xid::text AS xid, xmin::text AS xmin
FROM {table} ORDER BY type, rid, bucket"""
_OF = "unnest($1::smallint[], $2::bigint[], $3::smallint[], $4::text[]) w(type, rid, bucket, id)"
_HIST = f"""
SELECT h.type, w.id, h.rid, h.bucket, h.ver, h.ts, h.deleted, h.body
FROM {_OF} JOIN hist h ON h.type = w.type AND h.rid = w.rid AND h.bucket = w.bucket ORDER BY h.type, h.rid, h.ver"""  # noqa: S608
_DAT = f"""
SELECT d.type, d.rid, d.bucket, d.param, d.lo, d.hi
FROM {_OF} JOIN dat d ON d.type = w.type AND d.rid = w.rid AND d.bucket = w.bucket"""  # noqa: S608
_NUM = f"""
SELECT d.type, d.rid, d.bucket, d.param, d.lo, d.hi, d.units, d.base, d.blo, d.bhi
FROM {_OF} JOIN num d ON d.type = w.type AND d.rid = w.rid AND d.bucket = w.bucket"""  # noqa: S608
_INBOX = """
SELECT sender, msg_id, sha, feed, organisation, state, received, raw, result FROM inbox ORDER BY sender, msg_id, sha"""
_ORPHANS = """
SELECT DISTINCT o.type, o.rid FROM {table} o
WHERE NOT EXISTS (SELECT FROM res r WHERE r.type = o.type AND r.rid = o.rid AND r.bucket = o.bucket) LIMIT {most}"""
_IDENT_ADDED = f"""
SELECT DISTINCT r.type, r.id, r.ver FROM ident d
JOIN res r ON r.type = d.type AND r.rid = d.rid AND r.bucket = d.bucket
WHERE NOT d.h = ANY (r.idents) LIMIT {MOST}"""  # noqa: S608
_IDENT_MISSING = f"""
SELECT DISTINCT r.type, r.id, r.ver FROM res r, unnest(r.idents) AS has(hash)
WHERE NOT EXISTS (SELECT FROM ident d WHERE d.h = hash AND d.type = r.type AND d.rid = r.rid AND d.bucket = r.bucket)
LIMIT {MOST}"""  # noqa: S608
_IDS = f"""
SELECT coalesce(r.type, m.type) AS type, coalesce(r.id, m.id) AS id, coalesce(r.ver, 0) AS ver
FROM idmap m FULL JOIN res r ON r.type = m.type AND r.id = m.id
WHERE r.id IS NULL OR m.id IS NULL OR r.bucket <> m.bucket LIMIT {MOST}"""  # noqa: S608
_SENDERS = f"""
SELECT i.sender, i.msg_id FROM inbox i
WHERE NOT EXISTS (SELECT FROM security.client c WHERE c.client_id = i.sender AND c.organisation = i.organisation)
  AND NOT EXISTS (SELECT FROM security.sender s
    WHERE s.transport || ':' || s.name = i.sender AND s.organisation = i.organisation)
LIMIT {MOST}"""  # noqa: S608
_AHEAD = """
SELECT consumer FROM feed_cursor WHERE cursor <> ''
AND left(cursor, 20)::numeric >= pg_snapshot_xmax(pg_current_snapshot())::text::numeric"""


@asynccontextmanager
async def snapshot(pool: HeldPool) -> AsyncIterator[Connection]:
    """Give a connection that sees the store as it is now, for as long as it takes, and cannot write."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        for statement in _PATIENCE:
            await connection.execute(statement)
        yield connection


async def count(connection: Connection) -> int:
    """Return how many resources and messages there are."""
    return int(await connection.fetchval("SELECT (SELECT count(*) FROM res) + (SELECT count(*) FROM inbox)"))


async def resources(connection: Connection) -> AsyncIterator[list[Rows]]:
    """Yield the resources of every partition, a stretch at a time, in the order of their age."""
    for table in PARTITIONS:
        cursor = await connection.cursor(_RES.format(table=table))
        while found := await cursor.fetch(STRETCH):
            yield await _with_sides(connection, found)


async def messages(connection: Connection) -> AsyncIterator[list[Any]]:
    """Yield the inbox, a stretch at a time."""
    cursor = await connection.cursor(_INBOX)
    while found := await cursor.fetch(STRETCH):
        yield found


async def orphans(connection: Connection, table: str) -> list[Any]:
    """Return (type, rid) of rows of ``table`` that belong to no resource; at most MOST."""
    return await connection.fetch(_ORPHANS.format(table=table, most=MOST))


async def identifiers(connection: Connection, *, added: bool) -> list[Any]:
    """Return (type, id, ver) of resources whose rows in ``ident`` are not those of their column; at most MOST."""
    return await connection.fetch(_IDENT_ADDED if added else _IDENT_MISSING)


async def ids(connection: Connection) -> list[Any]:
    """Return (type, id, ver) of ids that one of ``res`` and ``idmap`` lacks, or that differ; at most MOST."""
    return await connection.fetch(_IDS)


async def senders(connection: Connection) -> list[Any]:
    """Return (sender, msg_id) of messages whose organisation is not that of their sender; at most MOST."""
    return await connection.fetch(_SENDERS)


async def ahead(connection: Connection) -> list[str]:
    """Return the followers that stand beyond everything that was written."""
    return [row["consumer"] for row in await connection.fetch(_AHEAD)]


async def _with_sides(connection: Connection, found: list[Any]) -> list[Rows]:
    keys = [[row[name] for row in found] for name in ("type", "rid", "bucket", "id")]
    past, dates, numbers = defaultdict(list), defaultdict(set), defaultdict(set)
    for row in await connection.fetch(_HIST, *keys):
        past[row["type"], row["rid"]].append(row)
    for row in await connection.fetch(_DAT, *keys):
        dates[row["type"], row["rid"]].add((row["param"], row["lo"], row["hi"]))
    for row in await connection.fetch(_NUM, *keys):
        numbers[row["type"], row["rid"]].add(_number(row))
    return [Rows(row, past[key := _key(row)], frozenset(dates[key]), frozenset(numbers[key])) for row in found]


def _number(row: Any) -> Number:
    return Number(row["param"], row["lo"], row["hi"], tuple(row["units"]), row["base"], row["blo"], row["bhi"])


def _key(row: Any) -> tuple[int, int]:
    return row["type"], row["rid"]
