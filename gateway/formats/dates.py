"""Dates and times of Chinese systems and HL7 v2 to FHIR's, with the precision that was sent.

In: `19430305`, `1943-03-05`, `20260312160000`, `2026-03-12 16:00`, `20260312160000.5+0800`. Out: FHIR R4 date,
dateTime, instant. Refused (ValueError): impossible dates, an hour without minutes. No offset means the offset that
the map states, never the machine's zone (mapping.md §7.5).
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache

CHINA = "+08:00"
LAST_ZONE = "1400"
"""The farthest offset that R4 knows (datatypes.html#dateTime)."""
_COMPACT = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(\d\d)(?:(\d\d)(\.\d{1,9})?)?)?)?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_SEPARATED = re.compile(
    r"(\d{4})[-/](\d\d)(?:[-/](\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?)?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)


def to_date(text: str) -> str:
    """Return a FHIR date of the precision of ``text``; of a date-time its date, as written."""
    year, month, day, *_ = _parts(text)
    return "-".join(part for part in (year, month, day) if part)


def to_datetime(text: str, offset: str = CHINA) -> str:
    """Return a FHIR dateTime; ``offset`` applies to a time that has none."""
    year, month, day, hour, minute, second, fraction, zone = _parts(text)
    if not hour:
        return "-".join(part for part in (year, month, day) if part)
    return f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}{fraction or ''}{_zone(zone) or offset}"


def to_instant(text: str, offset: str = CHINA) -> str:
    """Return a FHIR instant: ``text`` must state the seconds."""
    if not _parts(text)[5]:
        raise ValueError("seconds are missing")
    return to_datetime(text, offset)


@lru_cache(maxsize=1024)
def moment(text: str, offset: str = CHINA) -> datetime:
    """Return the first aware moment of the date or time in ``text``, for comparison only."""
    year, month, day, hour, minute, second, fraction, zone = _parts(text)
    name = _zone(zone) or offset
    sign = -1 if name[0] == "-" else 1
    delta = timedelta() if name == "Z" else sign * timedelta(hours=int(name[1:3]), minutes=int(name[4:6]))
    micro = int((fraction or ".0")[1:7].ljust(6, "0"))
    return datetime(
        int(year),
        int(month or 1),
        int(day or 1),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        micro,
        tzinfo=timezone(delta),
    )


@lru_cache(maxsize=1024)
def _parts(text: str) -> tuple[str, ...]:
    """Return year, month, day, hour, minute, second, fraction, zone ("" where absent), checked against the calendar."""
    found = _COMPACT.fullmatch(text) or _SEPARATED.fullmatch(text)
    if found is None:
        raise ValueError("not a date or time")
    parts = found.groups("")
    date(int(parts[0]), int(parts[1] or 1), int(parts[2] or 1))
    if parts[3] and not (parts[3] < "24" and parts[4] < "60" and parts[5] < "60"):
        raise ValueError("not a time of day")
    if parts[7] and not parts[3]:
        raise ValueError("a zone without a time")
    _zone(parts[7])
    return parts


def _zone(zone: str) -> str:
    if not zone or zone == "Z":
        return zone
    digits = zone[1:].replace(":", "")
    if not (digits <= LAST_ZONE and digits[2:] < "60"):
        raise ValueError("not a zone")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"
