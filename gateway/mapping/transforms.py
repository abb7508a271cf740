"""The closed set of transforms (docs/guides/maps.md §3). Each takes one filled source value and raises `Bad`.

`SIGNATURES` is what the compiler knows of them: how many arguments, of which sort, and the type that comes out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any, Final, NamedTuple

from gateway.fhir.check_digits import card_birth, card_sex, is_credit_code, is_identity_card
from gateway.formats import dates
from gateway.mapping import values
from gateway.mapping.tables import Table
from gateway.mapping.values import Bad, Unmapped, plain

_UNITS: Final = {"日": "d", "天": "d", "周": "wk", "月": "mo", "年": "a"}
_FREQUENCY = re.compile(r"每([日天周月年])([1-9]\d?)次", re.ASCII)
_QUANTITY = re.compile(r"(<=|>=|<|>|≤|≥)?\s*([+-]?\d{1,20}(?:\.\d{1,20})?)", re.ASCII)
_COMPARATORS: Final = {"≤": "<=", "≥": ">="}
_HALF: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
UCUM: Final = "http://unitsofmeasure.org"


def as_date(value: Any) -> str:
    """Return a FHIR date of the precision that was sent."""
    return _dated(dates.to_date, value)


def as_datetime(value: Any, offset: str = dates.CHINA) -> str:
    """Return a FHIR dateTime."""
    return _dated(dates.to_datetime, value, offset)


def as_instant(value: Any, offset: str = dates.CHINA) -> str:
    """Return a FHIR instant."""
    return _dated(dates.to_instant, value, offset)


def _dated(convert: Callable[..., str], value: Any, *offset: str) -> str:
    try:
        return convert(plain(value).strip(), *offset)
    except ValueError:
        raise Bad("MAP-020") from None


def upper(value: Any) -> str:
    """Return upper case."""
    return plain(value).upper()


def trim(value: Any) -> str:
    """Return the text without outer blanks."""
    return plain(value).strip()


def half(value: Any) -> str:
    """Return full-width digits, letters and signs as half-width."""
    return plain(value).translate(_HALF)


def absent(value: Any, *fillers: str) -> Any:
    """Return None for a filler that stands for nothing."""
    return None if plain(value).strip() in fillers else value


def split(value: Any, sign: str = ";") -> list[str] | None:
    """Return the filled parts of a text."""
    parts = [part.strip() for part in plain(value).split(sign or ";")]
    return [part for part in parts if part] or None


def join(value: Any, sign: str = "、") -> str:
    """Return one text of a list of plain values."""
    items = value if isinstance(value, list) else [value]
    return sign.join(plain(item) for item in items if item is not None and item != "")


def default(value: Any, other: str) -> Any:
    """Return ``other`` for an empty value."""
    return other if value is None or value == "" else value


def resident_id(value: Any) -> str:
    """Return a valid identity card number in capitals."""
    number = plain(value).strip().upper()
    if not is_identity_card(number):
        raise Bad("MAP-022")
    return number


def resident_birth(value: Any) -> str | None:
    """Return the birth date that a valid number states, None for an invalid one."""
    birth = card_birth(plain(value).strip().upper())
    return birth.isoformat() if birth is not None else None


def resident_sex(value: Any) -> str | None:
    """Return the sex that a valid number states as GB/T 2261.1 (1 male, 2 female), None for an invalid one."""
    number = plain(value).strip().upper()
    return card_sex(number) if is_identity_card(number) else None


def org_code(value: Any) -> str:
    """Return a valid unified social credit code in capitals (GB 32100-2015 §4.4)."""
    code = plain(value).strip().upper()
    if not is_credit_code(code) or not code[2:8].isdigit():
        raise Bad("MAP-023")
    return code


def lookup(value: Any, table: Table) -> str | None:
    """Return the target code of a table."""
    code = plain(value).strip()
    target = table.rows.get(code)
    if target is not None:
        return target.code
    _refuse_unmapped(code, table, lambda: code if table.on_unmapped == "passthrough" else None)
    return None


def coding(value: Any, table: Table) -> dict[str, Any] | None:
    """Return the target as a Coding."""
    code = plain(value).strip()
    known = table.codings.get(code)
    if known is not None:
        return dict(known)
    _refuse_unmapped(code, table, lambda: _own_coding(code, table) or {"display": values.string(code)})
    return None


def concept(value: Any, table: Table, text: Any = None) -> dict[str, Any] | None:
    """Return the target as a CodeableConcept, the sender's own code beside it where the table names its system."""
    code = plain(value).strip()
    known = table.codings.get(code)
    said = (values.string(text) or "").strip() if text is not None else ""
    if known is None:
        _refuse_unmapped(code, table, lambda: _own_concept(code, table, said))
        return None
    display = table.rows[code].display
    made: dict[str, Any] = {"coding": [dict(coding) for coding in table.pairs[code]]}
    if said or display:
        made["text"] = said or display
    return made


