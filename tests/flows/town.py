"""A whole gateway on a database of its own, told from outside: tokens, feeds, FHIR requests, MLLP frames, a clock.

Everything is real but the time: it starts when the sample elder is discharged, and a test may move it.
"""

from __future__ import annotations

import asyncio
import copy
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from gateway.app import App, install, open_app
from gateway.config import Settings
from gateway.intake.mllp import send
from security.caller import Role, Tier
from security.state import MllpSender, Organisation, Registry

RECORDS = Path(__file__).parent.parent / "fixtures" / "records"
HOSPITAL, CENTRE, STATION = "12410000MB00000010", "12410100MB00000028", "52410102MJ0000003J"
OTHER_CENTRE, OTHER_STATION = "12410100MB0000004E", "52410102MJ0000007Y"
CARD = "urn:oid:2.16.156.10011.1.3"
ELDER_CARD = "410199194303051027"
START = datetime(2026, 3, 12, 8, 31, tzinfo=UTC)
URL = "http://127.0.0.1:8080"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
WITHIN_S = 8.0

_CENTRE_SCOPES = ("system/*.rs", "system/Task.u", "intake/assessment.c", "intake/care-plan.c")
_STATION_SCOPES = ("system/*.rs", "system/Task.u")
Clients = Mapping[str, tuple[Role, str, tuple[str, ...], tuple[str, ...]]]
"""Clients by name: role, organisation, scopes, feeds."""
CLIENTS: Clients = {
    "hospital-his": (
        Role.HISFEED,
        HOSPITAL,
        ("intake/json-discharge.c", "intake/sharing-consent.c"),
        ("json-discharge", "sharing-consent"),
    ),
    "centre-doctor": (Role.CENTRE_DOCTOR, CENTRE, _CENTRE_SCOPES, ("assessment", "care-plan")),
    "centre-nurse": (Role.CENTRE_NURSE, CENTRE, _CENTRE_SCOPES, ("assessment", "care-plan")),
    "station-doctor": (Role.STATION_DOCTOR, STATION, _STATION_SCOPES, ()),
    "station-carer": (Role.STATION_CARER, STATION, _STATION_SCOPES, ()),
    "other-centre-doctor": (Role.CENTRE_DOCTOR, OTHER_CENTRE, _CENTRE_SCOPES, ("assessment", "care-plan")),
    "other-station-carer": (Role.STATION_CARER, OTHER_STATION, _STATION_SCOPES, ()),
    "auditor": (Role.AUDITOR, HOSPITAL, ("system/AuditEvent.rs",), ()),
}

Doc = dict[str, Any]


def record(name: str) -> Doc:
    """Return a sample record, to be changed at will."""
    found: Doc = json.loads((RECORDS / name).read_bytes())
    return found


def consent(**changes: Any) -> Doc:
    """Return the sample consent with ``changes`` of its data, under a message id of its own."""
    found = record("16_sharing_consent.json")
    found["data"].update(changes)
    found["msgId"] = f"CONSENT-{uuid4()}"
    return found


def discharge(**encounter: Any) -> Doc:
    """Return the sample discharge with changes of its encounter, under a message id of its own."""
    found = record("04_discharge.json")
    found["data"]["encounter"].update(encounter)
    found["msgId"] = f"D-{uuid4()}"
    return found


def a03() -> bytes:
    """Return the sample HL7 v2 discharge, without framing."""
    return (RECORDS / "01_adt_a03.hl7").read_bytes().replace(b"\r\n", b"\r").replace(b"\n", b"\r")


