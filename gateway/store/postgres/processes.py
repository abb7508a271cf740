"""Who else works on this database, and what each of them runs: one row a process, true while its seat is taken.

In: a seat and what its process runs. Out: the processes that live.
Source: docs/decisions/0088-one-policy-a-database.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from gateway.fhir.problem import Problem
from gateway.store.postgres.pool import GONE, HeldPool

_JOINING: Final = 949269
"""Processes join one after another under this lock, so that of two at once the second sees the first."""
_FORGET = "DELETE FROM process WHERE seat <> ALL (live_seats())"
_JOIN = "INSERT INTO process (seat, writer, host, pid, code, policies, maps) VALUES ($1, $2, $3, $4, $5, $6, $7)"
_LIVING = """
SELECT seat, writer, host, pid, code, policies, maps FROM process WHERE seat = ANY (live_seats()) ORDER BY seat"""


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its ``seat`` (the higher, the younger), where it runs, and what: hashes of policies and maps."""

    seat: int
    writer: str
    host: str
    pid: int
    code: str
    policies: str
    maps: str


async def join(pool: HeldPool, process: Process) -> Sequence[Process]:
    """Write ``process`` down and return those that were there before, oldest first. Raises Problem("STO-503")."""
    values = [getattr(process, field.name) for field in fields(Process)]
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _JOINING)
            await connection.execute(_FORGET)
            before = await connection.fetch(_LIVING)
            await connection.execute(_JOIN, *values)
    except GONE:
        raise Problem("STO-503") from None
    return [Process(*row) for row in before]


async def living(pool: HeldPool) -> Sequence[Process]:
    """Return the processes that live, oldest first. Raises Problem("STO-503")."""
    return [Process(*row) for row in await pool.fetch_held(_LIVING)]
