"""A verifier in another language agrees with fsck, on the good journal and on every changed one.

`yiyang audit export` gives it hashes, links and signed notes (tools/verify/README.md says their form).
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import pytest

from gateway.fhir.problem import Problem
from security.audit import Journal, entry, export, verify
from security.audit.search import place_of
from security.audit.writer import Pool
from security.crypto import Keys
from tests.security.audit.conftest import CALLER, NOON, Make
from tests.security.audit.test_fsck import recompute, tamper

VERIFIER = Path(__file__).parents[3] / "tools" / "verify" / "verify.mjs"
ROWS = 12
needs_node = pytest.mark.needs("node")


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


async def judged(folder: Path, *more: str) -> tuple[int, list[str]]:
    """Return the exit code and lines of the verifier."""
    process = await asyncio.create_subprocess_exec(
        "node", str(VERIFIER), str(folder), *more, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode is not None, err
    return process.returncode, out.decode().splitlines()


@needs_node
async def test_both_find_an_untouched_journal_whole(
    written: Journal, pool: Pool, keys: Keys, anchor_path: Path, tmp_path: Path
) -> None:
    made = await export(pool, keys, anchor_path, tmp_path / "out")

    code, lines = await judged(tmp_path / "out")

    assert (await verify(pool, keys, anchor_path)).ok
    assert (code, len(lines)) == (0, 1)
    assert lines[0].startswith(f"whole: 1 chains, {made.checkpoints} checkpoints")
    assert (made.events, made.writers, made.anchored) == (ROWS, 1, True)


Change = Callable[[Pool, Keys, Path], Awaitable[None]]


def _sql(*statements: str) -> Change:
    async def change(pool: Pool, keys: Keys, anchor_path: Path) -> None:
        await tamper(pool, *statements)

    return change


def _and_recomputed(first: Change) -> Change:
    async def change(pool: Pool, keys: Keys, anchor_path: Path) -> None:
        await first(pool, keys, anchor_path)
        await recompute(pool)

    return change


async def _rewritten_with_the_keys(pool: Pool, keys: Keys, anchor_path: Path) -> None:
    row = await pool.fetchrow("SELECT * FROM audit.event WHERE seq = 5")
    assert row is not None
    sealed = keys.seal(entry(CALLER, "read", at=NOON, kind="CarePlan", id="another"), place_of(row).pack())
    change = f"UPDATE audit.event SET body = '\\x{sealed.hex()}' WHERE seq = 5"  # noqa: S608 - our own
    await tamper(pool, change, "DELETE FROM audit.checkpoint")
    await recompute(pool)


def _alter_first_note(path: Path) -> None:
    first, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join((first.replace(b"head w1 1 ", b"head w1 2 "), *rest)))


async def _note_of_the_anchor_altered(pool: Pool, keys: Keys, anchor_path: Path) -> None:
    await asyncio.to_thread(_alter_first_note, anchor_path)


async def _anchor_gone(pool: Pool, keys: Keys, anchor_path: Path) -> None:
    await asyncio.to_thread(anchor_path.unlink)


_BIT = "UPDATE audit.event SET body = set_byte(body, 40, 255 - get_byte(body, 40)) WHERE seq = 5"
KINDS: dict[str, Change] = {
    "one bit of a sealed record": _sql(_BIT),
    "the time of a record": _sql("UPDATE audit.event SET ts = ts - interval '1 second' WHERE seq = 5"),
    "the action of a record": _sql("UPDATE audit.event SET action = 'search' WHERE seq = 5"),
    "the outcome of a record": _sql("UPDATE audit.event SET outcome = 8 WHERE seq = 5"),
    "the elder of a record": _sql("UPDATE audit.event SET elder = 7 WHERE seq = 5"),
    "the link of a record": _sql("UPDATE audit.event SET chain = decode(repeat('ab', 32), 'hex') WHERE seq = 5"),
    "a record removed": _sql("DELETE FROM audit.event WHERE seq = 5"),
    "two records swapped": _sql(
        "UPDATE audit.event SET seq = -seq WHERE seq IN (5, 9)", "UPDATE audit.event SET seq = 14 + seq WHERE seq < 0"
    ),
    "a record there twice": _sql(
        "INSERT INTO audit.event SELECT writer, seq, ts + interval '1 second', action, outcome, elder, agent, entity,"
        " body, chain FROM audit.event WHERE seq = 5"
    ),
    "the last records cut off": _sql("DELETE FROM audit.event WHERE seq > 9"),
    "the last records cut off, with their checkpoints and the head": _and_recomputed(
        _sql("DELETE FROM audit.event WHERE seq > 9", "DELETE FROM audit.checkpoint WHERE number > 9")
    ),
    "all records removed": _sql("DELETE FROM audit.event"),
    "the head moved": _sql("UPDATE audit.head SET chain = decode(repeat('ab', 32), 'hex')"),
    "a record changed and all later hashes computed anew": _and_recomputed(
        _sql("UPDATE audit.event SET outcome = 8 WHERE seq = 5")
    ),
    "history rewritten by somebody with the keys": _rewritten_with_the_keys,
    "a checkpoint removed": _sql("DELETE FROM audit.checkpoint WHERE number = 4"),
    "a checkpoint's text altered": _sql(
        "UPDATE audit.checkpoint SET note = replace(note, 'head w1 4 ', 'head w1 5 ') WHERE number = 4"
    ),
    "a checkpoint's time altered": _sql(
        "UPDATE audit.checkpoint SET note = replace(note, 'time 2026', 'time 2025') WHERE number = 4"
    ),
    "a note of the outside copy altered": _note_of_the_anchor_altered,
    "the outside copy removed": _anchor_gone,
}


@needs_node
@pytest.mark.parametrize("name", sorted(KINDS))
async def test_both_find_the_change_at_the_same_place(
    written: Journal,
    pool: Pool,
    keys: Keys,
    anchor_path: Path,
    tmp_path: Path,
    name: str,
    tell: Callable[[str], None],
) -> None:
    await KINDS[name](pool, keys, anchor_path)
    await export(pool, keys, anchor_path, tmp_path / "out")

    code, lines = await judged(tmp_path / "out")
    # Records as fsck sees them without keys; the notes with them, for their signatures need a key that is known.
    records = [one for one in (await verify(pool, None, anchor_path)).findings if one.writer]
    notes = [one for one in (await verify(pool, keys, anchor_path)).findings if not one.writer]

    assert code == 4
    assert lines[-1].startswith("BROKEN")
    found = [tuple(line.split(":")[0].split(" ")) for line in lines[:-1]]
    assert sorted(pair for pair in found if not pair[1].startswith("#")) == sorted(
        (one.code, f"{one.writer}#{one.seq}") for one in records
    )
    assert {code for code, at in found if at.startswith("#")} == {one.code for one in notes}
    tell(f"tampering, journal: {name:63} {', '.join(sorted({code for code, _ in found}))}")


@needs_node
async def test_a_journal_signed_by_another_key_is_not_believed(
    written: Journal, pool: Pool, keys: Keys, anchor_path: Path, tmp_path: Path
) -> None:
    await export(pool, keys, anchor_path, tmp_path / "out")
    other = base64.b64encode(Keys.create(tmp_path / "other.json").public_key).decode()

    code, lines = await judged(tmp_path / "out", other)

    assert code == 4
    assert lines[0].startswith("unsigned ")


async def test_an_export_holds_no_record_and_no_key(
    written: Journal, pool: Pool, keys: Keys, anchor_path: Path, tmp_path: Path
) -> None:
    await export(pool, keys, anchor_path, tmp_path / "out")

    files = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    assert sorted(files) == ["anchor.jsonl", "checkpoints.jsonl", "entries.jsonl", "heads.jsonl", "journal.json"]
    assert sorted(orjson.loads(files["entries.jsonl"].splitlines()[0])) == ["chain", "hash", "seq", "writer"]
    bodies = [row["body"].hex().encode() for row in await pool.fetch("SELECT body FROM audit.event")]
    assert not any(body in data for body in bodies for data in files.values())


async def test_an_export_never_goes_into_a_folder_that_is_not_empty(
    written: Journal, pool: Pool, keys: Keys, anchor_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "here.txt").write_text("already")

    with pytest.raises(Problem) as refused:
        await export(pool, keys, anchor_path, tmp_path / "out")

    assert refused.value.code == "SEC-954"
