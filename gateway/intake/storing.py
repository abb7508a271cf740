"""From received rows to what is stored: who is it, what is known already, one commit for all that agree.

In: claimed rows, each of another elder. Out: what became of each: stored, or why not. Each row is all or nothing and
suffers from no other's fault. What several rows change, they change one after the other.
Source: architecture §2; docs/decisions/0075-messages-share-a-commit.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.fhir.problem import Problem, Problems
from gateway.fhir.proof import Accepted
from gateway.identity import Identity, Resolution
from gateway.intake.combine import ACCOUNT, combine, says_nothing_new, sourced
from gateway.intake.elder import patient_of, with_elder
from gateway.intake.feeds import Feeds
from gateway.intake.fresh import Fresh
from gateway.intake.inbox import InboxRow
from gateway.intake.review import review_task
from gateway.intake.service import Understander, Understood
from gateway.mapping import Feed

RACES = 8
"""How often rows start over because somebody else changed what they had read (design default)."""

Resource = dict[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Prior:
    """What is stored of a resource: its content, version and the organisations that wrote it; ``stored`` the row."""

    doc: Resource
    version: int
    controllers: tuple[str, ...]
    deleted: bool = False
    stored: Any = None


@dataclass(frozen=True, slots=True)
class Ingest:
    """One resource to write: the merged content, the version it was merged with (0 = new), who sent what of it.

    ``accepted`` proves that ``doc`` was checked as it is.
    """

    doc: Resource
    expect: int
    sent: tuple[str, ...] = ()
    accepted: Accepted | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """All that one row writes, about ``elder``."""

    row: InboxRow
    writes: Sequence[Ingest]
    elder: str


class Records(Protocol):
    """What is needed of the hub."""

    async def current(self, keys: Sequence[Key]) -> Mapping[Key, Prior]:
        """Return what is stored of ``(kind, id)`` keys, deletions too."""
        ...

    async def ingest(self, messages: Sequence[Message], priors: Mapping[Key, Prior]) -> Sequence[Exception | None]:
        """Write each message with its row's move to stored, and return why it could not be, None for done.

        ``priors`` is what `current` returned. STO-412 stands for a race.
        """
        ...


@dataclass(slots=True)
class _Work:
    """A row under way: who it is about, and its resources."""

    row: InboxRow
    feed: Feed
    understood: Understood
    patient: Resource
    resolution: Resolution | None = None
    docs: list[Resource] = field(default_factory=list)
    proofs: Mapping[Key, Accepted] = field(default_factory=dict)


class Storing:
    """Store what rows say."""

    def __init__(
        self,
        records: Records,
        *,
        feeds: Feeds,
        understand: Understander,
        identity: Identity,
        fresh: Fresh,
        make_id: Callable[..., str],
    ) -> None:
        """Hold the rooms."""
        self._records = records
        self._feeds = feeds
        self._understand = understand
        self._identity = identity
        self._fresh = fresh
        self._make_id = make_id

    async def store(self, rows: Sequence[InboxRow]) -> list[Exception | None]:
        """Return what kept each of ``rows`` from being stored, None for those that are."""
        outcomes: dict[int, Exception | None] = {}
        works: dict[int, _Work] = {}
        for at, row in enumerate(rows):
            try:
                works[at] = self._read(row)
            except Exception as error:  # noqa: BLE001 - one row's fault, told as its outcome
                outcomes[at] = error
            await asyncio.sleep(0)
        races = 0
        while works and races < RACES:
            told = await self._attempted(list(works.values()))
            settled = {at: outcome for at, outcome in zip(works, told, strict=True) if not _is_race(outcome)}
            outcomes |= settled
            works = {at: work for at, work in works.items() if at not in settled}
            # Rows that only got into each other's way do settle one by one: that is no race with anybody else.
            races = 0 if settled else races + 1
        outcomes |= dict.fromkeys(works, Problem("STO-412", kind="", id=""))
        return [outcomes[at] for at in range(len(rows))]

    def _read(self, row: InboxRow) -> _Work:
        arrival = row.arrival
        feed = self._feeds.get(arrival.feed)
        found = self._fresh.take(arrival)
        if found is None:
            found = self._understand(feed, arrival.raw, organisation=arrival.organisation, checking=False)
        errors = [p for p in found.problems if p.severity in ("error", "fatal")]
        if errors:
            raise Problems(errors)
        patient = patient_of(found.result.resources)
        if patient is None:
            raise Problem("ID-001", where="Patient")
        return _Work(row, feed, found, patient)

    async def _attempted(self, works: list[_Work]) -> list[Exception | None]:
        """Try ``works`` together; what fails for all of them, and is no absent database, is tried one by one."""
        try:
            return await self._attempt(works)
        except Exception as error:  # noqa: BLE001 - told as the outcome
            if len(works) == 1 or (isinstance(error, Problem) and error.status == 503):
                return [error for _ in works]
        return [(await self._attempted([work]))[0] for work in works]

    async def _attempt(self, works: list[_Work]) -> list[Exception | None]:
        outcomes: list[Exception | None] = [None] * len(works)
        found = await self._resolved(works)
        for work, resolution in zip(works, found, strict=True):
            if isinstance(resolution, Resolution):
                self._name(work, resolution)
        keys = dict.fromkeys(_key(doc) for work in works for doc in work.docs)
        priors = await self._records.current(list(keys))
        messages: dict[int, Message] = {}
        for at, (work, resolution) in enumerate(zip(works, found, strict=True)):
            try:
                if not isinstance(resolution, Resolution):
                    raise resolution
                messages[at] = Message(work.row, _writes(work, priors), resolution.elder)
            except Exception as error:  # noqa: BLE001 - one row's fault, told as its outcome
                outcomes[at] = error
        told = await self._records.ingest(list(messages.values()), priors) if messages else ()
        for at, outcome in zip(messages, told, strict=True):
            outcomes[at] = outcome
        return outcomes

    async def _resolved(self, works: Sequence[_Work]) -> list[Resolution | Problem]:
        """Return who each is about. Of those that share a deciding number only the first is told; the others race."""
        taken: set[object] = set()
        first: dict[int, _Work] = {}
        for at, work in enumerate(works):
            keys = frozenset(self._identity.keys(work.patient))
            if taken.isdisjoint(keys):
                first[at] = work
            taken |= keys
        told = await self._identity.resolve_all([work.patient for work in first.values()])
        found = dict(zip(first, told, strict=True))
        return [found.get(at) or Problem("STO-412", kind="Patient", id="") for at in range(len(works))]

    def _name(self, work: _Work, resolution: Resolution) -> None:
        """Put the elder into the resources; those that were checked with that very id need not be checked again."""
        found = work.understood
        if found.accepted and resolution.elder == found.elder:
            work.docs = [proof.doc for proof in found.accepted]
            work.proofs = {_key(proof.doc): proof for proof in found.accepted}
        else:
            work.docs = [sourced(doc, work.feed) for doc in with_elder(found.result.resources, resolution.elder)]
            work.proofs = {}
        if resolution.review:
            organisation = work.row.arrival.organisation
            task = review_task(resolution.elder, organisation, make_id=self._make_id)
            work.docs = [*work.docs, sourced(task, work.feed)]


def _writes(work: _Work, priors: Mapping[Key, Prior]) -> list[Ingest]:
    sender = work.row.arrival.organisation
    live = {key: prior for key, prior in priors.items() if not prior.deleted}
    writes = [_write(work, doc, live.get(_key(doc)), sender) for doc in work.docs]
    return _told_anew(writes, live)


def _write(work: _Work, doc: Resource, prior: Prior | None, sender: str) -> Ingest:
    content, expect, sent = combine(doc, prior, feed=work.feed, sender=sender)
    return Ingest(content, expect, sent, work.proofs.get(_key(doc)) if content is doc else None)


def _told_anew(writes: Sequence[Ingest], priors: Mapping[Key, Prior]) -> list[Ingest]:
    """Return ``writes``; of a record that says nothing new, not the Provenance and the original of a second message."""
    telling = [write for write in writes if write.doc["resourceType"] not in ACCOUNT]
    if any(not says_nothing_new(write.doc, priors.get(_key(write.doc))) for write in telling):
        return list(writes)
    return [write for write in writes if _key(write.doc) in priors]


def _key(doc: Resource) -> Key:
    return doc["resourceType"], doc["id"]


def _is_race(outcome: Exception | None) -> bool:
    return isinstance(outcome, Problem) and outcome.code == "STO-412"
