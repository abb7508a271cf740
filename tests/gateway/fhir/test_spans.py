"""A FHIR date covers a span of time, as wide as it is written."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir.spans import ZONE, span


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("1943", "1943-01-01T00:00:00+08:00", "1944-01-01T00:00:00+08:00"),
        ("1943-12", "1943-12-01T00:00:00+08:00", "1944-01-01T00:00:00+08:00"),
        ("2024-02-29", "2024-02-29T00:00:00+08:00", "2024-03-01T00:00:00+08:00"),
        ("2026-03-04T08:15Z", "2026-03-04T08:15:00+00:00", "2026-03-04T08:16:00+00:00"),
        ("2026-03-04T08:15:30+08:00", "2026-03-04T08:15:30+08:00", "2026-03-04T08:15:31+08:00"),
        ("2026-03-04T08:15:30.5Z", "2026-03-04T08:15:30.500+00:00", "2026-03-04T08:15:30.600+00:00"),
        ("2026-03-04T08:15:60Z", "2026-03-04T08:15:59+00:00", "2026-03-04T08:16:00+00:00"),
        ("2026-03-04T08:15:30", "2026-03-04T08:15:30+08:00", "2026-03-04T08:15:31+08:00"),
    ],
)
def test_a_date_covers_its_own_precision(text: str, low: str, high: str) -> None:
    assert span(text) == (datetime.fromisoformat(low), datetime.fromisoformat(high))


@pytest.mark.parametrize(
    "text", ["", "43", "1943-13", "2023-02-29", "1943-01-01T", "1943-01-01T25:00Z", "x1943", "\uff10\uff19\uff14\uff13"]
)
def test_what_is_no_date_has_no_span(text: str) -> None:
    assert span(text) is None


@pytest.mark.parametrize("text", ["0001", "0001-01-01", "9999", "9999-12", "9999-12-31", "9999-12-31T23:59:59-12:00"])
def test_the_ends_of_the_calendar_stay_inside_it(text: str) -> None:
    found = span(text)

    assert found is not None
    assert found[0] <= found[1]


@given(st.dates())
def test_a_day_lies_in_its_month_and_the_month_in_its_year(day: object) -> None:
    whole, month, year = (span(str(day)[:length]) for length in (10, 7, 4))

    assert whole is not None
    assert month is not None
    assert year is not None
    assert year[0] <= month[0] <= whole[0] <= whole[1] <= month[1] <= year[1]


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 - bounds are naive
def test_an_instant_lies_in_its_day_of_the_county(moment: datetime) -> None:
    text = moment.replace(tzinfo=UTC, microsecond=0).isoformat().replace("+00:00", "Z")

    low, high = span(text) or (None, None)

    assert low == moment.replace(tzinfo=UTC, microsecond=0)
    assert high == low + timedelta(seconds=1)
    day = span(f"{low.astimezone(ZONE):%Y-%m-%d}")
    assert day is not None
    assert day[0] <= low < day[1]


@given(st.text(max_size=30))
def test_no_text_makes_it_fail(text: str) -> None:
    found = span(text)

    assert found is None or found[0] <= found[1]
