"""Checks of the audit journal that need no reading of it: does it sync, is it ours, is the copy outside whole.

In: settings, keys, a connection. Out: rows. `yiyang audit verify` is the full proof; this is told at once.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Final

from gateway.cli.check import Check, failed, same
from gateway.config import Settings
from gateway.fhir.problem import Problem
from security.audit import anchor
from security.crypto import Keys

if TYPE_CHECKING:
    import asyncpg

SLOW_SYNC_S: Final = 0.1
"""Every acknowledgement waits for one; a disk that takes longer holds everybody up (design default)."""
LATE_S: Final = 60
"""A checkpoint follows its entries within a second."""
_VERIFY: Final = ("请运行 yiyang audit verify", "run yiyang audit verify")
_LAST: Final = "SELECT number, note FROM audit.checkpoint ORDER BY number DESC LIMIT 1"
_LATE: Final = """
SELECT coalesce(extract(epoch FROM (SELECT max(ts) FROM audit.event) - (SELECT max(ts) FROM audit.checkpoint)), 0)::int
"""


def of_machine(settings: Settings) -> Iterator[Check]:
    """Yield the check of the anchor's disk."""
    folder = settings.anchor_file.parent
    if not folder.exists():
        return
    began = time.perf_counter()
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"-")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        remedy = (f"请使 {folder} 可写、磁盘有空间", f"make {folder} writable, with room on its disk")
        yield Check("journal-sync", "fail", same(error.strerror or type(error).__name__), remedy)
        return
    seconds = time.perf_counter() - began
    text = same(f"{seconds * 1000:.1f} ms")
    if seconds > SLOW_SYNC_S:
        yield Check("journal-sync", "warn", text, ("请换用更快的磁盘", "take a faster disk"))
    else:
        yield Check("journal-sync", "ok", text)


async def of_database(connection: asyncpg.Connection[asyncpg.Record], settings: Settings) -> AsyncIterator[Check]:
    """Yield the checks of the newest checkpoint: made in time, signed by this installation, copied outside."""
    late = await connection.fetchval(_LATE)
    if late > LATE_S:
        remedy = ("请启动网关并查看其日志", "start the gateway and see its log")
        yield Check("checkpoint", "warn", (f"落后 {late} 秒", f"{late} s behind"), remedy)
    else:
        yield Check("checkpoint", "ok", ("覆盖全部记录", "covers every entry"))
    last = await connection.fetchrow(_LAST)
    if last is None:
        return
    try:
        Keys.load(settings.key_file).verify_note(last["note"])
    except Problem as problem:
        yield failed("checkpoint-signature", problem)
    else:
        yield Check("checkpoint-signature", "ok", same(f"#{last['number']}"))
    yield _copied(settings, last["number"], last["note"])


def _copied(settings: Settings, number: int, note: str) -> Check:
    """The newest checkpoint stands outside too; else database and file are of different times, or the file is lost."""
    try:
        outside = note in anchor.last(settings.anchor_file)
    except OSError:
        outside = False
    text = same(f"#{number}")
    return Check("checkpoint-copy", "ok", text) if outside else Check("checkpoint-copy", "warn", text, _VERIFY)
