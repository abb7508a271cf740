"""Every role walks everything it can reach: it meets the secrets that it may, all of them, and no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from tests.attacks.crawler import Crawler, guesses
from tests.attacks.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

CRAWLERS: Final = (
    *("centre-doctor", "centre-nurse", "station-doctor", "station-carer"),
    *("other-centre-doctor", "other-centre-nurse", "other-station-doctor", "other-station-carer"),
    *("hospital-his", "auditor", "tasks-only", "nobody"),
)
_NARROW: Final = {"tasks-only"}
"""Clients whose scopes let them meet only a part of what their role may."""


@pytest.mark.parametrize("client", CRAWLERS)
async def test_a_crawl_meets_what_the_role_may_and_nothing_else(
    world: World, client: str, tell: Callable[[str], None]
) -> None:
    may = world.entitled(client) if client in world.clients else set()

    journey = await Crawler(world, client, guesses(world, client)).crawl(await world.stored())

    leaks = {world.plan.canaries[secret].place: lines[:3] for secret, lines in journey.met.items() if secret not in may}
    tell(
        f"crawl of {client}: {journey.requests} requests ({journey.refused} refused), {journey.links} links walked, "
        f"{len(world.plan.canaries)} canaries planted, {len(journey.met)} of {len(may)} met, leaks={len(leaks)}"
    )
    assert journey.faults == []
    assert leaks == {}
    missed = {world.plan.canaries[secret].place for secret in may - journey.met.keys()}
    assert client in _NARROW or missed == set()
