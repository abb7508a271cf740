"""What the door understood is handed to the pipeline once, within bounds; a message of another feed is another one."""

from __future__ import annotations

from dataclasses import replace

from gateway.intake import Arrival, Fresh
from gateway.intake.service import Understood
from gateway.mapping import MapResult

ARRIVAL = Arrival("his", "json-discharge", "12410000MB00000010", "M1", b"{}", b"d" * 32)
UNDERSTOOD = Understood("M1", MapResult((), (), None), (), "elder")  # type: ignore[arg-type]


def test_what_was_kept_is_taken_once() -> None:
    fresh = Fresh()
    fresh.keep(ARRIVAL, UNDERSTOOD)

    assert fresh.take(ARRIVAL) is UNDERSTOOD
    assert fresh.take(ARRIVAL) is None


def test_other_content_or_another_feed_is_not_what_was_understood() -> None:
    fresh = Fresh()
    fresh.keep(ARRIVAL, UNDERSTOOD)

    assert fresh.take(replace(ARRIVAL, digest=b"e" * 32)) is None
    assert fresh.take(replace(ARRIVAL, feed="other")) is None


def test_what_came_first_stays_when_it_is_full() -> None:
    fresh = Fresh(capacity=2)
    for number in range(3):
        fresh.keep(replace(ARRIVAL, message_id=f"M{number}"), UNDERSTOOD)

    assert [fresh.take(replace(ARRIVAL, message_id=f"M{number}")) is None for number in range(3)] == [
        False,
        False,
        True,
    ]


def test_a_large_message_is_read_again() -> None:
    fresh = Fresh()
    large = replace(ARRIVAL, raw=b" " * (256 * 1024 + 1))
    fresh.keep(large, UNDERSTOOD)

    assert fresh.take(large) is None
