"""Observation/$lastn: of each kind of observation of an elder the latest (FHIR R4 observation-operation-lastn).

It is a search, by its guard, restriction, decisions, masks and entries, whose rows are then chosen from as they left:
what the caller's view hides can choose nothing. Two are of one kind when they share a coding, else the text.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from gateway.fhir.problem import Problem
from gateway.fhir.wire import shown
from gateway.hub import search
from gateway.hub.interaction import Tools
from gateway.hub.values import Found, Released
from security.caller import Caller

KIND: Final = "Observation"
MAX_EACH: Final = 100
MAX_LOOKED_AT: Final = 2000
"""An elder with more is asked for by code or category (design default)."""
_PAGE: Final = "200"
Pairs = Sequence[tuple[str, str]]


async def lastn(tools: Tools, caller: Caller, *, pairs: Pairs) -> Found:
    """Return the last `max` (1 unless told) of each kind for `patient` or `subject`, by `code` and `category`.

    Raises TRM-005 to TRM-007 (parameters), TRM-020 (too many), and what a search raises: HUB-001, HUB-002, SEC-403.
    """
    async with tools.interaction(caller, "operation", kind=KIND) as it:
        it.note({"interface": f"FHIR {KIND}/$lastn"})
        each, asked = _read(pairs)
        kinds: list[tuple[set[str], list[Released]]] = []
        async for row in _newest_first(tools, caller, asked):
            _sort_in(kinds, row)
        return Found(tuple(row for _, rows in kinds for row in rows[:each]))


async def _newest_first(tools: Tools, caller: Caller, asked: Pairs) -> AsyncIterator[Released]:
    following: Pairs = (*asked, ("_sort", "-date"), ("_count", _PAGE))
    seen = 0
    while following:
        found = await search.search(tools, caller, KIND, pairs=following, strict=True)
        seen += len(found.rows)
        for row in found.rows:
            yield row
        following = parse_qsl(found.next)
        if following and seen >= MAX_LOOKED_AT:
            raise Problem("TRM-020", limit=MAX_LOOKED_AT)


def _read(pairs: Pairs) -> tuple[int, Pairs]:
    values = dict(pairs)
    for name in values:
        if name not in ("patient", "subject", "code", "category", "max"):
            raise Problem("TRM-006", name=shown(name))
    if len([name for name, _ in pairs if name in ("patient", "subject")]) != 1:
        raise Problem("TRM-005", name="patient")
    text = values.get("max", "1")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_EACH):
        raise Problem("TRM-007", name="max", what=f"应为 1 至 {MAX_EACH}", what_en=f"1 to {MAX_EACH} is expected")
    return int(text), tuple(pair for pair in pairs if pair[0] != "max")


def _sort_in(kinds: list[tuple[set[str], list[Released]]], row: Released) -> None:
    names = set(_names(orjson.loads(row.body).get("code") or {}))
    for known, rows in kinds:
        if not known.isdisjoint(names):
            known |= names
            rows.append(row)
            return
    kinds.append((names, [row]))


def _names(code: dict[str, Any]) -> Iterator[str]:
    """Yield what the kind of an observation is called: its codings, else its text, "" where neither is shown."""
    codings = [one for one in code.get("coding", ()) if one.get("code")]
    yield from (f"{one.get('system', '')}|{one['code']}" for one in codings)
    if not codings:
        yield str(code.get("text", ""))
