"""Dates keep the precision that was sent; what the calendar or the clock does not know is refused."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.formats import dates
from tests.budget import examples

# R4 datatypes.html#date and #dateTime, as written there.
R4_DATE = re.compile(
    r"([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)(-(0[1-9]|1[0-2])(-(0[1-9]|[1-2][0-9]|3[0-1]))?)?"
)
R4_DATETIME = re.compile(
    r"([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)(-(0[1-9]|1[0-2])(-(0[1-9]|[1-2][0-9]|3[0-1])"
    r"(T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?(Z|(\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00)))?)?)?"
)
SENT = st.one_of(
    st.from_regex(
        r"\A[0-9]{4}([-/]?[01][0-9]([-/]?[0-3][0-9]([T ]?[0-2][0-9]:?[0-5][0-9](:?[0-6][0-9](\.[0-9]{1,9})?)?)?)?)?"
        r"(Z|[+-][01][0-9]:?[0-6][0-9])?\Z"
    ),
    st.text("0123456789-/:+.TZ 年\uff11", max_size=30),
)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("1943", "1943"),
        ("194303", "1943-03"),
        ("19430305", "1943-03-05"),
        ("1943-03-05", "1943-03-05"),
        ("1943/03/05", "1943-03-05"),
        ("20260312160000", "2026-03-12"),
        ("2026-03-12T00:30:00+08:00", "2026-03-12"),
    ],
)
def test_a_date_keeps_its_precision(sent: str, meant: str) -> None:
    assert dates.to_date(sent) == meant


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("202603", "2026-03"),
        ("20260312", "2026-03-12"),
        ("202603121600", "2026-03-12T16:00:00+08:00"),
        ("20260312160000", "2026-03-12T16:00:00+08:00"),
        ("20260312160000.25+0000", "2026-03-12T16:00:00.25+00:00"),
        ("2026-03-12 16:00", "2026-03-12T16:00:00+08:00"),
        ("2026-03-12T16:00:00Z", "2026-03-12T16:00:00Z"),
        ("2024-02-29T23:59:59-0330", "2024-02-29T23:59:59-03:30"),
    ],
)
def test_a_time_without_an_offset_is_chinas(sent: str, meant: str) -> None:
    assert dates.to_datetime(sent) == meant


@pytest.mark.parametrize(
    "sent",
    [
        "", "今天", "20260231", "2026-13-01", "20250229", "00000101", "2026031216", "20260312250000", "20260312166000",
        "20260312160060", "20260312+0800", "20260312160000+1500", "20260312160000+1430", "20260312160000+0860",
        "20260312 ", "\uff12\uff10\uff12\uff16",
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(sent: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        dates.to_datetime(sent)


def test_an_instant_demands_seconds() -> None:
    assert dates.to_instant("20260312160000") == "2026-03-12T16:00:00+08:00"
    with pytest.raises(ValueError, match="seconds"):
        dates.to_instant("202603121600")


@given(st.datetimes(datetime(1850, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001 - senders write no zone
def test_both_spellings_are_one_moment(when: datetime) -> None:
    compact, separated = when.strftime("%Y%m%d%H%M%S"), when.strftime("%Y-%m-%d %H:%M:%S")

    moment = dates.moment(compact)

    assert moment == dates.moment(separated) == dates.moment(dates.to_datetime(compact))
    assert moment.replace(tzinfo=None) == when.replace(microsecond=0)


@settings(max_examples=examples(500))
@given(SENT)
def test_any_text_is_a_date_as_r4_writes_it_or_refused(sent: str) -> None:
    try:
        date, time, moment = dates.to_date(sent), dates.to_datetime(sent), dates.moment(sent)
    except ValueError:
        return

    assert R4_DATE.fullmatch(date)
    assert R4_DATETIME.fullmatch(time)
    assert time.startswith(date)
    assert moment.utcoffset() is not None
    # Read again it is the same: nothing is rounded, shifted or filled in.
    assert dates.to_datetime(time) == time
