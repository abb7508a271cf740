"""What must hold after any fault: nothing acknowledged lost, nothing twice, order per elder, journal and tasks whole.

In: a house that runs again, the load, the ledger of its senders. Out: a verdict with counts; `Verdict.faults` is empty
when all holds. Everything is counted by the records' own keys, in the database itself and through the FHIR API.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import asyncpg

from gateway.fhir import codec
from gateway.store.postgres.embedded import EmbeddedServer
from gateway.store.postgres.pool import HeldPool, open_pool
from gateway.store.postgres.sealed import opened
from gateway.store.protocol import Stored
from security.audit import Entry, Filter, find
from security.crypto import Keys
from tests.chaos.house import House
from tests.chaos.load import CARD, DOCTOR, KINDS, Load, Message
from tests.chaos.senders import Ledger, Senders

REST_S = 150.0
"""A claim of a dead process is taken over after a minute; then everything must be worked off."""
REPLACED: Final = ("QuestionnaireResponse", "CarePlan")
"""Signed documents: each message of a number makes one version, the last one shows."""
_VERSIONS = """
SELECT type, id, ver, ts, deleted, body FROM res UNION ALL
SELECT h.type, r.id, h.ver, h.ts, h.deleted, h.body FROM hist h JOIN res r USING (type, rid, bucket)"""
_AT_REST = """
SELECT (SELECT count(*) FROM inbox WHERE state IN (0, 1)) + (SELECT count(*) FROM audit_pending)
  + (SELECT count(*) FROM res WHERE lpad(xid::text, 20, '0') || lpad(rid::text, 20, '0')
     > coalesce((SELECT cursor FROM feed_cursor WHERE consumer = 'workflow'), ''))"""


@dataclass
class Verdict:
    """What was found."""

    sent: int = 0
    again: int = 0
    accepted: int = 0
    stored: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Return the counts in one line."""
        told = f"sent={self.sent} again={self.again} AA={self.accepted} stored={self.stored}"
        return f"{told} lost={len(self.lost)} twice={len(self.twice)} other={len(self.faults)}"

    def holds(self) -> bool:
        """Tell whether everything was as it must be."""
        return not (self.lost or self.twice or self.faults)

    def told(self) -> str:
        """Return the first findings, for a failing test."""
        return "\n".join([self.line(), *self.lost[:10], *self.twice[:10], *self.faults[:20]])


async def judge(house: House, load: Load, senders: Senders) -> Verdict:
    """Wait until the house is at rest and return what it holds against what its senders were told."""
    async with inside(house) as (pool, keys):
        await _rest(pool, house)
        verdict = Verdict(
            sent=senders.ledger.tries["sent"],
            again=senders.ledger.tries["sent: unanswered"] + senders.ledger.tries["sent: refused for now"],
            accepted=len(senders.ledger.accepted()),
        )
        updates = [one for one, _ in senders.ledger.answers if one.what == "accept"]
        verdict.faults += senders.ledger.wrongly_answered()
        rows = await pool.fetch("SELECT sender, msg_id, sha, feed, state, reason FROM inbox")
        versions = await _versions(pool, keys)
        entries = await _entries(pool, keys)
    _inbox(verdict, senders.ledger, rows)
    _resources(verdict, load, senders.ledger.accepted(), versions)
    _updates(verdict, updates, versions)
    _alike(verdict, versions)
    _journal(verdict, rows, versions, entries)
    await _by_api(verdict, load, senders)
    await _verified(verdict, house)
    return verdict


def _inbox(verdict: Verdict, ledger: Ledger, rows: Iterable[asyncpg.Record]) -> None:
    """Every AA is one stored row; a row that is stored was never told anything else."""
    stored: Counter[tuple[str, str]] = Counter()
    others: dict[tuple[str, str], str] = {}
    for row in rows:
        key = row["sender"], row["msg_id"]
        if row["state"] == 2:
            stored[key] += 1
        else:
            others[key] = f"state {row['state']} {row['reason']}"
    for message in ledger.accepted():
        key = message.sender, message.id
        if stored[key] == 0:
            verdict.lost.append(f"lost: {message.what} {message.id} got AA, {others.get(key, 'no row')}")
        elif stored[key] > 1:
            verdict.twice.append(f"twice: {message.what} {message.id} has {stored[key]} stored rows")
    verdict.stored = sum(stored.values())
    unknown = set(stored) - {(message.sender, message.id) for message in ledger.accepted()}
    verdict.faults += [f"stored without AA: {key}" for key in unknown]


