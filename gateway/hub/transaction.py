"""transaction: several interactions, all or nothing, each decided as if it came alone (FHIR R4 http.html#transaction).

Order: DELETE, POST, PUT in one commit, then GET. Every GET is decided before the commit, so that a refused one leaves
nothing behind. Each entry has its audit entry, the transaction one more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from gateway.fhir.aside import aside
from gateway.fhir.problem import Problem, Problems
from gateway.hub import bundle, create, delete, references, search, update
from gateway.hub.bundle import Step
from gateway.hub.commit import commit, written
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.read import read
from gateway.hub.values import Found, Released, Written
from gateway.store.protocol import Batch, Committed, Write
from security.audit.record import Action
from security.caller import Caller

ACTIONS: dict[str, Action] = {"DELETE": "delete", "POST": "create", "PUT": "update", "GET": "read"}
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one entry: a write, a resource read, or a page found; ``step`` says which was asked."""

    step: Step
    outcome: Written | Released | Found


async def transaction(tools: Tools, caller: Caller, *, body: bytes, strict: bool = False) -> tuple[Answer, ...]:
    """Carry out the bundle ``body`` and return the answers in the order of its entries.

    Raises what the first failing entry raises, with its place (``Bundle.entry[n]``); nothing is then done.
    """
    async with tools.interaction(caller, "transaction", kind="Bundle") as it:
        asked = await aside(len(body), lambda: bundle.steps(body, base=tools.base, new_id=tools.new_id))
        it.note({"count": len(asked), "size": len(body)})
        changing = [step for step in asked if step.method != "GET"]
        looking = [step for step in asked if step.method == "GET"]
        known = frozenset((step.kind, step.id) for step in changing if step.body)
        around = references.Around({step.id for step in changing if step.kind == "Patient" and step.body})
        works = [await _prepared(it, step, around) for step in changing]
        before = {step.at: await _read_ahead(it, step, known, strict=strict) for step in looking}
        done = await commit(tools, _batch(it, works))
        answers = [*_written(works, done), *[await _looked(it, step, before, strict=strict) for step in looking]]
        return tuple(sorted(answers, key=lambda answer: answer.step.at))


@dataclass(frozen=True, slots=True)
class _Work:
    """One prepared write, or the outcome of one that had nothing left to do."""

    step: Step
    it: Interaction
    ready: Write | Written


async def _prepared(outer: Interaction, step: Step, around: references.Around) -> _Work:
    it = outer.tools.interaction(outer.caller, ACTIONS[step.method], kind=step.kind, id=step.id)
    try:
        return _Work(step, it, await _write(it, step, around))
    except (Problem, Problems) as error:
        await outer.tools.journal.append(it.refusal(error), durable=True)
        raise _at(step, error) from None


async def _write(it: Interaction, step: Step, around: references.Around) -> Write | Written:
    match step.method:
        case "DELETE":
            return await delete.prepare(it, step.kind, step.id, demand=step.demand)
        case "POST":
            return await create.prepare(it, step.kind, step.body, id=step.id, around=around, checked=step.doc)
        case _:
            return await update.prepare(
                it, step.kind, step.id, body=step.body, demand=step.demand, around=around, checked=step.doc
            )


async def _read_ahead(it: Interaction, step: Step, known: Set[Key], *, strict: bool) -> Released | None:
    """Decide a GET before anything is written; a resource of this very bundle can only be read after it."""
    try:
        if not step.id:
            it.scope("search", step.kind)
            search.prepare(
                it.tools.interaction(it.caller, "search", kind=step.kind), step.kind, step.pairs, strict=strict
            )
            return None
        if step.pairs:
            raise Problem("HUB-013", where="request.url")
        return None if (step.kind, step.id) in known else await read(it.tools, it.caller, step.kind, step.id)
    except (Problem, Problems) as error:
        raise _at(step, error) from None


def _batch(outer: Interaction, works: Sequence[_Work]) -> Batch:
    writes = tuple(work.ready for work in works if isinstance(work.ready, Write))
    return Batch(writes, entries=tuple(work.it.entry() for work in works), report=outer.report)


def _written(works: Sequence[_Work], done: Sequence[Committed]) -> list[Answer]:
    outcomes = iter(done)
    return [
        Answer(work.step, work.ready if isinstance(work.ready, Written) else written(work.it, next(outcomes)))
        for work in works
    ]


async def _looked(it: Interaction, step: Step, before: Mapping[int, Released | None], *, strict: bool) -> Answer:
    known = before[step.at]
    if known is not None:
        return Answer(step, known)
    if step.id:
        return Answer(step, await read(it.tools, it.caller, step.kind, step.id))
    return Answer(step, await search.search(it.tools, it.caller, step.kind, pairs=step.pairs, strict=strict))


def _at(step: Step, error: Problem | Problems) -> Problems:
    """Return ``error`` with the place of the entry before its own."""
    problems = error.problems if isinstance(error, Problems) else (error,)
    return Problems([_moved(step, problem) for problem in problems])


def _moved(step: Step, problem: Problem) -> Problem:
    _, dot, element = problem.where.partition(".")
    where = f"{step.where}.resource.{element}" if dot else step.where
    return Problem(problem.code, where=where, source=problem.source, severity=problem.severity, **problem.detail)
