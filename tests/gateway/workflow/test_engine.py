"""The follower of the change feed: a fault does not end it, and the stretch that failed comes again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.fhir.problem import Problem, Problems
from gateway.workflow import engine
from gateway.workflow.engine import Engine

NOW = datetime(2026, 3, 12, tzinfo=UTC)


class Feed:
    """One change, then nothing; tells when the cursor has moved."""

    def __init__(self) -> None:
        self.cursor = ""
        self.moved = asyncio.Event()

    async def changes(self, cursor: str, *, limit: int) -> tuple[Sequence[dict[str, Any]], str]:
        return ([{"resourceType": "Task"}], "1") if not cursor else ([], cursor)

    async def cursor_of(self, consumer: str) -> str:
        return self.cursor

    async def move(self, consumer: str, cursor: str) -> None:
        self.cursor = cursor
        self.moved.set()

    async def follow(self) -> AsyncIterator[None]:
        yield None


class Effects:
    """Fail once as told, then work."""

    def __init__(self, error: Exception) -> None:
        self.errors = [error]
        self.applied = 0

    async def apply(self, rows: Sequence[dict[str, Any]], *, now: datetime) -> None:
        if self.errors:
            raise self.errors.pop()
        self.applied += len(rows)


async def _always() -> bool:
    return True


@pytest.mark.parametrize(
    "error",
    [Problem("STO-503"), Problems([Problem("FHIR-042", where="Task.focus")]), KeyError("focus")],
    ids=["problem", "problems", "fault"],
)
async def test_a_stretch_that_failed_is_done_again(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engine, "RETRY_S", 0.0)
    feed, effects = Feed(), Effects(error)
    follower = Engine(feed, effects, now=lambda: NOW, may_run=_always)  # type: ignore[arg-type]

    with caplog.at_level(logging.WARNING):
        follower.start()
        async with asyncio.timeout(10):
            await feed.moved.wait()
        await follower.stop()

    assert (feed.cursor, effects.applied) == ("1", 1)
    assert caplog.messages[0].startswith("workflow.")
