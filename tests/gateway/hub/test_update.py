"""update: what a view hides comes back, what it hides may not be touched, a Task follows its rules."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.fhir.problem import Problem
from gateway.hub import Demand
from tests.harness import CENTRE, World, condition, patient

TASK = "elder-follow-up"


async def _seen(world: World, client: str, kind: str = "Task", id: str = TASK) -> dict[str, Any]:
    released = await world.hub.read(world.caller(client), kind, id)
    doc: dict[str, Any] = json.loads(released.body)
    return doc


async def _put(world: World, client: str, doc: dict[str, Any], version: int = -1) -> Any:
    body = json.dumps(doc).encode()
    caller = world.caller(client)
    return await world.hub.update(caller, doc["resourceType"], doc["id"], body=body, demand=Demand(version))


async def test_a_masked_reader_loses_nothing_by_writing(world: World) -> None:
    task = await _seen(world, "station-carer")
    assert "extension" not in task

    written = await _put(world, "station-carer", {**task, "status": "accepted"}, 1)

    stored = await _seen(world, "station-doctor")
    assert written.version == 2
    assert stored["extension"][0]["valueString"] == "REMARK-FOR-DOCTORS"
    assert "tag" not in stored["meta"]
    assert stored["businessStatus"]["coding"][0]["code"] == "planned"


async def test_touching_what_is_masked_is_refused(world: World) -> None:
    task = await _seen(world, "station-carer")
    touched = {**task, "status": "accepted", "extension": [{"url": "http://example.org/x", "valueString": "x"}]}

    with pytest.raises(Problem, match="SEC-405") as refused:
        await _put(world, "station-carer", touched, 1)

    assert refused.value.where == "Task.extension"


async def test_a_task_is_changed_only_against_the_version_that_was_read(world: World) -> None:
    task = await _seen(world, "station-carer")

    with pytest.raises(Problem, match="HUB-007"):
        await _put(world, "station-carer", {**task, "status": "accepted"})
    with pytest.raises(Problem, match="STO-412"):
        await _put(world, "station-carer", {**task, "status": "accepted"}, 7)


async def test_only_few_elements_of_a_task_may_change(world: World) -> None:
    task = await _seen(world, "station-carer")

    with pytest.raises(Problem, match="SEC-406"):
        await _put(world, "station-carer", {**task, "priority": "stat"}, 1)


@pytest.mark.parametrize(
    ("client", "status", "code"), [("centre-nurse", "ready", "WF-003"), ("centre-doctor", "completed", "WF-002")]
)
async def test_a_task_takes_no_transition_that_is_not_the_roles(
    world: World, client: str, status: str, code: str
) -> None:
    task = await _seen(world, client, id="elder-referral")

    with pytest.raises(Problem, match=code):
        await _put(world, client, {**task, "status": status}, 1)


async def test_a_task_takes_the_transitions_of_the_role(world: World) -> None:
    task = await _seen(world, "centre-doctor", id="elder-referral")

    written = await _put(world, "centre-doctor", {**task, "status": "ready"}, 1)

    assert json.loads(written.released.body)["businessStatus"]["coding"][0]["code"] == "scheduled"


async def test_who_may_not_see_a_task_learns_nothing_from_its_version(world: World) -> None:
    task = await _seen(world, "station-carer")

    for version in (1, 7, -1):
        with pytest.raises(Problem, match="SEC-404"):
            await _put(world, "other-station-carer", task, version)


async def test_a_resource_may_not_move_to_another_elder(world: World) -> None:
    plan = await _seen(world, "centre-doctor", "CarePlan", "elder-plan")
    await world.write("12410000MB00000010", patient("third", "410199195001011234"))

    with pytest.raises(Problem, match=r"HUB-008|HUB-004"):
        await _put(world, "centre-doctor", {**plan, "subject": {"reference": "Patient/third"}}, 1)


async def test_an_absolute_reference_of_ours_is_the_same_elder(world: World) -> None:
    plan = await _seen(world, "centre-doctor", "CarePlan", "elder-plan")
    absolute = {"reference": "http://hub.test/fhir/Patient/elder"}

    written = await _put(world, "centre-doctor", {**plan, "subject": absolute}, 1)

    stored = await world.store.read("CarePlan", "elder-plan")
    assert stored is not None
    assert (written.version, stored.facts.elder) == (2, "elder")


async def test_an_update_that_changes_nothing_keeps_the_version(world: World) -> None:
    plan = await _seen(world, "centre-doctor", "CarePlan", "elder-plan")

    written = await _put(world, "centre-doctor", plan)

    assert (written.version, written.changed) == (1, False)


async def test_security_labels_of_a_client_count_for_nothing(world: World) -> None:
    plan = await _seen(world, "centre-doctor", "CarePlan", "elder-plan")
    plan["meta"]["security"] = [{"system": "http://example.org", "code": "PUBLIC"}]
    plan["title"] = "护理计划"

    await _put(world, "centre-doctor", plan, 1)

    stored = await _seen(world, "centre-doctor", "CarePlan", "elder-plan")
    assert "PUBLIC" not in json.dumps(stored)
    assert "L4" in json.dumps(stored["meta"]["security"])


async def test_a_label_goes_with_the_words_that_gave_it(world: World) -> None:
    plan = await _seen(world, "centre-doctor", "CarePlan", "elder-plan")
    await _put(world, "centre-doctor", {**plan, "description": "恶性肿瘤术后"}, 1)
    marked = await _seen(world, "centre-doctor", "CarePlan", "elder-plan")
    assert "TUM" in json.dumps(marked["meta"]["security"])

    await _put(world, "centre-doctor", {**marked, "description": "康复训练"}, 2)

    stored = await world.store.read("CarePlan", "elder-plan")
    assert stored is not None
    assert stored.facts.labels == ()


async def test_a_create_is_controlled_by_the_callers_organisation(world: World) -> None:
    doc = condition("elder")
    caller = world.caller("centre-doctor")

    written = await world.hub.create(caller, "Condition", body=json.dumps(doc).encode())

    stored = await world.store.read("Condition", written.id)
    assert stored is not None
    assert written.id != doc["id"]
    assert (stored.facts.controllers, stored.facts.elder) == ((CENTRE,), "elder")


async def test_a_create_about_an_elder_out_of_reach_is_refused_like_one_that_is_not_there(world: World) -> None:
    caller = world.caller("centre-doctor")

    for elder in ("stranger", "nobody"):
        with pytest.raises(Problem, match="HUB-004"):
            await world.hub.create(caller, "Condition", body=json.dumps(condition(elder)).encode())


async def test_a_role_that_may_not_write_is_refused(world: World) -> None:
    caller = world.caller("station-carer", ("system/*.cruds",))

    with pytest.raises(Problem, match="HUB-001"):
        await world.hub.create(caller, "Condition", body=json.dumps(condition("elder")).encode())
