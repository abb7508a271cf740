"""Assembly: every room built once, handed its values, started in order and stopped in the reverse order.

The order matters: the gate learns what is stored before any door opens; the pipeline and the workflow take up what a
crash left before new messages come; doors close first at the end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from starlette.routing import Route
from starlette.types import ASGIApp

from gateway import __version__
from gateway.api import Facts, application, by_token, render, routes
from gateway.app.intake_side import HttpIntake, Pipelined, Senders
from gateway.app.rooms import Clock, Rooms, open_rooms, utc_now
from gateway.app.trace import Trace
from gateway.app.trail import Trail
from gateway.app.workflow_side import Followed, Worked
from gateway.config import Settings
from gateway.fhir import definitions
from gateway.fhir import gate as fhir
from gateway.fhir.problem import Problem
from gateway.hub import Hub
from gateway.identity import Identity
from gateway.intake import Feeds, Hl7Door, Inbox, Intake, MllpServer, Pipeline, Understander
from gateway.intake import routes as intake_routes
from gateway.workflow import Effects, Engine, advance
from security.caller import Tier
from security.gate import Gate
from security.oauth import Addresses, OAuth, TokenKeys, Tokens, permits

LETTERS = {"read": "r", "vread": "r", "history": "r", "search": "s", "create": "c", "update": "u", "delete": "d"}


@dataclass(frozen=True, slots=True)
class App:
    """A running gateway: ``asgi`` for a server to serve, ``mllp_port`` where HL7 v2 is listened for."""

    rooms: Rooms
    hub: Hub
    asgi: ASGIApp
    mllp_port: int
    pipeline: Pipeline
    workflow: Engine


@asynccontextmanager
async def open_app(settings: Settings, *, now: Clock = utc_now) -> AsyncIterator[App]:
    """Start everything but the HTTP server for the block.

    Raises what `open_rooms` raises, Problems of a map that does not compile, OSError when the MLLP port is taken.
    """
    feeds = Feeds.load(settings.mappings)
    async with AsyncExitStack() as stack:
        rooms = await stack.enter_async_context(open_rooms(settings, writer="gateway", now=now))
        trace = Trace(rooms.journal, now=now, digest=rooms.keys.digest)
        gate = Gate.load(now=now)
        hub = _hub(rooms, gate)
        await hub.warm()
        tokens = _tokens(rooms)
        workflow = Engine(Followed(hub), _effects(rooms, hub, gate), now=now)
        understand = _understander(rooms)
        pipeline = _pipeline(rooms, hub, feeds, understand)
        intake = _intake(rooms, feeds, understand, trace, pipeline)
        door = HttpIntake(intake, rooms.inbox, feeds=feeds, understand=understand, hub=hub, make_id=rooms.keys.make_id)
        senders = Senders(rooms.registry, by_token(tokens.caller), trace.request)
        asgi = _doors(rooms, hub, tokens, trace, intake_routes(door, authorize=senders.by_token, render=render))
        mllp = MllpServer(Hl7Door(intake, sender=senders.by_message, stranger=trace.frame, now=now))

        await trace.inner("start", interface="gateway")
        stack.push_async_callback(trace.inner, "stop", interface="gateway")
        workflow.start()
        stack.push_async_callback(workflow.stop)
        pipeline.start()
        stack.push_async_callback(pipeline.stop)
        port = await mllp.start(settings.mllp_host, settings.mllp_port)
        stack.push_async_callback(mllp.stop)
        yield App(rooms, hub, asgi, port, pipeline, workflow)


def _doors(rooms: Rooms, hub: Hub, tokens: Tokens, trace: Trace, others: list[Route]) -> ASGIApp:
    settings = rooms.settings
    own = routes(
        hub,
        authenticate=by_token(tokens.caller),
        oauth=_oauth(rooms, tokens, trace),
        facts=Facts(settings.base, __version__, sorted(definitions.kinds()), rooms.now()),
        ready=lambda: _is_ready(rooms),
    )
    secure = settings.url.startswith("https://")
    return application([*others, *own], note=trace.request, new_id=lambda: str(uuid4()), secure=secure)


async def _is_ready(rooms: Rooms) -> bool:
    """Tell whether the database answers and the registry is fresh: without either every request is refused."""
    try:
        rooms.registry.snapshot()
        await rooms.store.cursor_of("workflow")
    except Problem:
        return False
    return True


def _hub(rooms: Rooms, gate: Gate) -> Hub:
    return Hub(
        rooms.store,
        gate,
        rooms.journal,
        keys=rooms.keys,
        now=rooms.now,
        new_id=lambda: str(uuid4()),
        base=rooms.settings.base,
        permits=lambda caller, action, kind: permits(caller.scopes, kind, LETTERS.get(action, "")),
        task_rules=lambda caller, stored, wanted: advance(caller, stored, wanted, now=rooms.now()),
        entries=Trail(rooms.pool, rooms.keys),
    )


def _tokens(rooms: Rooms) -> Tokens:
    keys = TokenKeys.load(rooms.settings.token_key_file)
    settings = rooms.settings
    return Tokens(keys, rooms.registry, issuer=settings.url, audience=settings.base, now=rooms.now)


def _oauth(rooms: Rooms, tokens: Tokens, trace: Trace) -> OAuth:
    url = rooms.settings.url
    addresses = Addresses(url, f"{url}/oauth/token", f"{url}/oauth/jwks")
    return OAuth(rooms.registry, tokens, addresses=addresses, now=rooms.now, audit=trace.token)


def _effects(rooms: Rooms, hub: Hub, gate: Gate) -> Effects:
    def is_station(code: str) -> bool:
        found = rooms.registry.snapshot().organisation(code)
        return found is not None and found.tier is Tier.STATION

    return Effects(Worked(hub), make_id=rooms.keys.make_id, consents=gate.consents, is_station=is_station)


def _understander(rooms: Rooms) -> Understander:
    return Understander(
        check=fhir.check,
        make_id=rooms.keys.make_id,
        is_registered=lambda code: rooms.registry.snapshot().organisation(code) is not None,
        now=rooms.now,
    )


def _pipeline(rooms: Rooms, hub: Hub, feeds: Feeds, understand: Understander) -> Pipeline:
    return Pipeline(
        rooms.inbox,
        Pipelined(hub, rooms.registry),
        feeds=feeds,
        understand=understand,
        identity=Identity(rooms.store, make_id=rooms.keys.make_id, now=rooms.now),
        make_id=rooms.keys.make_id,
    )


def _intake(rooms: Rooms, feeds: Feeds, understand: Understander, trace: Trace, pipeline: Pipeline) -> Intake:
    return Intake(
        Inbox(rooms.inbox),
        feeds,
        understand=understand,
        digest=rooms.keys.digest,
        order=lambda elder: rooms.keys.index_key(f"order|{elder}"),
        note=trace.message,
        wake=pipeline.wake,
    )
