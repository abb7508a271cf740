"""Write out what an outside auditor needs to check the journal: hashes, links and signed notes, no record.

In: the database, the keys (for the public one alone), the anchor file. Out: a new folder whose format
`tools/verify/README.md` says exactly. Nothing in it can be opened or says anything of a person; whoever keeps it can
prove later that the journal was another one then.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from gateway.fhir.problem import Problem
from security.audit.chain import row_hash
from security.audit.fsck import FETCH
from security.audit.search import place_of
from security.audit.writer import Connection, Pool
from security.crypto import Keys

FORMAT = "yiyang.audit.export/1"
_ROWS = """
SELECT writer, seq, ts, action, outcome, elder, agent, entity, body, chain
FROM audit.event ORDER BY writer, seq, ts"""
_HEADS = "SELECT writer, seq, chain, frontier FROM audit.head ORDER BY writer"
_NOTES = "SELECT number, note FROM audit.checkpoint ORDER BY number"


@dataclass(frozen=True, slots=True)
class Exported:
    """How much was written."""

    events: int
    writers: int
    checkpoints: int
    anchored: bool


async def export(pool: Pool, keys: Keys, anchor_path: Path, folder: Path) -> Exported:
    """Write the export into ``folder``, which must not exist or be empty, in one snapshot.

    Raises Problem("SEC-954") when the folder cannot be made or has something in it.
    """
    # The anchor first, as in `fsck`: whatever it names was committed before.
    anchored = await asyncio.to_thread(_begin, folder, anchor_path)
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        events = await _write(folder / "entries.jsonl", _entries(connection))
        writers = await _write(folder / "heads.jsonl", _heads(connection))
        checkpoints = await _write(folder / "checkpoints.jsonl", _notes(connection))
    key = base64.b64encode(keys.public_key).decode()
    about = {"format": FORMAT, "origin": keys.origin, "algorithm": "Ed25519", "public_key": key, "anchored": anchored}
    (folder / "journal.json").write_bytes(orjson.dumps(about, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return Exported(events, writers, checkpoints, anchored)


def _begin(folder: Path, anchor_path: Path) -> bool:
    """Make the folder and copy the anchor into it; tell whether there is one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError:
        taken = True
    if taken:
        raise Problem("SEC-954", path=str(folder))
    if not anchor_path.exists():
        return False
    shutil.copyfile(anchor_path, folder / "anchor.jsonl")
    return True


async def _write(path: Path, lines: AsyncIterator[dict[str, Any]]) -> int:
    count = 0
    with path.open("wb") as file:
        async for line in lines:
            _line(file, line)
            count += 1
    return count


def _line(file: IO[bytes], line: dict[str, Any]) -> None:
    file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


async def _entries(connection: Connection) -> AsyncIterator[dict[str, Any]]:
    cursor = await connection.cursor(_ROWS)
    while rows := await cursor.fetch(FETCH):
        for row in rows:
            hashed = row_hash(place_of(row).pack(), row["body"])
            yield {"writer": row["writer"], "seq": row["seq"], "hash": hashed.hex(), "chain": row["chain"].hex()}


async def _heads(connection: Connection) -> AsyncIterator[dict[str, Any]]:
    for row in await connection.fetch(_HEADS):
        yield {"writer": row["writer"], "seq": row["seq"], "chain": row["chain"].hex()}


async def _notes(connection: Connection) -> AsyncIterator[dict[str, Any]]:
    async for row in connection.cursor(_NOTES):
        yield {"number": row["number"], "note": row["note"]}
