"""Row ids rise, whatever the clock does and however many are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.store.postgres.ids import RowIds

START = datetime(2026, 3, 12, tzinfo=UTC)


class Clock:
    """Time that a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def test_ids_of_one_millisecond_rise_beyond_what_it_holds() -> None:
    ids = RowIds(5, now=Clock())

    made = [ids.next() for _ in range(10_000)]

    assert made == sorted(set(made))


def test_a_clock_that_is_set_back_makes_no_smaller_id() -> None:
    clock = Clock()
    ids = RowIds(5, now=clock)
    before = ids.next()

    clock.now -= timedelta(hours=1)

    assert ids.next() > before


def test_the_ids_of_two_nodes_differ_at_the_same_moment() -> None:
    assert RowIds(1, now=Clock()).next() != RowIds(2, now=Clock()).next()


def test_an_id_fits_the_column() -> None:
    late = Clock()
    late.now = datetime(2039, 1, 1, tzinfo=UTC)

    assert 0 < RowIds(1023, now=late).next() < 2**63
