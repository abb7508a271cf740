"""A page, or a total, of what hashes only narrow down: rows are opened one after the other until enough match.

In: how the next stretch of candidates is found, and what decides one. Out: the page and where the next begins, as of
any search. Work is bounded: a page may come short, with more to follow; a total that would take too long is refused.
Candidates are already inside the caller's restriction. Source: storage.md section 4; docs/decisions/0110.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from gateway.fhir.problem import Problem
from gateway.store.postgres.ordering import Keys
from gateway.store.protocol import Stored

STEP: Final = 200
"""Candidates of one statement (design default)."""
OPENED: Final = 2_000
"""Candidates that one question opens: some 100 ms of CPU (design default)."""
Find = Callable[[Sequence[Any]], Awaitable[tuple[list[Any], Keys]]]
"""Return up to STEP + 1 rows behind the one with these sort values, and the sort keys."""
Decide = Callable[[Any], Stored | None]
"""Return the opened row, None where it does not match."""


async def page(find: Find, decide: Decide, *, count: int, after: Sequence[Any]) -> tuple[list[Stored], list[Any]]:
    """Return up to ``count`` matches behind ``after``, and the sort values behind which to go on, [] at the end."""
    kept: list[Stored] = []
    for _ in range(OPENED // STEP):
        found, keys = await find(after)
        for row in found[:STEP]:
            stored = decide(row)
            if stored is not None and len(kept) == count:
                return kept, list(after)
            if stored is not None:
                kept.append(stored)
            after = [row[name] for name in keys]
        if len(found) <= STEP:
            return kept, []
    return kept, list(after)


async def total(find: Find, decide: Decide) -> int:
    """Return how many match. Raises Problem("STO-420") where there are more than OPENED candidates."""
    matches, after = 0, list[Any]()
    for _ in range(OPENED // STEP):
        found, keys = await find(after)
        matches += sum(decide(row) is not None for row in found[:STEP])
        if len(found) <= STEP:
            return matches
        after = [found[STEP - 1][name] for name in keys]
    raise Problem("STO-420", limit=OPENED)
