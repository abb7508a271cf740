"""The SQL of schema `security`, and rows turned into records. The tables: migration 0002.

All statements are constants; values travel as parameters only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import orjson
from asyncpg import Connection, Record
from asyncpg.pool import PoolConnectionProxy

from security.caller import Role, Tier
from security.state.records import Ack, Charset, Client, HttpSender, MllpSender, Organisation, Sender
from security.state.snapshot import Snapshot

VERSION: Final = "SELECT n FROM security.version"
LOCK: Final = "SELECT n FROM security.version FOR UPDATE"
ORGANISATIONS: Final = "SELECT uscc, name, tier, parent, disabled FROM security.organisation ORDER BY uscc"
CLIENTS: Final = """
SELECT client_id, name, role, organisation, keys::text AS keys, scopes, created, last_used, disabled
FROM security.client ORDER BY client_id
"""
SENDERS: Final = """
SELECT name, transport, organisation, feed, charset, ack, msh3, msh4, network::text AS network, client, disabled
FROM security.sender ORDER BY name
"""
REVOKED: Final = "SELECT jti FROM security.revoked_token WHERE expires > $1"

ADD_ORGANISATION: Final = """
INSERT INTO security.organisation (uscc, name, tier, parent, created) VALUES ($1, $2, $3, nullif($4, ''), $5)
"""
ADD_CLIENT: Final = """
INSERT INTO security.client (client_id, name, role, organisation, keys, scopes, created)
VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $7)
"""
ADD_MLLP: Final = """
INSERT INTO security.sender (name, transport, organisation, feed, msh3, msh4, network, charset, ack, created)
VALUES ($1, 'mllp', $2, $3, $4, $5, $6::text::cidr, $7, $8, $9)
"""
ADD_HTTP: Final = """
INSERT INTO security.sender (name, transport, organisation, feed, client, created) VALUES ($1, 'http', $2, $3, $4, $5)
"""
DISABLE: Final = {
    "organisation": "UPDATE security.organisation SET disabled = $2 WHERE uscc = $1",
    "client": "UPDATE security.client SET disabled = $2 WHERE client_id = $1",
    "sender": "UPDATE security.sender SET disabled = $2 WHERE name = $1",
}

SPEND: Final = """
WITH spent AS (
    INSERT INTO security.used_jti (client, jti, expires) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING RETURNING 1
), seen AS (
    UPDATE security.client SET last_used = $4
    WHERE client_id = $1 AND (last_used IS NULL OR last_used < $5) AND EXISTS (SELECT FROM spent)
)
SELECT count(*) FROM spent
"""
REVOKE: Final = """
INSERT INTO security.revoked_token (jti, expires) VALUES ($1, $2) ON CONFLICT (jti) DO NOTHING
"""
PURGE: Final = (
    "DELETE FROM security.used_jti WHERE expires < $1",
    "DELETE FROM security.revoked_token WHERE expires < $1",
)


async def load(connection: Connection[Record] | PoolConnectionProxy[Record], *, moment: object) -> Snapshot:
    """Return everything registered, as one consistent version. Call inside a REPEATABLE READ transaction or a lock."""
    version = cast("int", await connection.fetchval(VERSION))
    organisations = [_organisation(row) for row in await connection.fetch(ORGANISATIONS)]
    clients = [_client(row) for row in await connection.fetch(CLIENTS)]
    senders = [_sender(row) for row in await connection.fetch(SENDERS)]
    revoked = frozenset(row["jti"] for row in await connection.fetch(REVOKED, moment))
    return Snapshot(
        version,
        {one.uscc: one for one in organisations},
        {one.client_id: one for one in clients},
        {one.name: one for one in senders},
        revoked,
    )


def insert(record: Organisation | Client | Sender, moment: object) -> tuple[str, Sequence[Any]]:
    """Return the statement that adds ``record`` and its parameters."""
    match record:
        case Organisation():
            return ADD_ORGANISATION, (record.uscc, record.name, record.tier.value, record.parent, moment)
        case Client():
            keys = orjson.dumps(record.keys).decode()
            named = (record.client_id, record.name, record.role.value, record.organisation)
            return ADD_CLIENT, (*named, keys, sorted(record.scopes), moment)
        case MllpSender():
            place = (record.msh3, record.msh4, record.network, record.charset, record.ack)
            return ADD_MLLP, (record.name, record.organisation, record.feed, *place, moment)
        case HttpSender():
            return ADD_HTTP, (record.name, record.organisation, record.feed, record.client, moment)


def _organisation(row: Record) -> Organisation:
    return Organisation(row["uscc"], row["name"], Tier(row["tier"]), row["parent"] or "", row["disabled"] is not None)


def _client(row: Record) -> Client:
    return Client(
        client_id=row["client_id"],
        name=row["name"],
        role=Role(row["role"]),
        organisation=row["organisation"],
        keys=orjson.loads(row["keys"]),
        scopes=frozenset(row["scopes"]),
        disabled=row["disabled"] is not None,
        created=row["created"],
        last_used=row["last_used"],
    )


def _sender(row: Record) -> Sender:
    disabled = row["disabled"] is not None
    if row["transport"] == "http":
        return HttpSender(row["name"], row["organisation"], row["feed"], row["client"], disabled)
    return MllpSender(
        name=row["name"],
        organisation=row["organisation"],
        feed=row["feed"],
        msh3=row["msh3"],
        msh4=row["msh4"],
        network=row["network"],
        charset=cast("Charset", row["charset"]),
        ack=cast("Ack", row["ack"]),
        disabled=disabled,
    )
