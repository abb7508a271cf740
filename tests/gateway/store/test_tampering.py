"""Whoever changes the store in the database is found, and the place is named.

A whole gateway lives the story once (its versions, messages and entries are real); each test copies what it left,
changes one thing as the owner of the tables could, and verifies.
"""

# ruff: noqa: S608 - the statements are the tests' own

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from gateway.app.verifying import verify_store
from gateway.config import Settings
from gateway.fhir import codec
from gateway.fhir import search as parameters
from gateway.store.postgres.fsck import Report
from gateway.store.postgres.kinds import NAMES, NUMBERS
from gateway.store.postgres.pool import HeldPool, open_pool
from gateway.store.postgres.sealed import opened, seal
from gateway.store.postgres.store import PostgresStore
from gateway.store.protocol import Batch, Stored, Write
from security.audit import entry
from security.caller import Caller
from security.crypto import Keys
from tests.databases import database_of, name_of, standing_database
from tests.flows.town import consent, open_town, record
from tests.gateway.store.making import write

PATIENT, TASK, CONDITION = NUMBERS["Patient"], NUMBERS["Task"], NUMBERS["Condition"]
LATER = datetime(2026, 4, 1, tzinfo=UTC)
BIT = "set_byte({0}, length({0}) - 20, get_byte({0}, length({0}) - 20) # 1)"


@dataclass(frozen=True)
class Left:
    """What the story left: the name of its database, and the folder of its keys."""

    database: str
    home: Path

    @property
    def keys(self) -> Keys:
        return Keys.load(Settings(home=self.home).key_file)


@pytest.fixture(scope="module")
def left(pg_dsn: str, pg_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    """Live the story once; an intruder keeps a copy of every row as it was before the Tasks moved."""
    home = tmp_path_factory.mktemp("story")
    with standing_database(pg_dsn, "story", pg_template) as made:
        asyncio.run(_live(made, home))
        yield Left(name_of(made), home)


async def _live(dsn: str, home: Path) -> None:
    async with open_town(dsn, home) as town:
        await town.accepted("hospital-his", "sharing-consent", consent())
        await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))
        await town.app.rooms.pool.execute("CREATE TABLE stolen AS SELECT * FROM res")
        await town.until_care_plan()
        wrong = record("04_discharge.json") | {"msgId": "D-parked"}
        wrong["data"]["patient"]["sexCode"] = "7"
        assert (await town.post("hospital-his", "json-discharge", wrong)).json()["success"] == "AE"
        await town.quiet()


