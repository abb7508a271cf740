"""transaction: several interactions, all or nothing, each decided as if it came alone (FHIR R4 http.html#transaction).

Order: what criteria and questions mean is looked up; then DELETE, POST, PUT and PATCH in one commit; then GET. Each GET
is decided before the commit, so that a refused one leaves nothing behind. Each entry has its audit entry, the
transaction one more. Source: docs/decisions/0073-transactions.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

import orjson

from gateway.fhir import codec
from gateway.fhir.aside import aside
from gateway.fhir.problem import Problem, Problems
from gateway.fhir.search import supported
from gateway.hub import (
    bundle,
    conditional,
    conditions,
    create,
    delete,
    history,
    patch,
    placeholders,
    references,
    search,
    update,
    vread,
)
from gateway.hub.bundle import MAX_PAIRS, ORDER, READING, Step
from gateway.hub.commit import commit, written
from gateway.hub.conditions import Claim
from gateway.hub.demands import NOTHING
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.read import read
from gateway.hub.values import Found, Released, Written
from gateway.store.protocol import Batch, Committed, Stored, Write
from security.audit.record import Action
from security.caller import Caller

ACTIONS: dict[str, Action] = {"DELETE": "delete", "POST": "create", "PUT": "update", "PATCH": "update", "GET": "read"}
MAX_QUESTIONS = 100
"""Conditional references of one transaction, each a search (design default)."""
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Failed:
    """What an entry was told instead of an outcome: ``problems``, the first error decides the ``status``."""

    problems: tuple[Problem, ...]
    status: int


Outcome = Written | Released | Found | Failed | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one entry: a write, a resource read, a page found, a failure; None where nothing was to delete."""

    step: Step
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Work:
    """One entry that writes: its step with the id that is meant, and the match and claim of its criteria, if any."""

    step: Step
    it: Interaction
    found: Stored | None = None
    claim: Claim | None = None
    ready: Write | Written | None = None


async def transaction(tools: Tools, caller: Caller, *, body: bytes, strict: bool = False) -> tuple[Answer, ...]:
    """Carry out the bundle ``body`` and return the answers in the order of its entries.

    Raises what the first failing entry raises, with its place (``Bundle.entry[n]``); nothing is then done.
    """
    async with tools.interaction(caller, "transaction", kind="Bundle") as it:
        asked = await aside(len(body), lambda: bundle.steps(body, base=tools.base, new_id=tools.new_id))
        it.note({"count": len(asked), "size": len(body)})
        return await conditions.settled(it, lambda: _attempt(it, asked, strict=strict), pinned=False)


def failed(error: Problem | Problems) -> Failed:
    """Return ``error`` as the outcome of an entry."""
    return Failed(error.problems if isinstance(error, Problems) else (error,), error.status)


async def _attempt(it: Interaction, asked: Sequence[Step], *, strict: bool) -> tuple[Answer, ...]:
    changing = sorted((step for step in asked if step.method not in READING), key=lambda step: ORDER[step.method])
    looking = [step for step in asked if step.method in READING]
    named = [await _named(it, step) for step in changing]
    _demand_distinct(named)
    works = _filled(named, await _answered(it, changing))
    own = {work.step.id for work in works if work.step.kind == "Patient" and _has_body(work) and _is_written(work)}
    around = references.Around(own)
    prepared = [await _prepared(it, work, around) for work in works]
    known = frozenset((work.step.kind, work.step.id) for work in works if _has_body(work))
    before = {step.at: await _read_ahead(it, step, known, strict=strict) for step in looking}
    done = await commit(it.tools, _batch(it, prepared))
    answers = [*_written(prepared, done), *[await _looked(it, step, before, strict=strict) for step in looking]]
    return tuple(sorted(answers, key=lambda answer: answer.step.at))


def _has_body(work: _Work) -> bool:
    return work.step.method in ("POST", "PUT")


def _is_written(work: _Work) -> bool:
    """Tell whether the work writes; a conditional create that met a match does not."""
    return not (work.step.method == "POST" and work.found is not None)


