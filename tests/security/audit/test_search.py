"""One entry is found by its id without a walk through the journal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from gateway.fhir.problem import Problem
from security.audit import Filter, Journal, entry, find
from security.audit.record import Entry, new_event, time_of_event
from security.audit.writer import Pool
from security.crypto import Keys
from tests.security.audit.conftest import CALLER, NOON, Make

OTHERS = 40


class CountingKeys:
    """Keys that count what they open."""

    def __init__(self, keys: Keys) -> None:
        self._keys, self.opened = keys, 0

    def open(self, sealed: bytes, context: bytes) -> bytes:
        self.opened += 1
        return self._keys.open(sealed, context)

    def __getattr__(self, name: str) -> object:
        return getattr(self._keys, name)


@pytest.fixture
async def journal(make: Make) -> Journal:
    """Return a journal of entries a second apart, two of them in one millisecond."""
    journal = make()
    await journal.start()
    for second in range(OTHERS):
        at = NOON + timedelta(seconds=second)
        await journal.append(entry(CALLER, "read", at=at, kind="CarePlan", id=f"plan-{second}"), durable=False)
    for microseconds in (100, 900):
        at = NOON + timedelta(seconds=7.5, microseconds=microseconds)
        await journal.append(entry(CALLER, "read", at=at, kind="Task", id=f"task-{microseconds}"), durable=True)
    await journal.stop()
    return journal


@pytest.mark.parametrize("wanted", ["task-100", "task-900"])
async def test_an_entry_is_found_by_its_id_and_only_its_millisecond_is_opened(
    journal: Journal, pool: Pool, keys: Keys, wanted: str
) -> None:
    (one,) = (await find(pool, keys, Filter(entity=f"Task/{wanted}"))).entries
    counting = CountingKeys(keys)

    found = await find(pool, counting, Filter(event=one.event))  # type: ignore[arg-type]

    assert found.entries == (one,)
    assert counting.opened == 2


async def test_an_id_that_nobody_drew_opens_nothing(journal: Journal, pool: Pool, keys: Keys) -> None:
    counting = CountingKeys(keys)

    found = await find(pool, counting, Filter(event=new_event(NOON + timedelta(days=3))))  # type: ignore[arg-type]

    assert (found.entries, counting.opened) == ((), 0)


async def test_an_id_and_other_bounds_of_time_hold_together(journal: Journal, pool: Pool, keys: Keys) -> None:
    (one,) = (await find(pool, keys, Filter(entity="Task/task-100"))).entries
    at = NOON + timedelta(seconds=7.5)

    inside = await find(pool, keys, Filter(event=one.event, since=at, until=at + timedelta(seconds=1)))
    after = await find(pool, keys, Filter(event=one.event, since=at + timedelta(seconds=1)))
    before = await find(pool, keys, Filter(event=one.event, until=at))

    assert [len(page.entries) for page in (inside, after, before)] == [1, 0, 0]


async def test_an_id_of_another_make_is_still_found(make: Make, pool: Pool, keys: Keys) -> None:
    journal = make()
    await journal.start()
    await journal.append(entry(CALLER, "read", at=NOON, event="11111111-2222-4333-8444-555555555555"), durable=True)
    await journal.stop()

    found = await find(pool, keys, Filter(event="11111111-2222-4333-8444-555555555555"))

    assert len(found.entries) == 1


def test_an_id_is_a_uuid_of_version_7_that_tells_its_millisecond() -> None:
    at = datetime(2026, 3, 12, 8, 31, 7, 654_321, tzinfo=UTC)

    event = new_event(at)

    assert (UUID(event).version, UUID(event).variant) == (7, "specified in RFC 4122")
    assert time_of_event(event) == int(datetime(2026, 3, 12, 8, 31, 7, 654_000, tzinfo=UTC).timestamp() * 1_000_000)
    assert len({new_event(at) for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize("event", ["", "x", "11111111-2222-4333-8444-555555555555", "0" * 36])
def test_an_id_of_another_make_tells_no_time(event: str) -> None:
    assert time_of_event(event) is None


async def test_a_cursor_that_is_none_is_refused(pool: Pool, keys: Keys) -> None:
    with pytest.raises(Problem) as refused:
        await find(pool, keys, Filter(), cursor="x.y.z")

    assert refused.value.code == "SEC-953"


def test_a_record_tells_what_its_commit_wrote_and_an_older_one_tells_nothing() -> None:
    wrote = ("Patient/p1/2/AAAAAAAAAAA", "message/BBBBBBBBBBB")
    new = Entry.unpack(entry(CALLER, "ingest", at=NOON, wrote=wrote))
    older = Entry.unpack(entry(CALLER, "ingest", at=NOON).removesuffix(b",[]]") + b"]")

    assert (new.wrote, older.wrote) == (wrote, ())


def test_an_id_that_looks_like_an_identity_number_is_masked_in_what_was_written() -> None:
    record = entry(CALLER, "update", at=NOON, wrote=("Patient/410199194303051027/1/AAAAAAAAAAA",))

    assert b"410199194303051027" not in record
    assert Entry.unpack(record).wrote == ("Patient/[masked]/1/AAAAAAAAAAA",)
