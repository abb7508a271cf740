"""Filling a gateway: what is stored is not sent again, what is parked ends it with the reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import httpx
import pytest

from gateway.demo.county import HOSPITAL, county
from gateway.demo.doors import Doors, StepFailed, Where
from gateway.demo.load import load
from gateway.demo.year import Sent, year

TODAY = date(2026, 11, 25)


def _discharges() -> list[Sent]:
    place = county(seed=7, elders=4, today=TODAY)
    return [row for row in year(place, seed=7, today=TODAY, hospital=HOSPITAL) if row.feed == "json-discharge"]


def _doors(answer: Callable[[httpx.Request], httpx.Response]) -> Doors:
    async def token(_: str) -> str:
        return "t"

    where = Where("http://hub.test/fhir", "http://hub.test/intake", "127.0.0.1", 1)
    return Doors(where, token=token, http=httpx.AsyncClient(transport=httpx.MockTransport(answer)))


async def test_what_an_earlier_start_stored_is_not_sent_again() -> None:
    methods: list[str] = []
    done: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        methods.append(request.method)
        return httpx.Response(200, json={"data": {"state": "stored"}})

    rows = _discharges()
    await load(rows, _doors(answer), sender=lambda _: "his", told=done.append)

    assert set(methods) == {"GET"}
    assert done == list(range(1, len(rows) + 1))


async def test_a_new_record_is_sent_once_and_waited_for() -> None:
    state: dict[str, str] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            found = state.get(request.url.path.rpartition("/")[2])
            return httpx.Response(200, json={"data": {"state": found}}) if found else httpx.Response(404)
        message = httpx.Response(200, content=request.content).json()["msgId"]
        assert message not in state
        state[message] = "stored"
        return httpx.Response(200, json={"success": "AA"})

    rows = _discharges()
    await load(rows, _doors(answer), sender=lambda _: "his", told=lambda _: None)

    assert state == dict.fromkeys((row.record["msgId"] for row in rows), "stored")


async def test_a_parked_record_ends_it_with_its_codes() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        data = {"state": "parked", "issues": [{"code": "MAP-004"}]}
        return httpx.Response(200, json={"success": "AA", "data": data})

    with pytest.raises(StepFailed, match="parked: MAP-004"):
        await load(_discharges(), _doors(answer), sender=lambda _: "his", told=lambda _: None)
