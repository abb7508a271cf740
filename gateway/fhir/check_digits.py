"""The two national numbers and their check characters: the one place where either is computed.

In: text in capitals. Out: whether it is well formed, and what an identity card number states. The district is never
asked: elders carry numbers of districts that were dissolved long ago (domain.md §0.7).
Source: GB 11643-1999 (ISO 7064 MOD 11-2) for identity cards, GB 32100-2015 (MOD 31-3) for organisations.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from operator import mul

EARLIEST = date(1850, 1, 1)
"""A birth date before it is a slip, not an elder (design default)."""
_CARD = re.compile(r"[0-9]{17}[0-9X]")
_CARD_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))
_CARD_CHECK = "10X98765432"
_ZEROS = ord("0") * sum(_CARD_WEIGHTS)
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT = re.compile(f"[{_ALPHABET}]{{18}}")
_CREDIT_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))


def is_identity_card(text: str) -> bool:
    """Tell whether ``text`` is an 18-character identity card number with the right check and a date of birth."""
    return card_birth(text) is not None


def has_card_check(text: str) -> bool:
    """Tell whether ``text`` has the form and the check character of a number; its date may be none."""
    if _CARD.fullmatch(text) is None:
        return False
    return text[17] == _CARD_CHECK[(sum(map(mul, text.encode(), _CARD_WEIGHTS)) - _ZEROS) % 11]


def card_birth(text: str) -> date | None:
    """Return the date of birth that a valid number states, None for an invalid one."""
    if not has_card_check(text):
        return None
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return None
    return born if born >= EARLIEST else None


def card_sex(text: str) -> str:
    """Return the sex that a valid number states, as GB/T 2261.1: "1" male, "2" female."""
    return "1" if int(text[16]) % 2 else "2"


@lru_cache(maxsize=1024)
def is_credit_code(text: str) -> bool:
    """Tell whether ``text`` is a unified social credit code with the right check character.

    Answers are kept: a county has some hundred organisations, and every record names several.
    """
    return _CREDIT.fullmatch(text) is not None and text[17] == credit_check(text[:17])


def credit_check(body: str) -> str:
    """Return the check of the first 17 characters. ValueError when one is not of the alphabet."""
    total = sum(_ALPHABET.index(character) * weight for character, weight in zip(body, _CREDIT_WEIGHTS, strict=True))
    return _ALPHABET[-total % 31]
