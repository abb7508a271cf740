"""kill -9 of one of several workers at named points; the others go on, its parent starts it again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.storm import FEW, MANY, housed, weather


@pytest.mark.parametrize(
    "count", [pytest.param(FEW, id="few points"), pytest.param(MANY, id="many points", marks=pytest.mark.slow)]
)
async def test_a_killed_worker_is_replaced_and_nothing_is_lost(
    count: int, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    async with housed(tmp_path, words=("--workers", "2")) as house:
        verdict, line = await weather(
            house, ("self",), count, kind="kill -9 of a worker", recover=lambda: asyncio.sleep(0)
        )

        tell(line)
        assert verdict.holds(), verdict.told()
        assert house.starts == 1