async def _named(outer: Interaction, step: Step) -> _Work:
    """Return ``step`` with the id that its criteria mean."""
    it = outer.tools.interaction(outer.caller, ACTIONS[step.method], kind=step.kind, id=step.id)
    if step.criteria is None:
        return _Work(step, it)
    try:
        it.scope(ACTIONS[step.method], step.kind)
        claim = await conditions.claim(outer.tools, step.kind, step.criteria)
        found = await conditions.one(it, step.kind, step.criteria)
        return _Work(_meant(outer.tools, step, found), it, found, claim)
    except (Problem, Problems) as error:
        raise await _refused(it, step, error) from None


def _meant(tools: Tools, step: Step, found: Stored | None) -> Step:
    """Return ``step`` with the id of the match, or the one that R4's tables give where there is none."""
    if found is not None:
        if step.method != "POST":
            step.demand.check(found)
        return _under(step, found.id) if step.method == "PUT" else replace(step, id=found.id)
    if step.method == "PATCH":
        raise Problem("SEC-404")
    if step.method != "PUT":
        return step
    if step.demand.needs_one:
        raise Problem("STO-412", kind=step.kind, id="")
    given = _id_of(step)
    return replace(step, id=given, demand=NOTHING) if given else _under(step, tools.new_id())


def _under(step: Step, id: str) -> Step:  # noqa: A002 - FHIR's word
    """Return the PUT ``step`` with ``id``, which its body may leave out. Raises Problem("HUB-005")."""
    given = _id_of(step)
    if given not in ("", id):
        raise Problem("HUB-005", where=f"{step.kind}.id")
    return replace(step, id=id) if given else replace(step, id=id, body=codec.patch_meta(step.body, id=id), doc=None)


def _id_of(step: Step) -> str:
    return str((orjson.loads(step.body) if step.doc is None else step.doc).get("id", ""))


def _demand_distinct(works: Sequence[_Work]) -> None:
    """Raise Problem("HUB-014") where two entries write one resource, or would make one under the same criteria."""
    seen: set[object] = set()
    for work in works:
        step = work.step
        keys: list[object] = [(step.kind, step.id)] if step.id else []
        if step.criteria is not None or work.claim is not None:
            criteria = step.unless if step.method == "POST" else step.pairs
            keys.append((step.kind, tuple(sorted(criteria or ()))))
        if not seen.isdisjoint(keys):
            raise Problem("HUB-014", where=step.where)
        seen.update(keys)


async def _answered(outer: Interaction, steps: Sequence[Step]) -> dict[str, str]:
    """Return `Kind/id` for each question of the steps' references: a search of the caller with exactly one match."""
    asked: dict[str, Step] = {}
    for step in steps:
        asked |= {text: asked.get(text, step) for text in sorted(placeholders.questions(step.body))}
    if len(asked) > MAX_QUESTIONS:
        raise Problem("HUB-011", where="Bundle.entry", limit=MAX_QUESTIONS)
    return {text: await _answer(outer, step, text) for text, step in asked.items()}


async def _answer(outer: Interaction, step: Step, text: str) -> str:
    kind, _, query = text.partition("?")
    try:
        async with outer.tools.interaction(outer.caller, "search", kind=kind if supported(kind) else "") as it:
            if not supported(kind):
                raise Problem("FHIR-017", where=step.where)
            rows = await search.matched(it, kind, _criteria(query), limit=2)
            if len(rows) != 1:
                raise Problem("HUB-045", where=step.where)
            it.about(rows[0])
            return f"{kind}/{rows[0].id}"
    except (Problem, Problems) as error:
        raise _at(step, error) from None


def _criteria(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PAIRS)
    except ValueError:
        raise Problem("FHIR-017") from None


def _filled(works: Sequence[_Work], answers: Mapping[str, str]) -> list[_Work]:
    """Return ``works`` with every reference to another entry's fullUrl, and every question, turned into `Kind/id`."""
    urls = {work.step.full_url: f"{work.step.kind}/{work.step.id}" for work in works if _has_body(work)}
    known = {**answers, **{url: target for url, target in urls.items() if url}}
    return [replace(work, step=_with(work.step, known)) if _has_body(work) else work for work in works]


def _with(step: Step, known: Mapping[str, str]) -> Step:
    body = placeholders.filled(step.body, known, full_url=step.full_url)
    # What a reference may point to is told only now: such a resource is checked once more.
    return step if body is step.body else replace(step, body=body, doc=None)


