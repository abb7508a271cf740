"""read and search of AuditEvent: the journal, rendered for those who may look into it (FHIR R4 auditevent.html).

In: R4 parameters. Out: entries as BALP AuditEvents, newest first; the journal is asked, no store. Refused are all
parameters but those of `_READERS`: one that were ignored would widen the answer. Looking is itself an entry.
Source: security.md AUD-04, AUD-05.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol, get_args

import orjson

from gateway.fhir.predicate import Facts
from gateway.fhir.problem import Problem, Problems
from gateway.fhir.query import DateTerm
from gateway.fhir.terms import terms_of
from gateway.hub import links
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.values import Found, Released
from security.audit import Entry, Filter, Page, render
from security.audit.record import Action, blind_query
from security.caller import Caller

KIND = "AuditEvent"
DEFAULT_COUNT = 50
"""Entries on a page when the client names no _count (design default)."""
MAX_COUNT = 500
"""A page is built in memory; a larger _count is cut to this (R4 search.html#count allows it)."""
LEVEL = 3
"""An entry names roles, organisations and ids, no person (GB/T 39725-2020 6.2; design default)."""
Pairs = Sequence[tuple[str, str]]
_ENTRY_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_ENTITY = re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-.]{1,64}")
_WORD = re.compile(r"[A-Za-z0-9:._-]{1,128}")
_ACTIONS = get_args(Action)
_ONE_ACTION = {"C": "create", "U": "update", "D": "delete"}
"""R and E stand for several of our actions: they are asked for by their own words."""
_OUTCOMES = {"0": 0, "4": 4, "8": 8, "12": 12}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DOORS = frozenset({"_format", "_pretty"})


class Entries(Protocol):
    """What the hub needs of the journal's search (`security.audit.find`)."""

    async def find(self, ask: Filter, *, limit: int, cursor: str = "") -> Page:
        """Return a page of the entries that answer ``ask``, newest first."""
        ...


async def read(tools: Tools, entries: Entries, caller: Caller, *, id: str) -> Released:  # noqa: A002 - FHIR's word
    """Return one entry. Raises HUB-001 (scope), SEC-404 (absent and denied alike)."""
    async with tools.interaction(caller, "read", kind=KIND, id=id) as it:
        it.scope("read", KIND)
        if not _may(it, "read") or not _ENTRY_ID.fullmatch(id):
            raise Problem("SEC-404")
        page = await entries.find(Filter(event=id), limit=MAX_COUNT)
        if not page.entries:
            raise Problem("SEC-404")
        return _released(page.entries[0])


async def search(tools: Tools, entries: Entries, caller: Caller, *, pairs: Pairs = (), strict: bool = False) -> Found:
    """Return a page of entries for ``date``, ``patient``, ``entity``, ``agent``, ``outcome``, ``action``.

    ``agent`` is a client id: clients are named, not referred to. A page may hold less than ``_count`` before the end.
    Unknown parameters are refused with or without ``strict``. Raises HUB-001, SEC-403 (not for this role), HUB-009
    (page), and Problems of FHIR-041 and FHIR-042.
    """
    async with tools.interaction(caller, "search", kind=KIND) as it:
        it.scope("search", KIND)
        asked, cursor = links.resume(tools.binding, caller, KIND, pairs)
        it.note({"query": blind_query(asked, tools.keys.blind)})
        if not _may(it, "search"):
            raise Problem("SEC-403", where=KIND)
        ask, count = _read(asked)
        page = await entries.find(ask, limit=count, cursor=cursor)
        rows = tuple(map(_released, page.entries))
        it.note({"count": len(rows), "size": sum(len(row.body) for row in rows)})
        onward = links.onward(tools.binding, caller, KIND, asked, cursor=page.next)
        return Found(rows, query=links.written(asked), next=onward)


def _may(it: Interaction, action: Literal["read", "search"]) -> bool:
    return it.decide(action, Facts(KIND, level=LEVEL)).allow


