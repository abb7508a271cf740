"""A county's year on the wire: repeatable, with every oddity, and answered by the real intake as the manifest says."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.demo import data
from gateway.demo.county import CENTRE, HOSPITAL, Elder
from gateway.demo.oddities import LATE_CONSENT, LATE_STAY, ODDITIES, RARE_NAME, Sending
from gateway.store.arrivals import InboxRow
from security.state import Organisation
from tests.flows.town import START, Town, open_town

SEED, ELDERS = 7, 12
TODAY = START.date()
CLIENTS = {HOSPITAL: "hospital-his", CENTRE: "centre-doctor"}
ACKNOWLEDGED = {b"CA": "AA", b"CE": "AE", b"CR": "AR"}


@pytest.fixture(scope="module")
def year() -> list[Sending]:
    """Return the messages of a small county."""
    return list(data.sendings(ELDERS, SEED, today=TODAY))


def test_every_kind_of_oddity_is_there_and_the_seed_is_all(year: list[Sending]) -> None:
    kinds = {sending.oddity for sending in year} - {""}

    assert kinds == {*ODDITIES, RARE_NAME, LATE_CONSENT, LATE_STAY}
    assert list(data.sendings(ELDERS, SEED, today=TODAY)) == year
    assert list(data.sendings(ELDERS, SEED + 1, today=TODAY)) != year


def test_a_folder_says_what_was_sent(year: list[Sending], tmp_path: Path) -> None:
    counts = data.write(tmp_path / "county", ELDERS, SEED, today=TODAY)

    assert list(data.read(tmp_path / "county")) == year
    assert counts == dict(Counter(sending.answer for sending in year))
    with pytest.raises(FileExistsError):
        data.write(tmp_path / "county", ELDERS, SEED, today=TODAY)


def test_a_thousand_elders_get_an_answer_foretold_for_every_message(tell: Callable[[str], None]) -> None:
    began = time.process_time()

    made = Counter(sending.answer for sending in data.sendings(1_000, SEED, today=TODAY))

    seconds = time.process_time() - began
    told = dict(sorted(made.items()))
    assert set(told) == {"AA", "AE", "AR"}
    assert made.total() > 8_000
    tell(f"county of 1,000 elders, seed {SEED}: {made.total()} messages {told}, {seconds:.1f} s CPU")


def test_nobody_in_it_exists(year: list[Sending]) -> None:
    people = data.place(ELDERS, SEED, today=TODAY).elders

    assert all("示" in elder.name and elder.card.startswith("410199") for elder in people)
    assert any(ord(letter) > 0xFFFF for elder in people for letter in elder.name)


@pytest.fixture
async def county(town: Town) -> Town:
    """Return the town with every organisation of the county."""
    known = town.app.rooms.registry.snapshot()
    for place in data.place(ELDERS, SEED, today=TODAY).places:
        if known.organisation(place.uscc) is None:
            await town.app.rooms.registry.add_organisation(
                Organisation(place.uscc, place.name, place.tier, place.parent)
            )
    return town


@pytest.fixture
async def town(database: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with open_town(database, tmp_path) as made:
        yield made


async def test_the_real_intake_answers_every_message_as_the_manifest_says(
    county: Town, year: list[Sending], tell: Callable[[str], None]
) -> None:
    people = {elder.number: elder for elder in data.place(ELDERS, SEED, today=TODAY).elders}

    wrong = [
        (sending.oddity, sending.feed, sending.message, answer)
        for sending in year
        if (answer := await _sent(county, sending, people[sending.elder])) != sending.answer
    ]
    await county.quiet()
    stood = [(sending, await _state(county, sending)) for sending in year if sending.message]
    misplaced = [(one.oddity, one.feed, one.message, state) for one, state in stood if state != one.state]

    assert (wrong, misplaced) == ([], [])
    told = dict(sorted(Counter(sending.answer for sending in year).items()))
    tell(f"county of {ELDERS} elders, seed {SEED}: {len(year)} messages {told} answered as foretold")


async def _sent(town: Town, sending: Sending, elder: Elder) -> str:
    """Send one message and return its answer; the centre first accepts what waits."""
    if sending.feed == "adt-a03":
        answer = await town.mllp(sending.raw)
        return ACKNOWLEDGED[answer.split(b"MSA|")[1][:2]]
    client = CLIENTS.get(sending.organisation, "other-centre-doctor")
    if sending.feed == "assessment":
        await _accept(town, client, elder)
    response = await town.post(client, sending.feed, sending.raw)
    return str(response.json()["success"])


async def _accept(town: Town, client: str, elder: Elder) -> None:
    await town.quiet()
    for task in await town.of_elder(client, "Task", elder.card, code="referral", status="received"):
        assert (await town.move(client, task, "accepted")).status_code == 200


async def _state(town: Town, sending: Sending) -> str:
    """Return where these very bytes stand."""
    sender = "mllp:his-a03" if sending.feed == "adt-a03" else CLIENTS.get(sending.organisation, "other-centre-doctor")
    rows = await town.app.rooms.inbox.find(sender, sending.message)
    return next((_told(row) for row in rows if row.arrival.raw == sending.raw), "absent")


def _told(row: InboxRow) -> str:
    return f"{row.state} {row.reason}".strip() if row.state != "parked" else "parked"