def _refuse_unmapped(code: str, table: Table, instead: Callable[[], Any]) -> None:
    """Raise for a code that the table lacks, Unmapped where it may pass; blank text is merely empty."""
    if not code:
        return
    if table.on_unmapped == "reject":
        raise Bad("MAP-010", table=table.name)
    raise Unmapped("MAP-011", instead(), table=table.name)


def _own_coding(code: str, table: Table) -> dict[str, Any] | None:
    """Return the sender's own code under its own system, None where the map names none."""
    if not table.source:
        return None
    return {"system": table.source, "code": str(values.CHECKS["code"](code))}


def _own_concept(code: str, table: Table, said: str) -> dict[str, Any]:
    own = _own_coding(code, table) if table.on_unmapped == "passthrough" else None
    return _filled(coding=[own] if own else [], text=said or values.string(code))


def _filled(**parts: Any) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value}


def timing(value: Any) -> dict[str, Any]:
    """Return a Timing of the frequency grammar (domain.md §4.5)."""
    text = plain(value).strip()
    if text == "按需":
        return {"code": {"text": text}}
    found = _FREQUENCY.fullmatch(text)
    if found is None:
        raise Bad("MAP-025")
    return {
        "repeat": {"frequency": int(found[2]), "period": 1, "periodUnit": _UNITS[found[1]]},
        "code": {"text": text},
    }


def quantity(value: Any, unit: str = "") -> dict[str, Any]:
    """Return a Quantity, with a comparator where one stands before the number."""
    found = _QUANTITY.fullmatch(plain(value).strip())
    if found is None:
        raise Bad("MAP-021")
    number = Decimal(found[2]) if "." in found[2] else int(found[2])
    out: dict[str, Any] = {"value": number}
    if found[1]:
        out["comparator"] = _COMPARATORS.get(found[1], found[1])
    if unit:
        out |= {"unit": unit, "system": UCUM, "code": unit}
    return out


def div(value: Any) -> str | None:
    """Return text as the XHTML of a Narrative, escaped; lines stay lines."""
    text = values.string(value)
    if text is None:
        return None
    lines = escape(text, quote=False).replace("\r\n", "\n").split("\n")
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{"<br/>".join(lines)}</div>'


def moment_of(text: str) -> datetime | None:
    """Return the moment of a date or time for comparison, None when it is none."""
    try:
        return dates.moment(text)
    except ValueError:
        return None


class Signature(NamedTuple):
    """What the compiler knows of a transform.

    ``args``: sorts of its arguments, `text`, `table`, `value` (an operand), `type` (a resource type); a trailing `*`
    repeats, `?` may be left out. ``out``: the R4 types that it makes (empty: text to be checked at the target).
    ``call`` is None for those that the compiler emits itself.
    """

    call: Callable[..., Any] | None
    args: tuple[str, ...] = ()
    out: frozenset[str] = frozenset()
    eats_empty: bool = False


SIGNATURES: Final[dict[str, Signature]] = {
    "date": Signature(as_date, (), frozenset({"date", "dateTime"})),
    "datetime": Signature(as_datetime, ("text?",), frozenset({"dateTime"})),
    "instant": Signature(as_instant, ("text?",), frozenset({"instant", "dateTime"})),
    "int": Signature(values.integer),
    "decimal": Signature(values.decimal),
    "boolean": Signature(values.boolean),
    "text": Signature(plain),
    "upper": Signature(upper),
    "trim": Signature(trim),
    "half": Signature(half),
    "absent": Signature(absent, ("text", "text*")),
    "split": Signature(split, ("text?",), frozenset({"list"})),
    "join": Signature(join, ("text?",)),
    "resident_id": Signature(resident_id),
    "resident_birth": Signature(resident_birth),
    "resident_sex": Signature(resident_sex),
    "org_code": Signature(org_code),
    "lookup": Signature(lookup, ("table",)),
    "coding": Signature(coding, ("table",), frozenset({"Coding"})),
    "concept": Signature(concept, ("table", "value?"), frozenset({"CodeableConcept"})),
    "uuid": Signature(None, ("type", "value*")),
    "ref": Signature(None, ("type", "value*"), frozenset({"reference"})),
    "required": Signature(None, (), frozenset(), eats_empty=True),
    "default": Signature(default, ("text",), frozenset(), eats_empty=True),
    "timing": Signature(timing, (), frozenset({"Timing"})),
    "quantity": Signature(quantity, ("text?",), frozenset({"Quantity", "SimpleQuantity", "Age", "Duration"})),
    "div": Signature(div, (), frozenset({"xhtml"})),
}
"""Every transform there is."""
