"""FHIR dates as half-open spans of time [low, high): ``1948-05`` is the whole of May.

Source: R4 search.html#date, datatypes.html#dateTime. A date without an offset means the county's civil day.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

Span = tuple[datetime, datetime]

# China has one time zone; R4 search.html#date asks for the server's local time where none is given.
ZONE = timezone(timedelta(hours=8))

FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)

_FORM = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)


@lru_cache(maxsize=4096)
def span(text: str) -> Span | None:
    """Return the aware UTC span that ``text`` covers at its own precision, None when it is no date."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        low = _day(year, month or 1, day or 1)
        if hour is not None:
            return _instant(low, (hour, minute, second, fraction), offset)
        return _utc(low), _after(low, "day" if day else "month" if month else "year")
    except ValueError:
        return None


def _after(low: datetime, precision: str) -> datetime:
    """Return the end of the day, month or year that starts at ``low``."""
    try:
        if precision == "day":
            return _utc(low + timedelta(days=1))
        if precision == "month" and low.month < 12:
            return _utc(low.replace(month=low.month + 1))
        return _utc(low.replace(year=low.year + 1, month=1))
    except (OverflowError, ValueError):
        return LAST


def _day(year: str | int, month: str | int, day: str | int) -> datetime:
    return datetime(int(year), int(month), int(day), tzinfo=ZONE)


def _instant(day: datetime, clock: tuple[str, str, str | None, str | None], offset: str | None) -> Span:
    hour, minute, second, fraction = clock
    # 23:59:60 is legal in FHIR; the leap second is taken as the last one before it.
    seconds = min(int(second), 59) if second else 0
    micros = int(((fraction or "") + "000000")[:6])
    low = day.replace(hour=int(hour), minute=int(minute), second=seconds, microsecond=micros, tzinfo=_zone(offset))
    if second is None:
        return _utc(low), min(_utc(low), LAST - timedelta(minutes=1)) + timedelta(minutes=1)
    step = timedelta(seconds=1) if fraction is None else timedelta(microseconds=10 ** max(0, 6 - len(fraction)))
    return _utc(low), min(_utc(low), LAST - step) + step


def _zone(offset: str | None) -> timezone:
    if offset is None:
        return ZONE
    if offset == "Z":
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[4:6])
    return timezone(timedelta(minutes=minutes if offset[0] == "+" else -minutes))


def _utc(moment: datetime) -> datetime:
    """Return ``moment`` in UTC, cut to what a `datetime` can hold: 9999-12-31 stands for "for good"."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return FIRST if moment.year == 1 else LAST
