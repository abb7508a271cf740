"""Versions as every store keeps them: made, read, refused, removed, told in order."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from gateway.fhir.problem import Problem
from gateway.store.protocol import MUST_NOT_EXIST, Batch, FhirStore
from tests.gateway.store.conftest import PostgresWorld
from tests.gateway.store.making import CARD, START, current, deletion, find, observation, patient, put, write


async def test_a_created_resource_is_read_as_told(store: FhirStore) -> None:
    (done,) = await store.commit(Batch((write(patient(), expect=MUST_NOT_EXIST),)))

    assert await store.read("Patient", "p1") == done.stored
    assert (done.created, done.changed, done.stored.version) == (True, True, 1)


async def test_the_body_shows_version_and_time_and_is_otherwise_as_sent(store: FhirStore) -> None:
    doc = patient(name=[{"text": "王示兰"}])
    (done,) = await store.commit(Batch((write(doc),)))

    body = json.loads(done.stored.body)

    assert body.pop("meta") == {
        "versionId": "1",
        "lastUpdated": done.stored.updated.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    assert body == doc


async def test_the_facts_come_back_as_written(store: FhirStore) -> None:
    sent = (("H1", (f"{CARD}|card-p1",)),)
    asked = write(patient(), level=5, labels=("PSY", "HIV"), handed_to=("C1",), sent=sent)
    await store.commit(Batch((asked,)))

    assert (await current(store, "Patient", "p1")).facts == asked.facts


async def test_what_is_not_there_is_none(store: FhirStore) -> None:
    assert await store.read("Patient", "nobody") is None
    assert await store.vread("Patient", "nobody", 1) is None
    assert (await store.history("Patient", "nobody", count=5)).rows == ()


async def test_one_id_may_be_used_by_two_kinds(store: FhirStore) -> None:
    await put(store, patient("same"), observation("same", elder="same"))

    assert (await current(store, "Patient", "same")).kind == "Patient"
    assert (await current(store, "Observation", "same")).kind == "Observation"


async def test_read_many_returns_those_that_exist(store: FhirStore) -> None:
    await put(store, patient(), observation("o1"))

    found = await store.read_many([("Patient", "p1"), ("Observation", "o1"), ("Task", "t9")])

    assert sorted(found) == [("Observation", "o1"), ("Patient", "p1")]
    assert await store.read_many([]) == {}


async def test_an_update_makes_the_next_version(store: FhirStore) -> None:
    await put(store, patient())

    (done,) = await store.commit(Batch((write(patient(gender="female"), expect=1),)))

    assert (done.created, done.changed, done.stored.version) == (False, True, 2)


async def test_an_update_that_changes_nothing_makes_no_version(store: FhirStore) -> None:
    await put(store, patient())

    (done,) = await store.commit(Batch((write(patient()),)))

    assert (done.changed, done.created, done.stored) == (False, False, await store.read("Patient", "p1"))
    assert done.stored.version == 1


async def test_an_update_with_other_version_and_time_in_meta_changes_nothing(store: FhirStore) -> None:
    await put(store, patient())

    (done,) = await store.commit(
        Batch((write(patient(meta={"versionId": "77", "lastUpdated": "2020-01-01T00:00:00Z"})),))
    )

    assert (done.changed, done.stored.version) == (False, 1)


async def test_a_change_of_facts_alone_makes_a_version(store: FhirStore) -> None:
    await put(store, patient())

    (done,) = await store.commit(Batch((write(patient(), controllers=("H1", "C1")),)))

    assert (done.changed, done.stored.version) == (True, 2)


async def test_a_stale_version_is_refused(store: FhirStore) -> None:
    await put(store, patient())
    await put(store, patient(gender="female"))

    with pytest.raises(Problem, match="STO-412") as refused:
        await store.commit(Batch((write(patient(gender="male"), expect=1),)))

    assert refused.value.detail == {"kind": "Patient", "id": "p1"}


async def test_an_update_of_a_version_of_nothing_is_refused(store: FhirStore) -> None:
    with pytest.raises(Problem, match="STO-412"):
        await store.commit(Batch((write(patient(), expect=1),)))


async def test_a_create_over_a_living_resource_is_refused(store: FhirStore) -> None:
    await put(store, patient())

    with pytest.raises(Problem, match="STO-412"):
        await store.commit(Batch((write(patient(), expect=MUST_NOT_EXIST),)))


async def test_a_deletion_stays_readable_as_a_version_and_is_found_no_more(store: FhirStore) -> None:
    await put(store, patient())
    await store.commit(Batch((deletion(patient()),)))

    row = await current(store, "Patient", "p1")

    assert (row.deleted, row.version, row.body) == (True, 2, b"")
    assert (await find(store, "Patient", f"identifier={CARD}|card-p1")).rows == ()
    assert (await find(store, "Patient")).rows == ()


async def test_a_second_deletion_changes_nothing(store: FhirStore) -> None:
    await put(store, patient())
    await store.commit(Batch((deletion(patient()),)))

    (done,) = await store.commit(Batch((deletion(patient()),)))

    assert (done.changed, done.stored.version) == (False, 2)


async def test_deleting_what_never_was_is_refused(store: FhirStore) -> None:
    with pytest.raises(Problem, match="STO-404"):
        await store.commit(Batch((deletion(patient()),)))


async def test_deleting_a_stale_version_is_refused(store: FhirStore) -> None:
    await put(store, patient())
    await put(store, patient(gender="female"))

    with pytest.raises(Problem, match="STO-412"):
        await store.commit(Batch((deletion(patient(), expect=1),)))


async def test_a_write_expecting_a_version_of_a_deleted_one_is_refused(store: FhirStore) -> None:
    await put(store, patient())
    await store.commit(Batch((deletion(patient()),)))

    with pytest.raises(Problem, match="STO-410"):
        await store.commit(Batch((write(patient(), expect=1),)))


async def test_the_numbers_go_on_after_a_deletion(store: FhirStore) -> None:
    await put(store, patient())
    await store.commit(Batch((deletion(patient()),)))

    (done,) = await store.commit(Batch((write(patient(), expect=MUST_NOT_EXIST),)))

    assert (done.created, done.stored.version) == (True, 3)
    assert len((await find(store, "Patient", f"identifier={CARD}|card-p1")).rows) == 1


async def test_a_past_version_is_read_as_it_was(store: FhirStore) -> None:
    await put(store, patient(gender="male"))
    await put(store, patient(gender="female"))

    row = await store.vread("Patient", "p1", 1)

    assert row is not None
    assert (row.version, json.loads(row.body)["gender"]) == (1, "male")
    assert await store.vread("Patient", "p1", 3) is None


async def test_history_is_newest_first_and_pages(store: FhirStore) -> None:
    for gender in ("male", "female", "other"):
        await put(store, patient(gender=gender))

    first = await store.history("Patient", "p1", count=2)
    second = await store.history("Patient", "p1", count=2, cursor=first.next)

    assert [row.version for row in (*first.rows, *second.rows)] == [3, 2, 1]
    assert (first.total, second.next) == (3, "")


async def test_history_pages_are_stable_under_new_versions(store: FhirStore) -> None:
    for gender in ("male", "female", "other"):
        await put(store, patient(gender=gender))
    first = await store.history("Patient", "p1", count=2)
    await put(store, patient(gender="unknown"))

    second = await store.history("Patient", "p1", count=2, cursor=first.next)

    assert [row.version for row in second.rows] == [1]


async def test_history_shows_a_deletion_as_a_version(store: FhirStore) -> None:
    await put(store, patient())
    await store.commit(Batch((deletion(patient()),)))
    await put(store, patient())

    page = await store.history("Patient", "p1", count=5)

    assert [(row.version, row.deleted) for row in page.rows] == [(3, False), (2, True), (1, False)]


@pytest.mark.parametrize(("id", "bind"), [("p2", "me"), ("p1", "you")])
async def test_a_history_cursor_serves_only_its_own_question(store: FhirStore, id: str, bind: str) -> None:
    for gender in ("male", "female"):
        await put(store, patient("p1", gender=gender), patient("p2", gender=gender))
    cursor = (await store.history("Patient", "p1", count=1, bind="me")).next

    with pytest.raises(Problem, match="STO-400"):
        await store.history("Patient", id, count=1, cursor=cursor, bind=bind)


async def test_the_time_of_a_version_never_goes_back(store: FhirStore, world: PostgresWorld) -> None:
    await put(store, patient())
    before = (await current(store, "Patient", "p1")).updated

    world.clock.at = START - timedelta(days=1)
    await put(store, patient(gender="female"))

    assert (await current(store, "Patient", "p1")).updated >= before
