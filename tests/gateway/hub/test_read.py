"""read and vread: denied answers like absent, every version is decided by itself."""

from __future__ import annotations

import json

import pytest

from gateway.fhir.problem import Problem
from tests.harness import HOSPITAL, World, condition, consent

PSYCHIATRIC = "精神分裂症"


async def test_what_may_be_seen_whole_leaves_as_it_is_stored(world: World) -> None:
    stored = await world.store.read("Condition", "elder-diagnosis")

    released = await world.hub.read(world.caller("centre-doctor"), "Condition", "elder-diagnosis")

    assert stored is not None
    assert (released.body, released.masked) == (stored.body, False)


async def test_denied_and_absent_raise_the_same(world: World) -> None:
    caller = world.caller("station-carer")

    with pytest.raises(Problem) as denied:
        await world.hub.read(caller, "Patient", "stranger")
    with pytest.raises(Problem) as absent:
        await world.hub.read(caller, "Patient", "nobody")

    assert str(denied.value) == str(absent.value)
    assert denied.value.code == "SEC-404"


async def test_the_carer_sees_a_masked_view(world: World) -> None:
    released = await world.hub.read(world.caller("station-carer"), "Patient", "elder")

    seen = json.loads(released.body)
    assert released.masked
    assert "identifier" not in seen
    assert seen["birthDate"] == "1943"


async def test_a_scope_is_demanded_before_anything_is_looked_up(world: World) -> None:
    caller = world.caller("centre-doctor", ("system/Condition.rs",))

    with pytest.raises(Problem, match="HUB-001"):
        await world.hub.read(caller, "Patient", "elder")


async def test_a_version_that_is_closed_stays_closed_when_the_current_one_is_open(world: World) -> None:
    await world.write(HOSPITAL, condition("elder", "c1", note=PSYCHIATRIC))
    await world.write(HOSPITAL, condition("elder", "c1"))
    caller = world.caller("centre-doctor")

    found = await world.hub.history(caller, "Condition", "c1")

    assert [row.version for row in found.rows] == [2]
    assert found.total is None
    with pytest.raises(Problem, match="SEC-404"):
        await world.hub.vread(caller, "Condition", "c1", version=1)


async def test_a_version_that_is_open_closes_with_the_current_one(world: World) -> None:
    await world.write(HOSPITAL, condition("elder", "c1"))
    await world.write(HOSPITAL, condition("elder", "c1", note=PSYCHIATRIC))
    caller = world.caller("centre-doctor")

    with pytest.raises(Problem, match="SEC-404"):
        await world.hub.vread(caller, "Condition", "c1", version=1)
    with pytest.raises(Problem, match="SEC-404"):
        await world.hub.history(caller, "Condition", "c1")


async def test_a_withdrawn_consent_closes_the_next_read(world: World) -> None:
    caller = world.caller("centre-doctor")
    await world.hub.read(caller, "Condition", "elder-diagnosis")

    await world.write(HOSPITAL, consent("elder", status="inactive"))

    with pytest.raises(Problem, match="SEC-404"):
        await world.hub.read(caller, "Condition", "elder-diagnosis")


async def test_a_deleted_resource_is_gone_for_those_who_might_have_read_it(world: World) -> None:
    owner = world.caller("centre-doctor")
    await world.hub.delete(owner, "CarePlan", "elder-plan")

    with pytest.raises(Problem, match="STO-410"):
        await world.hub.read(owner, "CarePlan", "elder-plan")
    with pytest.raises(Problem, match="SEC-404"):
        await world.hub.read(world.caller("other-centre-doctor"), "CarePlan", "elder-plan")
