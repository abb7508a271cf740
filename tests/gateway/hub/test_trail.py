"""AuditEvent: the journal for the auditor, and for nobody else."""

from __future__ import annotations

import json

import pytest

from gateway.fhir.problem import Problem, Problems
from tests.harness import World


async def _looked_at(world: World) -> None:
    await world.hub.read(world.caller("centre-doctor"), "Patient", "elder")
    with pytest.raises(Problem):
        await world.hub.read(world.caller("station-carer"), "Patient", "stranger")
    await world.entries()


async def test_the_auditor_finds_who_looked_at_an_elder(world: World) -> None:
    await _looked_at(world)
    pairs = [("patient", "Patient/elder"), ("action", "read")]

    found = await world.hub.search(world.caller("auditor"), "AuditEvent", pairs=pairs)

    (event,) = (json.loads(row.body) for row in found.rows)
    assert event["resourceType"] == "AuditEvent"
    assert event["entity"][0]["what"]["reference"] == "Patient/elder/_history/1"


@pytest.mark.parametrize(
    ("pairs", "clients"),
    [
        ([("outcome", "8")], ["station-carer"]),
        ([("entity", "Patient/elder")], ["centre-doctor"]),
        ([("agent", "station-carer")], ["station-carer"]),
        ([("action", "read"), ("date", "ge2026-03-12")], ["station-carer", "centre-doctor"]),
        ([("action", "read"), ("date", "lt2026-03-12")], []),
    ],
    ids=["outcome", "entity", "agent", "since", "until"],
)
async def test_entries_are_found_by(world: World, pairs: list[tuple[str, str]], clients: list[str]) -> None:
    await _looked_at(world)

    found = await world.hub.search(world.caller("auditor"), "AuditEvent", pairs=pairs)

    events = [json.loads(row.body) for row in found.rows]
    assert [event["agent"][0]["who"]["identifier"]["value"] for event in events] == clients


async def test_pages_hold_every_entry_once(world: World) -> None:
    await _looked_at(world)
    caller, pairs, seen = world.caller("auditor"), [("_count", "2"), ("date", "le2026-03-12")], list[str]()

    while pairs:
        page = await world.hub.search(caller, "AuditEvent", pairs=pairs)
        seen += [row.id for row in page.rows]
        pairs = [("_page", page.next.partition("=")[2])] if page.next else []

    assert len(seen) == len(set(seen)) >= 7


async def test_one_entry_is_read_by_its_id(world: World) -> None:
    await _looked_at(world)
    caller = world.caller("auditor")
    found = await world.hub.search(caller, "AuditEvent", pairs=[("agent", "station-carer")])

    read = await world.hub.read(caller, "AuditEvent", found.rows[0].id)

    assert read == found.rows[0]
    with pytest.raises(Problem, match="SEC-404"):
        await world.hub.read(caller, "AuditEvent", "no-such-entry")


async def test_nobody_else_reads_the_journal(world: World) -> None:
    caller = world.caller("centre-doctor")

    with pytest.raises(Problem, match="SEC-403"):
        await world.hub.search(caller, "AuditEvent")
    with pytest.raises(Problem, match="SEC-404"):
        await world.hub.read(caller, "AuditEvent", "x")


async def test_the_auditor_reads_nothing_else(world: World) -> None:
    with pytest.raises(Problem, match="HUB-001"):
        await world.hub.read(world.caller("auditor"), "Patient", "elder")


async def test_looking_at_the_journal_stands_in_it(world: World) -> None:
    await world.hub.search(world.caller("auditor"), "AuditEvent", pairs=[("patient", "elder")])

    (entry,) = await world.entries(agent="auditor")

    assert (entry.action, entry.kind, entry.outcome) == ("search", "AuditEvent", 0)


@pytest.mark.parametrize(
    "pair",
    [("site", "x"), ("_include", "x"), ("date", "ne2026"), ("outcome", "1"), ("action", "R"), ("_count", "0"),
     ("entity", "Patient"), ("patient", "a/b"), ("agent", "赵")],
)  # fmt: skip
async def test_what_is_not_understood_is_refused(world: World, pair: tuple[str, str]) -> None:
    with pytest.raises(Problems, match=r"FHIR-04[12]"):
        await world.hub.search(world.caller("auditor"), "AuditEvent", pairs=[pair])
