"""A county's year as messages on the wire, the odd and the bad among them, each with the answer that it must get.

In: how many elders, a seed. Out: `Sending`s in the order in which they go out, or a folder that a load test in any
language reads: one file of messages a feed, and a manifest. The same bytes for the same seed; nobody exists.
"""

from __future__ import annotations

import random  # noqa: TID251 - a seeded fiction must repeat
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final

import orjson

from gateway.demo.bulk import TODAY
from gateway.demo.county import HOSPITAL, County, Elder, county
from gateway.demo.oddities import LATE_CONSENT, LATE_STAY, ODDITIES, RARE_NAME, RARE_NAMES, Sending, named_rarely
from gateway.demo.records import adt_a03
from gateway.demo.year import STORY_ELDERS, Sent, year

FORMAT: Final = "yiyang.county/1"
MANIFEST: Final = "manifest.jsonl"
ODD_SHARE = 0.1
"""Of messages that are odd or bad, beyond one of each kind (design default)."""
HL7_SHARE = 0.3
"""Of stays that the hospital's HL7 system reports, too (design default)."""
RARE_SHARE = 0.03
"""Of elders whose names have rare characters (design default)."""
LATE = 25
"""Of so many elders one has records that come late (design default)."""
BLOCK = 1000
"""Elders whose year is made at once: some 100 MB (design default)."""
TO_COMMUNITY = "3"
"""离院方式 of a stay that is handed over."""


def place(elders: int, seed: int, *, today: date = TODAY) -> County:
    """Return the county of ``elders`` people with records (the story's two come on top), some with rare names."""
    made = county(seed=seed, elders=elders + STORY_ELDERS, today=today)
    rng = random.Random(f"{seed}/names")  # noqa: S311 - fiction, not a secret
    return replace(made, elders=tuple(_named(elder, rng) for elder in made.elders))


def sendings(elders: int, seed: int, *, today: date = TODAY) -> Iterator[Sending]:
    """Yield the messages of a year, oldest first within each block of elders, but for those that come late.

    The centre must accept an elder's waiting referral before its ``assessment`` goes out: until then it may not write.
    """
    made = place(elders, seed, today=today)
    rng, pending = random.Random(f"{seed}/odd"), list(ODDITIES)  # noqa: S311 - fiction, not a secret
    for at in range(STORY_ELDERS, len(made.elders), BLOCK):
        block = replace(made, elders=made.elders[:STORY_ELDERS] + made.elders[at : at + BLOCK])
        for sending in _plain(block, seed + at, today):
            yield from _spoilt(sending, pending, rng)


