"""The attacked world: two chains with an elder each, some elders beside them, everything salted; and its clients.

Built once a process through feeds and hub as in life, then kept as a database to copy, so that every test module and
every removed line of enforcement starts from the same state. Real gateway, real PostgreSQL; only HTTP is in process.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from joserfc.jwk import ECKey

from gateway.app import App, open_app
from gateway.config import Settings
from gateway.fhir import codec
from gateway.hub import Put
from security.caller import Caller, Role, Tier
from security.state import MllpSender, Organisation
from tests.attacks.plan import ALL, CENTRE_ONLY, NOBODY, NOT_THE_CARER, Plan
from tests.attacks.records import CARDS, PHONES, Salt, feeds, health_record, held
from tests.databases import database_of, name_of, with_database
from tests.flows.town import (
    CENTRE,
    HOSPITAL,
    OTHER_CENTRE,
    OTHER_STATION,
    STATION,
    URL,
    Clients,
    Clock,
    Doc,
    Town,
    enrol,
    open_town,
)
from tests.harness import care_plan, condition, consent, encounter, follow_up, patient, referral

SECOND_HOSPITAL = "12410000MB0000009Q"
_READ, _WRITE = ("system/*.rs",), ("system/*.cruds",)
_FEEDS = ("intake/json-discharge.c", "intake/sharing-consent.c")
MORE: Clients = {
    "other-centre-nurse": (Role.CENTRE_NURSE, OTHER_CENTRE, _READ, ()),
    "other-station-doctor": (Role.STATION_DOCTOR, OTHER_STATION, _READ, ()),
    "centre-writer": (Role.CENTRE_DOCTOR, CENTRE, _WRITE, ()),
    "nurse-writer": (Role.CENTRE_NURSE, CENTRE, _WRITE, ()),
    "station-writer": (Role.STATION_DOCTOR, STATION, _WRITE, ()),
    "carer-writer": (Role.STATION_CARER, STATION, _WRITE, ()),
    "other-writer": (Role.CENTRE_DOCTOR, OTHER_CENTRE, _WRITE, ()),
    "observations-only": (Role.CENTRE_DOCTOR, CENTRE, ("system/Observation.rs",), ()),
    "tasks-only": (Role.STATION_DOCTOR, STATION, ("system/Task.u",), ()),
    "dismissed": (Role.CENTRE_DOCTOR, CENTRE, _READ, ()),
    "second-his": (Role.HISFEED, SECOND_HOSPITAL, _FEEDS, ("json-discharge", "sharing-consent")),
}
"""Clients beside those of the town, in the same form; `dismissed` is disabled."""
_TIERS = {HOSPITAL: Tier.HOSPITAL, CENTRE: Tier.CENTRE, OTHER_CENTRE: Tier.CENTRE, STATION: Tier.STATION}


@dataclass(frozen=True, slots=True)
class Built:
    """A world at rest: the database to copy, the folder of its keys, its clients' keys, what is planted, its ids."""

    database: str
    home: Path
    keys: Mapping[str, ECKey]
    plan: Plan
    places: Mapping[str, str]


class World(Town):
    """A running copy of what was built."""

    def __init__(self, app: App, http: httpx.AsyncClient, clock: Clock, built: Built, settings: Settings) -> None:
        super().__init__(app, http, built.keys, clock)
        self.clients |= MORE
        self.plan, self.places, self.settings = built.plan, built.places, settings
        self._built = built
        self._others = AsyncExitStack()
        self._second: World | None = None
        self._counted: tuple[int, int] = (-1, -1)
        self._seen: dict[str, int] = {}

    async def second(self) -> World:
        """Return another worker of the same installation, started when it is first asked for."""
        if self._second is None:
            another = running(self.settings, self._built, clock=self.clock)
            self._second = await self._others.enter_async_context(another)
        return self._second

    async def close(self) -> None:
        """Stop the second worker."""
        await self._others.aclose()

    async def changed(self) -> list[str]:
        """Return what was written since the last call, as `Kind/id`; cheap when nothing was."""
        row = await self.app.rooms.pool.fetchrow("SELECT count(*), coalesce(sum(ver), 0)::bigint FROM res")
        counted = (int(row[0]), int(row[1]))
        if counted == self._counted:
            return []
        before, self._seen, self._counted = self._seen, await self.stored(), counted
        return sorted(key for key, version in self._seen.items() if before.get(key) != version)

    def entitled(self, client: str) -> set[str]:
        """Return the secrets that ``client`` may meet."""
        role, organisation, _, _ = self.clients[client]
        return self.plan.entitled(role.value, organisation)


