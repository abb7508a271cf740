"""The hub and the registry as intake sees them: who sends, what is stored, one commit a message.

Intake knows none of the rooms that it feeds; these adapters speak for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request

from gateway.api import Note, request_id
from gateway.fhir import codec
from gateway.fhir.problem import Problem
from gateway.hub import Hub, Put
from gateway.hub import Message as Handed
from gateway.intake import InboxRow, Intake, KnownSender, Message, Prior, Reply, Understander
from gateway.intake.feeds import Feeds
from gateway.intake.inbox import InboxStore
from gateway.intake.status import status
from gateway.store.protocol import InboxMark, Stored
from gateway.workflow.handover import referral_task_id
from gateway.workflow.transition import state_of
from security.audit.record import What
from security.caller import Caller, Role
from security.oauth import permits_feed
from security.state import Registry
from security.state.roles import ROLES

MAX_FEED_CHARS = 64
"""Of a feed's name in an entry: anybody may ask for any."""
Authenticate = Callable[[Request], Caller]
"""Return the caller of a request by its token. Raises Problem SEC-401."""


class Pipelined:
    """What the pipeline reads and writes, each message for the organisation that sent it."""

    def __init__(self, hub: Hub, registry: Registry) -> None:
        """Hold the hub and the registry, which knows the sender's tier."""
        self._hub = hub
        self._registry = registry

    async def current(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Prior]:
        """Return what is stored of ``(kind, id)`` keys, deletions too."""
        found = await self._hub.current(Caller.system("pipeline"), keys)
        return {key: _prior(row) for key, row in found.items()}

    async def ingest(
        self, messages: Sequence[Message], priors: Mapping[tuple[str, str], Prior]
    ) -> list[Exception | None]:
        """Write each message with its row's move to stored; see `gateway.intake.storing.Records`."""
        outcomes: dict[int, Exception | None] = {}
        handed: dict[int, Handed] = {}
        for at, message in enumerate(messages):
            try:
                handed[at] = self._handed(message)
            except Problem as problem:
                outcomes[at] = problem
        rows = {key: prior.stored for key, prior in priors.items()}
        told = await self._hub.ingest_all(Caller.system("pipeline"), list(handed.values()), priors=rows)
        for at, outcome in zip(handed, told, strict=True):
            outcomes[at] = _outcome(outcome) if isinstance(outcome, Exception) else None
        return [outcomes[at] for at in range(len(messages))]

    def refuses(self, organisation: str, docs: Sequence[dict[str, Any]], *, elder: str) -> bool:
        """Tell whether the gate would refuse ``docs`` about ``elder``; see `gateway.intake.permission.Rights`."""
        return self._hub.refuses(self.sender(organisation), docs, elder=elder)

    async def catch_up(self) -> None:
        """Learn what any process has committed before this call."""
        await self._hub.learning.catch_up()

    def _handed(self, message: Message) -> Handed:
        arrival = message.row.arrival
        puts = [Put(write.doc, write.expect, write.sent, write.accepted) for write in message.writes]
        mark = InboxMark(arrival.sender, arrival.message_id, arrival.digest, "stored")
        what: What = {"interface": f"intake/{arrival.feed}", "elder": message.elder, "digest": arrival.digest.hex()}
        caller = self.sender(arrival.organisation, request=arrival.message_id)
        return Handed(caller, puts, marks=(mark,), what=what)

    def sender(self, organisation: str, *, request: str = "") -> Caller:
        """Return the pipeline acting for ``organisation``. Raises SEC-403 when it may not come in any more."""
        found = self._registry.snapshot().organisation(organisation)
        if found is None:
            raise Problem("SEC-403")
        return Caller.system("pipeline", organisation=found.uscc, tier=found.tier, request=request)


def _outcome(error: Exception) -> Exception:
    """Return ``error`` as a sender is told it: a refusal of the gate with the way on."""
    return Problem("IN-012") if isinstance(error, Problem) and error.code == "SEC-403" else error


