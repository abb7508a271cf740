"""Whatever the parser reads, PostgreSQL answers; and dates of any precision are found as a plain reading of R4 says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.fhir import search as parameters
from gateway.fhir.predicate import EVERYTHING
from gateway.fhir.problem import Problem, Problems
from gateway.fhir.spans import span
from gateway.store.protocol import FhirStore
from tests.budget import examples
from tests.gateway.store.making import asked, find, ids, observation, patient, put

ONE_STORE = [HealthCheck.function_scoped_fixture]
KINDS = ("Patient", "Task", "Observation", "CarePlan", "Consent", "Encounter")
NAMES = st.sampled_from(
    [
        "_id", "_lastUpdated", "_sort", "_count", "_total", "identifier", "patient", "subject", "owner", "date", "code",
        "status", "birthdate", "patient.identifier", "owner.identifier", "subject:Patient.birthdate", "period",
        "encounter", "based-on", "modified", "category", "performer",
        "_has:Observation:patient:code", "_has:Task:patient:_has:Task:based-on:status", "_list",
        "encounter.subject:Patient.birthdate",
    ]
)  # fmt: skip
VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text("ab|,\\$/1-:.TZ'%_;\x00", max_size=16),
    st.sampled_from(
        ["a|b", "|b", "a|", "Patient/p1", "p1,p2", "ge2026", "ne2026-03-04", "2026-03-04T08:00Z,2025", "-date", "-_id",
         "0", "5", "accurate", "estimate", "status", "-code,date", "name,-gender,_id", "subject",
         "0001-01-01", "9999-12-31", "lt0001", "gt9999", "' OR true --"]
    ),
)  # fmt: skip
DATES = [
    "1943", "2025-12-31", "2026", "2026-01", "2026-01-01", "2026-01-01T00:00:00+08:00", "2026-01-01T08:15:30.5Z",
    "2026-02", "2026-02-28", "2026-03-01T23:59:59+08:00",
]  # fmt: skip
PERIODS = [("2026-01-01", "2026-02-15"), ("2026-02", ""), ("", "2026-01-01"), ("2025", "2027")]
ASKED = st.one_of(
    st.sampled_from(DATES),
    st.dates(date(2025, 12, 20), date(2026, 3, 10)).map(str),
    st.datetimes(datetime(2025, 12, 31), datetime(2026, 3, 2)).map(lambda at: f"{at:%Y-%m-%dT%H:%M:%S}Z"),  # noqa: DTZ001 - bounds are naive
)
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")


@pytest.fixture
async def dated(store: FhirStore) -> FhirStore:
    """Give a store with an observation for each date and period."""
    await put(store, patient("p1"), *(observation(f"d{at}", text) for at, text in enumerate(DATES)))
    for at, (start, end) in enumerate(PERIODS):
        period = {name: text for name, text in (("start", start), ("end", end)) if text}
        await put(store, {**observation(f"q{at}"), "effectivePeriod": period})
    return store


@settings(max_examples=examples(120), suppress_health_check=ONE_STORE)
@given(kind=st.sampled_from(KINDS), pairs=st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=4))
async def test_whatever_is_read_is_answered(dated: FhirStore, kind: str, pairs: list[tuple[str, str]]) -> None:
    try:
        query, _ = parameters.parse(kind, pairs, strict=False)
    except Problems:
        return

    try:
        page = await dated.search(replace(query, cursor=""), EVERYTHING)
    except Problem as refused:
        assert refused.code.startswith("STO-")  # noqa: PT017 - either outcome is good
        return

    assert all(row.kind == kind for row in page.rows)
    assert len(page.rows) <= query.count


@settings(max_examples=examples(100), suppress_health_check=ONE_STORE)
@given(prefix=st.sampled_from(PREFIXES), text=ASKED)
async def test_dates_are_found_as_a_plain_reading_says(dated: FhirStore, prefix: str, text: str) -> None:
    found = await find(dated, "Observation", f"date={prefix}{text}&_count=100")

    assert set(ids(found.rows)) == {id for id, stored in spans().items() if meets(prefix, stored, plain(text))}


def spans() -> dict[str, tuple[datetime, datetime]]:
    """Return what each row covers, an open end reaching to the end of time."""
    found = {f"d{at}": plain(text) for at, text in enumerate(DATES)}
    for at, (start, end) in enumerate(PERIODS):
        low = plain(start)[0] if start else plain("0001")[0]
        found[f"q{at}"] = (low, plain(end)[1] if end else plain("9999-12-31")[1])
    return found


def plain(text: str) -> tuple[datetime, datetime]:
    found = span(text)
    assert found is not None
    return found


def meets(prefix: str, stored: tuple[datetime, datetime], wanted: tuple[datetime, datetime]) -> bool:
    """Read R4 search.html#prefix: ``stored`` and ``wanted`` are spans whose end is not part of them."""
    inside = wanted[0] <= stored[0] and stored[1] <= wanted[1]
    match prefix:
        case "eq":
            return inside
        case "ne":
            return not inside
        case "gt":  # something of it lies above what is wanted
            return stored[1] > wanted[1]
        case "lt":
            return stored[0] < wanted[0]
        case "ge":
            return stored[1] > wanted[1] or inside
        case "le":
            return stored[0] < wanted[0] or inside
        case "sa":  # all of it lies above
            return stored[0] >= wanted[1]
        case _:
            return stored[1] <= wanted[0]


def test_the_plain_reading_knows_every_row() -> None:
    assert len(spans()) == len(DATES) + len(PERIODS)
    assert asked("Observation", "date=2026").clauses[0].type == "date"
