"""The number of the resident identity card (居民身份证号, GB 11643-1999): check, birth date, sex.

In: 18 characters as sent. Out: facts that the number itself states. It never asks whether the district exists:
elders carry numbers of districts that were dissolved long ago (domain.md §0.7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gateway.fhir.check_digits import card_birth, card_sex

GENDER = {"1": "male", "2": "female"}
"""GB/T 2261.1 to FHIR."""


@dataclass(frozen=True, slots=True)
class ResidentId:
    """Hold what a valid number states: ``number`` (upper case), ``birth``, ``gender`` (FHIR code)."""

    number: str
    birth: date
    gender: str


def parse(text: str, *, today: date) -> ResidentId | None:
    """Return what ``text`` states, or None when it is no valid number on ``today``."""
    number = text.strip().upper()
    birth = card_birth(number)
    if birth is None or birth > today:
        return None
    return ResidentId(number, birth, GENDER[card_sex(number)])
