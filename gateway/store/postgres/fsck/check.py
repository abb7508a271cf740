"""Verify the store against itself, its seals and the journal.

In: the database, the keys, what the journal tells. Out: a `Report`, every finding with its place. Three looks in one
snapshot: 0 what the journal tells · 1 every resource and message, opened and compared · 2 what the tables say of each
other; and where told and found differ, 3 those words again, one by one.
Source: docs/decisions/0061-db-verify.md; GB/T 22239-2019 8.1.4.8.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gateway.fhir.problem import Problem
from gateway.store import accounts
from gateway.store.accounts import Told
from gateway.store.arrivals import Arrival
from gateway.store.postgres.committing import reply_place
from gateway.store.postgres.fsck import findings, rows, walk
from gateway.store.postgres.fsck.findings import Finding
from gateway.store.postgres.fsck.ledger import Ledger, bucket
from gateway.store.postgres.fsck.walk import MOST, Connection
from gateway.store.postgres.hashing import Hashes
from gateway.store.postgres.inbox import raw_place
from gateway.store.postgres.kinds import NAMES
from gateway.store.postgres.pool import HeldPool
from gateway.store.postgres.states import STORED
from gateway.store.protocol import Sealer

Tell = Callable[[Connection], AsyncIterator[Told]]
"""Read what the journal tells, in the order of time, in the snapshot of a connection."""
Said = Callable[[str], str]
"""Return how the journal writes a word: it masks what looks like an identity number."""
Progress = Callable[[int, int], None]
"""Hear how many of how many rows are done."""
GROUP = 256
"""Buckets of the ledger that are looked at in one go (design default)."""
SLACK = timedelta(minutes=1)
"""An entry is made after the version that it tells of, at most so long (design default; a commit takes seconds)."""
_XID_MASK = 2**32 - 1


@dataclass(slots=True)
class Report:
    """What `verify` found. ``older`` versions were written before the journal began to tell of versions."""

    resources: int = 0
    versions: int = 0
    messages: int = 0
    told: int = 0
    older: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Return whether nothing is wrong."""
        return not self.findings


async def verify(pool: HeldPool, sealer: Sealer, tell: Tell, *, said: Said, progress: Progress | None = None) -> Report:
    """Check the whole store; at most MOST findings of one code are told.

    Some 0.4 ms of CPU a version; memory does not grow with the store.
    """
    check = _Check(sealer, tell, said, progress or _silent)
    async with walk.snapshot(pool) as connection:
        await check.run(connection)
    return check.report


