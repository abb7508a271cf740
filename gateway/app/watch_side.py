"""What is watched of this installation: decisions counted, the journal timed, the database asked at a scrape.

In: rooms and meters. Out: a gate that counts, `Health` of the parts, the application of the admin listener
(`/metrics`, health). Nothing here reads a resource: what the database is asked for are numbers of rows and ages.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import __version__
from gateway.app.rooms import Clock, Rooms
from gateway.app.workflow_side import Worked
from gateway.fhir.predicate import Facts
from gateway.fhir.problem import Problem
from gateway.formats import Record
from gateway.intake import Feeds, Understander
from gateway.intake.pipeline import Told
from gateway.intake.service import Understood
from gateway.mapping import Feed
from gateway.store.postgres import migrate
from gateway.store.postgres.pool import GONE
from gateway.store.protocol import Stored
from gateway.watch.health import Health, health_routes
from gateway.watch.meters import SAMPLE, Meters
from gateway.watch.share import Share
from gateway.watch.tally import Key
from gateway.workflow.overdue import SEARCH, overdue
from security.caller import Caller
from security.gate import Action, Decision, Gate, Row

COUNT_EVERY: Final = timedelta(minutes=1)
"""Counting reads every referral that waits: some hundreds in a county (design default)."""
TELL_S: Final = 1.0
"""How often a process writes its counts for its siblings (design default; Prometheus asks every 15 s or so)."""
PROBES: Final = ("/livez", "/readyz", "/startupz", "/health", "/ready")
"""Asked every few seconds: told at level debug only."""
_PAGES: Final = Path("/proc/self/statm")
_CHANNELS: Final = """
SELECT feed, extract(epoch FROM now() - min(received))::float8 AS age FROM inbox WHERE state IN (0, 1) GROUP BY feed"""
_PUT_ASIDE: Final = "SELECT state, count(*) FROM inbox WHERE state IN (3, 4) GROUP BY state"
_HEIGHTS: Final = "SELECT writer, seq FROM audit.head WHERE seq > 0"
_NAMES: Final = {3: "yiyang_parked_messages", 4: "yiyang_dead_letters"}
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


class CountedGate(Gate):
    """The gate, whose every decision is counted by rule and action, and every so-many-th timed."""

    meters: Meters
    now: Clock
    is_open = False
    """Whether the doors are: what is learnt before them is no news."""
    asked = 0

    def learn(self, rows: Iterable[Row]) -> None:
        """Learn as the gate does; of a consent, tell how old its commit is by now."""
        known = [*rows]
        super().learn(known)
        for row in known:
            if self.is_open and row.kind == "Consent" and isinstance(row, Stored):
                self.meters.consent_took((self.now() - row.updated).total_seconds())

    def decide(self, caller: Caller, action: Action, facts: Facts, *, doc: Any | None = None) -> Decision:
        """Decide as the gate does."""
        self.asked += 1
        if self.asked % SAMPLE:
            found = super().decide(caller, action, facts, doc=doc)
        else:
            began = perf_counter()
            found = super().decide(caller, action, facts, doc=doc)
            self.meters.decision_took(perf_counter() - began)
        self.meters.decided(found.rule, action, allow=found.allow)
        return found


class TimedUnderstander(Understander):
    """The understander, whose every record is timed and its issues counted by map and rule."""

    meters: Meters

    def __call__(
        self, feed: Feed, raw: bytes, *, organisation: str, checking: bool = True, record: Record | None = None
    ) -> Understood:
        """Understand as the understander does."""
        began = perf_counter()
        try:
            found = super().__call__(feed, raw, organisation=organisation, checking=checking, record=record)
        except Problem as problem:
            self.meters.mapped(feed.name, (problem,), perf_counter() - began)
            raise
        self.meters.mapped(feed.name, found.problems, perf_counter() - began)
        return found


def told_of(meters: Meters, feeds: Feeds) -> Told:
    """Return what counts messages by feed and state; a name that is no feed of ours is counted as "none"."""
    known = frozenset(feeds.names)

    def told(feed: str, state: str) -> None:
        meters.message(feed if feed in known else "none", state)

    return told


def health_of(rooms: Rooms, *, versions: Callable[[], Awaitable[None]], consents: Callable[[], None]) -> Health:
    """Return the health of what every request stands on; ``versions`` and ``consents`` raise what is wrong there."""

    async def registry() -> None:
        rooms.registry.snapshot()

    async def database() -> None:
        await rooms.store.cursor_of("workflow")

    async def learnt() -> None:
        consents()

    version = {"version": __version__, "schema": migrate.head(), "fhir": "4.0.1"}
    parts = {
        "database": database,
        "registry": registry,
        "journal": rooms.journal.check,
        "consents": learnt,
        "versions": versions,
    }
    return Health(parts, version=version)


class Overdue:
    """How many referrals are overdue, counted when it is asked and the last count is old."""

    def __init__(self, worked: Worked, now: Clock) -> None:
        """Hold the hub as the workflow sees it, and the clock."""
        self._worked = worked
        self._now = now
        self._counted: datetime | None = None
        self._count = 0

    async def count(self) -> int:
        """Return the count, at most COUNT_EVERY old. Raises Problem STO-503."""
        now = self._now()
        if self._counted is None or not timedelta() <= now - self._counted < COUNT_EVERY:
            self._count = overdue(await self._worked.find("Task", SEARCH), now=now)
            self._counted = now
        return self._count


def admin_app(rooms: Rooms, meters: Meters, health: Health, share: Share, late: Overdue) -> Starlette:
    """Return what the admin listener serves."""

    async def metrics(request: Request) -> Response:
        # The library is for the scrape alone: no other start pays for its import.
        from gateway.watch.exposition import expose

        own = meters.snapshot()
        # What a scrape has shown outlives this process, so that no counter runs backwards.
        with contextlib.suppress(OSError):
            await asyncio.to_thread(share.tell, own)
        total, alive = await asyncio.to_thread(share.sum, own)
        total.gauges |= {("yiyang_processes",): float(len(alive))}
        total.gauges |= dict(await _of_installation(rooms, health, late))
        body, kind = expose(total, request.headers.get("accept", _TEXT))
        return Response(body, 200, {"Cache-Control": "no-store"}, kind)

    return Starlette(routes=[Route("/metrics", metrics, methods=["GET"]), *health_routes(health)])


async def tell_siblings(meters: Meters, share: Share) -> None:
    """Write this process's counts for whoever is asked, until cancelled."""
    await asyncio.to_thread(share.begin)
    while True:
        # A full disk costs freshness, no more.
        with contextlib.suppress(OSError):
            await asyncio.to_thread(share.tell, meters.snapshot())
        await asyncio.sleep(TELL_S)


