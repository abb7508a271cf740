"""The named points at which a fault strikes, and how it strikes: known to the harness and to the processes under test.

The harness writes a `Strike` into a file; every process under test looks there when it passes a point. Who is the nth
to come by renames the file, which only one can, and strikes. The harness sees by the renamed file that it happened.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

Who = Literal["self", "parent", "all", "postmaster", "backend"]
"""Whom SIGKILL meets: the process that came by; its parent; it, PostgreSQL and its keeper; PostgreSQL; one backend."""
When = Literal["before", "during", "after"]

STRIKE: Final = "YIYANG_CHAOS_STRIKE"
"""Names the file of the strike to come."""
CLOCK: Final = "YIYANG_CHAOS_CLOCK"
"""Names a file with the seconds by which the processes' clock is wrong."""

POINTS: Final[dict[str, tuple[str, When]]] = {
    "at the door": ("gateway.intake.service:Intake.accept", "before"),
    "mapped, before the inbox": ("gateway.store.postgres.inbox:PostgresInbox.put", "before"),
    "writing into the inbox": ("gateway.store.postgres.inbox:PostgresInbox.put", "during"),
    "kept in the inbox": ("gateway.store.postgres.inbox:PostgresInbox.put", "after"),
    "reply known": ("gateway.intake.inbox:Inbox.receive", "after"),
    "while replying": ("gateway.intake.service:Intake.accept", "after"),
    "claimed": ("gateway.store.postgres.inbox:PostgresInbox.claim", "after"),
    "before identity": ("gateway.identity.resolve:Identity.resolve_all", "before"),
    "identity known, before the merge": ("gateway.identity.resolve:Identity.resolve_all", "after"),
    "before the hub commit": ("gateway.store.postgres.store:PostgresStore.commit", "before"),
    "in the hub commit": ("gateway.store.postgres.store:PostgresStore.commit", "during"),
    "after the hub commit": ("gateway.store.postgres.store:PostgresStore.commit", "after"),
    "consequences drawn, before the cursor": ("gateway.workflow.effects:Effects.apply", "after"),
    "before entries are chained": ("security.audit.writer:Writer.commit", "before"),
    "while entries are chained": ("security.audit.writer:Writer.commit", "during"),
    "entries chained": ("security.audit.writer:Writer.commit", "after"),
    "before the checkpoint is anchored": ("security.audit.anchor:append", "before"),
}
"""Name -> the public function that is wrapped, and when it strikes."""
EACH_MESSAGE: Final = frozenset(list(POINTS)[: list(POINTS).index("claimed")])
"""Those that every message passes; what comes after the claim is done for many at once."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault to come: at the ``nth`` passing of ``point`` by one process, ``serial`` telling strikes apart."""

    point: str
    nth: int
    who: Who
    serial: int = 0

    def write(self, path: Path) -> None:
        """Put it where the processes look, whole."""
        beside = path.with_name(f"{path.name}.new")
        beside.write_text(json.dumps(asdict(self)), encoding="utf-8")
        beside.replace(path)

    @classmethod
    def read(cls, path: Path) -> Strike | None:
        """Return the strike to come; None when there is none."""
        try:
            return cls(**json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None


def struck(path: Path) -> Path:
    """Return the name that the file has when it happened."""
    return path.with_name(f"{path.name}.struck")
