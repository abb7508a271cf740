"""Strings and quantities are found as a plain reading of R4 says, whatever is asked."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store.protocol import FhirStore
from tests.budget import examples
from tests.gateway.store.making import Doc, find, ids, observation, patient, put
from tests.gateway.store.plain_reading import compared, has_amount, has_text

ONE_STORE = [HealthCheck.function_scoped_fixture]
STREETS = [
    "示范路8号", "示范路 80 号", "歐陽村", "欧阳村三组", "Abcab-cabX", "ábcabc", "b", "单家庄", "單 家庄东" * 20,
    "c" * 70 + "ab",
]  # fmt: skip
AMOUNTS = [
    ("5", "g"), ("5000", "mg"), ("4.96", "g"), ("0.005", "kg"), ("-5", "g"), ("5.5", "g"), ("50", "mg"), ("0", "g"),
]  # fmt: skip
ASKED = st.text("示范路8号歐欧陽阳村单單家庄东abcABC á-x", min_size=1, max_size=9).filter(compared)


@pytest.fixture
async def places(store: FhirStore) -> FhirStore:
    await put(store, *(patient(f"s{n}", address=[{"line": [text]}]) for n, text in enumerate(STREETS)))
    return store


@pytest.fixture
async def doses(store: FhirStore) -> FhirStore:
    await put(store, *(dose(f"q{n}", float(value), unit) for n, (value, unit) in enumerate(AMOUNTS)))
    return store


def dose(id: str, value: float, unit: str) -> Doc:
    quantity = {"value": value, "system": "http://unitsofmeasure.org", "code": unit}
    return {**observation(id), "valueQuantity": quantity}


@settings(max_examples=examples(150), suppress_health_check=ONE_STORE)
@given(modifier=st.sampled_from(["", "exact", "contains"]), asked=st.one_of(ASKED, st.sampled_from(STREETS)))
async def test_strings(places: FhirStore, modifier: str, asked: str) -> None:
    name = f"address:{modifier}" if modifier else "address"

    found = await find(places, "Patient", f"{name}={asked}&_count=100")

    assert set(ids(found.rows)) == {f"s{n}" for n, text in enumerate(STREETS) if has_text(modifier, asked, [text])}


@settings(max_examples=examples(150), suppress_health_check=ONE_STORE)
@given(
    prefix=st.sampled_from(["", "ne", "gt", "ge", "lt", "le", "sa", "eb"]),
    asked=st.sampled_from(["5", "5.0", "5.00", "4.96", "5000", "-5", "0", "0.0", "50", "0.005", "5.5"]),
    unit=st.sampled_from(["g", "mg", "kg"]),
)
async def test_quantities(doses: FhirStore, prefix: str, asked: str, unit: str) -> None:
    question = f"value-quantity={prefix}{asked}|http://unitsofmeasure.org|{unit}&_count=100"

    found = await find(doses, "Observation", question)

    expected = {f"q{n}" for n, stored in enumerate(AMOUNTS) if has_amount(prefix, asked, unit, stored)}
    assert set(ids(found.rows)) == expected
