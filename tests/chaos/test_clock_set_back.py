"""The gateway's clock is set back by two hours and forth by one while records flow, and something dies each time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.house import House
from tests.chaos.judge import judge
from tests.chaos.load import make_load
from tests.chaos.points import Strike, Who
from tests.chaos.storm import SEED, housed, storm, told

RECORDS = 150
HOUR = 3600


@pytest.mark.parametrize("who", ["postmaster", "self"])
async def test_a_clock_that_is_set_back_changes_nothing_that_is_stored(
    who: Who, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """Claims and pauses that lie in the future must not hold anybody up; the order must not come from the clock."""
    async with housed(tmp_path) as house:
        house.clock.write_text(f"{HOUR}")
        load = make_load(SEED + 6, RECORDS)
        strikes = [Strike("claimed", 2, who, serial=0), Strike("before the hub commit", 2, who, serial=1)]
        hours = iter((-HOUR, 0))

        async def set_back() -> None:
            house.clock.write_text(f"{next(hours)}")
            await (_restarted(house) if who == "self" else house.database_back())

        senders = await storm(house, load, strikes, recover=set_back)
        verdict = await judge(house, load, senders)
        await senders.close()

    tell(told(f"clock set back twice, with kill -9 of {who}", SEED + 6, strikes, load, verdict))
    assert verdict.holds(), verdict.told()


async def _restarted(house: House) -> None:
    await house.ended()
    await house.start()
