"""Assembly: every room built once, handed its values, started in order and stopped in the reverse order.

The order matters: the gate learns what is stored before any door opens; the pipeline and the workflow take up what a
crash left before new messages come; doors close first at the end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from starlette.routing import Route
from starlette.types import ASGIApp

from gateway import __version__
from gateway.api import Facts, application, by_token, render, routes
from gateway.app.fellows import Fellows
from gateway.app.intake_side import HttpIntake, Pipelined, Senders
from gateway.app.rooms import Clock, Rooms, open_rooms, utc_now
from gateway.app.trace import Trace
from gateway.app.trail import Trail
from gateway.app.watch_side import (
    PROBES,
    CountedGate,
    Overdue,
    TimedUnderstander,
    admin_app,
    health_of,
    of_process,
    tell_siblings,
    told_of,
)
from gateway.app.workflow_side import Followed, Worked
from gateway.config import Settings
from gateway.fhir import definitions
from gateway.fhir.proof import prove
from gateway.hub import Hub
from gateway.identity import Identity
from gateway.intake import Feeds, Fresh, Hl7Door, Inbox, Intake, MllpServer, Pipeline, Storing, Understander
from gateway.intake import routes as intake_routes
from gateway.intake.permission import Permission
from gateway.intake.pipeline import Told
from gateway.terminology import Terminology
from gateway.watch import lines
from gateway.watch.health import Health, health_routes
from gateway.watch.meters import Meters
from gateway.watch.requests import Watched
from gateway.watch.share import METRICS, Share
from gateway.workflow import Effects, Engine, advance
from security.caller import Tier
from security.gate import Gate
from security.oauth import Addresses, OAuth, TokenKeys, Tokens, permits

LETTERS = {"read": "r", "vread": "r", "history": "r", "search": "s", "create": "c", "update": "u", "delete": "d"}


@dataclass(frozen=True, slots=True)
class App:
    """A running gateway: ``asgi`` for a server to serve, ``mllp_port`` where HL7 v2 is listened for.

    ``admin`` is for the admin listener alone: metrics and health.
    """

    rooms: Rooms
    hub: Hub
    asgi: ASGIApp
    admin: ASGIApp
    mllp_port: int
    pipeline: Pipeline
    workflow: Engine


@asynccontextmanager
async def open_app(settings: Settings, *, now: Clock = utc_now, share: bool = False) -> AsyncIterator[App]:
    """Start everything but the HTTP server for the block; ``share`` the MLLP port with the other workers.

    Raises what `open_rooms` raises, Problems of a map that does not compile, OSError when the MLLP port is taken.
    """
    lines.tell(logging.INFO, "gateway.start", version=__version__)
    feeds = Feeds.load(settings.mappings)
    async with AsyncExitStack() as stack:
        meters = Meters()
        rooms = await stack.enter_async_context(
            open_rooms(settings, writer="gateway", now=now, committed=meters.chained)
        )
        lines.use_key(rooms.keys.secret("log"))
        told = told_of(meters, feeds)
        trace = Trace(rooms.journal, now=now, digest=rooms.keys.digest, told=told)
        gate = CountedGate.load(now=now)
        gate.meters, gate.now = meters, now
        hub = _hub(rooms, gate)
        health = await _among_others(stack, rooms, hub, policies=gate.policies)
        tokens = _tokens(rooms)
        workflow = Engine(
            Followed(hub), _effects(rooms, hub, gate), now=now, may_run=lambda: rooms.presence.hold("workflow")
        )
        understand = _understander(rooms, meters)
        pipelined = Pipelined(hub, rooms.registry)
        pipeline = _pipeline(rooms, pipelined, feeds, understand, fresh := Fresh(), told)
        intake = _intake(rooms, feeds, understand, trace, fresh, _permission(rooms, pipelined), pipeline)
        door = HttpIntake(intake, rooms.inbox, feeds=feeds, understand=understand, hub=hub, make_id=rooms.keys.make_id)
        senders = Senders(rooms.registry, by_token(tokens.caller), trace.request)
        others = [*intake_routes(door, authorize=senders.by_token, render=render), *health_routes(health)]
        asgi = Watched(_doors(rooms, hub, tokens, trace, others, health), meters, quiet=PROBES)
        mllp = MllpServer(Hl7Door(intake, sender=senders.by_message, stranger=trace.frame, now=now))

        watch = asyncio.create_task(lines.watch(), name="log")
        stack.callback(watch.cancel)
        await _start(stack, trace, workflow, pipeline)
        port = await mllp.start(settings.mllp_host, settings.mllp_port, share=share)
        stack.push_async_callback(mllp.stop)
        shared = Share(settings.home / METRICS)
        meters.gauge(lambda: of_process(rooms))
        if settings.admin_port is not None:
            telling = asyncio.create_task(tell_siblings(meters, shared), name="metrics")
            stack.callback(telling.cancel)
        gate.is_open = True
        lines.tell(logging.INFO, "gateway.ready", mllp_port=port, writer=rooms.journal.writer, version=__version__)
        stack.callback(lambda: lines.tell(logging.INFO, "gateway.stop", writer=rooms.journal.writer))
        admin = admin_app(rooms, meters, health, shared, Overdue(Worked(hub), now))
        yield App(rooms, hub, asgi, admin, port, pipeline, workflow)


def _doors(rooms: Rooms, hub: Hub, tokens: Tokens, trace: Trace, others: list[Route], health: Health) -> ASGIApp:
    settings = rooms.settings
    own = routes(
        hub,
        authenticate=by_token(tokens.caller),
        oauth=_oauth(rooms, tokens, trace),
        facts=Facts(settings.base, __version__, sorted(definitions.kinds()), rooms.now()),
        ready=health.ready,
    )
    secure = settings.url.startswith("https://")
    return application([*others, *own], note=trace.request, new_id=lambda: str(uuid4()), secure=secure)


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
        terminology=Terminology(rooms.pool),
        announce=rooms.presence.announce,
    )


async def _among_others(stack: AsyncExitStack, rooms: Rooms, hub: Hub, *, policies: str) -> Health:
    """Join the processes of this database; teach the gate what is stored, and what others commit from now on."""

    def others_committed() -> None:
        hub.learning.wake()
        rooms.store.wake()

    fellows = Fellows(rooms, policies=policies)
    await fellows.join()
    await hub.warm()
    hub.learning.start()
    stack.push_async_callback(hub.learning.stop)
    rooms.presence.on_news = others_committed
    return health_of(rooms, versions=fellows.check, consents=hub.learning.demand_fresh)


async def _start(stack: AsyncExitStack, trace: Trace, workflow: Engine, pipeline: Pipeline) -> None:
    """Start what works inside; it takes up what the last process left."""
    await trace.inner("start", interface="gateway")
    stack.push_async_callback(trace.inner, "stop", interface="gateway")
    workflow.start()
    stack.push_async_callback(workflow.stop)
    pipeline.start()
    stack.push_async_callback(pipeline.stop)


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


def _understander(rooms: Rooms, meters: Meters) -> Understander:
    made = TimedUnderstander(
        prove=prove,
        make_id=rooms.keys.make_id,
        is_registered=lambda code: rooms.registry.snapshot().organisation(code) is not None,
        now=rooms.now,
    )
    made.meters = meters
    return made


def _pipeline(
    rooms: Rooms, pipelined: Pipelined, feeds: Feeds, understand: Understander, fresh: Fresh, told: Told
) -> Pipeline:
    storing = Storing(
        pipelined,
        feeds=feeds,
        understand=understand,
        identity=_identity(rooms),
        fresh=fresh,
        make_id=rooms.keys.make_id,
    )
    return Pipeline(rooms.inbox, storing, told=told)


def _identity(rooms: Rooms) -> Identity:
    return Identity(rooms.store, make_id=rooms.keys.make_id, now=rooms.now)


def _order(rooms: Rooms, elder: str) -> int:
    return rooms.keys.index_key(f"order|{elder}")


def _permission(rooms: Rooms, pipelined: Pipelined) -> Permission:
    return Permission(pipelined, rooms.inbox, _identity(rooms), order=partial(_order, rooms))


def _intake(  # noqa: PLR0913 - the rooms that a message passes
    rooms: Rooms,
    feeds: Feeds,
    understand: Understander,
    trace: Trace,
    fresh: Fresh,
    permission: Permission,
    pipeline: Pipeline,
) -> Intake:
    return Intake(
        Inbox(rooms.inbox),
        feeds,
        understand=understand,
        digest=rooms.keys.digest,
        order=partial(_order, rooms),
        permission=permission,
        note=trace,
        fresh=fresh,
        wake=pipeline.wake,
    )
