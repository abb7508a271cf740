"""A hub with its door on a real database: a hospital, two chains, their clients, and elders written through the hub.

Everything is real (store, gate, keys, journal, registry, tokens) but the clock, which a test moves, and the HTTP
server, in whose place stands httpx's ASGI transport. Tests ask as a client does: `world.fhir("centre-doctor", ...)`.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from joserfc.jwk import ECKey
from starlette.types import ASGIApp

from gateway.api import Facts, application, by_token, routes
from gateway.fhir import codec
from gateway.fhir.problem import Problem
from gateway.hub import Hub, Put
from gateway.store.postgres.pool import HeldPool, open_pool
from gateway.store.postgres.store import PostgresStore
from gateway.terminology import Terminology
from gateway.workflow import advance
from security.access import policy
from security.access.policy import Policies
from security.audit import Entry, Filter, Journal, Page, find, stranger
from security.audit.record import SERIOUS
from security.caller import Caller, Role, Tier
from security.crypto import Keys
from security.gate import Gate
from security.labels import Catalogue
from security.oauth import Addresses, Attempt, OAuth, TokenKeys, Tokens, permits
from security.state import Organisation, Registry
from security.state.roles import ROLES

HOSPITAL, CENTRE, STATION = "12410000MB00000010", "12410100MB00000028", "52410102MJ0000003J"
OTHER_CENTRE, OTHER_STATION = "12410100MB0000004E", "52410102MJ0000007Y"
URL = "http://hub.test"
BASE = f"{URL}/fhir"
NOON = datetime(2026, 3, 12, 4, 0, tzinfo=UTC)
CARD = "urn:oid:2.16.156.10011.1.3"
ELDER_CARD, OTHER_CARD = "410199194303051027", "410199193907152213"
HL7 = "http://terminology.hl7.org/CodeSystem"
CODES = "https://yiyang-gateway.example/fhir/CodeSystem"
CLASSES = ("DEMOGRAPHIC", "DISCHARGE_SUMMARY", "DIAGNOSIS", "MEDICATION", "NURSING", "CARE_PLAN")
_LETTERS = {"read": "r", "vread": "r", "history": "r", "search": "s", "create": "c", "update": "u", "delete": "d"}
_TIERS = {
    HOSPITAL: Tier.HOSPITAL,
    CENTRE: Tier.CENTRE,
    STATION: Tier.STATION,
    OTHER_CENTRE: Tier.CENTRE,
    OTHER_STATION: Tier.STATION,
}
CLIENTS: Mapping[str, tuple[Role, str, tuple[str, ...]]] = {
    "hospital-his": (Role.HISFEED, HOSPITAL, ("intake/json-discharge.c",)),
    "centre-doctor": (Role.CENTRE_DOCTOR, CENTRE, ("system/*.cruds",)),
    "centre-nurse": (Role.CENTRE_NURSE, CENTRE, ("system/*.cruds",)),
    "centre-reader": (Role.CENTRE_DOCTOR, CENTRE, ("system/*.rs",)),
    "station-doctor": (Role.STATION_DOCTOR, STATION, ("system/*.cruds",)),
    "station-carer": (Role.STATION_CARER, STATION, ("system/*.rs", "system/Task.u", "system/CarePlan.u")),
    "other-station-carer": (Role.STATION_CARER, OTHER_STATION, ("system/*.rs", "system/Task.u")),
    "other-centre-doctor": (Role.CENTRE_DOCTOR, OTHER_CENTRE, ("system/*.cruds",)),
    "auditor": (Role.AUDITOR, HOSPITAL, ("system/AuditEvent.rs",)),
}
Doc = dict[str, Any]


@cache
def _rules() -> tuple[Policies, Catalogue]:
    """Return what `Gate.load` reads, once: it never changes."""
    return policy.load(), Catalogue.load()


class Clock:
    """Time that stands at NOON until a test moves it; every question is a microsecond later."""

    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> datetime:
        self.moment += timedelta(microseconds=1)
        return self.moment

    def forward(self, **how: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**how)


class _Trail:
    """The journal's search, as the hub wants it."""

    def __init__(self, pool: HeldPool, keys: Keys) -> None:
        self._pool = pool
        self._keys = keys

    async def find(self, ask: Filter, *, limit: int, cursor: str = "") -> Page:
        return await find(self._pool, self._keys, ask, limit=limit, cursor=cursor)


