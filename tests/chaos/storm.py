"""A load with faults in it: aim a strike, let messages through until it has fallen, let the house recover, go on.

In: a house, a load, strikes. Out: the ledger's senders, all messages answered. Seeded: the same seed aims the same.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tests.chaos.house import House
from tests.chaos.judge import Verdict, judge
from tests.chaos.load import Load, make_load
from tests.chaos.points import EACH_MESSAGE, POINTS, Strike, Who
from tests.chaos.senders import Senders

SEED: Final = int(os.environ.get("YIYANG_CHAOS_SEED", "20260312"))
MESSAGES: Final = 500
FEW, MANY = 5, 20
"""Strikes of a run in CI, and of `./run test --all`."""
_NAMED: Final = (
    ("writing into the inbox", "kept in the inbox", "reply known"),
    ("mapped, before the inbox", "claimed", "before identity"),
    ("in the hub commit", "before the hub commit", "after the hub commit"),
    ("while replying", "at the door", "consequences drawn, before the cursor"),
    ("while entries are chained", "entries chained", "before the checkpoint is anchored"),
)
"""Of each row a run of FEW meets one."""
SHALLOW: Final = 4
"""What many messages share is passed less often: a strike must fall before the load ends."""
_NUDGE_S = 1.0
_STRUCK_S = 120.0
EVERYTHING = 10**9


def aims(seed: int, count: int, who: Sequence[Who]) -> list[Strike]:
    """Return ``count`` strikes of ``seed``, taking turns in whom they meet."""
    rng = random.Random(seed)  # noqa: S311 - not a secret
    if count <= len(_NAMED):
        points = [rng.choice(row) for row in _NAMED[:count]]
    else:
        points = [*POINTS, *rng.choices(list(POINTS), k=count)][:count]
    rng.shuffle(points)
    deepest = max(SHALLOW, MESSAGES // count // 5)
    depths = [rng.randint(2, deepest if point in EACH_MESSAGE else SHALLOW) for point in points]
    return [
        Strike(point, nth, who[place % len(who)], serial=place)
        for place, (point, nth) in enumerate(zip(points, depths, strict=True))
    ]


async def storm(
    house: House, load: Load, strikes: Sequence[Strike], *, recover: Callable[[], Awaitable[None]]
) -> Senders:
    """Send ``load`` and let every strike fall; ``recover`` is awaited after each. Returns when all is answered."""
    senders = Senders(house)
    sending = asyncio.create_task(senders.send_all(load))
    share = len(load) // (len(strikes) + 1)
    for place, strike in enumerate(strikes, start=1):
        house.aim(strike)
        await senders.gate.open_to(place * share)
        await _fallen(house, senders, sending)
        await recover()
    await senders.gate.open_to(EVERYTHING)
    await sending
    return senders


async def _fallen(house: House, senders: Senders, sending: asyncio.Task[None]) -> None:
    """Wait for the strike, letting a message more through now and then; fail with the senders when they fail."""
    strike = asyncio.create_task(house.struck(within_s=_STRUCK_S))
    while True:
        done, _ = await asyncio.wait({strike, sending}, timeout=_NUDGE_S, return_when=asyncio.FIRST_COMPLETED)
        if strike in done:
            return strike.result()
        if sending in done:
            strike.cancel()
            sending.result()
            raise AssertionError("everything was sent before the strike fell")
        await senders.gate.open_to(senders.gate.passed + 2)


@asynccontextmanager
async def housed(
    folder: Path, *, words: Sequence[str] = (), database_url: str = "", beside: Path | None = None
) -> AsyncIterator[House]:
    """Give an installation whose server runs; whatever is left of it ends with the block."""
    house = House(folder / "home", beside=beside or folder, words=words, database_url=database_url)
    await house.set_up()
    await house.start()
    try:
        yield house
        assert await house.stop() == 0, house.last_words()
    finally:
        await house.end()


def told(kind: str, seed: int, strikes: Sequence[Strike], load: Load, verdict: Verdict) -> str:
    """Return the line of a run."""
    return f"chaos {kind}: seed={seed} points={len(strikes)} records={len(load)} {verdict.line()}"


async def weather(
    house: House, who: Sequence[Who], count: int, *, kind: str, seed: int = SEED, recover: Callable[[], Awaitable[None]]
) -> tuple[Verdict, str]:
    """Run one storm of ``count`` strikes and judge it; return the verdict and its line."""
    load = make_load(seed, MESSAGES)
    strikes = aims(seed, count, who)
    senders = await storm(house, load, strikes, recover=recover)
    try:
        verdict = await judge(house, load, senders)
    finally:
        await senders.close()
    return verdict, told(kind, seed, strikes, load, verdict)