def _prior(row: Stored) -> Prior:
    doc = {} if row.deleted else codec.parse_exact(row.body)
    return Prior(doc, row.version, row.facts.controllers, row.deleted, row)


class Senders:
    """Who may send: clients by token and feed, HL7 systems by MSH-3, MSH-4 and address."""

    def __init__(self, registry: Registry, authenticate: Authenticate, note: Note) -> None:
        """Hold the registry, the way from a request to its caller, and the ``note`` of who was turned away."""
        self._registry = registry
        self._authenticate = authenticate
        self._note = note

    async def by_token(self, request: Request, feed: str) -> Caller:
        """Return the caller of a POST to ``feed``. Raises SEC-401, or SEC-403 without scope or registration."""
        try:
            return self._admitted(request, feed)
        except Problem as problem:
            address = request.client.host if request.client else ""
            await self._note(address, f"intake/{feed[:MAX_FEED_CHARS]}", problem, request=request_id(request))
            raise

    def _admitted(self, request: Request, feed: str) -> Caller:
        caller = self._authenticate(request)
        registered = self._registry.snapshot().http_sender(caller.client, feed)
        if registered is None or not permits_feed(caller.scopes, feed):
            raise Problem("SEC-403")
        return caller

    def by_message(self, application: str, facility: str, address: str, request: str) -> KnownSender | None:
        """Return the registered HL7 system, acting as a feed of its organisation."""
        known = self._registry.snapshot()
        sender = known.mllp_sender(application, facility, address)
        organisation = known.organisation(sender.organisation) if sender is not None else None
        if sender is None or organisation is None:
            return None
        caller = Caller(
            client=f"mllp:{sender.name}",
            role=Role.HISFEED,
            organisation=organisation.uscc,
            tier=organisation.tier,
            purpose=ROLES[Role.HISFEED].purpose,
            chain=known.chain(organisation.uscc),
            scopes=frozenset({f"intake/{sender.feed}.c"}),
            request=request,
            address=address,
        )
        return KnownSender(f"mllp:{sender.name}", sender.feed, caller)


class HttpIntake:
    """Intake with its receipts, as the HTTP door wants it."""

    def __init__(
        self,
        intake: Intake,
        inbox: InboxStore,
        *,
        feeds: Feeds,
        understand: Understander,
        hub: Hub,
        make_id: Callable[..., str],
    ) -> None:
        """Hold intake, the inbox, and what tells whether a stored discharge waits for consent."""
        self._intake = intake
        self._inbox = inbox
        self._feeds = feeds
        self._understand = understand
        self._hub = hub
        self._make_id = make_id

    async def accept(self, feed_name: str, raw: bytes, *, sender: str, caller: Caller) -> Reply:
        """Return the reply to one message."""
        return await self._intake.accept(feed_name, raw, sender=sender, caller=caller)

    async def refuse(self, caller: Caller, feed_name: str, raw: bytes, problem: Problem) -> Reply:
        """Return AR for bytes that could not be taken."""
        return await self._intake.refuse(caller, feed_name, raw, problem)

    async def status(self, caller: Caller, feed_name: str, message_id: str) -> Mapping[str, Any]:
        """Return where a message of ``caller`` stands. Raises Problem IN-006."""
        return await status(self._inbox, sender=caller.client, message_id=message_id, feed=feed_name, held=self._held)

    async def _held(self, row: InboxRow) -> bool:
        """Tell whether the row's discharge made a referral that waits for consent."""
        feed = self._feeds.get(row.arrival.feed)
        arrival = row.arrival
        understood = self._understand(feed, arrival.raw, organisation=arrival.organisation, checking=False)
        stays = [doc["id"] for doc in understood.result.resources if doc["resourceType"] == "Encounter"]
        keys = [("Task", referral_task_id(stay, self._make_id)) for stay in stays]
        if not keys:
            return False
        found = await self._hub.current(Caller.system("pipeline"), keys)
        return any(
            state_of(codec.parse_exact(task.body)) == "awaiting-consent" for task in found.values() if not task.deleted
        )