class Town:
    """One running gateway and everybody who uses it."""

    def __init__(self, app: App, http: httpx.AsyncClient, keys: Mapping[str, ECKey], clock: Clock) -> None:
        self.app = app
        self.http = http
        self.keys = keys
        self.clock = clock
        self.clients = dict(CLIENTS)
        self._tokens: dict[str, tuple[datetime, str]] = {}

    async def token(self, client: str) -> str:
        """Return an access token of ``client``, by a signed assertion."""
        got = self._tokens.get(client)
        if got is not None and self.clock() < got[0]:
            return got[1]
        response = await self.http.post("/oauth/token", data=self.form(client))
        assert response.status_code == 200, response.text
        token: str = response.json()["access_token"]
        self._tokens[client] = (self.clock() + timedelta(seconds=240), token)
        return token

    def form(self, client: str, **changes: Any) -> Doc:
        """Return the form of a token request; ``changes`` go into the assertion."""
        moment = int(self.clock().timestamp())
        claims = {
            "iss": client,
            "sub": client,
            "aud": f"{URL}/oauth/token",
            "jti": str(uuid4()),
            "exp": moment + 240,
            **changes,
        }
        key = self.keys[client]
        head = {"alg": "ES384", "kid": key.thumbprint(), "typ": "JWT"}
        return {
            "grant_type": "client_credentials",
            "scope": " ".join(self.clients[client][2]),
            "client_assertion_type": ASSERTION,
            "client_assertion": jwt.encode(head, claims, key, algorithms=["ES384"]),
        }

    async def post(self, client: str, feed: str, message: Doc | bytes) -> httpx.Response:
        """Send a message to a feed."""
        body = message if isinstance(message, bytes) else json.dumps(message, ensure_ascii=False).encode()
        headers = {"Authorization": f"Bearer {await self.token(client)}", "Content-Type": "application/json"}
        return await self.http.post(f"/intake/{feed}", content=body, headers=headers)

    async def accepted(self, client: str, feed: str, message: Doc) -> Doc:
        """Send a message, demand AA, wait until it is stored, and return the receipt's data."""
        response = await self.post(client, feed, message)
        assert response.json().get("success") == "AA", response.text
        return await self.settled(client, feed, message["msgId"])

    async def settled(self, client: str, feed: str, message_id: str) -> Doc:
        """Return the receipt of a message once it is worked off and its consequences are drawn."""
        await self.quiet()
        headers = {"Authorization": f"Bearer {await self.token(client)}"}
        response = await self.http.get(f"/intake/{feed}/{message_id}", headers=headers)
        data: Doc = response.json()["data"]
        return data

    async def quiet(self) -> None:
        """Wait until pipeline and workflow have nothing left to do."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            moved = await self.app.pipeline.drain()
            if not moved and not await self._behind():
                return
            assert time.monotonic() < deadline, "the gateway did not come to rest"
            await asyncio.sleep(0.02)

    async def _behind(self) -> bool:
        rows, _ = await self.app.rooms.inbox.page(state="received", limit=1, cursor="")
        store = self.app.rooms.store
        cursor = await store.cursor_of("workflow")
        return bool(rows) or (await store.changes(cursor, limit=1)).cursor != cursor

    async def mllp(self, message: bytes) -> bytes:
        """Send one HL7 v2 message over MLLP and return the answer."""
        answer = await send("127.0.0.1", self.app.mllp_port, message)
        await self.quiet()
        return answer

    async def fhir(self, client: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Make a FHIR request as ``client``."""
        headers = {"Authorization": f"Bearer {await self.token(client)}", **options.pop("headers", {})}
        if "json" in options:
            headers["Content-Type"] = "application/fhir+json"
        return await self.http.request(method, f"/fhir/{path}", headers=headers, **options)

    async def read(self, client: str, reference: str) -> Doc:
        """Return a resource; demand that it is there."""
        response = await self.fhir(client, "GET", reference)
        assert response.status_code == 200, response.text
        doc: Doc = response.json()
        return doc

    async def search(self, client: str, kind: str, **params: str) -> list[Doc]:
        """Return the matches of a POST search; a refused search finds nothing."""
        query = {name.replace("__", ".").replace("_or_", ":"): value for name, value in params.items()}
        response = await self.fhir(client, "POST", f"{kind}/_search", data=query)
        if response.status_code == 403:
            return []
        assert response.status_code == 200, response.text
        return [row["resource"] for row in response.json().get("entry", ()) if row["search"]["mode"] == "match"]

    async def of_elder(self, client: str, kind: str, card: str = ELDER_CARD, **params: str) -> list[Doc]:
        """Return the resources of an elder by identity number."""
        name = "identifier" if kind == "Patient" else "patient__identifier"
        return await self.search(client, kind, **{name: f"{CARD}|{card}"}, **params)

    async def task(self, client: str, code: str, card: str = ELDER_CARD) -> Doc | None:
        """Return the elder's Task of ``code`` as ``client`` sees it."""
        found = await self.of_elder(client, "Task", card, code=code)
        assert len(found) <= 1
        return found[0] if found else None

    async def move(self, client: str, task: Doc, status: str, **changes: Any) -> httpx.Response:
        """Ask for another status of a Task, against the version that was read."""
        body = {**copy.deepcopy(task), "status": status, **changes}
        headers = {"If-Match": f'W/"{task["meta"]["versionId"]}"'}
        return await self.fhir(client, "PUT", f"Task/{task['id']}", json=body, headers=headers)

    async def stored(self) -> dict[str, int]:
        """Return the version of everything that is stored, by `Kind/id`, without asking anybody's leave."""
        found: dict[str, int] = {}
        cursor = ""
        while True:
            changes = await self.app.rooms.store.changes(cursor, limit=500)
            found |= {f"{row.kind}/{row.id}": row.version for row in changes.rows}
            if changes.cursor == cursor:
                return found
            cursor = changes.cursor

    async def until_care_plan(self) -> None:
        """Play the story up to the stored care plan: consent, discharge, acceptance, assessment, plan."""
        await self.accepted("hospital-his", "sharing-consent", consent())
        await self.accepted("hospital-his", "json-discharge", record("04_discharge.json"))
        task = await self.task("centre-doctor", "referral")
        assert task is not None
        moved = await self.move("centre-doctor", task, "accepted")
        assert moved.status_code == 200, moved.text
        for feed, name in (("assessment", "07_ability_assessment.json"), ("care-plan", "08_care_plan.json")):
            receipt = await self.accepted("centre-doctor", feed, record(name))
            assert receipt["state"] == "stored", receipt