class World:
    """One process on a database of its own."""

    def __init__(self, pool: HeldPool, keys: Keys, journal: Journal, registry: Registry, clock: Clock) -> None:
        self.pool, self.keys, self.journal, self.registry, self.clock = pool, keys, journal, registry, clock
        self.store = PostgresStore(pool, keys, now=clock)
        self.tokens = Tokens(TokenKeys([ECKey.generate_key("P-256")]), registry, issuer=URL, audience=BASE, now=clock)
        self.hub = self.restarted()
        self.asgi: ASGIApp = self._application()
        self.http: httpx.AsyncClient
        self._known: dict[str, tuple[datetime, str]] = {}

    def restarted(self) -> Hub:
        """Return the hub as it is when a process starts: its gate has not learnt anything yet."""
        return Hub(
            self.store,
            Gate(*_rules(), now=self.clock),
            self.journal,
            keys=self.keys,
            now=self.clock,
            new_id=lambda: str(uuid4()),
            base=BASE,
            permits=lambda caller, action, kind: permits(caller.scopes, kind, _LETTERS.get(action, "")),
            task_rules=lambda caller, stored, wanted: advance(caller, stored, wanted, now=self.clock()),
            entries=_Trail(self.pool, self.keys),
            terminology=Terminology(self.pool),
        )

    def _application(self) -> ASGIApp:
        addresses = Addresses(URL, f"{URL}/oauth/token", f"{URL}/oauth/jwks")
        oauth = OAuth(self.registry, self.tokens, addresses=addresses, now=self.clock, audit=self._attempted)
        facts = Facts(BASE, "0.0.0", sorted(_rules()[1].kinds), NOON)
        made = routes(self.hub, authenticate=by_token(self.tokens.caller), oauth=oauth, facts=facts, ready=self._ready)
        return application(made, note=self._noted, new_id=lambda: str(uuid4()), secure=False)

    async def _attempted(self, attempt: Attempt) -> None:
        record = stranger("token", at=self.clock(), address=attempt.address, client=attempt.client)
        await self.journal.append(record, durable=True)

    async def _noted(self, address: str, interface: str, problem: Problem, *, request: str = "") -> None:
        record = stranger(
            "refuse", at=self.clock(), address=address, interface=interface, outcome=SERIOUS, reasons=(problem.code,)
        )
        await self.journal.append(record, durable=True)

    async def _ready(self) -> bool:
        return bool(await self.pool.fetchval("SELECT true"))

    def token(self, client: str, scopes: Sequence[str] | None = None) -> str:
        """Return an access token of ``client``, with its own scopes unless told."""
        known = self._known.get(client)
        if scopes is None and known is not None and self.clock.moment < known[0]:
            return known[1]
        issued = self.tokens.issue(self.registry.snapshot().clients[client], scopes or CLIENTS[client][2])
        if scopes is None:
            self._known[client] = (self.clock.moment + timedelta(seconds=200), issued.token)
        return issued.token

    def caller(self, client: str, scopes: Sequence[str] | None = None) -> Caller:
        """Return ``client`` as the hub is handed it."""
        return self.tokens.caller(self.token(client, scopes), str(uuid4()), "10.0.0.7")

    async def fhir(
        self, client: str, method: str, path: str, *, scopes: Sequence[str] | None = None, **options: Any
    ) -> httpx.Response:
        """Make a FHIR request as ``client``; ``json`` goes out as FHIR JSON."""
        headers = {"Authorization": f"Bearer {self.token(client, scopes)}", **options.pop("headers", {})}
        if "json" in options:
            headers.setdefault("Content-Type", "application/fhir+json")
            options["content"] = json.dumps(options.pop("json"), ensure_ascii=False).encode()
        return await self.http.request(method, f"/fhir/{path}" if path else "/fhir", headers=headers, **options)

    async def read(self, client: str, reference: str) -> Doc:
        """Return a resource; demand that it is there."""
        response = await self.fhir(client, "GET", reference)
        assert response.status_code == 200, response.text
        doc: Doc = response.json()
        return doc

    async def write(self, organisation: str, *docs: Doc, actor: str = "pipeline") -> None:
        """Write ``docs`` for ``organisation`` as an inner actor does, in one commit."""
        caller = Caller.system(actor, organisation=organisation, tier=_TIERS[organisation], request=str(uuid4()))
        await self.hub.ingest(caller, [Put(codec.parse_exact(json.dumps(doc))) for doc in docs])

    async def entries(self, **ask: Any) -> list[Entry]:
        """Return the journal's entries that answer ``ask`` (see `Filter`), oldest first, once all are written."""
        marker = str(uuid4())
        await self.journal.append(stranger("admin", at=self.clock(), address="", interface=marker), durable=True)
        deadline = time.monotonic() + 5
        while await self.pool.fetchval("SELECT count(*) FROM audit_pending"):
            assert time.monotonic() < deadline, "the journal does not take up what commits left"
            self.journal.kick()
            await self.journal.append(stranger("admin", at=self.clock(), address="", interface=marker), durable=True)
        page = await find(self.pool, self.keys, Filter(**ask), limit=500)
        return [entry for entry in reversed(page.entries) if entry.action not in ("admin", "start")]

    async def settle(self) -> None:
        """Write the story's elder: consent, discharge, accepted referral, care plan; and one of another chain."""
        await self.write(
            HOSPITAL,
            patient("elder", ELDER_CARD),
            consent("elder"),
            encounter("elder"),
            condition("elder"),
            patient("stranger", OTHER_CARD),
            consent("stranger", OTHER_CENTRE, OTHER_STATION),
            condition("stranger"),
        )
        await self.write(HOSPITAL, referral("elder"), follow_up("elder"), actor="workflow")
        await self.write(HOSPITAL, referral("stranger", OTHER_CENTRE), actor="workflow")
        await self.write(CENTRE, care_plan("elder"))
        await self.write(OTHER_CENTRE, care_plan("stranger", OTHER_STATION))


