"""The mask functions: what P means for an element. Each takes the element's JSON value and returns what may be seen.

Source: GB/T 39725-2020 8.1 table 3 (level 3, partial masking); security.md DEI-06.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

Mask = Callable[[Any], Any]

LONG_NUMBER: Final = 15
"""From here on a number is taken for a personal one (15- and 18-digit identity cards, 17-digit health records)."""
_COMPOUND = frozenset(
    {"欧阳", "司马", "上官", "诸葛", "司徒", "皇甫", "东方", "尉迟", "公孙", "慕容", "令狐", "夏侯", "长孙", "宇文"}
)
_MOBILE = re.compile(r"1[3-9][0-9]{9}$")
# Every personal number has so many digits in a row; looking for them alone is several times faster.
_MANY_DIGITS = re.compile(r"[0-9]{17}")
_PERSONAL_NUMBER = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")


def number_text(value: str) -> str:
    """Return a personal number with only its first six (when long) and last four characters."""
    if len(value) >= LONG_NUMBER:
        return f"{value[:6]}****{value[-4:]}"
    return f"****{value[-4:]}" if len(value) > len("****") else "****"


def phone_text(value: str) -> str:
    """Return a telephone number as 138****1234; a landline keeps its last two digits."""
    digits = re.sub(r"\D", "", value)
    mobile = _MOBILE.search(digits)
    if mobile:
        return f"{mobile[0][:3]}****{mobile[0][-4:]}"
    return f"****{digits[-2:]}" if len(digits) > len("0000") else "****"


def name_text(value: str) -> str:
    """Return the surname, compound ones whole, and two crosses for the rest."""
    surname = value[:2] if value[:2] in _COMPOUND else value[:1]
    return f"{surname}××"  # noqa: RUF001 - the sign that the standard's example shows


def scrub_text(value: str) -> str:
    """Return free text with every identity card number in it masked; the same object where there is none."""
    if _MANY_DIGITS.search(value) is None:
        return value
    return _PERSONAL_NUMBER.sub(lambda match: number_text(match[0]), value)


def number(value: Any) -> Any:
    """Mask Identifier values: type, system and use stay."""
    return [
        {key: number_text(item[key]) if key == "value" else item[key] for key in item if key not in _LEAKY}
        for item in value
    ]


_LEAKY = frozenset({"_value", "extension", "assigner"})


def phone(value: Any) -> Any:
    """Mask ContactPoint values."""
    return [{**item, "value": phone_text(item["value"])} if "value" in item else item for item in value]


def name(value: Any) -> Any:
    """Mask HumanNames to the surname."""
    return [
        {key: item[key] for key in ("use", "family") if key in item}
        | ({"text": name_text(item["text"])} if "text" in item else {})
        for item in value
    ]


def district(value: Any) -> Any:
    """Cut Addresses to the district: street, house and postal code go."""
    kept = ("use", "type", "country", "state", "city", "district", "period")
    return [{key: item[key] for key in kept if key in item} for item in value]


def year(value: Any) -> Any:
    """Cut a date to its year."""
    return value[:4]


def advice(codes: frozenset[str]) -> Mask:
    """Return a mask that keeps the sections of a Composition whose code is among ``codes``."""

    def keep(value: Any) -> Any:
        return [section for section in value if _coded(section.get("code", {}), codes)]

    return keep


def _coded(concept: Any, codes: frozenset[str]) -> bool:
    return any(coding.get("code") in codes for coding in concept.get("coding", ()))


def keeping(names: Sequence[str]) -> Mask:
    """Return a mask that keeps only the inner elements ``names`` (and their extensions' absence)."""
    kept = frozenset(names)

    def keep(value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(keep, value) if item]
        return {key: item for key, item in value.items() if key in kept}

    return keep


def dropping(paths: Sequence[str]) -> Mask:
    """Return a mask that removes inner elements: ``progress`` or, one deeper, ``detail.reasonCode``."""
    inner: dict[str, set[str]] = {}
    for path in paths:
        head, _, tail = path.partition(".")
        inner.setdefault(head, set()).update({tail} if tail else set())

    def drop(value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(drop, value) if item]
        return {
            key: _without(item, inner[key]) if key in inner else item
            for key, item in value.items()
            if inner.get(key) != set()
        }

    return drop


def _without(value: Any, names: set[str]) -> Any:
    return {key: item for key, item in value.items() if key not in names}


NAMED: Final[dict[str, Mask]] = {"number": number, "phone": phone, "name": name, "district": district, "year": year}
"""The masks that the catalogue may name; `advice` needs the catalogue's codes and is added by the view."""