@dataclass(frozen=True)
class Database:
    """A copy of what the story left, open for the intruder."""

    dsn: str
    pool: HeldPool
    keys: Keys

    async def do(self, *statements: str) -> None:
        """Run statements with all guards off."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            for statement in statements:
                assert not (await connection.execute(statement)).endswith(" 0"), "nothing was changed"

    async def one(self, kind: str, where: str = "true") -> asyncpg.Record:
        """Return a row of ``res``."""
        text = f"SELECT * FROM res WHERE type = $1 AND {where} ORDER BY ver DESC, rid LIMIT 1"
        row = await self.pool.fetchrow(text, NUMBERS[kind])
        assert row is not None
        return row

    async def verified(self) -> Report:
        return await verify_store(self.pool, self.keys)

    async def found(self) -> set[tuple[str, str]]:
        """Return code and place of everything found."""
        return {(one.code, one.place) for one in (await self.verified()).findings}


@pytest.fixture
async def database(pg_dsn: str, left: Left) -> AsyncIterator[Database]:
    async with database_of(pg_dsn, "copy", left.database) as made:
        pool = await open_pool(made, size=3)
        yield Database(made, pool, left.keys)
        await pool.close()


def place(row: asyncpg.Record, version: int = 0) -> str:
    return f"{NAMES[row['type']]}/{row['id']}/_history/{version or row['ver']}"


def its(row: asyncpg.Record) -> str:
    return f"type = {row['type']} AND rid = {row['rid']} AND bucket = {row['bucket']}"


async def test_what_nobody_touched_is_whole(database: Database) -> None:
    report = await database.verified()

    assert report.findings == []
    assert report.resources > 40
    assert report.versions > report.resources
    assert (report.messages, report.older) == (6, 0)
    assert report.told == report.versions + report.messages - 1  # one message is parked


Change = Callable[[Database], Awaitable[set[tuple[str, str]]]]
"""Change one thing and return what must be found of it."""
KINDS: dict[str, Change] = {}


def kind(name: str) -> Callable[[Change], Change]:
    """Enter a kind of change under its name."""

    def entered(change: Change) -> Change:
        KINDS[name] = change
        return change

    return entered


@kind("one bit of a sealed body")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Patient")
    await db.do(f"UPDATE res SET body = {BIT.format('body')} WHERE {its(row)}")
    return {("body-altered", place(row)), ("version-lost", place(row))}


@kind("one bit of a past version's sealed body")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Task", "ver > 1")
    await db.do(f"UPDATE hist SET body = {BIT.format('body')} WHERE {its(row)} AND ver = 1")
    return {("body-altered", place(row, 1)), ("version-lost", place(row, 1))}


@kind("sealed bodies swapped between two rows")
async def _(db: Database) -> set[tuple[str, str]]:
    one, other = await db.one("Condition"), await db.one("MedicationRequest")
    await db.do(
        f"UPDATE res SET body = '\\x{other['body'].hex()}' WHERE {its(one)}",
        f"UPDATE res SET body = '\\x{one['body'].hex()}' WHERE {its(other)}",
    )
    return {(code, place(row)) for row in (one, other) for code in ("body-altered", "version-lost")}


@kind("an older body put under the current version's number")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Task", "ver > 1")
    await db.do(
        f"UPDATE res SET body = (SELECT body FROM hist WHERE {its(row)} AND ver = 1) WHERE {its(row)}",
    )
    return {("body-altered", place(row))}


@kind("an older version put back as current, its seal and its index valid")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Task", "ver > 1 AND rid IN (SELECT rid FROM stolen)")
    await db.do(
        f"DELETE FROM hist WHERE {its(row)}",
        f"DELETE FROM res WHERE {its(row)}",
        f"INSERT INTO res SELECT * FROM stolen WHERE {its(row)}",
    )
    return {("version-lost", place(row))}


@kind("an older version put back as current, the history left in place")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Task", "ver > 1 AND rid IN (SELECT rid FROM stolen)")
    await db.do(f"DELETE FROM res WHERE {its(row)}", f"INSERT INTO res SELECT * FROM stolen WHERE {its(row)}")
    stolen = await db.pool.fetchval(f"SELECT ver FROM stolen WHERE {its(row)}")
    return {("history-ahead", place(row, stolen)), ("version-lost", place(row))}


@kind("a past version removed")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Task", "ver > 1")
    await db.do(f"DELETE FROM hist WHERE {its(row)} AND ver = 1")
    return {("history-missing", place(row, 1)), ("version-lost", place(row, 1))}


@kind("a resource removed with everything that leads to it")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Consent")
    await db.do(
        f"DELETE FROM res WHERE {its(row)}",
        f"DELETE FROM idmap WHERE type = {row['type']} AND id = '{row['id']}'",
        f"WITH gone AS (DELETE FROM ident WHERE {its(row)}), also AS (DELETE FROM dat WHERE {its(row)}),"
        f" too AS (DELETE FROM num WHERE {its(row)}) SELECT 1",
    )
    return {("version-lost", place(row))}


@kind("a row of the change feed removed")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Encounter")
    await db.do(f"DELETE FROM res WHERE {its(row)}")
    return {("id-altered", f"Encounter/{row['id']}/_history/0"), ("version-lost", place(row))}


@kind("a place in the change feed moved back, so that nobody is told")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Task")
    await db.do(f"UPDATE res SET xid = '1' WHERE {its(row)}")
    return {("feed-moved", place(row))}


@kind("a follower of the change feed set beyond the end")
async def _(db: Database) -> set[tuple[str, str]]:
    await db.do("UPDATE feed_cursor SET cursor = repeat('9', 40) WHERE consumer = 'workflow'")
    return {("feed-ahead", "feed/workflow")}


@kind("a version's time changed")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Condition")
    await db.do(f"UPDATE res SET ts = ts - interval '1 hour' WHERE {its(row)}")
    return {("row-altered", place(row))}


@kind("a resource marked as deleted")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Condition")
    await db.do(f"UPDATE res SET deleted = true WHERE {its(row)}")
    return {("row-altered", place(row))}


@kind("a row's digest changed")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Condition")
    await db.do(f"UPDATE res SET sha = {BIT.format('sha')} WHERE {its(row)}")
    return {("digest-altered", place(row))}


def column(name: str, text: str, kind_: str, change: str, where: str = "true") -> None:
    """Enter a kind that changes one column of what a row is found or restricted by."""

    async def changed(db: Database) -> set[tuple[str, str]]:
        row = await db.one(kind_, where)
        await db.do(f"UPDATE res SET {name} = {change} WHERE {its(row)}")
        return {("index-altered", place(row))}

    KINDS[text] = changed


column("keys", "a search index entry removed", "Condition", "keys[2:]", "cardinality(keys) > 2")
column("keys", "a search index entry added", "Condition", "keys || 42::bigint")
column("keys", "a search index entry changed to another", "Condition", "keys[2:] || 42::bigint")
column("sec", "the controllers and labels of a row changed", "Condition", "ARRAY[42]::bigint[]")
column("lvl", "the level of a row lowered", "Condition", "1")
column("pat", "the elder of a row changed", "Condition", "pat + 1")
column("stray", "the mark of a stray reference changed", "Condition", "NOT stray")
column("lo", "the date that a row is sorted by changed", "Encounter", "lo - interval '1 year'")
column("ixh", "the digest of the index changed", "Condition", "ixh + 1")


@kind("a row moved to another compartment's bucket")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Condition", "cardinality(idents) = 0")
    await db.do(f"UPDATE res SET bucket = (bucket + 1) % 1024 WHERE {its(row)}")
    return {("index-altered", place(row)), ("id-altered", place(row))}


@kind("an identifier row removed")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Patient")
    await db.do(f"DELETE FROM ident WHERE {its(row)} AND h = {row['idents'][0]}")
    return {("identifier-missing", place(row))}


@kind("an identifier row led to another resource")
async def _(db: Database) -> set[tuple[str, str]]:
    row, other = await db.one("Patient"), await db.one("Encounter")
    await db.do(
        f"UPDATE ident SET type = {other['type']}, rid = {other['rid']}, bucket = {other['bucket']}"
        f" WHERE {its(row)} AND h = {row['idents'][0]}"
    )
    return {("identifier-missing", place(row)), ("identifier-added", place(other))}


@kind("an identifier row added for nobody")
async def _(db: Database) -> set[tuple[str, str]]:
    await db.do(f"INSERT INTO ident(h, type, rid, bucket) VALUES (1, {PATIENT}, 2, 3)")
    return {("ident-orphan", "ident/Patient/2")}


@kind("a date of the index changed")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Task", "rid IN (SELECT rid FROM dat)")
    await db.do(f"UPDATE dat SET hi = hi + interval '1 year' WHERE {its(row)}")
    return {("dates-altered", place(row))}


@kind("a number of the index changed")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Observation", "rid IN (SELECT rid FROM num)")
    await db.do(f"UPDATE num SET hi = hi + 1 WHERE {its(row)}")
    return {("numbers-altered", place(row))}


@kind("a row of the table of ids removed")
async def _(db: Database) -> set[tuple[str, str]]:
    row = await db.one("Patient")
    await db.do(f"DELETE FROM idmap WHERE type = {PATIENT} AND id = '{row['id']}'")
    return {("id-altered", place(row))}


@kind("a version written past the gateway by somebody who has the keys")
async def _(db: Database) -> set[tuple[str, str]]:
    prior = await _current(db, "Condition")
    store = PostgresStore(db.pool, db.keys, now=lambda: LATER)
    body = prior.body.replace(b'"active"', b'"inactive"')
    await store.commit(Batch((_write(prior, body),)))
    return {("version-untold", f"Condition/{prior.id}/_history/{prior.version + 1}")}


@kind("a body replaced and sealed anew by somebody who has the keys")
async def _(db: Database) -> set[tuple[str, str]]:
    row, prior = await db.one("Patient"), await _current(db, "Patient")
    body = prior.body.replace("省".encode(), "市".encode(), 1)
    blob = seal(db.keys, prior.facts, body, kind="Patient", id=prior.id, version=prior.version)
    await db.do(f"UPDATE res SET body = '\\x{blob.hex()}' WHERE {its(row)}")
    return {("version-lost", place(row)), ("version-untold", place(row)), ("digest-altered", place(row))}


@kind("an entry removed before it was chained")
async def _(db: Database) -> set[tuple[str, str]]:
    prior = await _current(db, "Condition")
    store = PostgresStore(db.pool, db.keys, now=lambda: LATER)
    body = prior.body.replace(b'"active"', b'"inactive"')
    await store.commit(Batch((_write(prior, body),), entries=(b"no record",)))
    await db.do("DELETE FROM audit_pending")
    return {("version-untold", f"Condition/{prior.id}/_history/{prior.version + 1}")}


@kind("one bit of a message's original")
async def _(db: Database) -> set[tuple[str, str]]:
    sender, message = await _message(db, "state = 2")
    await db.do(f"UPDATE inbox SET raw = {BIT.format('raw')} WHERE msg_id = '{message}'")
    return {("message-altered", f"inbox/{sender}/{message}")}


@kind("the replies of two messages swapped")
async def _(db: Database) -> set[tuple[str, str]]:
    one, other = await _message(db, "feed = 'assessment'"), await _message(db, "feed = 'care-plan'")
    await db.do(
        "UPDATE inbox i SET result = o.result FROM inbox o WHERE (i.feed, o.feed) IN"
        " (('assessment', 'care-plan'), ('care-plan', 'assessment'))"
    )
    return {("message-altered", f"inbox/{sender}/{message}") for sender, message in (one, other)}


@kind("the organisation of a message changed")
async def _(db: Database) -> set[tuple[str, str]]:
    sender, message = await _message(db, "state = 3")
    await db.do(f"UPDATE inbox SET organisation = '12410100MB0000004E' WHERE msg_id = '{message}'")
    return {("message-sender", f"inbox/{sender}/{message}")}


@kind("a stored message removed")
async def _(db: Database) -> set[tuple[str, str]]:
    _, message = await _message(db, "state = 2")
    await db.do(f"DELETE FROM inbox WHERE msg_id = '{message}'")
    return {("message-lost", "inbox")}


@kind("a parked message removed, of which the sender was told that it is kept")
async def _(db: Database) -> set[tuple[str, str]]:
    _, message = await _message(db, "state = 3")
    await db.do(f"DELETE FROM inbox WHERE msg_id = '{message}'")
    return {("message-lost", "inbox")}


@kind("a parked message marked as stored")
async def _(db: Database) -> set[tuple[str, str]]:
    sender, message = await _message(db, "state = 3")
    await db.do(f"UPDATE inbox SET state = 2 WHERE msg_id = '{message}'")
    return {("message-untold", f"inbox/{sender}/{message}")}


@kind("a stored message set back, to be worked off again")
async def _(db: Database) -> set[tuple[str, str]]:
    _, message = await _message(db, "feed = 'care-plan'")
    await db.do(f"UPDATE inbox SET state = 0 WHERE msg_id = '{message}'")
    return {("message-lost", "inbox")}


@pytest.mark.parametrize("name", sorted(KINDS))
async def test_is_found_and_the_place_named(database: Database, name: str, tell: Callable[[str], None]) -> None:
    expected = await KINDS[name](database)

    found = {(code, at.partition(" ")[0]) for code, at in await database.found()}

    assert expected <= found
    codes = ", ".join(sorted({code for code, _ in expected}))
    tell(f"tampering, store: {name:78} {codes}")


async def test_a_finding_is_said_in_both_languages_and_names_the_entry_that_tells(database: Database) -> None:
    await KINDS["a resource removed with everything that leads to it"](database)

    (lost,) = [one for one in (await database.verified()).findings if one.code == "version-lost"]

    assert "#" in lost.zh
    assert "gateway" in lost.en
    assert "审计" in lost.zh


async def test_a_version_older_than_the_journals_telling_is_counted_and_not_held_against_anybody(
    database: Database,
) -> None:
    prior = await _current(database, "Condition")
    row = await database.one("Condition")
    long_ago = prior.updated - timedelta(days=400)
    body = codec.stamp(prior.body, 1, long_ago)
    blob = seal(database.keys, prior.facts, body, kind="Condition", id="old-one", version=1)
    at, body_hex = long_ago.isoformat(), blob.hex()
    columns = "deleted, stray, lvl, pat, lo, hi, sec, keys, idents, ixh"
    digest = database.keys.digest(b"x").hex()
    await database.do(
        f"INSERT INTO res(type, bucket, rid, id, ver, ts, xid, {columns}, sha, body) SELECT type, bucket, 7,"
        f" 'old-one', 1, '{at}', '3', {columns}, '\\x{digest}', '\\x{body_hex}' FROM res WHERE {its(row)}",
        f"INSERT INTO idmap VALUES ({CONDITION}, 'old-one', {row['bucket']})",
    )

    report = await database.verified()

    assert report.older == 1
    assert not {one.code for one in report.findings} & {"version-untold", "feed-moved"}


async def test_an_id_that_the_journal_masks_is_recognised(database: Database) -> None:
    store = PostgresStore(database.pool, database.keys, now=lambda: LATER)
    doc = {"resourceType": "Organization", "id": "410199194303051027"}
    report = partial(entry, Caller.system("pipeline"), "ingest", at=LATER)

    await store.commit(Batch((write(doc),), report=lambda wrote: report(wrote=tuple(wrote))))

    assert b"[masked]" in await database.pool.fetchval("SELECT entry FROM audit_pending")
    assert (await database.verified()).findings == []


async def test_a_row_that_is_indexed_anew_without_a_new_version_is_no_finding(database: Database) -> None:
    prior = await _current(database, "Condition")
    await database.pool.execute("UPDATE res SET ixh = ixh + 1 WHERE id = $1", prior.id)
    store = PostgresStore(database.pool, database.keys, now=lambda: LATER)
    report = partial(entry, Caller.system("pipeline"), "ingest", at=LATER)

    (done,) = await store.commit(Batch((_write(prior, prior.body),), report=lambda wrote: report(wrote=tuple(wrote))))

    assert not done.changed
    assert (await database.verified()).findings == []


async def _current(db: Database, kind_: str) -> Stored:
    return opened(db.keys, await db.one(kind_))


def _write(prior: Stored, body: bytes) -> Write:
    plain = codec.unstamped(body)
    return Write(
        prior.kind, prior.id, plain, prior.facts, tuple(parameters.extract(prior.kind, codec.parse_exact(plain)))
    )


async def _message(db: Database, where: str) -> tuple[str, str]:
    row = await db.pool.fetchrow(f"SELECT sender, msg_id FROM inbox WHERE {where} ORDER BY received LIMIT 1")
    assert row is not None
    return row["sender"], row["msg_id"]
