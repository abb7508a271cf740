"""UCUM units that this domain uses, brought to base units with exact arithmetic, so that 5 g finds 5000 mg.

In: a case-sensitive UCUM code. Out: what it measures and how to convert; None for a code that is not understood, which
is then compared as it is. Source: UCUM 2.1 §§ 2, 4 (https://ucum.org/ucum), tables 2 to 5; the choice of units is a
design default. Codes of arbitrary units ([iU], [IU]/L) stay what they are: UCUM lets nothing convert them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

SYSTEM: Final = "http://unitsofmeasure.org"
MAX_CHARS: Final = 32
"""A longer code is taken as it is (design default)."""

Dimension = tuple[tuple[str, int], ...]


class Unit(NamedTuple):
    """``base`` names what is measured in base units; a value x is x * ``factor`` + ``offset`` of them."""

    base: str
    factor: Fraction
    offset: Fraction = Fraction(0)

    def convert(self, value: Fraction) -> Fraction:
        """Return ``value`` of this unit in base units."""
        return value * self.factor + self.offset


_PREFIXES: Final = {
    "G": 9, "M": 6, "k": 3, "h": 2, "da": 1, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15,
}  # fmt: skip
_POUND = Fraction("453.59237")
_INCH = Fraction("0.0254")
# Atom: what it is of base units, as (factor, {base: exponent}). Metric ones take prefixes.
_METRIC: Final[Mapping[str, tuple[Fraction, Dimension]]] = MappingProxyType(
    {
        "g": (Fraction(1), (("g", 1),)),
        "m": (Fraction(1), (("m", 1),)),
        "s": (Fraction(1), (("s", 1),)),
        "K": (Fraction(1), (("K", 1),)),
        "mol": (Fraction("6.02214076e23"), ()),
        "eq": (Fraction("6.02214076e23"), ()),
        "osm": (Fraction("6.02214076e23"), ()),
        "L": (Fraction(1, 1000), (("m", 3),)),
        "l": (Fraction(1, 1000), (("m", 3),)),
        "Hz": (Fraction(1), (("s", -1),)),
        "N": (Fraction(1000), (("g", 1), ("m", 1), ("s", -2))),
        "Pa": (Fraction(1000), (("g", 1), ("m", -1), ("s", -2))),
        "bar": (Fraction(10**8), (("g", 1), ("m", -1), ("s", -2))),
        "J": (Fraction(1000), (("g", 1), ("m", 2), ("s", -2))),
        "W": (Fraction(1000), (("g", 1), ("m", 2), ("s", -3))),
        "cal": (Fraction(4184), (("g", 1), ("m", 2), ("s", -2))),
        "m[Hg]": (Fraction("133322387.415"), (("g", 1), ("m", -1), ("s", -2))),
        "m[H2O]": (Fraction("9806650"), (("g", 1), ("m", -1), ("s", -2))),
        "U": (Fraction("6.02214076e23") / 60_000_000, (("s", -1),)),
        "kat": (Fraction("6.02214076e23"), (("s", -1),)),
        "t": (Fraction(1_000_000), (("g", 1),)),
    }
)
_FIXED: Final[Mapping[str, tuple[Fraction, Dimension]]] = MappingProxyType(
    {
        "min": (Fraction(60), (("s", 1),)),
        "h": (Fraction(3600), (("s", 1),)),
        "d": (Fraction(86400), (("s", 1),)),
        "wk": (Fraction(604800), (("s", 1),)),
        "mo": (Fraction(2629800), (("s", 1),)),
        "a": (Fraction(31557600), (("s", 1),)),
        "%": (Fraction(1, 100), ()),
        "[ppth]": (Fraction(1, 1000), ()),
        "[ppm]": (Fraction(1, 10**6), ()),
        "[in_i]": (_INCH, (("m", 1),)),
        "[ft_i]": (_INCH * 12, (("m", 1),)),
        "[lb_av]": (_POUND, (("g", 1),)),
        "[oz_av]": (_POUND / 16, (("g", 1),)),
        "10*": (Fraction(10), ()),
        "10^": (Fraction(10), ()),
    }
)
_SPECIAL: Final = {
    "Cel": Unit("K1", Fraction(1), Fraction("273.15")),
    "[degF]": Unit("K1", Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)),
}
"""Units that begin elsewhere than at zero: alone only (UCUM § 21)."""
_TERM = re.compile(
    r"([./]?)(?:([^./{}0-9+-]+(?:\[[^\]]*\])?|\[[^\]]*\]|10[*^])([+-]?\d{1,2})?|(\d{1,6}))?(\{[^{}]*\})?"
)


@lru_cache(maxsize=1024)
def unit(code: str) -> Unit | None:
    """Return the unit of the UCUM ``code``, None when it is not understood."""
    if code in _SPECIAL:
        return _SPECIAL[code]
    if not code or len(code) > MAX_CHARS or not code.isascii():
        return None
    factor, powers, at = Fraction(1), dict[str, int](), 0
    while at < len(code):
        found = _TERM.match(code, at)
        if found is None or found.end() == at or ((at > 0) is not bool(found[1]) and not (at == 0 and found[1] == "/")):
            return None
        part = _part(found)
        if part is None:
            return None
        sign = -1 if found[1] == "/" else 1
        factor *= part[0] ** sign
        for name, power in part[1]:
            powers[name] = powers.get(name, 0) + sign * power
        at = found.end()
    base = ".".join(f"{name}{power}" for name, power in sorted(powers.items()) if power)
    return Unit(base or "1", factor)


def _part(found: re.Match[str]) -> tuple[Fraction, Dimension] | None:
    """Return factor and dimension of one term: an atom with its exponent, a whole number, or an annotation alone."""
    _, name, exponent, number, annotation = found.groups()
    if number is not None:
        return (Fraction(int(number)), ()) if int(number) else None
    if name is None:
        return (Fraction(1), ()) if annotation else None
    atom = _atom(name)
    power = int(exponent) if exponent else 1
    if atom is None or not power:
        return None
    return atom[0] ** power, tuple((base, each * power) for base, each in atom[1])


def _atom(name: str) -> tuple[Fraction, Dimension] | None:
    found = _FIXED.get(name) or _METRIC.get(name)
    if found is not None:
        return found
    for prefix, power in _PREFIXES.items():
        metric = _METRIC.get(name[len(prefix) :]) if name.startswith(prefix) else None
        if metric is not None:
            return metric[0] * Fraction(10) ** power, metric[1]
    return None
