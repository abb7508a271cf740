"""What follows an AA: who is it, what is known already, one commit.

In: inbox rows in state received, in order per elder. Out: resources stored through the hub in the same transaction as
the row's move to `stored`; or the row parked with a reason that a person can act on. A crash anywhere repeats the row.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.fhir.problem import Problem, Problems
from gateway.identity import Identity, Resolution
from gateway.intake.combine import ACCOUNT, combine, says_nothing_new
from gateway.intake.elder import patient_of, with_elder
from gateway.intake.feeds import Feeds
from gateway.intake.inbox import InboxRow, InboxStore, State
from gateway.intake.review import review_task
from gateway.intake.service import Understander, Understood
from gateway.mapping import Feed

log = logging.getLogger("yiyang.pipeline")
AT_ONCE = 16
"""Rows worked on side by side, each of another elder (design default)."""
RACES = 8
"""How often a row starts over because somebody else changed what it had read (design default)."""
ATTEMPTS = 5
"""Faults of our own before a row is put aside as dead (design default)."""
PAUSE_S = 0.5
"""Pause after the database failed, and the pace at which another process's rows are noticed (design default)."""

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prior:
    """What is stored of a resource: its content, version and the organisations that wrote it."""

    doc: Resource
    version: int
    controllers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ingest:
    """One resource to write: the merged content, the version it was merged with (0 = new), who sent what of it."""

    doc: Resource
    expect: int
    sent: tuple[str, ...] = ()


class Records(Protocol):
    """What the pipeline needs of the hub."""

    async def current(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Prior]:
        """Return what is stored of ``(kind, id)`` keys."""
        ...

    async def ingest(self, row: InboxRow, writes: Sequence[Ingest], *, elder: str) -> None:
        """Write all in one commit with the row's move to stored. Raises Problem STO-412 on a race."""
        ...


class Pipeline:
    """Work off received rows until stopped."""

    def __init__(
        self,
        inbox: InboxStore,
        records: Records,
        *,
        feeds: Feeds,
        understand: Understander,
        identity: Identity,
        make_id: Callable[..., str],
    ) -> None:
        """Hold the rooms."""
        self._inbox = inbox
        self._records = records
        self._feeds = feeds
        self._understand = understand
        self._identity = identity
        self._make_id = make_id
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Say that a row was received."""
        self._work.set()

    def start(self) -> None:
        """Begin to work in the background, with what a crash left first."""
        self._task = asyncio.create_task(self._run(), name="pipeline")

    async def stop(self) -> None:
        """Stop after the commits in flight."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def drain(self) -> int:
        """Work off everything that is received now; return how many rows were taken."""
        taken = 0
        while rows := await self._inbox.claim(AT_ONCE):
            await asyncio.gather(*(self._settle(row) for row in rows))
            taken += len(rows)
        return taken

    async def _run(self) -> None:
        while True:
            self._work.clear()
            try:
                await self.drain()
            except Problem as problem:
                log.warning("the pipeline will retry", extra={"problem": problem.code})
                await asyncio.sleep(PAUSE_S)
                continue
            # Not `wait_for`: in Python 3.11 it can swallow a cancellation that meets the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_S):
                    await self._work.wait()

    async def _settle(self, row: InboxRow) -> None:
        try:
            await self._store(row)
        except (Problem, Problems) as found:
            await self._park(row, found)
        except Exception:
            log.exception("fault in the pipeline", extra={"feed": row.arrival.feed})
            state = State.DEAD if row.attempts >= ATTEMPTS else State.RECEIVED
            await self._inbox.settle(row.arrival, state=state, reason="IN-010")

    async def _park(self, row: InboxRow, found: Problem | Problems) -> None:
        if found.status == 503:
            await self._inbox.settle(row.arrival, state=State.RECEIVED, reason="")
            raise found
        first = found if isinstance(found, Problem) else found.problems[0]
        await self._inbox.settle(row.arrival, state=State.PARKED, reason=first.code)

    async def _store(self, row: InboxRow) -> None:
        feed = self._feeds.get(row.arrival.feed)
        understood = self._understand(feed, row.arrival.raw, organisation=row.arrival.organisation)
        errors = [p for p in understood.problems if p.severity in ("error", "fatal")]
        if errors:
            raise Problems(errors)
        await again_after_races(lambda: self._attempt(row, feed, understood))

    async def _attempt(self, row: InboxRow, feed: Feed, understood: Understood) -> None:
        patient = patient_of(understood.result.resources)
        if patient is None:
            raise Problem("ID-001", where="Patient")
        resolution = await self._identity.resolve(patient)
        docs = with_elder(understood.result.resources, resolution.elder)
        docs += self._review(row, resolution)
        priors = await self._records.current([(doc["resourceType"], doc["id"]) for doc in docs])
        writes = [
            Ingest(*combine(doc, priors.get(_key(doc)), feed=feed, sender=row.arrival.organisation)) for doc in docs
        ]
        await self._records.ingest(row, _told_anew(writes, priors), elder=resolution.elder)

    def _review(self, row: InboxRow, resolution: Resolution) -> list[Resource]:
        if not resolution.review:
            return []
        return [review_task(resolution.elder, row.arrival.organisation, make_id=self._make_id)]


def _told_anew(writes: Sequence[Ingest], priors: Mapping[tuple[str, str], Prior]) -> list[Ingest]:
    """Return ``writes``; of a record that says nothing new, not the Provenance and the original of a second message."""
    telling = [write for write in writes if write.doc["resourceType"] not in ACCOUNT]
    if any(not says_nothing_new(write.doc, priors.get(_key(write.doc))) for write in telling):
        return list(writes)
    return [write for write in writes if _key(write.doc) in priors]


def _key(doc: Resource) -> tuple[str, str]:
    return doc["resourceType"], doc["id"]


async def again_after_races(attempt: Callable[[], Awaitable[None]]) -> None:
    """Run ``attempt`` until nobody was faster. Raises Problem STO-412 after RACES of them."""
    for race in range(RACES):
        try:
            return await attempt()
        except Problem as problem:
            if problem.code != "STO-412" or race == RACES - 1:
                raise
    return None
