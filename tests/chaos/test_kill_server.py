"""kill -9 of the whole server, with and without its database, at named points; a service manager starts it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.house import House
from tests.chaos.storm import FEW, MANY, SEED, housed, weather


@pytest.mark.parametrize(
    "count", [pytest.param(FEW, id="few points"), pytest.param(MANY, id="many points", marks=pytest.mark.slow)]
)
async def test_a_killed_server_loses_nothing_it_has_acknowledged(
    count: int, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    async with housed(tmp_path) as house:
        verdict, line = await weather(
            house, ("self", "all"), count, kind="kill -9 of the server", recover=lambda: _restarted(house)
        )

    tell(line)
    assert verdict.holds(), verdict.told()
    assert house.starts == count + 1


@pytest.mark.slow
async def test_a_killed_server_of_several_workers_loses_nothing(tmp_path: Path, tell: Callable[[str], None]) -> None:
    async with housed(tmp_path, words=("--workers", "2")) as house:
        verdict, line = await weather(
            house, ("parent",), FEW, kind="kill -9 of a server of 2 workers", seed=SEED + 1,
            recover=lambda: _restarted(house),
        )  # fmt: skip

    tell(line)
    assert verdict.holds(), verdict.told()


async def _restarted(house: House) -> None:
    await house.ended()
    await house.start()
