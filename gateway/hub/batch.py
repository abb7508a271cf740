"""batch: several interactions, each by itself; what fails is told in its entry (FHIR R4 http.html#batch).

In: the bytes of a Bundle. Out: one answer an entry. Every entry is the interaction that it would be alone, with its own
decision and audit entry; none sees another's references.
"""

from __future__ import annotations

from gateway.fhir.aside import aside
from gateway.fhir.problem import Problem, Problems
from gateway.hub import bundle, conditional, create, delete, patch, update
from gateway.hub.bundle import ORDER, READING, Step, Unread
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.transaction import Answer, Outcome, failed, looked
from gateway.hub.values import Written
from security.caller import Caller


async def batch(tools: Tools, caller: Caller, *, body: bytes, strict: bool = False) -> tuple[Answer, ...]:
    """Carry out the entries of ``body`` and return the answers in their order.

    They are done in the order of a transaction. Raises only what is wrong with the bundle itself.
    """
    async with tools.interaction(caller, "transaction", kind="Bundle") as it:
        it.note({"interface": "FHIR batch", "size": len(body)})
        asked = await aside(len(body), lambda: bundle.batch(body, base=tools.base, new_id=tools.new_id))
        it.note({"count": len(asked)})
        answers = [await _unread(it, each) for each in asked if isinstance(each, Unread)]
        steps = sorted((each for each in asked if isinstance(each, Step)), key=lambda step: ORDER[step.method])
        answers += [Answer(step, await _outcome(tools, caller, step, strict=strict)) for step in steps]
        return tuple(sorted(answers, key=lambda answer: answer.step.at))


async def _unread(outer: Interaction, unread: Unread) -> Answer:
    """Leave an entry of what could not be understood, as no interaction will."""
    it = outer.tools.interaction(outer.caller, "transaction", kind="Bundle")
    await outer.tools.journal.append(it.refusal(unread.problem), durable=True)
    return Answer(unread.step, failed(unread.problem))


async def _outcome(tools: Tools, caller: Caller, step: Step, *, strict: bool) -> Outcome:
    try:
        if step.method in READING:
            return await looked(tools, caller, step, strict=strict)
        return await _written(tools, caller, step)
    except (Problem, Problems) as error:
        return failed(error)


async def _written(tools: Tools, caller: Caller, step: Step) -> Outcome:
    kind, id, demand = step.kind, step.id, step.demand  # noqa: A001 - FHIR's word
    match step.method:
        case "POST" if step.unless is not None:
            made = await conditional.create(tools, caller, kind, body=step.body, criteria=step.unless)
        case "POST":
            made = await create.create(tools, caller, kind, body=step.body)
        case "PUT" if id:
            made = await update.update(tools, caller, kind, id, body=step.body, demand=demand)
        case "PUT":
            made = await conditional.update_where(
                tools, caller, kind, body=step.body, criteria=step.pairs, demand=demand
            )
        case "PATCH":
            made = await _patched(tools, caller, step)
        case _ if id:
            made = await delete.delete(tools, caller, kind, id, demand=demand)
        case _:
            done = await conditional.delete(tools, caller, kind, criteria=step.pairs, demand=demand)
            return done[0] if done else None
    return made


async def _patched(tools: Tools, caller: Caller, step: Step) -> Written:
    change = patch.wrapped_change(step.body, kind=step.kind)
    if step.id:
        return await patch.patch(tools, caller, step.kind, step.id, change=change, demand=step.demand)
    return await conditional.patch_where(
        tools, caller, step.kind, change=change, criteria=step.pairs, demand=step.demand
    )