def _released(entry: Entry) -> Released:
    at = _EPOCH + timedelta(microseconds=entry.at)
    return Released(KIND, entry.event, 1, at, orjson.dumps(render(entry)))


def _read(pairs: Pairs) -> tuple[Filter, int]:
    """Return what ``pairs`` ask for and the page size. Raises Problems with every error found."""
    ask, count = Filter(), DEFAULT_COUNT
    errors: list[Problem] = []
    for name, value in pairs:
        try:
            if name == "_count":
                count = _count(value)
            elif name not in _DOORS:
                ask = _reader(name)(ask, value)
        except Problem as problem:
            errors.append(problem)
    if errors:
        raise Problems(errors)
    return ask, count


def _reader(name: str) -> Callable[[Filter, str], Filter]:
    reader = _READERS.get(name)
    if reader is None:
        shown = name if _WORD.fullmatch(name) else "?"
        raise Problem("FHIR-041", where=f"http.{shown}", name=shown)
    return reader


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value[:9])):
        raise _bad("_count", "1, 2, ...")
    return min(int(value[:9]), MAX_COUNT)


def _date(ask: Filter, value: str) -> Filter:
    terms = terms_of("date", "date", value)
    if len(terms) != 1 or not isinstance(terms[0], DateTerm) or terms[0].prefix == "ne":
        raise _bad("date", "one of eq gt lt ge le sa eb")
    term = terms[0]
    low = {"eq": term.low, "ge": term.low, "gt": term.high, "sa": term.high}.get(term.prefix)
    high = {"eq": term.high, "le": term.high, "lt": term.low, "eb": term.low}.get(term.prefix)
    since = max(filter(None, (ask.since, low)), default=None)
    until = min(filter(None, (ask.until, high)), default=None)
    return replace(ask, since=since, until=until)


def _patient(ask: Filter, value: str) -> Filter:
    id = value.removeprefix("Patient/")  # noqa: A001 - FHIR's word
    if not _ENTRY_ID.fullmatch(id):
        raise _bad("patient", "Patient/id | id")
    return replace(ask, elder=id)


def _entity(ask: Filter, value: str) -> Filter:
    if not _ENTITY.fullmatch(value):
        raise _bad("entity", "Type/id")
    return replace(ask, entity=value)


def _agent(ask: Filter, value: str) -> Filter:
    if not _WORD.fullmatch(value):
        raise _bad("agent", "client id")
    return replace(ask, agent=value)


def _outcome(ask: Filter, value: str) -> Filter:
    code = value.rpartition("|")[2]
    if code not in _OUTCOMES:
        raise _bad("outcome", "0 | 4 | 8 | 12")
    return replace(ask, outcome=_OUTCOMES[code])


def _action(ask: Filter, value: str) -> Filter:
    action = _ONE_ACTION.get(value, value)
    if action not in _ACTIONS:
        raise _bad("action", " | ".join(("C", "U", "D", *_ACTIONS)))
    return replace(ask, action=action)


def _event(ask: Filter, value: str) -> Filter:
    if not _ENTRY_ID.fullmatch(value):
        raise _bad("_id", "id")
    return replace(ask, event=value)


def _bad(name: str, reason: str) -> Problem:
    return Problem("FHIR-042", where=f"http.{name}", name=name, reason=reason)


_READERS: Mapping[str, Callable[[Filter, str], Filter]] = {
    "_id": _event,
    "action": _action,
    "agent": _agent,
    "date": _date,
    "entity": _entity,
    "outcome": _outcome,
    "patient": _patient,
}
PARAMETERS = {
    "_id": "token",
    "action": "token",
    "agent": "reference",
    "date": "date",
    "entity": "reference",
    "outcome": "token",
    "patient": "reference",
}
"""The parameters that `search` answers, with their R4 types, for the CapabilityStatement."""
