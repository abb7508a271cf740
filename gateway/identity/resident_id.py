"""The number of the resident identity card (居民身份证号, GB 11643-1999): check, birth date, sex.

In: 18 characters as sent. Out: facts that the number itself states. It never asks whether the district exists:
elders carry numbers of districts that were dissolved long ago (domain.md §0.7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))
"""ISO 7064 MOD 11-2 weights of the first 17 digits."""
CHECKS = "10X98765432"
"""Check character by the weighted sum modulo 11."""
EARLIEST = date(1850, 1, 1)
"""A birth date before it is a slip, not an elder (design default)."""


@dataclass(frozen=True, slots=True)
class ResidentId:
    """Hold what a valid number states: ``number`` (upper case), ``birth``, ``gender`` (FHIR code)."""

    number: str
    birth: date
    gender: str


def parse(text: str, *, today: date) -> ResidentId | None:
    """Return what ``text`` states, or None when it is no valid number on ``today``."""
    number = text.strip().upper()
    if len(number) != 18 or not (number[:17].isascii() and number[:17].isdigit()):
        return None
    total = sum(int(digit) * weight for digit, weight in zip(number, WEIGHTS, strict=False))
    if CHECKS[total % 11] != number[17]:
        return None
    try:
        birth = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    if not EARLIEST <= birth <= today:
        return None
    return ResidentId(number, birth, "male" if int(number[16]) % 2 else "female")
