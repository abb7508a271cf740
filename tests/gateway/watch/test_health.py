"""Alive, ready, and why not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.fhir.problem import Problem
from gateway.watch import health as module
from gateway.watch.health import Health, health_routes


class Part:
    """A part that is as a test wants it."""

    def __init__(self) -> None:
        self.problem: Problem | None = None
        self.hangs = False
        self.asked = 0

    async def __call__(self) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.problem:
            raise self.problem


@pytest.fixture
def part() -> Part:
    return Part()


@pytest.fixture
async def http(part: Part, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(module, "FRESH_S", 0.0)
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)
    app = Starlette(routes=health_routes(Health({"database": part, "journal": Part()}, version={"version": "1.2.3"})))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as client:
        yield client


async def _verbose(http: httpx.AsyncClient) -> tuple[int, dict[str, Any]]:
    answer = await http.get("/readyz?verbose")
    return answer.status_code, answer.json()


async def test_all_parts_well_is_ready(http: httpx.AsyncClient) -> None:
    assert await _verbose(http) == (200, {"status": "ready", "parts": {"database": "ok", "journal": "ok"}})


async def test_one_part_that_is_not_makes_it_unready_and_is_named_by_its_code(
    http: httpx.AsyncClient, part: Part
) -> None:
    part.problem = Problem("STO-503")

    assert await _verbose(http) == (503, {"status": "unready", "parts": {"database": "STO-503", "journal": "ok"}})


async def test_a_part_that_does_not_answer_is_not_ready(http: httpx.AsyncClient, part: Part) -> None:
    part.hangs = True

    status, said = await _verbose(http)

    assert (status, said["parts"]["database"]) == (503, "STO-503")


async def test_it_is_ready_again_as_soon_as_the_part_is(http: httpx.AsyncClient, part: Part) -> None:
    part.problem = Problem("STO-503")
    before = (await http.get("/readyz")).status_code
    part.problem = None

    assert (before, (await http.get("/readyz")).status_code) == (503, 200)


async def test_without_asking_for_it_nothing_is_told_of_the_parts(http: httpx.AsyncClient) -> None:
    assert (await http.get("/readyz")).json() == {"status": "ready"}


async def test_alive_and_started_do_not_depend_on_the_parts(http: httpx.AsyncClient, part: Part) -> None:
    part.problem = Problem("STO-503")

    assert [(await http.get(path)).status_code for path in ("/livez", "/startupz", "/version")] == [200] * 3
    assert (await http.get("/version")).json() == {"version": "1.2.3"}


async def test_many_who_ask_at_once_cost_one_question(part: Part) -> None:
    health = Health({"database": part}, version={})

    answers = await asyncio.gather(*(health.ready() for _ in range(50)))

    assert (set(answers), part.asked) == ({True}, 1)


async def test_no_answer_is_kept_by_a_cache(http: httpx.AsyncClient) -> None:
    assert (await http.get("/readyz")).headers["cache-control"] == "no-store"
