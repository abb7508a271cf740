"""What lasts is said once, then seldom with the number of lines held back, and once when it is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.store.postgres.embedded import EmbeddedServer
from gateway.watch import lasting, lines
from gateway.watch.events import LASTING
from gateway.watch.lasting import AGAIN_S, KEPT, OVER_S, Lasting
from tests.flows.town import open_town
from tests.watched_log import Log

WARNING = logging.WARNING


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def known(clock: Clock) -> Lasting:
    return Lasting(clock=clock)


def _said(known: Lasting, clock: Clock, at: float, **fields: Any) -> int | None:
    clock.now = at
    return known.held_back(WARNING, "pipeline.retry", fields)


def test_the_first_line_passes_and_the_next_ones_are_held_back(known: Lasting, clock: Clock) -> None:
    assert [_said(known, clock, at, problem="STO-503") for at in (0.0, 0.5, 29.9)] == [0, None, None]


def test_after_half_a_minute_one_passes_with_the_number_held_back(known: Lasting, clock: Clock) -> None:
    told = [_said(known, clock, at, problem="STO-503") for at in (0.0, 1.0, 2.0, AGAIN_S, AGAIN_S + 1, 2 * AGAIN_S)]

    assert told == [0, None, None, 2, None, 1]


def test_another_cause_of_the_same_event_is_said_at_once(known: Lasting, clock: Clock) -> None:
    assert _said(known, clock, 0.0, problem="STO-503") == 0
    assert _said(known, clock, 0.1, problem="HUB-015") == 0


def test_what_tells_no_causes_apart_makes_no_new_one(known: Lasting, clock: Clock) -> None:
    assert _said(known, clock, 0.0, problem="STO-503", attempts=1) == 0
    assert _said(known, clock, 0.1, problem="STO-503", attempts=2) is None


def test_its_end_is_told_once_with_how_often_and_how_long(known: Lasting, clock: Clock) -> None:
    for at in (0.0, 4.0, 8.0):
        _said(known, clock, at, problem="STO-503")

    clock.now = 8.0 + OVER_S - 0.1
    early = list(known.over())
    clock.now = 8.0 + OVER_S
    (ended,) = known.over()

    assert early == []
    assert (ended.of, ended.count, ended.seconds, ended.named) == ("pipeline.retry", 3, 8, {"problem": "STO-503"})
    assert list(known.over()) == []
    assert _said(known, clock, 100.0, problem="STO-503") == 0


def test_what_came_once_is_over_without_a_word(known: Lasting, clock: Clock) -> None:
    _said(known, clock, 0.0, problem="STO-503")

    clock.now = OVER_S
    assert list(known.over()) == []


def test_beyond_what_is_remembered_every_line_passes(known: Lasting, clock: Clock) -> None:
    for number in range(KEPT):
        _said(known, clock, 0.0, problem=f"X-{number}")

    assert [_said(known, clock, 1.0, problem="STO-503") for _ in range(2)] == [0, 0]


async def test_lines_are_held_back_and_the_end_is_written(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lasting, "OVER_S", 0.0)
    monkeypatch.setattr(lines, "LOOK_S", 0.0)
    for _ in range(5):
        logging.getLogger("yiyang.pipeline").warning("pipeline.retry", extra={"problem": "STO-503"})

    watching = asyncio.create_task(lines.watch())
    await _until(lambda: log()[-1]["event"] == "condition.over")
    watching.cancel()

    first, last = (line for line in log() if line["event"] in ("pipeline.retry", "condition.over"))
    assert (first["event"], first["problem"], "held_back" in first) == ("pipeline.retry", "STO-503", False)
    assert (last["event"], last["of"], last["count"]) == ("condition.over", "pipeline.retry", 5)
    assert (last["level"], last["problem"]) == ("warning", "STO-503")


def test_a_line_that_is_said_again_tells_how_many_were_held_back(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    for again_s in (AGAIN_S, AGAIN_S, AGAIN_S, 0.0):
        monkeypatch.setattr(lasting, "AGAIN_S", again_s)
        lines.tell(WARNING, "registry.away", error="OSError")

    assert [line.get("held_back") for line in log()] == [None, 2]


async def test_an_outage_of_the_database_is_said_once_for_each_cause(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await asyncio.to_thread(EmbeddedServer.start, tmp_path / "pg")
    try:
        async with open_town(server.dsn, tmp_path / "home"):
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(3.0)
            during = [line for line in log() if line["event"] in LASTING]
            server = await asyncio.to_thread(server.again)
            monkeypatch.setattr(lasting, "OVER_S", 1.0)
            await _until(lambda: _is_over(log()))
    finally:
        await asyncio.to_thread(server.stop)

    causes = [tuple(line.get(name) for name in ("event", *lasting.NAMING)) for line in during]
    assert {"pipeline.retry", "learning.retry"} <= {line["event"] for line in during}
    assert sorted(causes, key=str) == sorted(set(causes), key=str)


def _is_over(told: list[dict[str, Any]]) -> bool:
    ended = {line["of"] for line in told if line["event"] == "condition.over"}
    return {"pipeline.retry", "learning.retry"} <= ended


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - of a log there is no event to wait for
            await asyncio.sleep(0.02)
