"""The plan of what is planted where, and by hand who may meet it: the oracle of corpus and crawler.

A canary is a word that stands in one element of one elder's records only. ``seen_by`` are letters of roles of the
elder's own chain: D centre doctor, N centre nurse, S station doctor, C station carer; everybody else meets nothing.
The letters are copied by hand from security.md §4 and the issue's list of classes, not drawn from catalogue.yaml.
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.flows.reading import writings
from tests.flows.town import CENTRE, OTHER_CENTRE, OTHER_STATION, STATION

MARK = "zqxzqx"
"""Every planted word begins so: one look tells whether an answer holds any, base64 at any offset included."""
_WORD = re.compile(MARK + r"[a-z][0-9]{3}q", re.IGNORECASE)
_CHAINS = {"home": (CENTRE, STATION), "away": (OTHER_CENTRE, OTHER_STATION)}
_ROLES = {"centre-doctor": "D", "centre-nurse": "N", "station-doctor": "S", "station-carer": "C"}
_AT_THE_CENTRE = "DN"

ALL, NOT_THE_CARER, CENTRE_ONLY, NOBODY = "DNSC", "DNS", "DN", ""


@dataclass(frozen=True, slots=True)
class Canary:
    """One planted text: its ``secret``, the ``chain`` that its elder's consent names, its ``place``, who meets it."""

    secret: str
    chain: str
    place: str
    seen_by: str

    def open_to(self, role: str, organisation: str) -> bool:
        """Tell whether a client of ``role`` at ``organisation`` is entitled to meet it."""
        letter = _ROLES.get(role, "")
        centre, station = _CHAINS.get(self.chain, ("", ""))
        return bool(letter) and letter in self.seen_by and organisation == _at(letter, centre, station)


def _at(letter: str, centre: str, station: str) -> str:
    return centre if letter in _AT_THE_CENTRE else station


@dataclass(slots=True)
class Plan:
    """Everything planted, by secret and by place."""

    canaries: dict[str, Canary] = field(default_factory=dict)
    _numbers: list[str] = field(default_factory=list)

    def word(self, chain: str, place: str, seen_by: str) -> str:
        """Return a new word for ``place``; no two places share one."""
        elder = place.partition(".")[0]
        secret = f"{MARK}{elder[0]}{len(self.canaries):03}q"
        return self._plant(secret, chain, place, seen_by)

    def number(self, chain: str, place: str, seen_by: str, secret: str) -> str:
        """Plant a number that has to have a form of its own: an identity card, a telephone."""
        self._numbers.append(secret)
        return self._plant(secret, chain, place, seen_by)

    def at(self, place: str) -> Canary:
        """Return the canary of ``place``."""
        return next(canary for canary in self.canaries.values() if canary.place == place)

    def entitled(self, role: str, organisation: str) -> set[str]:
        """Return the secrets that ``role`` at ``organisation`` may meet, and must be able to find."""
        return {secret for secret, canary in self.canaries.items() if canary.open_to(role, organisation)}

    def met(self, data: bytes) -> set[str]:
        """Return the secrets that stand in ``data``: plain, or packed in base64 or hex inside of it."""
        found = self._plain(data.decode("utf-8", "replace"))
        if any(writing in data for writing in _PACKED):
            for inner in _unpacked(data):
                found |= self._plain(inner.decode("utf-8", "replace"))
        return found

    def _plain(self, text: str) -> set[str]:
        words = {word.lower() for word in _WORD.findall(text)} if MARK in text.lower() else set()
        return words & self.canaries.keys() | {number for number in self._numbers if number in text}

    def _plant(self, secret: str, chain: str, place: str, seen_by: str) -> str:
        assert secret not in self.canaries, place
        self.canaries[secret] = Canary(secret, chain, place, seen_by)
        return secret


_RUN = re.compile(rb"[A-Za-z0-9+/_-]{16,}")


def _unpacked(data: bytes) -> Iterator[bytes]:
    """Yield what the long words of ``data`` are when they are read as base64 or as hex."""
    for run in _RUN.findall(data):
        for altchars in (b"+/", b"-_"):
            with contextlib.suppress(ValueError):
                yield base64.b64decode(run + b"=" * (-len(run) % 4), altchars)
        with contextlib.suppress(ValueError):
            yield bytes.fromhex(run.decode())


_PACKED = sorted({writing for writing in writings(MARK) if writing and writing != MARK.encode()})