class Clock:
    """Time that starts at START and runs; `ahead` moves it."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return START + self.ahead + timedelta(seconds=time.monotonic() - self._began)


@asynccontextmanager
async def open_town(database: str, home: Path) -> AsyncIterator[Town]:
    """Give a town on ``database`` whose files lie in ``home``."""
    settings = Settings(home=home, database_url=database, public_url=URL, mllp_port=0)
    clock = Clock()
    await install(settings)
    async with open_app(settings, now=clock) as app:
        keys = await _register(app.rooms.registry)
        transport = httpx.ASGITransport(app=app.asgi, raise_app_exceptions=False, client=("127.0.0.1", 4711))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as http:
            yield Town(app, http, keys, clock)


async def _register(registry: Registry) -> dict[str, ECKey]:
    places = (
        Organisation(HOSPITAL, "示范市人民医院", Tier.HOSPITAL),
        Organisation(CENTRE, "柳荫街道医养服务中心", Tier.CENTRE, HOSPITAL),
        Organisation(OTHER_CENTRE, "槐安街道医养服务中心", Tier.CENTRE, HOSPITAL),
        Organisation(STATION, "柳荫社区医养服务站", Tier.STATION, CENTRE),
        Organisation(OTHER_STATION, "槐安社区医养服务站", Tier.STATION, OTHER_CENTRE),
    )
    for place in places:
        await registry.add_organisation(place)
    await registry.add_sender(MllpSender("his-a03", HOSPITAL, "adt-a03", "HIS", HOSPITAL, "127.0.0.0/8"))
    return await enrol(registry, CLIENTS)


async def enrol(registry: Registry, clients: Clients) -> dict[str, ECKey]:
    """Register ``clients`` and return the private key of each."""
    keys = {name: ECKey.generate_key("P-384", private=True) for name in clients}
    for name, (role, organisation, scopes, feeds) in clients.items():
        public = {**keys[name].as_dict(private=False), "kid": keys[name].thumbprint(), "alg": "ES384", "use": "sig"}
        await registry.add_client(
            name, name, role=role, organisation=organisation, jwks={"keys": [public]}, scopes=scopes, feeds=feeds
        )
    return keys
