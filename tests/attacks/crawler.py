"""A crawler that holds one token and follows everything it meets, looking for planted secrets in every answer.

In: a world and a client. It starts from what is public, searches every kind by every parameter, and follows every
reference, address and id in any answer, versions and histories with it; ids are also guessed, since an attacker may
have learned them (`all_ids`). Out: a `Journey`: requests made, links walked, secrets met by place, faults of ours.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.attacks.asking import Answer, ask
from tests.attacks.records import ORGANISATIONS
from tests.attacks.world import World
from tests.flows.town import URL

BASE: Final = f"{URL}/fhir"
PUBLIC: Final = (
    *("metadata", "/.well-known/smart-configuration", ".well-known/smart-configuration"),
    *(
        "/oauth/jwks",
        "/oauth/token",
        "/health",
        "/ready",
        "/metrics",
        "/",
        "",
        "$export",
        "_history",
        "Patient/$everything",
    ),
)
BUSY: Final = (
    *("Patient", "RelatedPerson", "Encounter", "Procedure", "Composition", "Condition", "AllergyIntolerance"),
    *("MedicationRequest", "Observation", "QuestionnaireResponse", "Flag", "CarePlan", "Goal", "CareTeam", "Task"),
    *("ServiceRequest", "Consent", "DocumentReference", "Binary", "Provenance", "DetectedIssue", "Practitioner"),
    *("Organization", "AuditEvent"),
)
"""Kinds of which something is stored: searched by every parameter; the others once."""
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_REFERENCE: Final = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[0-9]+)?")
AT_ONCE: Final = 50
"""Ids of one search; the parser takes 100."""
MAX_ENTRIES: Final = 150
"""Entries of the journal that are read one by one: each request leaves another."""
MAX_REQUESTS: Final = 6000
"""A crawl that meets more goes round in circles; the test says so."""


@dataclass(slots=True)
class Journey:
    """What one crawl did and met: ``met`` maps a secret to the requests that showed it."""

    client: str
    requests: int = 0
    links: int = 0
    refused: int = 0
    met: dict[str, list[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


class Crawler:
    """Walks for one client."""

    def __init__(self, world: World, client: str, guesses: Mapping[str, Iterable[str]]) -> None:
        """Hold the world; ``guesses`` are values to search by, per type of parameter."""
        self._world, self._client, self._guesses = world, client, guesses
        self._queue: deque[tuple[str, dict[str, Any]]] = deque()
        self._queued: set[str] = set()
        self._walked: set[str] = set()
        self._entries = 0
        self.journey = Journey(client)

    async def crawl(self, ids: Iterable[str]) -> Journey:
        """Walk everything that can be reached, and the resources ``ids`` (`Kind/id`) as if they had been learned."""
        for path in PUBLIC:
            self._enqueue(f"GET {path}")
        learned = sorted(ids)
        for key in learned:
            self._about(key)
        self._together(learned)
        for kind in await self._kinds():
            self._searches(kind)
        while self._queue:
            assert self.journey.requests < MAX_REQUESTS, "the crawl does not end"
            line, request = self._queue.popleft()
            self._look(line, await ask(self._world, {"ask": line, **request}, self._world.places, self._client))
        return self.journey

    async def _kinds(self) -> list[str]:
        answer = await ask(self._world, {"ask": "GET metadata"}, {}, self._client)
        self._capabilities = {each["type"]: each for each in json.loads(answer.body)["rest"][0]["resource"]}
        return sorted(self._capabilities)

    def _searches(self, kind: str) -> None:
        if kind not in BUSY:
            self._enqueue(f"GET {kind}?_count=200&_total=accurate")
            return
        self._enqueue(f"POST {kind}/_search", form={"_total": "accurate", "_count": "200"})
        for more in ("_count=10", "_count=0", "_sort=-_lastUpdated", "_include=*", "_revinclude=*", "_summary=count"):
            self._enqueue(f"GET {kind}?{more}")
        for parameter in self._capabilities[kind].get("searchParam", ()):
            for value in self._guesses.get(parameter["type"], ()):
                self._enqueue(f"GET {kind}?{parameter['name']}={value}&_total=accurate&_count=200")
        for value in self._guesses.get("chain", ()):
            self._enqueue(f"GET {kind}?patient.identifier={value}&_count=200")

    def _about(self, key: str) -> None:
        """Ask about a resource in every way that takes its id alone; entries of the journal grow while we walk."""
        if key.startswith("AuditEvent/"):
            self._entries += 1
            if self._entries > MAX_ENTRIES:
                return
        for way in ("", "/_history", "/_history/1"):
            self._enqueue(f"GET {key}{way}")

    def _together(self, learned: Sequence[str]) -> None:
        """Ask about many ids at once: by `_id`, and one of each kind by a transaction."""
        by_kind: dict[str, list[str]] = {}
        for key in learned:
            kind, _, id = key.partition("/")
            by_kind.setdefault(kind, []).append(id)
        for kind, ids in by_kind.items():
            for at in range(0, len(ids), AT_ONCE):
                self._enqueue(f"GET {kind}?_id={','.join(ids[at : at + AT_ONCE])}&_total=accurate&_count=200")
            for id in (ids[0], ids[-1]):
                entry = {"request": {"method": "GET", "url": f"{kind}/{id}"}}
                bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
                self._enqueue(f"POST  {kind}/{id}", ask="POST", json=bundle)

    def _look(self, line: str, answer: Answer) -> None:
        journey = self.journey
        journey.requests += 1
        journey.refused += answer.status >= 400
        if answer.status >= 500 and line != "GET /ready":
            journey.faults.append(f"{line}: {answer.status} {answer.text[:200]}")
        for secret in answer.meets(self._world.plan):
            journey.met.setdefault(secret, []).append(line)
        if answer.status == 401 and self._client == "nobody":
            return
        for address in (*_addresses(answer), *_named(answer)):
            self._follow(address)

    def _follow(self, address: str) -> None:
        """Queue what ``address`` leads to."""
        path = address.removeprefix(BASE + "/").removeprefix(BASE)
        # A blinded word is blinded again in the next link, and so on without end.
        if "://" in path or path.startswith("#") or "bx1:" in path:
            return
        if path not in self._walked:
            self._walked.add(path)
            self.journey.links += 1
        reference = _REFERENCE.fullmatch(path)
        if reference is not None:
            self._about(f"{reference[1]}/{reference[2]}")
        # Entries of the journal are asked for by `_about` alone, which knows when there are enough.
        if path and not path.startswith("AuditEvent/"):
            self._enqueue(f"GET {path}")

    def _enqueue(self, line: str, **request: Any) -> None:
        if line not in self._queued:
            self._queued.add(line)
            self._queue.append((line, request))


def _addresses(answer: Answer) -> Iterator[str]:
    """Yield every address in the headers and in the JSON of an answer, whatever member holds it."""
    yield from (value for name, value in answer.headers.items() if name in ("location", "content-location"))
    try:
        document = json.loads(answer.body)
    except ValueError:
        return
    yield from _walk(document)


def _walk(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, str) and (
                name in ("reference", "url", "fullUrl", "location", "uri") or _is_ours(value)
            ):
                yield value
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def _is_ours(text: str) -> bool:
    return text.startswith(BASE) or _REFERENCE.fullmatch(text) is not None


def _named(answer: Answer) -> Iterator[str]:
    """Yield `Kind/id` of every resource in an answer, contained ones too: they may be asked for by themselves."""
    for match in re.finditer(rb'"resourceType":"([A-Z][A-Za-z]+)"[^{}]*?"id":"([A-Za-z0-9\-.]{1,64})"', answer.body):
        yield f"{match[1].decode()}/{match[2].decode()}"


def guesses(world: World, client: str) -> dict[str, list[str]]:
    """Return what ``client`` would search by: an elder of the other chain, numbers that it may have heard of."""
    away = client in world.clients and world.clients[client][1] in ORGANISATIONS["away"]
    elder = "home" if away else "away"
    return {
        "reference": [f"Patient/{world.places[f'{elder}.id']}"],
        "token": [world.places[f"{elder}.card"]],
        "date": ["ge1900-01-01"],
        "chain": [world.places["home.card"], world.places["away.card"], world.places["held.card"]],
    }
