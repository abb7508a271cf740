"""create, update, patch and delete by criteria instead of an id, with the tables of R4 for none, one and several.

| matches | create | update | patch | delete |
| none | a new one | a new one, under the id of the body if the writer may give it | SEC-404 | nothing to do |
| one | ignored, the match is told | that one; another id in the body is HUB-005 | that one | that one |
| several | 412 | 412 | 412 | 412, unless so many were allowed |

Source: FHIR R4 http.html#ccreate, #cond-update, #patch, #cdelete.
"""

from __future__ import annotations

from gateway.fhir import codec
from gateway.fhir import gate as fhir
from gateway.fhir.aside import aside
from gateway.fhir.problem import Problem, Problems
from gateway.hub import conditions, update
from gateway.hub import create as creating
from gateway.hub import delete as deleting
from gateway.hub import patch as patching
from gateway.hub.commit import commit, representation, written
from gateway.hub.conditions import Claim, Pairs
from gateway.hub.demands import ANYTHING, NOTHING, Demand
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.patch import Change
from gateway.hub.values import Written
from gateway.store.protocol import Batch, Stored, Write
from security.caller import Caller

MOST_DELETED = 100
"""Resources that one request may delete (design default): a slip of the pen must not empty a record."""


async def create(tools: Tools, caller: Caller, kind: str, *, body: bytes, criteria: Pairs) -> Written:
    """Store ``body`` unless the caller finds a match; then return that, unchanged.

    Raises HUB-001 (create and search), HUB-040, HUB-042, HUB-044, what a search refuses, HUB-041, what a create raises.
    """
    async with tools.interaction(caller, "create", kind=kind) as it:
        it.scope("create", kind)

        async def attempt() -> Written:
            claim = await conditions.claim(tools, kind, criteria)
            found = await conditions.one(it, kind, criteria)
            if found is not None:
                return known(it, found)
            return await _made(it, await creating.prepare(it, kind, body, id=tools.new_id()), claim)

        return await conditions.settled(it, attempt, pinned=False)


async def update_where(
    tools: Tools, caller: Caller, kind: str, *, body: bytes, criteria: Pairs, demand: Demand = ANYTHING
) -> Written:
    """Store ``body`` in place of the one match, or as a new resource where there is none.

    Raises HUB-001 (update and search, create where there is no match), HUB-040 to HUB-044, HUB-005, SEC-404 (the body's
    id is not the writer's to give), STO-412, and what an update raises.
    """
    async with tools.interaction(caller, "update", kind=kind) as it:
        it.scope("update", kind)
        exact = await aside(len(body), lambda: fhir.accept_partial(body, kind=kind))
        given = str(exact.get("id", ""))

        async def attempt() -> Written:
            claim = await conditions.claim(tools, kind, criteria)
            found = await conditions.one(it, kind, criteria)
            return await _made(it, await _instead(it, kind, found, body=body, given=given, demand=demand), claim)

        return await conditions.settled(it, attempt, pinned=demand.needs_one)


async def _instead(
    it: Interaction, kind: str, found: Stored | None, *, body: bytes, given: str, demand: Demand
) -> Write:
    if found is not None:
        demand.check(found)
        if given not in ("", found.id):
            raise Problem("HUB-005", where=f"{kind}.id")
        named = body if given else codec.patch_meta(body, id=found.id)
        return meant(found, await update.prepare(it, kind, found.id, body=named, demand=demand))
    if demand.needs_one:
        raise Problem("STO-412", kind=kind, id=given)
    if given:
        return await update.prepare(it, kind, given, body=body, demand=NOTHING)
    return await creating.prepare(it, kind, body, id=it.tools.new_id())


async def patch_where(
    tools: Tools, caller: Caller, kind: str, *, change: Change, criteria: Pairs, demand: Demand = ANYTHING
) -> Written:
    """Patch the one match. Raises SEC-404 for none, HUB-040 to HUB-044, and what a patch raises."""
    async with tools.interaction(caller, "update", kind=kind) as it:
        it.note({"interface": "FHIR patch"})
        it.scope("update", kind)

        async def attempt() -> Written:
            found = await conditions.one(it, kind, criteria)
            if found is None:
                raise Problem("SEC-404")
            return await _made(
                it, meant(found, await patching.prepare(it, kind, found.id, change=change, demand=demand))
            )

        return await conditions.settled(it, attempt, pinned=demand.pinned)


async def delete(
    tools: Tools, caller: Caller, kind: str, *, criteria: Pairs, most: int = 1, demand: Demand = ANYTHING
) -> tuple[Written, ...]:
    """Delete what matches, ``most`` at most, all or nothing; nothing is the outcome of no match.

    Each deletion has its own audit entry, the request one more. Raises HUB-001 (delete and search), HUB-040, HUB-042
    (more match), HUB-044, SEC-403, STO-412.
    """
    async with tools.interaction(caller, "delete", kind=kind) as it:
        it.scope("delete", kind)

        async def attempt() -> tuple[Written, ...]:
            rows = await conditions.matches(it, kind, criteria, most=min(most, MOST_DELETED))
            it.note({"count": len(rows)})
            works = [await _deleted(it, row, demand) for row in rows]
            entries = tuple(each.entry() for each, _ in works)
            done = await commit(tools, Batch(tuple(write for _, write in works), entries=entries, report=it.report))
            return tuple(written(each, one) for (each, _), one in zip(works, done, strict=True))

        return await conditions.settled(it, attempt, pinned=demand.pinned)


async def _deleted(outer: Interaction, row: Stored, demand: Demand) -> tuple[Interaction, Write]:
    it = outer.tools.interaction(outer.caller, "delete", kind=row.kind, id=row.id)
    try:
        ready = await deleting.prepare(it, row.kind, row.id, demand=demand)
    except (Problem, Problems) as error:
        await outer.tools.journal.append(it.refusal(error), durable=True)
        raise
    if isinstance(ready, Written):
        raise Problem("STO-412", kind=row.kind, id=row.id)  # somebody else deleted it since it was found
    return it, meant(row, ready)


def meant(found: Stored, write: Write) -> Write:
    """Return ``write``. Raises Problem("STO-412") where it meets another version than the one that matched."""
    if write.expect != found.version:
        raise Problem("STO-412", kind=found.kind, id=found.id)
    return write


def known(it: Interaction, found: Stored) -> Written:
    """Return the outcome for a writer whose resource was there already."""
    it.about(found)
    shown = representation(it, found)
    return Written(found.kind, found.id, found.version, found.updated, created=False, changed=False, released=shown)


async def _made(it: Interaction, write: Write, *claims: Claim) -> Written:
    batch = Batch((write,), cursors=conditions.moves(claims), report=it.report)
    (done,) = await commit(it.tools, batch)
    return written(it, done)
