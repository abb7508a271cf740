"""The other processes of the same database: two that would answer one question differently do not run together.

In: what this process runs. Refuses to start beside other policies (CFG-004). Beside other maps or another version it
runs, and is not ready (CFG-005) while an older one lives: so a rolling change goes over when the old one stops.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from gateway import __version__
from gateway.app.rooms import Rooms
from gateway.fhir.problem import Problem
from gateway.store.postgres import processes
from gateway.store.postgres.processes import Process

_HASH_DIGITS: Final = 16


class Fellows:
    """This process among the others."""

    def __init__(self, rooms: Rooms, *, policies: str) -> None:
        """Hold the database and what this process runs; ``policies`` is the gate's hash."""
        self._pool = rooms.pool
        self._own = Process(
            seat=rooms.presence.seat,
            writer=rooms.journal.writer,
            host=socket.gethostname(),
            pid=os.getpid(),
            code=__version__,
            policies=policies,
            maps=_hash_of(rooms.settings.mappings),
        )

    async def join(self) -> None:
        """Write this process down. Raises Problem CFG-004 where others decide by other policies."""
        others = await processes.join(self._pool, self._own)
        for other in others:
            if other.policies != self._own.policies:
                raise Problem("CFG-004", writer=other.writer, host=other.host, pid=other.pid)

    async def check(self) -> None:
        """Raise Problem CFG-005 while an older process runs other maps or another version."""
        for other in _older(await processes.living(self._pool), self._own):
            if (other.code, other.maps) != (self._own.code, self._own.maps):
                raise Problem("CFG-005", writer=other.writer, host=other.host, pid=other.pid)


def _older(found: Sequence[Process], own: Process) -> Sequence[Process]:
    return [other for other in found if other.seat < own.seat]


def _hash_of(mappings: Path) -> str:
    """Return a hash of every map and table below ``mappings``; cases and READMEs decide nothing."""
    total = sha256()
    for path in sorted([*mappings.glob("*/*/map.yaml"), *mappings.glob("*/*/tables/*")]):
        total.update(f"{path.relative_to(mappings)}\0".encode() + sha256(path.read_bytes()).digest())
    return total.hexdigest()[:_HASH_DIGITS]