class _Check:
    """One verification."""

    def __init__(self, sealer: Sealer, tell: Tell, said: Said, progress: Progress) -> None:
        self.report = Report()
        self._sealer, self._tell, self._said, self._progress = sealer, tell, said, progress
        self._hashes = Hashes(sealer.index_key)
        self._ledger = Ledger()
        self._since: datetime | None = None
        self._reindexed: set[str] = set()
        self._open: dict[str, str] = {}
        self._codes: Counter[str] = Counter()

    async def run(self, connection: Connection) -> None:
        """Look three times, and a fourth time where told and found differ."""
        total = await walk.count(connection)
        await self._hear(connection)
        await self._resources(connection, total)
        await self._messages(connection, total)
        await self._tables(connection)
        await self._differences(connection)

    async def _hear(self, connection: Connection) -> None:
        """(0) Take in what the journal tells; messages that arrived stay open until they are told to be stored."""
        async for told in self._tell(connection):
            if told.wrote and self._since is None:
                self._since = told.at
            for word in told.wrote:
                self._hear_word(word)
            if told.arrived:
                self._open[told.arrived] = told.place

    def _hear_word(self, word: str) -> None:
        if word.count("/") == 2:
            self._reindexed.add(word)
            return
        self.report.told += 1
        self._ledger.told(word)
        self._open.pop(word, None)

    async def _resources(self, connection: Connection, total: int) -> None:
        """(1) Open and compare every version."""
        async for stretch in walk.resources(connection):
            for each in stretch:
                self._resource(each)
            self.report.resources += len(stretch)
            self._progress(self.report.resources, total)

    def _resource(self, each: rows.Rows) -> None:
        place = findings.version(NAMES[each.current["type"]], each.current["id"], each.current["ver"])
        self.report.versions += 1 + len(each.past)
        for found in rows.check(each, self._sealer, self._hashes):
            if isinstance(found, Finding):
                self._say(found)
            elif not self._is_older(_time_of(found, each)):
                self._ledger.found(self._said(found))
            else:
                self.report.older += 1
        if self._is_moved(each.current):
            self._say(findings.feed_moved(place))

    def _is_moved(self, row: Any) -> bool:
        """Tell whether the row was written by another transaction than the one that the change feed names."""
        if int(row["xid"]) & _XID_MASK == int(row["xmin"]) or self._is_older(row["ts"]):
            return False
        return self._said(accounts.indexed(NAMES[row["type"]], row["id"], row["ver"])) not in self._reindexed

    async def _messages(self, connection: Connection, total: int) -> None:
        """(1) Open every message and its reply."""
        async for stretch in walk.messages(connection):
            for row in stretch:
                self._message(row)
            self.report.messages += len(stretch)
            self._progress(self.report.resources + self.report.messages, total)

    def _message(self, row: Any) -> None:
        place = findings.message(row["sender"], row["msg_id"])
        for part in _altered(row, self._sealer):
            self._say(findings.message_altered(place, part))
        word = accounts.message(row["sha"])
        self._open.pop(word, None)
        if row["state"] == STORED and not self._is_older(row["received"]):
            self._ledger.found(word)

    async def _tables(self, connection: Connection) -> None:
        """(2) Ask what must agree between tables."""
        for table in ("hist", "dat", "num", "ident"):
            self._say_all(
                findings.orphan(table, NAMES[row["type"]], row["rid"]) for row in await walk.orphans(connection, table)
            )
        for added in (True, False):
            found = await walk.identifiers(connection, added=added)
            self._say_all(findings.identifier(_place(row), added=added) for row in found)
        self._say_all(findings.id_row(_place(row)) for row in await walk.ids(connection))
        self._say_all(
            findings.message_sender(findings.message(row["sender"], row["msg_id"]))
            for row in await walk.senders(connection)
        )
        self._say_all(findings.feed_ahead(consumer) for consumer in await walk.ahead(connection))
        # What arrived, is not told to be stored, and is not in the inbox either.
        self._say_all(findings.message_lost(place) for place in self._open.values())

    async def _differences(self, connection: Connection) -> None:
        """(3) Name what is told and not found, and what is found and not told."""
        differing = sorted(self._ledger.differing())
        for at in range(0, len(differing), GROUP):
            await self._difference(connection, frozenset(differing[at : at + GROUP]))
            if self._codes["version-lost"] >= MOST or self._codes["version-untold"] >= MOST:
                return

    async def _difference(self, connection: Connection, wanted: frozenset[int]) -> None:
        """Hold the words of the buckets ``wanted`` against each other; what is left over is said."""
        told = await self._told(connection, wanted)
        async for stretch in walk.resources(connection):
            for each in stretch:
                self._versions_again(each, told, wanted)
        async for messages in walk.messages(connection):
            for row in messages:
                self._message_again(row, told, wanted)
        for word, places in told.items():
            of_message = word.startswith("message/")
            self._say_all(findings.message_lost(at) if of_message else findings.lost(word, at) for at in places)

    async def _told(self, connection: Connection, wanted: frozenset[int]) -> dict[str, list[str]]:
        """Return the words of ``wanted`` with the entries that tell them."""
        told: dict[str, list[str]] = defaultdict(list)
        async for entry in self._tell(connection):
            for word in entry.wrote:
                if bucket(word) in wanted and word not in self._reindexed:
                    told[word].append(entry.place)
        return told

    def _versions_again(self, each: rows.Rows, told: dict[str, list[str]], wanted: frozenset[int]) -> None:
        for word, at in rows.words(each, self._sealer):
            said = self._said(word)
            if bucket(said) in wanted and not _taken(told, said) and not self._is_older(at, exactly=True):
                self._say(findings.untold(findings.place_of(word)))

    def _message_again(self, row: Any, told: dict[str, list[str]], wanted: frozenset[int]) -> None:
        word = accounts.message(row["sha"])
        if row["state"] != STORED or bucket(word) not in wanted or _taken(told, word):
            return
        if not self._is_older(row["received"], exactly=True):
            self._say(findings.message_untold(findings.message(row["sender"], row["msg_id"])))

    def _is_older(self, at: datetime, *, exactly: bool = False) -> bool:
        """Tell whether what was written ``at`` is older than the journal's telling."""
        return self._since is None or at < (self._since if exactly else self._since - SLACK)

    def _say(self, finding: Finding) -> None:
        self._codes[finding.code] += 1
        if self._codes[finding.code] <= MOST:
            self.report.findings.append(finding)

    def _say_all(self, found: Iterable[Finding]) -> None:
        for finding in found:
            self._say(finding)


def _taken(told: dict[str, list[str]], word: str) -> bool:
    """Take ``word`` out of what was told, once; False when it is not there."""
    if word not in told:
        return False
    told[word].pop()
    if not told[word]:
        del told[word]
    return True


def _altered(row: Any, sealer: Sealer) -> Iterable[str]:
    """Yield which part of a message does not open in its place, or is not what its digest says."""
    sender, message_id, digest = row["sender"], row["msg_id"], row["sha"]
    bare = Arrival(sender, row["feed"], row["organisation"], message_id, b"", digest)
    raw = _open(sealer, row["raw"], raw_place(bare))
    if raw is None or sealer.digest(raw) != digest:
        yield "raw"
    if row["result"] and _open(sealer, row["result"], reply_place(sender, message_id, digest)) is None:
        yield "reply"


def _open(sealer: Sealer, blob: bytes, place: bytes) -> bytes | None:
    try:
        return sealer.open(blob, place)
    except Problem:
        return None


def _time_of(word: str, each: rows.Rows) -> datetime:
    number = int(word.split("/")[2])
    row = next((row for row in each.past if row["ver"] == number), each.current)
    at: datetime = row["ts"]
    return at


def _place(row: Any) -> str:
    return findings.version(NAMES[row["type"]], row["id"], row["ver"])


def _silent(done: int, total: int) -> None:
    """Hear nothing."""