def _resources(verdict: Verdict, load: Load, accepted: list[Message], versions: dict[str, list[Stored]]) -> None:
    """Each number is one resource; a signed one has a version for each message, in order; nothing else is there."""
    told: defaultdict[tuple[str, str], list[Message]] = defaultdict(list)
    for message in accepted:
        told[KINDS[message.what], message.number].append(message)
    current = {key: rows[-1] for key, rows in versions.items()}
    held = {kind: [key for key in current if key.startswith(f"{kind}/")] for kind in set(KINDS.values())}
    texts = {key: row.body.decode() for key, row in current.items()}
    for (kind, number), messages in told.items():
        found = [key for key in held[kind] if f'"{number}"' in texts[key]]
        if len(found) != 1:
            (verdict.twice if found else verdict.lost).append(f"{kind} of {number}: {len(found)} resources")
            continue
        _order(verdict, kind, number, messages, versions[found[0]])
    for kind, keys in held.items():
        expected = sum(1 for key in told if key[0] == kind)
        if len(keys) != expected:
            verdict.twice.append(f"{len(keys)} {kind} stand for {expected} numbers")
    elders = {message.card for message in accepted}
    patients = [texts[key] for key in current if key.startswith("Patient/")]
    for card in elders:
        if (count := sum(card in text for text in patients)) != 1:
            (verdict.twice if count else verdict.lost).append(f"{count} Patients of one elder")
    if len(patients) != len(elders):
        verdict.twice.append(f"{len(patients)} Patients stand for {len(elders)} elders")
    _tasks(verdict, {number for kind, number in told if kind == "Encounter"} & load.handed_over, current)


def _order(verdict: Verdict, kind: str, number: str, messages: list[Message], rows: list[Stored]) -> None:
    said = [row.body.decode() for row in rows]
    tags = [message.tag for message in messages]
    if kind in REPLACED:
        shown = [next((tag for tag in tags if tag in text), "?") for text in said]
        if shown != tags:
            verdict.faults.append(f"order: {kind} {number} has versions of {shown}, sent were {tags}")
    elif kind == "Encounter" and tags[0] not in said[-1]:
        # What is no signed document is filled, not replaced: the first message's ward stays.
        verdict.faults.append(f"order: the first message of stay {number} does not lead")
    elif kind == "Consent" and tags[-1] not in said[-1]:
        verdict.faults.append(f"order: consent {number} is not the last one sent")


def _tasks(verdict: Verdict, stays: set[str], current: dict[str, Stored]) -> None:
    """A stay that was handed over has one referral Task and one follow-up Task, another has none."""
    encounters = {
        row["id"]: text
        for row, text in ((codec.parse_exact(one.body), one.body.decode()) for one in _of(current, "Encounter"))
    }
    found: Counter[tuple[str, str]] = Counter()
    for one in _of(current, "Task"):
        doc: dict[str, Any] = codec.parse_exact(one.body)
        code = doc["code"]["coding"][0]["code"]
        if code in ("referral", "follow-up"):
            encounter = encounters.get(doc["encounter"]["reference"].removeprefix("Encounter/"), "")
            found[code, next((stay for stay in stays if f'"{stay}"' in encounter), "?")] += 1
    for code in ("referral", "follow-up"):
        for stay in stays:
            if found[code, stay] != 1:
                (verdict.twice if found[code, stay] else verdict.lost).append(f"{found[code, stay]} {code} of {stay}")
        if found[code, "?"]:
            verdict.twice.append(f"{found[code, '?']} {code} Tasks of no stay that was handed over")


def _updates(verdict: Verdict, updates: list[Message], versions: dict[str, list[Stored]]) -> None:
    """A referral whose acceptance was answered is accepted, once."""
    stays = {row.body.decode(): key for key, rows in versions.items() if key.startswith("Encounter/") for row in rows}
    for message in updates:
        keys = {key for text, key in stays.items() if f'"{message.number}"' in text}
        tasks = [rows for key, rows in versions.items() if key.startswith("Task/") and _is_referral_of(rows[-1], keys)]
        accepted = [sum(codec.parse_exact(row.body)["status"] == "accepted" for row in rows) for rows in tasks]
        if accepted != [1]:
            (verdict.twice if accepted and accepted[0] > 1 else verdict.lost).append(
                f"the referral of {message.number} was accepted {accepted} times"
            )


def _is_referral_of(row: Stored, encounters: set[str]) -> bool:
    doc: dict[str, Any] = codec.parse_exact(row.body)
    return doc["code"]["coding"][0]["code"] == "referral" and doc["encounter"]["reference"] in encounters


def _alike(verdict: Verdict, versions: dict[str, list[Stored]]) -> None:
    """No version repeats the one before: a message worked on twice would show here."""
    for key, rows in versions.items():
        if [row.version for row in rows] != list(range(1, len(rows) + 1)):
            verdict.faults.append(f"{key} has versions {[row.version for row in rows]}")
        for before, after in pairwise(rows):
            if codec.unstamped(before.body) == codec.unstamped(after.body) and before.facts == after.facts:
                verdict.twice.append(f"{key}: version {after.version} repeats the one before")