def of_process(rooms: Rooms) -> Iterator[tuple[Key, float]]:
    """Yield the gauges of this process; they are summed over all."""
    yield ("yiyang_audit_queue_events",), float(rooms.journal.waiting)
    with contextlib.suppress(OSError):
        resident = int(_PAGES.read_text(encoding="ascii").split()[1])
        yield ("yiyang_process_memory_bytes",), float(resident * os.sysconf("SC_PAGE_SIZE"))


async def _of_installation(rooms: Rooms, health: Health, late: Overdue) -> list[tuple[Key, float]]:
    """Return the gauges that are the same whichever process is asked; without a database only what is known."""
    found: list[tuple[Key, float]] = [(("yiyang_build_info", __version__, migrate.head()), 1.0)]
    parts = await health.parts()
    found += [(("yiyang_up", part), float(state == "ok")) for part, state in parts.items()]
    with contextlib.suppress(OSError):
        age = time.time() - rooms.settings.anchor_file.stat().st_mtime
        found.append((("yiyang_audit_anchor_age_seconds",), max(0.0, age)))
    with contextlib.suppress(Problem, *GONE):
        found += await _of_database(rooms)
        found.append((("yiyang_referral_overdue",), float(await late.count())))
    return found


async def _of_database(rooms: Rooms) -> list[tuple[Key, float]]:
    async with rooms.pool.acquire() as connection:
        heights = await connection.fetch(_HEIGHTS)
        channels = await connection.fetch(_CHANNELS)
        aside = {row["state"]: row["count"] for row in await connection.fetch(_PUT_ASIDE)}
    cursor = await rooms.store.cursor_of("workflow")
    behind = (await rooms.store.changes(cursor, limit=1)).cursor != cursor  # access: is there one, it is not looked at
    return [
        *((("yiyang_audit_chain_height", row["writer"]), float(row["seq"])) for row in heights),
        *((("yiyang_inbox_oldest_age_seconds", row["feed"]), row["age"]) for row in channels),
        *(((name,), float(aside.get(state, 0))) for state, name in _NAMES.items()),
        (("yiyang_workflow_lag_changes",), float(behind)),
    ]
