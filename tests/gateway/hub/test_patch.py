"""patch: a PUT of what the caller reads, changed in places; what it does not read it can neither touch nor test."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gateway.fhir.problem import Problem, Problems
from gateway.hub import Change, Demand, fhirpath_change, json_change
from tests.harness import CENTRE, World, care_plan, condition

Doc = dict[str, Any]


async def _patch(world: World, client: str, reference: str, *operations: Doc, version: int = -1) -> Any:
    kind, _, id = reference.partition("/")
    change = json_change(json.dumps(operations).encode())
    return await world.hub.patch(world.caller(client), kind, id, change=change, demand=Demand(version))


async def _stored(world: World, reference: str) -> Doc:
    kind, _, id = reference.partition("/")
    row = await world.store.read(kind, id)
    assert row is not None
    doc: Doc = json.loads(row.body)
    return doc


async def test_a_patch_makes_the_next_version(world: World) -> None:
    written = await _patch(
        world, "centre-doctor", "CarePlan/elder-plan", {"op": "add", "path": "/title", "value": "计划"}
    )

    assert (written.version, written.created, written.changed) == (2, False, True)
    assert (await _stored(world, "CarePlan/elder-plan"))["title"] == "计划"


async def test_a_patch_that_changes_nothing_keeps_the_version(world: World) -> None:
    written = await _patch(
        world, "centre-doctor", "CarePlan/elder-plan", {"op": "test", "path": "/status", "value": "active"}
    )

    assert (written.version, written.changed) == (1, False)


async def test_digits_and_bytes_of_what_is_not_patched_stay(world: World) -> None:
    plan = {**care_plan("elder"), "id": "weighed", "activity": [], "goal": [{"reference": "#g"}]}
    del plan["activity"]
    plan["contained"] = [
        {
            "resourceType": "Goal",
            "id": "g",
            "lifecycleStatus": "active",
            "description": {"text": "体重"},
            "subject": {"reference": "Patient/elder"},
            "target": [{"measure": {"text": "kg"}, "detailQuantity": {"value": 1}}],
        }
    ]
    body = json.dumps(plan).replace('"value": 1', '"value": 72.50')
    caller = world.caller("centre-doctor")
    made = await world.hub.create(caller, "CarePlan", body=body.encode())

    await _patch(world, "centre-doctor", f"CarePlan/{made.id}", {"op": "add", "path": "/title", "value": "x"})

    row = await world.store.read("CarePlan", made.id)
    assert row is not None
    assert b'"value":72.50' in row.body


async def test_what_a_view_hides_comes_back(world: World) -> None:
    await _patch(
        world,
        "station-carer",
        "Task/elder-follow-up",
        {"op": "replace", "path": "/status", "value": "accepted"},
        version=1,
    )

    stored = await _stored(world, "Task/elder-follow-up")
    assert stored["extension"][0]["valueString"] == "REMARK-FOR-DOCTORS"
    assert "tag" not in stored["meta"]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/extension/0/valueString", "value": "REMARK-FOR-DOCTORS"},
        {"op": "test", "path": "/extension", "value": []},
        {"op": "remove", "path": "/extension"},
        {"op": "replace", "path": "/extension/0/valueString", "value": "x"},
        {"op": "add", "path": "/extension/-", "value": {"url": "http://example.org/x", "valueString": "x"}},
        {"op": "copy", "from": "/extension/0/valueString", "path": "/description"},
        {"op": "move", "from": "/extension", "path": "/modifierExtension"},
    ],
    ids=lambda operation: f"{operation['op']} {operation['path']}",
)
async def test_what_is_hidden_can_neither_be_touched_nor_tested(world: World, operation: Doc) -> None:
    with pytest.raises(Problem, match="SEC-405"):
        await _patch(world, "station-carer", "Task/elder-follow-up", operation, version=1)


@pytest.mark.parametrize("guess", ["410199194303051027", "410199193907152213"])
async def test_a_masked_number_is_tested_as_it_is_read(world: World, guess: str) -> None:
    test = {"op": "test", "path": "/identifier/0/value", "value": guess}

    with pytest.raises(Problem, match="FHIR-072"):
        await _patch(world, "station-doctor", "Patient/elder", test)


async def test_a_patch_of_what_is_closed_is_a_patch_of_nothing(world: World) -> None:
    test = {"op": "test", "path": "/resourceType", "value": "Condition"}

    with pytest.raises(Problem) as closed:
        await _patch(world, "centre-doctor", "Condition/stranger-diagnosis", test)
    with pytest.raises(Problem) as absent:
        await _patch(world, "centre-doctor", "Condition/nothing", test)

    assert closed.value.code == absent.value.code == "SEC-404"


async def test_who_may_not_update_may_not_patch(world: World) -> None:
    with pytest.raises(Problem, match="HUB-001"):
        await _patch(world, "centre-reader", "CarePlan/elder-plan", {"op": "add", "path": "/title", "value": "x"})
    with pytest.raises(Problem, match="SEC-403"):
        await _patch(
            world, "centre-doctor", "Condition/elder-diagnosis", {"op": "add", "path": "/recordedDate", "value": "2026"}
        )


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "replace", "path": "/status", "value": "none"}, "FHIR-0"),
        ({"op": "add", "path": "/unknown", "value": 1}, "FHIR-010"),
        ({"op": "remove", "path": "/subject"}, "FHIR-011"),
        ({"op": "replace", "path": "/id", "value": "other"}, "HUB-005"),
        ({"op": "remove", "path": "/id"}, "HUB-005"),
        ({"op": "replace", "path": "/resourceType", "value": "Goal"}, "FHIR-005"),
        ({"op": "replace", "path": "/subject/reference", "value": "Patient/stranger"}, "HUB-008"),
        ({"op": "replace", "path": "/note", "value": []}, "FHIR-0"),
    ],
    ids=lambda case: case["path"] if isinstance(case, dict) else case,
)
async def test_the_result_passes_the_gate_of_an_update(world: World, operation: Doc, code: str) -> None:
    with pytest.raises((Problem, Problems), match=code):
        await _patch(world, "centre-doctor", "CarePlan/elder-plan", operation)
    assert (await _stored(world, "CarePlan/elder-plan"))["meta"]["versionId"] == "1"


async def test_a_task_is_patched_along_its_rules_and_against_its_version(world: World) -> None:
    move = {"op": "replace", "path": "/status", "value": "completed"}

    with pytest.raises(Problem, match="HUB-007"):
        await _patch(world, "centre-doctor", "Task/elder-referral", move)
    with pytest.raises(Problem, match="WF-002"):
        await _patch(world, "centre-doctor", "Task/elder-referral", move, version=1)
    with pytest.raises(Problem, match="SEC-406"):
        await _patch(
            world,
            "centre-doctor",
            "Task/elder-referral",
            {"op": "replace", "path": "/priority", "value": "stat"},
            version=1,
        )


async def test_labels_that_a_patch_sets_count_for_nothing(world: World) -> None:
    label = {"system": "http://example.org", "code": "PUBLIC"}

    await _patch(
        world,
        "centre-doctor",
        "CarePlan/elder-plan",
        {"op": "add", "path": "/meta/security", "value": [label]},
        {"op": "add", "path": "/title", "value": "x"},
    )

    assert "PUBLIC" not in json.dumps(await _stored(world, "CarePlan/elder-plan"))


async def test_patches_at_once_are_all_kept(world: World) -> None:
    await world.write(CENTRE, {**condition("elder", "own"), "note": [{"text": "0"}]})
    notes = [{"op": "add", "path": "/note/-", "value": {"text": str(number)}} for number in range(1, 4)]

    await asyncio.gather(*(_patch(world, "centre-doctor", "Condition/own", note) for note in notes))

    stored = await _stored(world, "Condition/own")
    assert sorted(note["text"] for note in stored["note"]) == ["0", "1", "2", "3"]


async def test_a_patch_has_its_entry(world: World) -> None:
    await _patch(world, "centre-doctor", "CarePlan/elder-plan", {"op": "add", "path": "/title", "value": "x"})

    (entry,) = await world.entries(agent="centre-doctor")
    assert (entry.action, entry.interface, entry.entity, entry.version) == (
        "update", "FHIR patch", "CarePlan/elder-plan", 2,
    )  # fmt: skip


def _fhirpath(op: str, path: str, *parts: Doc, kind: str) -> Change:
    named = [{"name": "type", "valueCode": op}, {"name": "path", "valueString": path}, *parts]
    body = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": named}]}
    return fhirpath_change(json.dumps(body).encode(), kind=kind)


async def test_a_fhirpath_patch_makes_the_next_version(world: World) -> None:
    title = {"name": "name", "valueString": "title"}, {"name": "value", "valueString": "计划"}
    change = _fhirpath("add", "CarePlan", *title, kind="CarePlan")

    written = await world.hub.patch(world.caller("centre-doctor"), "CarePlan", "elder-plan", change=change)

    assert (written.version, (await _stored(world, "CarePlan/elder-plan"))["title"]) == (2, "计划")


@pytest.mark.parametrize(
    "path",
    [
        "Task.extension",
        "Task.extension('http://example.org/remark').value",
        "Task.where(extension.exists()).status",
        "Task.reasonCode",
    ],
)
async def test_a_path_through_what_is_hidden_is_refused(world: World, path: str) -> None:
    change = _fhirpath("delete", path, kind="Task")

    with pytest.raises(Problem, match="SEC-405"):
        await world.hub.patch(world.caller("station-carer"), "Task", "elder-follow-up", change=change, demand=Demand(1))


async def test_a_criterion_meets_a_masked_value_as_it_is_read(world: World) -> None:
    path = "Patient.identifier.where(value = '410199194303051027').value"
    change = _fhirpath("replace", path, {"name": "value", "valueString": "x"}, kind="Patient")

    with pytest.raises(Problem, match="FHIR-071"):
        await world.hub.patch(world.caller("station-doctor"), "Patient", "elder", change=change)


async def test_a_patch_that_cannot_be_read_leaves_its_entry(world: World) -> None:
    with pytest.raises(Problem, match="FHIR-070"):
        await world.hub.patch(world.caller("centre-doctor"), "CarePlan", "elder-plan", change=json_change(b"{}"))

    (entry,) = await world.entries(agent="centre-doctor")
    assert (entry.interface, entry.reasons) == ("FHIR patch", ("FHIR-070",))
