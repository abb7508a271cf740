"""A year of the county: who was in hospital when, who consented, was assessed, got a plan.

In: a county and the last day. Out: what each system sends, in the order of time; the last record is dated the day
before ``today``. The story's own elder is left out: their records are sent by the story.
"""

from __future__ import annotations

import random  # noqa: TID251 - a seeded fiction must repeat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.demo.county import County, Elder
from gateway.demo.records import (
    DIAGNOSES,
    DRUGS,
    FULL_SCORES,
    Record,
    Stay,
    assessment,
    care_plan,
    consent,
    discharge,
)

CHINA = ZoneInfo("Asia/Shanghai")
STORY_ELDERS = 2
"""The first two elders are the story's: with consent, and without."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One record: which feed, which organisation sends it, about whom, what; of a discharge, the stay too."""

    at: datetime
    feed: str
    organisation: str
    elder: Elder
    record: Record
    stay: Stay | None = None


def year(county: County, *, seed: int, today: date, hospital: str) -> list[Sent]:
    """Return the records of the year before ``today`` in order of time; the last one is of the day before."""
    first = _year(county, seed, today, hospital)
    late = today - timedelta(days=1) - first[-1].at.date()
    return _year(county, seed, today + late, hospital)


def _year(county: County, seed: int, today: date, hospital: str) -> list[Sent]:
    rng = random.Random(seed)  # noqa: S311 - fiction, not a secret
    sent = [row for elder in county.elders[STORY_ELDERS:] for row in _life(elder, rng, today, hospital)]
    return sorted(sent, key=lambda row: row.at)


def _life(elder: Elder, rng: random.Random, today: date, hospital: str) -> Iterator[Sent]:
    for stay in _stays(elder, rng, today):
        out = stay.discharged
        if stay.way == "3":
            signed = out - timedelta(hours=1)
            recipients = (elder.centre, elder.station)
            yield Sent(signed, "sharing-consent", hospital, elder, consent(elder, at=signed, recipients=recipients))
        yield Sent(out, "json-discharge", hospital, elder, discharge(elder, stay), stay)
        if stay.way == "3":
            assessed, planned = out + timedelta(days=2), out + timedelta(days=3)
            scores = assessment(elder, at=assessed, scores=_scores(rng))
            yield Sent(assessed, "assessment", elder.centre, elder, scores)
            yield Sent(planned, "care-plan", elder.centre, elder, care_plan(elder, at=planned))


def _stays(elder: Elder, rng: random.Random, today: date) -> Iterator[Stay]:
    """Yield one to four stays, the last discharged at least five days before ``today``."""
    day = today - timedelta(days=360 - rng.randint(0, 120))
    for place in range(rng.randint(1, 4)):
        length = rng.randint(4, 14)
        out = day + timedelta(days=length)
        if out > today - timedelta(days=5):
            return
        community = place == 0 or rng.random() < 0.5
        yield Stay(
            number=f"ZD{day:%Y%m%d}{elder.number:04d}",
            admitted=datetime.combine(day, time(9, 20), CHINA),
            discharged=datetime.combine(out, time(16, 0), CHINA),
            diagnoses=tuple(rng.sample(sorted(DIAGNOSES), rng.randint(1, 3))),
            drugs=tuple(rng.sample(sorted(DRUGS), rng.randint(0, 5))),
            barthel=rng.randrange(20, 101, 5),
            braden=rng.randint(10, 23),
            morse=rng.randrange(0, 100, 5),
            way="3" if community else "1",
            receiver=elder.centre if community else "",
        )
        day = out + timedelta(days=rng.randint(40, 110))


def _scores(rng: random.Random) -> dict[str, int]:
    return {item: rng.randint(most // 2, most) for item, most in FULL_SCORES.items()}
