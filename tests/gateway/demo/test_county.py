"""The fiction: the same for the same seed, and nobody in it exists."""

from __future__ import annotations

import re
import time
from datetime import date, timedelta

import orjson

from gateway.demo.county import CENTRE, HOSPITAL, STATION, County, county
from gateway.demo.records import adt_a03
from gateway.demo.year import CHINA, year
from gateway.fhir.check_digits import is_credit_code
from security.caller import Tier
from tests.gateway.demo.stay import stay

TODAY = date(2026, 11, 25)


def _county(elders: int = 30, seed: int = 7, today: date = TODAY) -> County:
    return county(seed=seed, elders=elders, today=today)


def _bytes(place: County) -> bytes:
    rows = year(place, seed=7, today=place.today, hospital=HOSPITAL)
    return orjson.dumps([[row.at.isoformat(), row.feed, row.organisation, row.record] for row in rows])


def test_the_county_has_a_hospital_and_two_chains() -> None:
    places = _county().places

    assert [sum(place.tier is tier for place in places) for tier in (Tier.HOSPITAL, Tier.CENTRE, Tier.STATION)] == [
        1,
        2,
        6,
    ]
    assert {HOSPITAL, CENTRE, STATION} <= {place.uscc for place in places}
    assert all(is_credit_code(place.uscc) for place in places)


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert _bytes(_county()) == _bytes(_county())
    assert _bytes(_county()) != _bytes(_county(seed=8))


def test_nobody_in_it_exists() -> None:
    for elder in _county(elders=200).elders:
        assert "示" in elder.name
        assert "示" in elder.son
        assert elder.card.startswith("410199")
        assert re.fullmatch(r"138000000\d\d", elder.phone)
        assert re.fullmatch(r"138000000\d\d", elder.son_phone)


def test_everybody_has_numbers_of_their_own() -> None:
    place = _county(elders=1_000)
    people = [*place.elders, *(one for play in range(20) for one in place.cast(play))]

    for field in ("card", "patient_no", "health_record_no"):
        assert len({getattr(one, field) for one in people}) == len(set(people))


def test_the_year_ends_yesterday() -> None:
    rows = year(_county(), seed=7, today=TODAY, hospital=HOSPITAL)

    days = [row.at.astimezone(CHINA).date() for row in rows]
    assert days == sorted(days)
    assert TODAY - timedelta(days=366) < days[0] < TODAY - timedelta(days=250)
    assert days[-1] == TODAY - timedelta(days=1)


def test_all_dates_move_with_today() -> None:
    later = TODAY + timedelta(days=100)

    rows = year(_county(today=later), seed=7, today=later, hospital=HOSPITAL)

    assert rows[-1].at.date() == later - timedelta(days=1)


def test_nothing_of_the_story_is_sent_before_it_is_told() -> None:
    place = _county()

    sent = {row.elder.number for row in year(place, seed=7, today=TODAY, hospital=HOSPITAL)}

    assert sent.isdisjoint({one.number for one in place.cast(0)})
    assert len(sent) == 28


def test_a_thousand_elders_take_no_time() -> None:
    began = time.process_time()

    rows = year(_county(elders=1_000), seed=7, today=TODAY, hospital=HOSPITAL)

    assert len(rows) > 3_000
    assert time.process_time() - began < 5


def test_every_telling_has_people_of_its_own_in_the_first_chain() -> None:
    place = _county()

    people = [one for play in range(3) for one in place.cast(play)]

    assert len({one.number for one in people}) == 6
    assert {(one.station, one.centre) for one in people} == {(STATION, CENTRE)}
    assert place.cast(2) == place.cast(2)


def test_the_hl7_message_says_the_same_stay() -> None:
    elder = _county().elders[0]

    lines = adt_a03(elder, stay(elder)).decode().split("\r")

    assert lines[0].startswith(f"MSH|^~\\&|HIS|{HOSPITAL}|")
    assert elder.card in lines[2]
    assert [line.split("|")[0] for line in lines if line] == ["MSH", "EVN", "PID", "NK1", "PV1", "DG1", *["OBX"] * 3]
