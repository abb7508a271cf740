"""A fictional county: one hospital, two centres with their own chains, six stations, and who lives there.

Out: organisations and elders, the same for the same seed. Nobody in it exists: names carry 示, the district 410199 is
not assigned, phones are 138000000nn, credit codes have serials MB000000n and MJ000000n (synthetic-data policy,
docs/glossary.md).
"""

from __future__ import annotations

import random  # noqa: TID251 - a seeded fiction must repeat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from gateway.fhir.check_digits import credit_check
from security.caller import Tier

HOSPITAL = "12410000MB00000010"
CENTRE = "12410100MB00000028"
STATION = "52410102MJ0000003J"
DISTRICT = "410199"
FIRST_UNDERSTUDY = 5_000_000
"""Number of the first elder who plays the story when it is told again; the county has fewer people."""
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "兰芳英秀华国建玉桂春生明德福贵安康宁平乐"


@dataclass(frozen=True, slots=True)
class Place:
    """One organisation: ``parent`` is the centre of a station, the hospital of a centre."""

    uscc: str
    name: str
    tier: Tier
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Elder:
    """One fictional elder; ``phone`` and the son's are of the reserved series, ``station`` looks after them."""

    number: int
    name: str
    gender: str
    birth: date
    card: str
    phone: str
    son: str
    son_phone: str
    station: str
    centre: str
    consents: bool = field(default=True)

    @property
    def patient_no(self) -> str:
        """Return the hospital's own number."""
        return f"P{100_000 + self.number:07d}"

    @property
    def health_record_no(self) -> str:
        """Return the 17-digit health record number."""
        return f"{DISTRICT}{10_100_110_000 + self.number:011d}"


@dataclass(frozen=True, slots=True)
class County:
    """The places and the people. The first two are the story's: one has consented, the other has not."""

    places: tuple[Place, ...]
    elders: tuple[Elder, ...]
    seed: int
    today: date

    def cast(self, play: int) -> tuple[Elder, Elder]:
        """Return who plays the story for the ``play``-th time (from 0): nobody appears twice."""
        if play == 0:
            return self.elders[0], self.elders[1]
        rng = random.Random(f"{self.seed}/{play}")  # noqa: S311 - fiction, not a secret
        first = FIRST_UNDERSTUDY + 2 * (play - 1)
        homes = [place for place in self.places if place.uscc == STATION]
        taken = {elder.card for elder in self.elders}
        return _elder(first, rng, homes, self.today, taken), _elder(first + 1, rng, homes, self.today, taken)


def county(*, seed: int, elders: int, today: date) -> County:
    """Return the county of ``seed`` with ``elders`` people of 65 to 97 years on ``today``.

    Elders 0 and 1 are the story's: they live in the first chain, and elder 1 has given no consent.
    """
    rng = random.Random(seed)  # noqa: S311 - fiction, not a secret
    places = tuple(_places())
    stations = [place for place in places if place.tier is Tier.STATION]
    homes = [stations[:1] if number < 2 else stations for number in range(elders)]
    taken: set[str] = set()
    people = tuple(_elder(number, rng, homes[number], today, taken) for number in range(elders))
    return County(places, people, seed, today)


def _places() -> Iterator[Place]:
    yield Place(HOSPITAL, "示范市人民医院", Tier.HOSPITAL)
    yield Place(CENTRE, "柳荫街道医养服务中心", Tier.CENTRE, HOSPITAL)
    other = _code("12410100MB0000004")
    yield Place(other, "槐安街道医养服务中心", Tier.CENTRE, HOSPITAL)
    yield Place(STATION, "柳荫社区医养服务站", Tier.STATION, CENTRE)
    yield Place(_code("52410102MJ0000005"), "杏花社区医养服务站", Tier.STATION, CENTRE)
    yield Place(_code("52410102MJ0000006"), "枣园村医养服务站", Tier.STATION, CENTRE)
    yield Place(_code("52410102MJ0000007"), "槐安社区医养服务站", Tier.STATION, other)
    yield Place(_code("52410102MJ0000008"), "梨花社区医养服务站", Tier.STATION, other)
    yield Place(_code("52410102MJ0000009"), "石桥村医养服务站", Tier.STATION, other)


def _code(body: str) -> str:
    return body + credit_check(body)


def _elder(number: int, rng: random.Random, stations: list[Place], today: date, taken: set[str]) -> Elder:
    """Return elder ``number``; their card, which joins ``taken``, is nobody else's."""
    gender = "2" if number == 0 else rng.choice("12")
    station = stations[number % len(stations)]
    surname = SURNAMES[number % len(SURNAMES)]
    sequence = number * 2 + (101 if gender == "1" else 102)
    birth = date(1943, 3, 5) if number == 0 else _birth(rng, today)
    while (card := card_number(birth, sequence)) in taken:  # the sequence repeats after 500 people
        birth = _birth(rng, today)
    taken.add(card)
    return Elder(
        number=number,
        name="王示兰" if number == 0 else f"{surname}示{rng.choice(GIVEN)}{rng.choice(GIVEN)}",
        gender=gender,
        birth=birth,
        card=card,
        phone=f"138000000{(number * 2 + 1) % 100:02d}",
        son=f"{surname}示{rng.choice(GIVEN)}",
        son_phone=f"138000000{(number * 2 + 2) % 100:02d}",
        station=station.uscc,
        centre=station.parent,
        consents=number != 1,
    )


def _birth(rng: random.Random, today: date) -> date:
    return today - timedelta(days=rng.randint(65 * 365 + 20, 97 * 365))


def card_number(birth: date, sequence: int) -> str:
    """Return a well-formed identity number of the unassigned district; ``sequence`` odd = male."""
    body = f"{DISTRICT}{birth:%Y%m%d}{sequence % 1000:03d}"
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(body))
    return body + "10X98765432"[total % 11]