async def _prepared(outer: Interaction, work: _Work, around: references.Around) -> _Work:
    try:
        ready = await _ready(work, around)
    except (Problem, Problems) as error:
        raise await _refused(work.it, work.step, error) from None
    if work.found is not None and isinstance(ready, Write):
        conditional.meant(work.found, ready)
    return replace(work, ready=ready)


async def _ready(work: _Work, around: references.Around) -> Write | Written | None:
    it, step = work.it, work.step
    match step.method:
        case "DELETE":
            return await delete.prepare(it, step.kind, step.id, demand=step.demand) if step.id else None
        case "POST" if work.found is not None:
            return conditional.known(it, work.found)
        case "PATCH":
            change = patch.wrapped_change(step.body, kind=step.kind)
            return await patch.prepare(it, step.kind, step.id, change=change, demand=step.demand, around=around)
        case "PUT" if work.found is not None or work.claim is None or step.demand is NOTHING:
            return await update.prepare(
                it, step.kind, step.id, body=step.body, demand=step.demand, around=around, checked=step.doc
            )
        case _:
            return await create.prepare(it, step.kind, step.body, id=step.id, around=around, checked=step.doc)


async def _refused(it: Interaction, step: Step, error: Problem | Problems) -> Problems:
    """Leave the entry of a refused step; return ``error`` with its place."""
    await it.tools.journal.append(it.refusal(error), durable=True)
    return _at(step, error)


async def _read_ahead(it: Interaction, step: Step, known: Set[Key], *, strict: bool) -> Outcome:
    """Decide a GET before anything is written; a resource of this very bundle can only be read after it."""
    try:
        if not step.id:
            it.scope("search", step.kind)
            search.prepare(
                it.tools.interaction(it.caller, "search", kind=step.kind), step.kind, step.pairs, strict=strict
            )
            return None
        if (step.kind, step.id) in known:
            it.scope("read", step.kind)
            return None
        return await _one(it.tools, it.caller, step)
    except (Problem, Problems) as error:
        raise _at(step, error) from None


async def _one(tools: Tools, caller: Caller, step: Step) -> Released | Found:
    """Return what a GET of an id asks for: the resource, one of its versions, or all."""
    if step.history:
        return await history.history(tools, caller, step.kind, step.id, pairs=step.pairs)
    if step.pairs:
        raise Problem("HUB-013", where="request.url")
    if step.version:
        return await vread.vread(tools, caller, step.kind, step.id, version=step.version)
    return await read(tools, caller, step.kind, step.id)


async def looked(tools: Tools, caller: Caller, step: Step, *, strict: bool) -> Released | Found:
    """Return what the GET ``step`` asks for. Raises what reads and searches raise."""
    if step.id:
        return await _one(tools, caller, step)
    return await search.search(tools, caller, step.kind, pairs=step.pairs, strict=strict)


def _batch(outer: Interaction, works: Sequence[_Work]) -> Batch:
    writes = tuple(work.ready for work in works if isinstance(work.ready, Write))
    entries = tuple(work.it.entry() for work in works)
    cursors = conditions.moves([work.claim for work in works if work.claim is not None])
    return Batch(writes, entries=entries, cursors=cursors, report=outer.report)


def _written(works: Sequence[_Work], done: Sequence[Committed]) -> list[Answer]:
    outcomes = iter(done)
    return [
        Answer(work.step, written(work.it, next(outcomes)) if isinstance(work.ready, Write) else work.ready)
        for work in works
    ]


async def _looked(it: Interaction, step: Step, before: Mapping[int, Outcome], *, strict: bool) -> Answer:
    known = before[step.at]
    if known is not None:
        return Answer(step, known)
    try:
        return Answer(step, await looked(it.tools, it.caller, step, strict=strict))
    except (Problem, Problems) as error:
        # The writes have happened: to say that the transaction failed would be wrong.
        return Answer(step, failed(_at(step, error)))


def _at(step: Step, error: Problem | Problems) -> Problems:
    """Return ``error`` with the place of the entry before its own."""
    problems = error.problems if isinstance(error, Problems) else (error,)
    return Problems([_moved(step, problem) for problem in problems])


def _moved(step: Step, problem: Problem) -> Problem:
    if problem.where.startswith(step.where):
        return problem
    _, dot, element = problem.where.partition(".")
    where = f"{step.where}.resource.{element}" if dot else step.where
    return Problem(problem.code, where=where, source=problem.source, severity=problem.severity, **problem.detail)