async def build(database: str, home: Path) -> Built:
    """Play the stories on the empty ``database`` and return what is there when the gateway has stopped."""
    plan = Plan()
    async with open_town(database, home) as town:
        keys = town.keys = {**town.keys, **await _enrol_more(town)}
        town.clients |= MORE
        await _told(town, plan, "home", "centre-doctor")
        await _told(town, plan, "away", "other-centre-doctor")
        await town.accepted("hospital-his", "json-discharge", held(plan))
        places = await _patients(town)
        for elder, centre, station in (("home", CENTRE, STATION), ("away", OTHER_CENTRE, OTHER_STATION)):
            await _salted(town, Salt(plan, elder, elder, places[f"{elder}.id"]), centre, station)
        for elder in ("gone", "ended", "treated", "unreferred", "partly", "picky", "work", "spare"):
            await _plain(town, plan, elder)
        joint = {**patient("gone", CARDS["gone"]), "telecom": [{"system": "phone", "value": PHONES["gone"]}]}
        await write(town, CENTRE, {**joint, "active": False})
        await write(town, HOSPITAL, consent("gone", status="inactive"), _ended(consent("ended")))
        await town.quiet()
        places |= await _named(town, places["held.id"])
        places |= {f"{elder}.name": f"王示兰{plan.at(f'{elder}.name').secret}" for elder in ("home", "away")}
    return Built(database, home, keys, plan, places)


@asynccontextmanager
async def opened(built: Built, home: Path) -> AsyncIterator[World]:
    """Give a running copy of ``built`` with its files in ``home``; the copy's database is gone afterwards."""
    async with database_of(with_database(built.database, "postgres"), "attacked", name_of(built.database)) as made:
        shutil.copytree(built.home, home)
        settings = Settings(home=home, database_url=made, public_url=URL, mllp_port=0)
        async with running(settings, built) as world:
            yield world


@asynccontextmanager
async def running(settings: Settings, built: Built, *, clock: Clock | None = None) -> AsyncIterator[World]:
    """Give one worker of the installation of ``settings``; two may run on one database."""
    clock = clock or _later()
    async with open_app(settings, now=clock) as app:
        transport = httpx.ASGITransport(app=app.asgi, raise_app_exceptions=False, client=("127.0.0.1", 4711))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as http:
            world = World(app, http, clock, built, settings)
            try:
                yield world
            finally:
                await world.close()


def _later() -> Clock:
    clock = Clock()
    clock.ahead = timedelta(hours=1)
    return clock


async def _enrol_more(town: Town) -> dict[str, ECKey]:
    registry = town.app.rooms.registry
    await registry.add_organisation(Organisation(SECOND_HOSPITAL, "示范市第二人民医院", Tier.HOSPITAL))
    # MLLP messages of the ward are taken from one address only.
    await registry.add_sender(MllpSender("ward-a03", HOSPITAL, "adt-a03", "WARD", HOSPITAL, "127.0.0.7/32"))
    keys = await enrol(registry, MORE)
    await registry.disable_client("dismissed")
    await registry.revoke("revoked-in-the-world", town.clock() + timedelta(days=1))
    return keys


async def _told(town: Town, plan: Plan, elder: str, doctor: str) -> None:
    story = feeds(plan, elder, elder)
    for feed in ("sharing-consent", "json-discharge"):
        await _stored(town, "hospital-his", feed, story[feed])
    task = await town.task(doctor, "referral", CARDS[elder])
    assert task is not None
    moved = await town.move(doctor, task, "accepted")
    assert moved.status_code == 200, moved.text
    for feed in ("assessment", "care-plan"):
        await _stored(town, doctor, feed, story[feed])


async def _stored(town: Town, client: str, feed: str, message: Doc) -> None:
    receipt = await town.accepted(client, feed, message)
    assert receipt["state"] == "stored", receipt


async def _patients(town: Town) -> dict[str, str]:
    """Return the ids that identity gave the elders of the feeds."""
    found = {}
    for row in (await town.app.rooms.store.changes("", limit=500)).rows:
        if row.kind == "Patient":
            card = next(each["value"] for each in json.loads(row.body)["identifier"] if each["value"] in CARDS.values())
            found[next(name for name, number in CARDS.items() if number == card)] = row.id
    return {f"{name}.id": id for name, id in found.items()}


