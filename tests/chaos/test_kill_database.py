"""kill -9 of PostgreSQL, the server or a backend, at named points; the gateway stays and brings it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.storm import FEW, MANY, housed, weather


@pytest.mark.parametrize(
    "count", [pytest.param(FEW, id="few points"), pytest.param(MANY, id="many points", marks=pytest.mark.slow)]
)
async def test_a_killed_database_comes_back_and_nothing_is_lost(
    count: int, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    async with housed(tmp_path) as house:
        verdict, line = await weather(
            house, ("postmaster", "backend"), count, kind="kill -9 of PostgreSQL", recover=house.database_back
        )

        tell(line)
        assert verdict.holds(), verdict.told()
        assert house.starts == 1
