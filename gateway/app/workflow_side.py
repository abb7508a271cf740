"""The hub as the workflow sees it: changes in order, resources found, written for the organisation whose they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from gateway.fhir import codec
from gateway.hub import Hub, Message, Put
from gateway.store.protocol import MUST_NOT_EXIST
from gateway.workflow.effects import KINDS
from security.caller import Caller

Resource = dict[str, Any]


class Followed:
    """The change feed: current versions, parsed; deletions are nothing to act on."""

    def __init__(self, hub: Hub) -> None:
        """Hold the hub."""
        self._hub = hub
        self._caller = Caller.system("workflow")

    async def changes(self, cursor: str, *, limit: int) -> tuple[Sequence[Resource], str]:
        """Return the changed resources after ``cursor`` and the cursor behind them."""
        found = await self._hub.changes(self._caller, cursor, limit=limit, kinds=KINDS)
        return [codec.parse_exact(row.body) for row in found.rows if not row.deleted], found.cursor

    async def cursor_of(self, consumer: str) -> str:
        """Return where ``consumer`` stands."""
        return await self._hub.cursor_of(self._caller, consumer)

    async def move(self, consumer: str, cursor: str) -> None:
        """Move ``consumer`` to ``cursor`` durably."""
        await self._hub.move(self._caller, consumer, cursor=cursor)

    def follow(self) -> AsyncIterator[None]:
        """Yield whenever something may have been committed."""
        return self._hub.follow(self._caller)


class Worked:
    """What the effects read and write."""

    def __init__(self, hub: Hub) -> None:
        """Hold the hub."""
        self._hub = hub

    async def find(self, kind: str, params: Sequence[tuple[str, str]]) -> list[Resource]:
        """Return every current resource of ``kind`` that matches."""
        found = await self._hub.find(Caller.system("workflow"), kind, pairs=params)
        return [codec.parse_exact(row.body) for row in found]

    async def create(self, made: Sequence[tuple[str, Sequence[Resource]]]) -> None:
        """Create those resources that never existed, each group for its controller, in one commit."""
        caller = Caller.system("workflow")
        keys = dict.fromkeys((row["resourceType"], row["id"]) for _, rows in made for row in rows)
        known = await self._hub.current(caller, list(keys))
        messages = []
        for controller, rows in made:
            new = [Put(row, MUST_NOT_EXIST) for row in rows if (row["resourceType"], row["id"]) not in known]
            if new:
                acting = Caller.system("workflow", organisation=controller)
                messages.append(Message(acting, new, what={"interface": "workflow"}))
        for outcome in await self._hub.ingest_all(caller, messages, priors={}):
            if isinstance(outcome, Exception):
                raise outcome

    async def update(self, resources: Sequence[Resource], *, controller: str) -> None:
        """Replace the versions that ``resources`` were read as, in one commit. Raises Problem STO-412 on a race."""
        caller = Caller.system("workflow", organisation=controller)
        puts = [Put(row, int(row["meta"]["versionId"])) for row in resources]
        await self._hub.ingest(caller, puts, what={"interface": "workflow"})