def patient(id: str, card: str) -> Doc:
    """Return a Patient as the hospital sends one."""
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": [
            {"system": CARD, "value": card},
            {"system": f"urn:yiyang:{HOSPITAL}:mrn", "value": f"MRN-{id}"},
        ],
        "active": True,
        "name": [{"text": "赵桂兰"}],
        "telecom": [{"system": "phone", "value": "13800005566"}],
        "gender": "female",
        "birthDate": "1943-03-05",
        "address": [{"text": "示范市柳荫街道 8 号"}],
    }


def consent(elder: str, *recipients: str, classes: Sequence[str] = CLASSES, status: str = "active") -> Doc:
    """Return the sharing consent of ``elder`` towards ``recipients`` (default: the centre and the station)."""
    actors = [
        {
            "role": {"coding": [{"system": f"{HL7}/v3-ParticipationType", "code": "IRCP"}]},
            "reference": {"reference": f"Organization/{code}"},
        }
        for code in recipients or (CENTRE, STATION)
    ]
    return {
        "resourceType": "Consent",
        "id": f"{elder}-consent",
        "identifier": [{"system": f"urn:yiyang:{HOSPITAL}:consent", "value": f"C-{elder}"}],
        "status": status,
        "scope": _concept(f"{HL7}/consentscope", "patient-privacy"),
        "category": [_concept(f"{HL7}/v3-ActCode", "INFA")],
        "patient": {"reference": f"Patient/{elder}"},
        "dateTime": "2026-03-01T09:00:00+08:00",
        "policy": [{"uri": "https://yiyang-gateway.example/fhir/notice/1"}],
        "provision": {
            "type": "permit",
            "period": {"start": "2026-03-01", "end": "2027-02-28"},
            "actor": actors,
            "purpose": [{"system": f"{HL7}/v3-ActReason", "code": code} for code in ("TREAT", "CAREMGT")],
            "class": [{"system": f"{CODES}/yy-data-class", "code": code} for code in classes],
        },
    }


def encounter(elder: str) -> Doc:
    """Return the finished stay of ``elder``."""
    return {
        "resourceType": "Encounter",
        "id": f"{elder}-stay",
        "status": "finished",
        "class": {"system": f"{HL7}/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{elder}"},
        "period": {"start": "2026-03-02T09:00:00+08:00", "end": "2026-03-12T10:00:00+08:00"},
        "serviceProvider": {"reference": f"Organization/{HOSPITAL}"},
    }


