"""R4's words on strings and quantities, read plainly: what a search must find, without any index."""

from __future__ import annotations

import unicodedata
from fractions import Fraction

GRAMS = {"g": Fraction(1), "mg": Fraction(1, 1000), "kg": Fraction(1000)}


def compared(text: str) -> str:
    """Return ``text`` without case, accents, spaces and punctuation (R4 search.html#string); simplified by hand."""
    kept = [char for char in unicodedata.normalize("NFKD", text.lower()) if char.isalnum()]
    return "".join(kept).translate(str.maketrans("蘭歐陽單", "兰欧阳单"))


def has_text(modifier: str, asked: str, texts: list[str]) -> bool:
    """Tell whether one of ``texts``, of an element without pinyin, is what ``asked`` with ``modifier`` means."""
    match modifier:
        case "exact":
            return asked in texts
        case "contains":
            return any(compared(asked) in compared(text) for text in texts)
        case _:
            return any(compared(text).startswith(compared(asked)) for text in texts)


def has_amount(prefix: str, asked: str, unit: str, stored: tuple[str, str]) -> bool:
    """Tell whether ``stored`` (number, unit) is what ``prefix`` and ``asked`` mean (R4 search.html#quantity)."""
    value, wanted = Fraction(stored[0]) * GRAMS[stored[1]], Fraction(asked) * GRAMS[unit]
    half = Fraction(1, 2 * 10 ** len(asked.partition(".")[2])) * GRAMS[unit]
    same = wanted - half <= value < wanted + half
    return {
        "": same,
        "ne": not same,
        "gt": value > wanted,
        "ge": value >= wanted,
        "lt": value < wanted,
        "le": value <= wanted,
        "sa": value > wanted,
        "eb": value < wanted,
    }[prefix]