async def _salted(town: Town, salt: Salt, centre: str, station: str) -> None:
    first, second = salt.versions()
    await write(
        town,
        HOSPITAL,
        *(salt.condition(), salt.observation(), salt.encounter(), salt.medication(), salt.allergy()),
        *(salt.composition(), salt.questionnaire(), salt.relative(), salt.practitioner(), *salt.document()),
        *(salt.depression(), salt.tumour(), first),
    )
    await write(town, HOSPITAL, second)
    await write(town, HOSPITAL, salt.task(station), actor="workflow")
    erased = salt.erased()
    await write(town, centre, salt.plan(station), salt.goal(), erased)
    writer = "centre-writer" if centre == CENTRE else "other-writer"
    gone = await town.fhir(writer, "DELETE", f"Condition/{erased['id']}")
    assert gone.status_code == 204, gone.text


async def _plain(town: Town, plan: Plan, elder: str) -> None:
    """Write an elder with a consent, a diagnosis, an accepted referral and a care plan."""
    # Nobody may see anything of the one who withdrew, whose consent is over, or who was never handed over.
    chain = "" if elder in ("gone", "ended", "unreferred") else "home"
    card = plan.number(chain, f"{elder}.card", CENTRE_ONLY, CARDS[elder])
    phone = plan.number(chain, f"{elder}.phone", NOT_THE_CARER if elder == "treated" else ALL, PHONES[elder])
    note = plan.word(chain, f"{elder}.diagnosis.note", NOBODY if elder == "partly" else NOT_THE_CARER)
    await write(
        town,
        HOSPITAL,
        {**patient(elder, card), "telecom": [{"system": "phone", "value": phone}]},
        _SPECIAL.get(elder, lambda given: given)(consent(elder)),
        encounter(elder),
        condition(elder, note=note),
    )
    if elder == "unreferred":
        return
    await write(town, HOSPITAL, referral(elder), follow_up(elder), actor="workflow")
    await write(town, CENTRE, care_plan(elder))
    if elder == "picky":
        await write(town, HOSPITAL, Salt(plan, elder, chain, elder).tumour(NOBODY))


def _denying_tumours(consent: Doc) -> Doc:
    label = {"system": "https://yiyang-gateway.example/fhir/CodeSystem/yy-sensitivity", "code": "TUM"}
    consent["provision"]["provision"] = [{"type": "deny", "securityLabel": [label]}]
    return consent


def _of_some_classes(consent: Doc) -> Doc:
    kept = ("DEMOGRAPHIC", "NURSING", "CARE_PLAN")
    consent["provision"]["class"] = [each for each in consent["provision"]["class"] if each["code"] in kept]
    return consent


def _for_treatment(consent: Doc) -> Doc:
    consent["provision"]["purpose"] = [each for each in consent["provision"]["purpose"] if each["code"] == "TREAT"]
    return consent


def _ended(consent: Doc) -> Doc:
    consent["provision"]["period"]["end"] = "2026-03-10"
    return consent


_SPECIAL = {"picky": _denying_tumours, "partly": _of_some_classes, "treated": _for_treatment}
"""Elders whose consent is not the usual one."""


async def _named(town: Town, held: str) -> dict[str, str]:
    """Return the ids of what was written by hand (`home-condition`), and of what the held discharge made."""
    found = {f"{elder}.card": value for elder, value in CARDS.items()}
    found |= {f"{elder}.phone": value for elder, value in PHONES.items()}
    found |= {f"{elder}.record": health_record(elder) for elder in CARDS}
    for row in (await town.app.rooms.store.changes("", limit=500)).rows:
        elder, dash, name = row.id.partition("-")
        if elder in CARDS and dash:
            found[f"{elder}.{name}"] = row.id
        elif row.id in CARDS:
            found[f"{row.id}.id"] = row.id
        elif row.facts.elder == held:
            found.setdefault(f"held.{row.kind.lower()}", row.id)
    return found


async def write(town: Town, organisation: str, *docs: Doc, actor: str = "pipeline") -> None:
    """Write ``docs`` for ``organisation`` as an inner actor does, in one commit."""
    caller = Caller.system(actor, organisation=organisation, tier=_TIERS[organisation], request=secrets.token_hex(8))
    await town.app.hub.ingest(caller, [Put(codec.parse_exact(json.dumps(doc))) for doc in docs])