def write(folder: Path, elders: int, seed: int, *, today: date = TODAY) -> dict[str, int]:
    """Write the county into ``folder``: `<feed>.messages` and the manifest, a line a message in the order of sending.

    Returns how many messages of each answer there are. Raises FileExistsError for a folder that has something in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    counts: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    with (folder / MANIFEST).open("wb") as manifest:
        about = {"format": FORMAT, "elders": elders, "seed": seed, "today": today.isoformat()}
        manifest.write(orjson.dumps(about, option=orjson.OPT_APPEND_NEWLINE))
        for sending in sendings(elders, seed, today=today):
            name = f"{sending.feed}.messages"
            with (folder / name).open("ab") as messages:
                messages.write(sending.raw)
            line = _line(sending) | {"file": name, "offset": ends[name], "size": len(sending.raw)}
            manifest.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            ends[name] += len(sending.raw)
            counts[sending.answer] += 1
    return dict(counts)


def read(folder: Path) -> Iterator[Sending]:
    """Yield what `write` wrote, in its order."""
    with (folder / MANIFEST).open("rb") as manifest:
        next(manifest)
        for text in manifest:
            line = orjson.loads(text)
            with (folder / line["file"]).open("rb") as messages:
                messages.seek(line["offset"])
                raw = messages.read(line["size"])
            told = {name: line[name] for name in ("feed", "organisation", "message", "elder", "answer", "oddity")}
            yield Sending(raw=raw, **told)


def _named(elder: Elder, rng: random.Random) -> Elder:
    """Return ``elder``, some under a rare name: the second one in any county."""
    rare = elder.number == STORY_ELDERS + 1 or rng.random() < RARE_SHARE
    return named_rarely(elder, rng) if rare and elder.number >= STORY_ELDERS else elder


def _line(sending: Sending) -> dict[str, object]:
    return {
        "feed": sending.feed,
        "organisation": sending.organisation,
        "message": sending.message,
        "elder": sending.elder,
        "answer": sending.answer,
        "state": sending.state,
        "oddity": sending.oddity,
    }


def _plain(made: County, seed: int, today: date) -> Iterator[Sending]:
    """Yield the good messages: the year, some stays reported by HL7 as well, some in another order."""
    rng = random.Random(f"{seed}/hl7")  # noqa: S311
    for row, oddity in _out_of_order(year(made, seed=seed, today=today, hospital=HOSPITAL)):
        name = oddity or (RARE_NAME if row.elder.name in RARE_NAMES else "")
        raw = orjson.dumps(row.record)
        yield Sending(row.feed, row.organisation, row.record["msgId"], row.elder.number, raw, oddity=name)
        if row.stay is not None and rng.random() < HL7_SHARE:
            hl7 = adt_a03(row.elder, row.stay)
            yield Sending("adt-a03", HOSPITAL, f"A03{row.stay.number}", row.elder.number, hl7, oddity=name)


def _out_of_order(rows: Sequence[Sent]) -> Iterator[tuple[Sent, str]]:
    """Yield the rows with the oddity of those that come late: a consent after its discharge, a stay after the next.

    A stay that nobody is handed over of may come late: what follows a referral may not.
    """
    lives: dict[int, list[Sent]] = defaultdict(list)
    for row in rows:
        lives[row.elder.number].append(row)
    told: dict[str, str] = {}
    for number in sorted(lives)[::LATE]:
        told |= _consent_late(lives[number])
    for number in [number for number in sorted(lives) if _home_stay(lives[number])][:: LATE // 5]:
        told |= _stay_late(lives[number])
    lines = {number: iter(life) for number, life in lives.items()}
    for row in rows:
        sent = next(lines[row.elder.number])
        yield sent, told.get(sent.record["msgId"], "")


def _consent_late(life: list[Sent]) -> dict[str, str]:
    """Put the first consent behind its discharge; return its message id with its oddity."""
    life[0], life[1] = life[1], life[0]
    return {life[1].record["msgId"]: LATE_CONSENT}


def _stay_late(life: list[Sent]) -> dict[str, str]:
    """Put a stay at whose end the elder went home behind the next discharge; return its message id with its oddity."""
    found = _home_stay(life)
    assert found  # noqa: S101 - asked before
    at, after = found
    life.insert(after, life.pop(at))
    return {life[after].record["msgId"]: LATE_STAY}


def _home_stay(life: Sequence[Sent]) -> tuple[int, int] | tuple[()]:
    """Return the places of a discharge home and of the discharge after it; nothing where there is none."""
    discharges = [at for at, row in enumerate(life) if row.stay is not None]
    for at, after in pairwise(discharges):
        stay = life[at].stay
        if stay is not None and stay.way != TO_COMMUNITY:
            return at, after
    return ()


def _spoilt(sending: Sending, pending: list[str], rng: random.Random) -> Iterator[Sending]:
    """Yield ``sending``, or what is sent in its place; kinds that are still ``pending`` come first."""
    if sending.oddity:
        yield sending
        return
    name = next((name for name in pending if sending.feed in ODDITIES[name].feeds), "")
    if name:
        pending.remove(name)
    elif rng.random() < ODD_SHARE:
        name = rng.choice([name for name, oddity in ODDITIES.items() if sending.feed in oddity.feeds])
    if not name:
        yield sending
        return
    yield from ODDITIES[name].spoil(replace(sending, oddity=name), rng)
