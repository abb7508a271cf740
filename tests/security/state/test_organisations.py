"""The tree of organisations: who may stand under whom, and which of them form a chain."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from gateway.fhir.problem import Problems
from security.caller import Tier
from security.state import Organisation, Registry
from tests.security.state.world import CENTRE, HOSPITAL, OTHER_CENTRE, OTHER_STATION, STATION, codes

NEW = "12410100MB00000204"
FRESH = Organisation(NEW, "示范新机构", Tier.CENTRE, HOSPITAL)


async def faults(registry: Registry, entry: Organisation) -> list[str]:
    with pytest.raises(Problems) as caught:
        await registry.add_organisation(entry)
    return codes(caught.value)


@pytest.mark.parametrize(
    ("tier", "parent"),
    [(Tier.HOSPITAL, ""), (Tier.CENTRE, ""), (Tier.CENTRE, HOSPITAL), (Tier.STATION, CENTRE)],
)
async def test_it_may_stand_there(tier: Tier, parent: str, registry: Registry) -> None:
    change = await registry.add_organisation(replace(FRESH, tier=tier, parent=parent))
    assert (change.verb, change.kind, change.name, change.before) == ("add", "organisation", NEW, None)
    assert registry.snapshot().organisation(NEW) == change.after


@pytest.mark.parametrize(
    ("tier", "parent"),
    [
        (Tier.HOSPITAL, HOSPITAL),
        (Tier.CENTRE, CENTRE),
        (Tier.CENTRE, STATION),
        (Tier.STATION, ""),
        (Tier.STATION, HOSPITAL),
        (Tier.STATION, STATION),
        (Tier.STATION, NEW),
        (Tier.HUB, ""),
    ],
)
async def test_it_may_not_stand_there(tier: Tier, parent: str, registry: Registry) -> None:
    assert await faults(registry, replace(FRESH, tier=tier, parent=parent)) == ["SEC-104"]


async def test_nobody_stands_under_a_disabled_centre(registry: Registry) -> None:
    await registry.disable_organisation(CENTRE)
    assert await faults(registry, replace(FRESH, tier=Tier.STATION, parent=CENTRE)) == ["SEC-104"]


@pytest.mark.parametrize("code", ["", "12410100MB00000205", "12410100mb00000204", "1241010OMB00000204", "4"])
async def test_a_wrong_credit_code_is_refused(code: str, registry: Registry) -> None:
    assert await faults(registry, replace(FRESH, uscc=code)) == ["SEC-101"]


async def test_a_code_is_registered_once_even_when_it_was_disabled(registry: Registry) -> None:
    await registry.disable_organisation(OTHER_STATION)
    assert await faults(registry, replace(FRESH, uscc=OTHER_STATION)) == ["SEC-103"]


@pytest.mark.parametrize("name", ["", " ", "机" * 101, "示范\n机构"])
async def test_a_name_that_no_list_can_show_is_refused(name: str, registry: Registry) -> None:
    assert await faults(registry, replace(FRESH, name=name)) == ["SEC-106"]


async def test_all_faults_are_told_at_once_and_nothing_is_written(registry: Registry) -> None:
    before = registry.snapshot().version
    assert await faults(registry, Organisation("1", "", Tier.STATION)) == ["SEC-101", "SEC-106", "SEC-104"]
    await registry.refresh()
    assert registry.snapshot().version == before


async def test_an_entry_cannot_be_added_as_disabled(registry: Registry) -> None:
    await registry.add_organisation(replace(FRESH, disabled=True))
    assert registry.snapshot().organisation(NEW) is not None


async def test_of_two_administrators_one_registers_it(registry: Registry) -> None:
    outcomes = await asyncio.gather(*(registry.add_organisation(FRESH) for _ in range(4)), return_exceptions=True)
    refused = [codes(each) for each in outcomes if isinstance(each, Problems)]
    assert refused == [["SEC-103"]] * 3


async def test_a_change_is_checked_against_what_another_administrator_has_just_written(
    registry: Registry, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    async with pool.acquire() as other, other.transaction():
        await other.execute("SELECT n FROM security.version FOR UPDATE")
        adding = asyncio.create_task(registry.add_organisation(replace(FRESH, tier=Tier.STATION, parent=CENTRE)))
        await asyncio.sleep(0.2)  # whoever does not wait for the lock has read the tree by now
        await other.execute("UPDATE security.organisation SET disabled = now() WHERE uscc = $1", CENTRE)
    with pytest.raises(Problems) as caught:
        await adding
    assert codes(caught.value) == ["SEC-104"]


@pytest.mark.parametrize("member", [CENTRE, STATION])
async def test_a_chain_is_a_centre_with_its_stations(member: str, registry: Registry) -> None:
    assert registry.snapshot().chain(member) == {CENTRE, STATION}


async def test_chains_under_one_hospital_stay_apart(registry: Registry) -> None:
    known = registry.snapshot()
    assert known.chain(CENTRE).isdisjoint(known.chain(OTHER_CENTRE))


async def test_a_hospital_is_in_no_chain_but_its_own(registry: Registry) -> None:
    known = registry.snapshot()
    assert known.chain(HOSPITAL) == {HOSPITAL}
    assert not any(HOSPITAL in known.chain(each) for each in (CENTRE, STATION, OTHER_CENTRE, OTHER_STATION))


async def test_every_member_sees_the_same_chain(registry: Registry) -> None:
    known = registry.snapshot()
    for one in known.organisations:
        assert all(known.chain(other) == known.chain(one) for other in known.chain(one))


async def test_a_new_station_joins_its_centres_chain(registry: Registry) -> None:
    await registry.add_organisation(replace(FRESH, tier=Tier.STATION, parent=CENTRE))
    assert registry.snapshot().chain(STATION) == {CENTRE, STATION, NEW}


async def test_a_disabled_station_leaves_the_chain(registry: Registry) -> None:
    await registry.disable_organisation(STATION)
    known = registry.snapshot()
    assert known.chain(CENTRE) == {CENTRE}
    assert not known.chain(STATION)


async def test_who_is_unknown_has_no_chain(registry: Registry) -> None:
    assert registry.snapshot().chain(NEW) == frozenset()


@pytest.mark.parametrize(("below", "above"), [(STATION, HOSPITAL), (CENTRE, HOSPITAL), (HOSPITAL, ""), (NEW, "")])
async def test_the_hospital_above(below: str, above: str, registry: Registry) -> None:
    assert registry.snapshot().upstream(below) == above


async def test_a_disabled_hospital_is_above_nobody(registry: Registry) -> None:
    await registry.disable_organisation(HOSPITAL)
    assert registry.snapshot().upstream(STATION) == ""
