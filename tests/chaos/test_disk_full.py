"""The disk of database and log is full: nothing gets AA that is not kept, and all goes on when there is room again.

A small file system of its own where that can be mounted (root); elsewhere the database's files may not grow
(RLIMIT_FSIZE), which meets the tables, not the log. The audit's copy outside the database has a test of its own.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.house import House, until
from tests.chaos.judge import judge
from tests.chaos.load import make_load
from tests.chaos.senders import Senders
from tests.chaos.storm import EVERYTHING, SEED, housed, told

MIB = 1024 * 1024
ROOM = 160
"""MiB of the small file system: a new database takes some 60, its log 16 a file."""
RECORDS = 120
REFUSED = 12
"""Refusals to wait for before there is room again: the disk is full for everybody."""
WITHIN_S = 120.0


@contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """Mount a file system of ROOM MiB at ``folder``; give False where that is not allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}m,mode=0755", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def _full(house: House, *, mounted: bool) -> Iterator[None]:
    """Let nothing more be written for the block."""
    if mounted:
        ballast = house.settings.home / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(MIB))
            except OSError:
                pass
        try:
            yield
        finally:
            ballast.unlink()
    else:
        _limit(house, 8192)
        try:
            yield
        finally:
            _limit(house, resource.RLIM_INFINITY)


def _limit(house: House, most: int) -> None:
    for pid in house.database_processes():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


async def test_with_a_full_disk_nothing_is_acknowledged_that_is_not_kept(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    with _small_disk(tmp_path / "disk") as mounted:
        async with housed(tmp_path / "disk") as house:
            load = make_load(SEED + 2, RECORDS)
            senders = Senders(house)
            sending = asyncio.create_task(senders.send_all(load))
            await senders.gate.open_to(RECORDS // 3)
            await until(lambda: len(senders.ledger.answers) >= RECORDS // 6, within_s=WITHIN_S)

            with _full(house, mounted=mounted):
                await senders.gate.open_to(RECORDS)
                await _refused(senders, sending)
            await senders.gate.open_to(EVERYTHING)
            await sending
            verdict = await judge(house, load, senders)
            await senders.close()

    how = f"tmpfs of {ROOM} MiB" if mounted else "RLIMIT_FSIZE"
    tell(told(f"disk full ({how})", SEED + 2, [], load, verdict))
    assert verdict.holds(), verdict.told()
    assert house.starts == 1


async def _refused(senders: Senders, sending: asyncio.Task[None]) -> None:
    """Wait until senders were refused or had no answer, often enough."""
    tries = senders.ledger.tries

    def often() -> bool:
        assert not sending.done(), sending.result()
        return tries["sent: unanswered"] + tries["sent: refused for now"] >= REFUSED

    await until(often, within_s=WITHIN_S, why="nobody was refused")


async def test_without_room_for_the_checkpoints_the_gateway_says_so_and_recovers(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    async with housed(tmp_path) as house:
        load = make_load(SEED + 3, RECORDS // 2)
        senders = Senders(house)
        sending = asyncio.create_task(senders.send_all(load))
        anchor = house.settings.anchor_file
        await senders.gate.open_to(RECORDS // 6)
        await until(lambda: len(senders.ledger.answers) >= RECORDS // 12, within_s=WITHIN_S)

        kept = anchor.with_suffix(".kept")
        anchor.rename(kept)
        anchor.mkdir()
        await senders.gate.open_to(RECORDS // 4)
        await until(lambda: "SEC-952" in house.log(), within_s=WITHIN_S, why="nothing is said of the checkpoints")
        anchor.rmdir()
        kept.rename(anchor)
        await senders.gate.open_to(EVERYTHING)
        await sending
        verdict = await judge(house, load, senders)
        await senders.close()

    tell(told("checkpoints cannot be anchored", SEED + 3, [], load, verdict))
    assert verdict.holds(), verdict.told()