def _journal(
    verdict: Verdict, rows: Iterable[asyncpg.Record], versions: dict[str, list[Stored]], entries: list[Entry]
) -> None:
    """Each stored message has one entry of its commit and at least one of its answer; so has what followed from it."""
    commits = [one for one in entries if one.action == "ingest" and one.role == "system" and one.outcome == 0]
    by_digest = Counter(one.digest for one in commits if one.digest)
    answers = Counter((one.client, one.id) for one in entries if one.action == "ingest" and one.role != "system")
    for row in rows:
        if row["state"] != 2:
            continue
        if (count := by_digest[row["sha"].hex()]) != 1:
            verdict.faults.append(f"journal: {count} entries of the commit of {row['msg_id']}")
        if not answers[row["sender"], row["msg_id"]]:
            verdict.faults.append(f"journal: no entry of an answer to {row['msg_id']}")
    told = {(one.elder, one.interface == "workflow") for one in commits}
    for key, kept in versions.items():
        elder, kind = kept[-1].facts.elder, kept[-1].kind
        by_workflow = kind in ("Task", "ServiceRequest")
        if elder and (elder, by_workflow) not in told:
            verdict.faults.append(f"journal: no entry stands for {key}")


async def _by_api(verdict: Verdict, load: Load, senders: Senders) -> None:
    """The centre, who may see them, finds each care plan once, in the version of its last message."""
    senders.forget()
    headers = {"Authorization": f"Bearer {await senders.token(DOCTOR)}"}
    plans: defaultdict[str, list[Message]] = defaultdict(list)
    for message in senders.ledger.accepted():
        if message.what == "plan":
            plans[message.card].append(message)
    for card, messages in plans.items():
        answer = await senders.http.post(
            "/fhir/CarePlan/_search", data={"patient.identifier": f"{CARD}|{card}"}, headers=headers
        )
        assert answer.status_code == 200, answer.text
        found = [row["resource"] for row in answer.json().get("entry", ()) if row["search"]["mode"] == "match"]
        shown = [row["meta"]["versionId"] for row in found if messages[-1].tag in json.dumps(row, ensure_ascii=False)]
        if len(found) != 1 or shown != [str(len(messages))]:
            verdict.faults.append(f"API: {len(found)} plans, versions {shown}, messages {len(messages)}")


async def _verified(verdict: Verdict, house: House) -> None:
    """The journal is whole, and tells every version and every message that lies in the store, and nothing else."""
    for words in (("audit", "verify"), ("db", "verify")):
        code, said = await house.yiyang(*words)
        if code != 0:
            verdict.faults.append(f"{' '.join(words)}: {said}")


@asynccontextmanager
async def inside(house: House) -> AsyncIterator[tuple[HeldPool, Keys]]:
    """Give a pool on the house's database, beside the server that runs it."""
    url = house.settings.database_url
    dsn = url or (await asyncio.to_thread(EmbeddedServer.start, house.settings.database_dir)).dsn
    pool = await open_pool(dsn, size=2, name="chaos")
    try:
        yield pool, Keys.load(house.settings.key_file)
    finally:
        await pool.close()


async def _rest(pool: HeldPool, house: House) -> None:
    deadline = time.monotonic() + REST_S
    while left := await pool.fetchval(_AT_REST):
        assert time.monotonic() < deadline, f"{left} rows are left: {await _left(pool)}\n{house.last_words()}"
        await asyncio.sleep(0.1)


async def _left(pool: HeldPool) -> list[Any]:
    rows = await pool.fetch("SELECT state, reason, attempts, run_at, claimed, msg_id FROM inbox WHERE state IN (0, 1)")
    pending = await pool.fetchval("SELECT count(*) FROM audit_pending")
    return [*map(dict, rows[:5]), f"pending entries {pending}"]


async def _versions(pool: HeldPool, keys: Keys) -> dict[str, list[Stored]]:
    """Return all versions of everything, oldest first, by `Kind/id`."""
    found: defaultdict[str, list[Stored]] = defaultdict(list)
    for row in await pool.fetch(_VERSIONS):
        stored = opened(keys, row)
        found[f"{stored.kind}/{stored.id}"].append(stored)
    return {key: sorted(rows, key=lambda row: row.version) for key, rows in found.items()}


async def _entries(pool: HeldPool, keys: Keys) -> list[Entry]:
    found: list[Entry] = []
    cursor = ""
    while True:
        page = await find(pool, keys, Filter(), limit=500, cursor=cursor)
        found += page.entries
        cursor = page.next
        if not cursor:
            return found


def _of(current: dict[str, Stored], kind: str) -> list[Stored]:
    return [row for key, row in current.items() if key.startswith(f"{kind}/")]
