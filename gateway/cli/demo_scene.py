"""The demo's stage on a running gateway: who is registered, what was loaded, how often the story was told.

In: a gateway that serves. Out: `Scene`. What was done is kept in one small file in the home folder, so that the next
start goes on instead of beginning again.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import httpx
import orjson

from gateway.app import Rooms
from gateway.cli import keyfiles
from gateway.cli.change import record_change
from gateway.cli.client import register
from gateway.cli.serving import Serving
from gateway.cli.smart import fetch_token
from gateway.demo.cast import HL7_FEED, Party, parties, sender_of
from gateway.demo.county import HOSPITAL, County, Elder, county
from gateway.demo.doors import Doors, Where
from gateway.demo.load import load
from gateway.demo.story import Step, Story
from gateway.demo.year import CHINA, year
from gateway.fhir.problem import Problem
from security.state import Change, MllpSender, Organisation

SEED = 20_260_312
# A token lives 300 s; a new one is fetched well before that.
TOKEN_S = 200.0
# The machine may be busy with its own start; nothing of the demo waits longer in earnest (design default).
PATIENCE_S = 60.0
_NAME = "demo.json"


@dataclass(frozen=True, slots=True)
class Progress:
    """What was done: for which day and how many elders, whether the year is in, how often the story was told."""

    today: str
    elders: int
    loaded: bool = False
    told: int = 0
    left: bool = False
    """The story was left to a script: its people are taken."""


class Scene:
    """The county on a running gateway."""

    def __init__(self, serving: Serving, progress: Progress, http: httpx.AsyncClient) -> None:
        """Hold the gateway and what was done there; use `open_scene`."""
        self.serving = serving
        self._progress = progress
        self._tokens: dict[str, tuple[float, str]] = {}
        self._county = _county(progress)
        doors = serving.doors
        where = Where(doors["base"], doors["intake"], doors["mllp"]["host"], doors["mllp"]["port"])
        self._doors = Doors(where, token=self.token, http=http, within_s=PATIENCE_S)
        self.parties: tuple[Party, ...] = tuple(parties(self._county))

    @property
    def was_told(self) -> bool:
        """Return whether the story was told here, or left to a script."""
        return self._plays > 0

    @property
    def elder(self) -> Elder:
        """Return the elder of the story told last."""
        return self._county.cast(max(0, self._plays - 1))[0]

    def key_file(self, client_id: str) -> Path:
        """Return where the private key of a client lies."""
        return keyfiles.path_of(self.serving.settings.client_keys, client_id)

    async def token(self, client_id: str) -> str:
        """Return an access token, as the client itself would get it; kept while it is good."""
        until, token = self._tokens.get(client_id, (0.0, ""))
        if time.monotonic() < until:
            return token
        private = keyfiles.read(self.key_file(client_id), client_id)
        got = await fetch_token(private, client_id, endpoint=self.serving.doors["tokenEndpoint"])
        self._tokens[client_id] = (time.monotonic() + TOKEN_S, got["access_token"])
        return str(got["access_token"])

    async def fill(self, told: Callable[[int, int], None]) -> None:
        """Send the year through the feeds, unless it is in. Raises StepFailed."""
        if self._progress.loaded:
            return
        sent = year(self._county, seed=SEED, today=self._county.today, hospital=HOSPITAL)
        await load(sent, self._doors, sender=sender_of, told=lambda done: told(done, len(sent)))
        self._keep(loaded=True)

    async def tell(self, told: Callable[[Step], None]) -> None:
        """Tell the story with people who have not appeared yet. Raises StepFailed."""
        cast = self._county.cast(self._plays)
        self._keep(told=self._progress.told + 1)
        await Story(self._doors, cast, today=self._county.today).tell(told)

    @property
    def _plays(self) -> int:
        return self._progress.told + self._progress.left

    def leave_story(self) -> None:
        """Leave the story and its first people to a script."""
        self._keep(left=True)

    def _keep(self, **done: bool | int) -> None:
        self._progress = replace(self._progress, **done)  # type: ignore[arg-type]
        _write(self.serving.settings.home / _NAME, self._progress)


@asynccontextmanager
async def open_scene(serving: Serving, *, elders: int) -> AsyncIterator[Scene]:
    """Give the scene; register its parties at the first start. Raises Problem("CLI-013") where others are at home."""
    rooms, path = serving.app.rooms, serving.settings.home / _NAME
    progress = _read(path)
    if progress is None:
        if await rooms.registry.list_organisations():
            raise Problem("CLI-013", home=str(serving.settings.home))
        progress = Progress(rooms.now().astimezone(CHINA).date().isoformat(), elders)
        _write(path, progress)
    await _populate(rooms, _county(progress))
    async with httpx.AsyncClient(timeout=PATIENCE_S, trust_env=False) as http:
        yield Scene(serving, progress, http)


def _county(progress: Progress) -> County:
    return county(seed=SEED, elders=progress.elders, today=date.fromisoformat(progress.today))


async def _populate(rooms: Rooms, place: County) -> None:
    """Register what is not registered: organisations, clients with their key files, the hospital's HL7 system."""
    registry = rooms.registry
    known = {one.uscc for one in await registry.list_organisations()}
    for one in place.places:
        if one.uscc not in known:
            entry = Organisation(one.uscc, one.name, one.tier, one.parent)
            await record_change(rooms, await registry.add_organisation(entry))
    clients = {one.client_id for one in await registry.list_clients()}
    for party in parties(place):
        if party.client_id not in clients:
            await record_change(rooms, await _enrol(rooms, party))
    if "his-mllp" not in {one.name for one in await registry.list_senders()}:
        sender = MllpSender("his-mllp", HOSPITAL, HL7_FEED, "HIS", HOSPITAL, "127.0.0.1/32")
        await record_change(rooms, await registry.add_sender(sender))


async def _enrol(rooms: Rooms, party: Party) -> Change:
    path = keyfiles.path_of(rooms.settings.client_keys, party.client_id)
    path.unlink(missing_ok=True)
    return await register(
        rooms.registry,
        party.client_id,
        party.name,
        role=party.role,
        org=party.organisation,
        scopes=(),
        feeds=party.feeds,
        jwks=None,
        path=path,
    )


def _read(path: Path) -> Progress | None:
    try:
        return Progress(**orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        return None


def _write(path: Path, progress: Progress) -> None:
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(orjson.dumps(asdict(progress), option=orjson.OPT_APPEND_NEWLINE))
    beside.replace(path)