def condition(elder: str, id: str = "", *, note: str = "") -> Doc:
    """Return a diagnosis of ``elder``."""
    doc: Doc = {
        "resourceType": "Condition",
        "id": id or f"{elder}-diagnosis",
        "clinicalStatus": _concept(f"{HL7}/condition-clinical", "active"),
        "code": _concept("urn:oid:2.16.156.10011.2.3.3.11", "I63.900"),
        "subject": {"reference": f"Patient/{elder}"},
        "recordedDate": "2026-03-12",
    }
    return {**doc, "note": [{"text": note}]} if note else doc


def referral(elder: str, owner: str = CENTRE, *, state: str = "accepted", status: str = "accepted") -> Doc:
    """Return the referral Task of ``elder``."""
    return _task(elder, "referral", owner, state, status)


def follow_up(elder: str, owner: str = STATION) -> Doc:
    """Return the follow-up Task of ``elder``; the carer does not see its extension."""
    extension = [{"url": "http://example.org/remark", "valueString": "REMARK-FOR-DOCTORS"}]
    return {**_task(elder, "follow-up", owner, "due", "requested"), "extension": extension}


def _task(elder: str, code: str, owner: str, state: str, status: str) -> Doc:
    return {
        "resourceType": "Task",
        "id": f"{elder}-{code}",
        "status": status,
        "businessStatus": _concept(f"{CODES}/yy-business-status", state),
        "intent": "order",
        "priority": "routine",
        "code": _concept(f"{CODES}/yy-task-code", code),
        "for": {"reference": f"Patient/{elder}"},
        "requester": {"reference": f"Organization/{HOSPITAL}"},
        "owner": {"reference": f"Organization/{owner}"},
    }


def care_plan(elder: str, station: str = STATION) -> Doc:
    """Return the care plan by which ``station`` cares for ``elder``; the carer does not see its note."""
    return {
        "resourceType": "CarePlan",
        "id": f"{elder}-plan",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": f"Patient/{elder}"},
        "period": {"start": "2026-03-13", "end": "2026-06-13"},
        "activity": [
            {
                "detail": {
                    "status": "scheduled",
                    "description": "每日协助翻身",
                    "performer": [{"reference": f"Organization/{station}"}],
                }
            }
        ],
        "note": [{"text": "NOTE-FOR-DOCTORS"}],
    }


def _concept(system: str, code: str) -> Doc:
    return {"coding": [{"system": system, "code": code}]}


def codes(response: httpx.Response) -> list[str]:
    """Return the problem codes of an OperationOutcome."""
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome", outcome
    return [issue["details"]["coding"][0]["code"] for issue in outcome["issue"]]


def matches(response: httpx.Response) -> list[Doc]:
    """Return the matches of a searchset."""
    assert response.status_code == 200, response.text
    return [row["resource"] for row in response.json().get("entry", ()) if row["search"]["mode"] == "match"]


@asynccontextmanager
async def open_world(dsn: str, home: Path) -> AsyncIterator[World]:
    """Give a world on the empty database ``dsn``; keys and anchor lie in ``home``."""
    clock = Clock()
    keys = Keys.create(home / "keys.json")
    pool = await open_pool(dsn, size=8)
    journal = Journal(pool, keys, now=clock, writer_id="test", anchor_path=home / "checkpoints.jsonl")
    registry = Registry(pool, now=clock)
    await journal.start()
    await registry.start()
    try:
        await _register(registry)
        world = World(pool, keys, journal, registry, clock)
        await world.hub.warm()
        transport = httpx.ASGITransport(app=world.asgi, client=("10.0.0.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as world.http:
            yield world
    finally:
        await registry.close()
        await journal.stop()
        await pool.close()


async def _register(registry: Registry) -> None:
    for code, tier in _TIERS.items():
        parent = {CENTRE: HOSPITAL, STATION: CENTRE, OTHER_CENTRE: HOSPITAL, OTHER_STATION: OTHER_CENTRE}.get(code)
        await registry.add_organisation(Organisation(code, f"示范机构 {tier}", tier, parent or ""))
    key = ECKey.generate_key("P-384", private=True)
    public = {**key.as_dict(private=False), "kid": key.thumbprint(), "alg": "ES384", "use": "sig"}
    for name, (role, organisation, scopes) in CLIENTS.items():
        assert role in ROLES
        await registry.add_client(
            name, name, role=role, organisation=organisation, jwks={"keys": [public]}, scopes=scopes
        )
