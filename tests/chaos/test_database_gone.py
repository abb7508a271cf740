"""The database does not answer for a while: stopped in its tracks (SIGSTOP), or shut down and started again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gateway.store.postgres.embedded import EmbeddedServer
from tests.chaos.house import House, until
from tests.chaos.judge import Verdict, judge
from tests.chaos.load import Load, make_load
from tests.chaos.senders import Senders
from tests.chaos.storm import EVERYTHING, SEED, housed, told

RECORDS = 150
WITHIN_S = 120.0
SHORT, LONG = pytest.param(12.0, id="seconds"), pytest.param(60.0, id="a minute", marks=pytest.mark.slow)


@contextmanager
def _frozen(house: House) -> Iterator[None]:
    """Stop all processes of the embedded server for the block."""
    pids = house.database_processes()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("seconds", [SHORT, LONG])
async def test_a_database_that_does_not_answer_costs_nothing_that_was_acknowledged(
    seconds: float, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    async with housed(tmp_path) as house:
        senders, load, sending = await _begun(house, SEED + 4)
        with _frozen(house):
            await senders.gate.open_to(RECORDS)
            told_before = len(senders.ledger.accepted())
            await asyncio.sleep(seconds)
            told_meanwhile = len(senders.ledger.accepted()) - told_before
        verdict = await _ended(house, senders, load, sending)

    tell(told(f"database frozen for {seconds:.0f} s", SEED + 4, [], load, verdict))
    assert verdict.holds(), verdict.told()
    # What was on its way when it froze may be answered; nothing that came later.
    assert told_meanwhile <= len(load.lives)
    assert house.starts == 1


@pytest.mark.parametrize("seconds", [SHORT, LONG])
async def test_a_database_that_is_shut_down_and_started_again_is_found_again(
    seconds: float, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    place = tmp_path / "elsewhere" / "pg"
    server = await asyncio.to_thread(EmbeddedServer.start, place)
    try:
        async with housed(tmp_path, database_url=server.dsn) as house:
            senders, load, sending = await _begun(house, SEED + 5)
            await senders.gate.open_to(RECORDS)
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(seconds)
            server = await asyncio.to_thread(server.again)
            verdict = await _ended(house, senders, load, sending)
    finally:
        await asyncio.to_thread(server.stop)

    tell(told(f"database shut down for {seconds:.0f} s", SEED + 5, [], load, verdict))
    assert verdict.holds(), verdict.told()
    assert house.starts == 1


async def _begun(house: House, seed: int) -> tuple[Senders, Load, asyncio.Task[None]]:
    """Return senders on their way with a load, a part of it answered."""
    load = make_load(seed, RECORDS)
    senders = Senders(house)
    sending = asyncio.create_task(senders.send_all(load))
    await senders.gate.open_to(RECORDS // 3)
    await until(lambda: len(senders.ledger.answers) >= RECORDS // 6, within_s=WITHIN_S)
    return senders, load, sending


async def _ended(house: House, senders: Senders, load: Load, sending: asyncio.Task[None]) -> Verdict:
    await senders.gate.open_to(EVERYTHING)
    await sending
    verdict = await judge(house, load, senders)
    await senders.close()
    return verdict
