"""Whoever edits the journal in the database is found, and the first bad record is named."""

# ruff: noqa: S608 - the statements are the tests' own

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from security.audit import Journal, entry, verify
from security.audit.chain import GENESIS, Head
from security.audit.search import place_of
from security.audit.writer import Pool
from security.crypto import Keys
from tests.security.audit.conftest import CALLER, NOON, Make

ROWS = 12


@pytest.fixture
async def written(make: Make) -> Journal:
    """Twelve records, a signed and anchored checkpoint after each, the journal stopped."""
    journal = make()
    await journal.start()
    for number in range(ROWS):
        await journal.append(entry(CALLER, "read", at=NOON, kind="CarePlan", id=f"plan-{number}"), durable=True)
        await journal.checkpoint()
    await journal.stop()
    return journal


async def tamper(pool: Pool, *statements: str) -> None:
    """Do what the owner of the tables can do: turn the guards off and write."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            await connection.execute(statement)


async def recompute(pool: Pool) -> None:
    """Compute chain and head anew from the rows as they stand, as an intruder without the keys would."""
    head = Head()
    rows = await pool.fetch("SELECT * FROM audit.event WHERE writer = 'w1' ORDER BY seq")
    updates = [(row["seq"], head.extend(place_of(row).pack(), row["body"])) for row in rows]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.executemany("UPDATE audit.event SET chain = $2 WHERE seq = $1", updates)
        await connection.execute(
            "UPDATE audit.head SET seq = $1, chain = $2, frontier = $3", head.seq, head.chain, head.tree.pack()
        )


async def found(pool: Pool, keys: Keys | None, anchor_path: Path | None) -> list[tuple[str, int]]:
    report = await verify(pool, keys, anchor_path)
    return [(finding.code, finding.seq) for finding in report.findings]


async def test_an_untouched_journal_is_whole(written: Journal, pool: Pool, keys: Keys, anchor_path: Path) -> None:
    report = await verify(pool, keys, anchor_path)

    assert report.ok
    assert (report.events, report.writers, report.checkpoints, report.anchored) == (ROWS, 1, ROWS, ROWS)


async def test_an_untouched_journal_is_whole_without_the_keys_too(
    written: Journal, pool: Pool, anchor_path: Path
) -> None:
    report = await verify(pool, None, anchor_path)

    assert report.ok
    assert not report.keyed


async def test_an_empty_journal_is_whole(pool: Pool, keys: Keys) -> None:
    report = await verify(pool, keys, None)

    assert report.ok
    assert report.events == 0


@pytest.mark.parametrize(
    "edit",
    [
        "body = set_byte(body, 40, 255 - get_byte(body, 40))",
        "ts = ts - interval '1 second'",
        "ts = ts - interval '2 months'",
        "action = 'search'",
        "outcome = 8",
        "elder = 7",
        "agent = 7",
        "entity = 7",
        "chain = decode(repeat('ab', 32), 'hex')",
    ],
)
@pytest.mark.parametrize("at_hand", ["keys", "nothing"])
async def test_an_edited_record_is_named(
    written: Journal, pool: Pool, keys: Keys, anchor_path: Path, edit: str, at_hand: str
) -> None:
    await tamper(pool, f"UPDATE audit.event SET {edit} WHERE seq = 5")

    assert await found(pool, keys if at_hand == "keys" else None, anchor_path) == [("altered", 5)]


async def test_the_finding_tells_writer_time_and_both_languages(
    written: Journal, pool: Pool, keys: Keys, anchor_path: Path
) -> None:
    await tamper(pool, "UPDATE audit.event SET outcome = 8 WHERE seq = 5")

    (finding,) = (await verify(pool, keys, anchor_path)).findings

    assert (finding.writer, finding.when) == ("w1", NOON.isoformat())
    assert "5" in finding.zh
    assert "5" in finding.en


@pytest.mark.parametrize("edit", ["body = set_byte(body, 40, 255 - get_byte(body, 40))", "elder = 7", "outcome = 8"])
async def test_an_edit_with_all_later_hashes_computed_anew_is_named(
    written: Journal, pool: Pool, keys: Keys, anchor_path: Path, edit: str
) -> None:
    await tamper(pool, f"UPDATE audit.event SET {edit} WHERE seq = 5")
    await recompute(pool)

    assert await found(pool, keys, anchor_path) == [("forged", 5)]


async def test_without_keys_the_signed_checkpoints_still_find_the_recomputed_edit(
    written: Journal, pool: Pool, anchor_path: Path
) -> None:
    await tamper(pool, "UPDATE audit.event SET outcome = 8 WHERE seq = 5")
    await recompute(pool)

    assert await found(pool, None, anchor_path) == [("rewritten", 5)]


async def test_someone_with_the_keys_who_rewrites_history_is_found_by_the_anchor(
    written: Journal, pool: Pool, keys: Keys, anchor_path: Path
) -> None:
    row = await pool.fetchrow("SELECT * FROM audit.event WHERE seq = 5")
    sealed = keys.seal(entry(CALLER, "read", at=NOON, kind="CarePlan", id="another"), place_of(row).pack())
    await tamper(
        pool, f"UPDATE audit.event SET body = '\\x{sealed.hex()}' WHERE seq = 5", "DELETE FROM audit.checkpoint"
    )
    await recompute(pool)

    assert await found(pool, keys, anchor_path) == [("rewritten", 5)]


async def test_a_deleted_record_is_named(written: Journal, pool: Pool, keys: Keys, anchor_path: Path) -> None:
    await tamper(pool, "DELETE FROM audit.event WHERE seq = 5")

    assert await found(pool, keys, anchor_path) == [("missing", 5)]


async def test_a_deletion_closed_up_and_recomputed_is_named(
    written: Journal, pool: Pool, keys: Keys, anchor_path: Path
) -> None:
    await tamper(
        pool,
        "DELETE FROM audit.event WHERE seq = 5",
        "UPDATE audit.event SET seq = seq - 1000 WHERE seq > 5",
        "UPDATE audit.event SET seq = seq + 999 WHERE seq < 0",
    )
    await recompute(pool)

    assert await found(pool, keys, anchor_path) == [("forged", 5)]


async def test_two_records_swapped_are_named(written: Journal, pool: Pool, keys: Keys, anchor_path: Path) -> None:
    await tamper(
        pool,
        "UPDATE audit.event SET seq = -seq WHERE seq IN (5, 9)",
        "UPDATE audit.event SET seq = 14 + seq WHERE seq < 0",
    )

    assert await found(pool, keys, anchor_path) == [("altered", 5)]


async def test_a_body_put_into_another_record_and_recomputed_is_named(
    written: Journal, pool: Pool, keys: Keys, anchor_path: Path
) -> None:
    await tamper(pool, "UPDATE audit.event SET body = (SELECT body FROM audit.event WHERE seq = 9) WHERE seq = 5")
    await recompute(pool)

    assert await found(pool, keys, anchor_path) == [("forged", 5)]


async def test_a_record_added_beside_another_is_named(
    written: Journal, pool: Pool, keys: Keys, anchor_path: Path
) -> None:
    columns = "action, outcome, elder, agent, entity, body, chain"
    await tamper(
        pool,
        f"INSERT INTO audit.event (writer, seq, ts, {columns}) "
        f"SELECT writer, seq, ts + interval '1 s', {columns} FROM audit.event WHERE seq = 5",
    )

    assert await found(pool, keys, anchor_path) == [("twice", 5)]


async def test_a_cut_tail_is_named(written: Journal, pool: Pool, keys: Keys) -> None:
    await tamper(pool, "DELETE FROM audit.event WHERE seq > 9")
    await recompute(pool)

    assert await found(pool, keys, None) == [("cut", 10)]


async def test_a_tail_cut_together_with_the_databases_checkpoints_is_found_by_the_anchor(
    written: Journal, pool: Pool, keys: Keys, anchor_path: Path
) -> None:
    await tamper(pool, "DELETE FROM audit.event WHERE seq > 9", "DELETE FROM audit.checkpoint WHERE number > 9")
    await recompute(pool)

    assert await found(pool, keys, None) == []
    assert await found(pool, keys, anchor_path) == [("cut", 10)]


async def test_a_whole_writer_removed_with_its_checkpoints_is_found_by_the_anchor(
    written: Journal, pool: Pool, keys: Keys, anchor_path: Path
) -> None:
    await tamper(pool, "DELETE FROM audit.event", "DELETE FROM audit.head", "DELETE FROM audit.checkpoint")

    assert await found(pool, keys, anchor_path) == [("cut", 1)]


async def test_a_journal_that_went_on_after_its_tail_was_cut_is_found(
    written: Journal, make: Make, pool: Pool, keys: Keys, anchor_path: Path
) -> None:
    await tamper(pool, "DELETE FROM audit.event WHERE seq > 9", "DELETE FROM audit.checkpoint WHERE number > 9")
    await recompute(pool)
    again = make()
    await again.start()
    for number in range(5):
        await again.append(entry(CALLER, "read", at=NOON, kind="CarePlan", id=f"new-{number}"), durable=True)
    await again.stop()

    assert await found(pool, keys, anchor_path) == [("rewritten", 10)]


async def test_a_head_that_was_set_back_is_found(written: Journal, pool: Pool, keys: Keys, anchor_path: Path) -> None:
    await tamper(pool, "UPDATE audit.head SET seq = 9")

    assert await found(pool, keys, anchor_path) == [("head", ROWS)]


async def test_a_missing_checkpoint_is_named(written: Journal, pool: Pool, keys: Keys, anchor_path: Path) -> None:
    await tamper(pool, "DELETE FROM audit.checkpoint WHERE number = 4")

    assert await found(pool, keys, anchor_path) == [("checkpoint-missing", 0)]


async def test_a_checkpoint_that_was_made_up_is_found(
    written: Journal, pool: Pool, keys: Keys, anchor_path: Path
) -> None:
    await tamper(pool, "UPDATE audit.checkpoint SET note = replace(note, 'number 4', 'number 5') WHERE number = 4")

    assert await found(pool, keys, anchor_path) == [("unsigned", 0)]


async def test_a_missing_anchor_file_is_said(written: Journal, pool: Pool, keys: Keys, tmp_path: Path) -> None:
    assert await found(pool, keys, tmp_path / "nowhere") == [("anchor-missing", 0)]


@pytest.mark.parametrize("sql", ["UPDATE audit.event SET outcome = 8", "DELETE FROM audit.event"])
async def test_the_table_itself_refuses_a_change(written: Journal, pool: Pool, sql: str) -> None:
    with pytest.raises(Exception, match="append-only"):
        await pool.execute(sql)


@pytest.mark.parametrize("table", ["event", "event_rest", "event_2026_11", "checkpoint", "head"])
async def test_the_tables_refuse_to_be_emptied(written: Journal, pool: Pool, table: str) -> None:
    with pytest.raises(Exception, match="append-only"):
        await pool.execute(f"TRUNCATE audit.{table}")


async def test_the_writing_role_may_add_and_nothing_else(written: Journal, pool: Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("SET ROLE yiyang_audit_writer")
        try:
            with pytest.raises(Exception, match="permission denied"):
                await connection.execute("DELETE FROM audit.event")
            with pytest.raises(Exception, match="must be owner"):
                await connection.execute("ALTER TABLE audit.event DISABLE TRIGGER ALL")
        finally:
            await connection.execute("RESET ROLE")


async def test_the_chain_starts_at_nothing(written: Journal, pool: Pool) -> None:
    row = await pool.fetchrow("SELECT * FROM audit.event WHERE seq = 1")

    hashed = sha256(place_of(row).pack() + row["body"]).digest()

    assert row["chain"] == sha256(GENESIS + hashed).digest()
