"""The check digits of the two national numbers, in code: the same rules as FHIRPath cost twenty times as much.

Source: GB 11643-1999 (ISO 7064 MOD 11-2) for identity cards, GB 32100-2015 (MOD 31-3) for organisations.
"""

from __future__ import annotations

import re

_CARD = re.compile(r"[0-9]{17}[0-9X]")
_CARD_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CARD_CHECK = "10X98765432"
_CREDIT = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = tuple(pow(3, at, 31) for at in range(17))


def is_identity_card(text: str) -> bool:
    """Tell whether ``text`` is an 18-digit identity card number with the right check digit."""
    if _CARD.fullmatch(text) is None:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, _CARD_WEIGHTS, strict=False))
    return text[17] == _CARD_CHECK[total % 11]


def is_credit_code(text: str) -> bool:
    """Tell whether ``text`` is a unified social credit code with the right check character."""
    if _CREDIT.fullmatch(text) is None:
        return False
    values = [_CREDIT_ALPHABET.index(character) for character in text]
    total = sum(value * weight for value, weight in zip(values, _CREDIT_WEIGHTS, strict=False))
    return (total + values[17]) % 31 == 0
