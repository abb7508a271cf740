"""Conditions: which resource a write means that names criteria instead of an id.

In: criteria, the search parameters of the caller. Out: the versions that this caller would find, each decided: what it
does not see it does not match. Two writers with the same criteria, in whatever processes, come one after the other:
each claims the criteria's place in its commit, and who was overtaken looks again.
Source: FHIR R4 http.html#ccreate, #cond-update, #cdelete; docs/decisions/0117-conditions-are-searches-of-the-caller.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeVar

from gateway.fhir.problem import Problem
from gateway.hub import search
from gateway.hub.interaction import Interaction, Tools
from gateway.store.protocol import Stored

Pairs = Sequence[tuple[str, str]]
T = TypeVar("T")
ATTEMPTS: Final = 12
"""How often a conditional write looks again because others wrote under its place (design default)."""
PAUSE_S: Final = 0.01
PLACES: Final = 4096
"""Places of criteria (design default): few rows for ever, and two of different criteria rarely meet. If they do, one
looks once more than it had to."""
_AHEAD: Final = "0" * 20
"""The number of a transaction in a cursor of the feed: none, so that a place is never taken for a follower."""
_DIGITS: Final = 20


class Claim(NamedTuple):
    """The place of some criteria, and where it was before they were looked for; to be moved in the commit."""

    place: str
    onward: str


async def claim(tools: Tools, kind: str, criteria: Pairs) -> Claim:
    """Return the claim of ``criteria``; to be taken before they are looked for. One query."""
    text = "&".join([kind, *sorted(f"{name}={value}" for name, value in criteria)])
    # Keyed, as a criterion may hold a number of a person; cut to a place, it tells nothing.
    place = f"condition:{int(tools.keys.blind(text).rpartition(':')[2], 16) % PLACES}"
    before = await tools.store.cursor_of(place)
    return Claim(place, f"{_AHEAD}{int(before or 0) + 1:0{_DIGITS}d}")


def moves(claims: Sequence[Claim]) -> tuple[tuple[str, str], ...]:
    """Return ``claims`` as a batch takes them: each place once, in the order in which everybody locks them.

    Of two claims of one place the earlier counts: what was written between them it has not seen.
    """
    earliest: dict[str, str] = {}
    for place, onward in claims:
        earliest[place] = min(onward, earliest.get(place, onward))
    return tuple(sorted(earliest.items()))


async def matches(it: Interaction, kind: str, criteria: Pairs, *, most: int) -> tuple[Stored, ...]:
    """Return what ``criteria`` mean, ``most`` at most. Raises HUB-042 for more, and what `search.matched` raises."""
    rows = await search.matched(it, kind, criteria, limit=most + 1)
    if len(rows) > most:
        raise Problem("HUB-042", where=kind, limit=most)
    return rows


async def one(it: Interaction, kind: str, criteria: Pairs) -> Stored | None:
    """Return the one resource that ``criteria`` mean, None for none. Raises HUB-042 (412) for several."""
    rows = await matches(it, kind, criteria, most=1)
    return rows[0] if rows else None


async def settled(it: Interaction, attempt: Callable[[], Awaitable[T]], *, pinned: bool) -> T:
    """Return what ``attempt`` returns; again when others were faster, unless a version was asked for (``pinned``).

    Raises what ``attempt`` raises, HUB-041 when others are faster every time.
    """
    for turn in range(ATTEMPTS):
        try:
            return await attempt()
        except Problem as problem:
            if problem.code != "STO-409" and (problem.code != "STO-412" or pinned):
                raise
            it.untold()
        await asyncio.sleep(PAUSE_S * turn)
    raise Problem("HUB-041")
