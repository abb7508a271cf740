"""A version as it lies in the database: facts and body packed together and sealed for their place.

In: a version's bytes and facts. Out: one blob bound to type, id and version, so that a blob put elsewhere, or an older
one put back, does not open. Source: architecture decision 15.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from gateway.fhir.predicate import Facts
from gateway.store.postgres.kinds import NAMES
from gateway.store.protocol import Sealer, Stored

_END = b"\n"


def seal(sealer: Sealer, facts: Facts, body: bytes, *, kind: str, id: str, version: int) -> bytes:  # noqa: A002
    """Return the blob of one version."""
    return sealer.seal(packed(facts) + _END + body, _place(kind, id, version))


def packed(facts: Facts) -> bytes:
    """Return ``facts`` as one line of JSON, the same for the same facts."""
    return orjson.dumps(
        [
            facts.elder,
            facts.controllers,
            facts.klass,
            facts.level,
            facts.labels,
            facts.handed_to,
            [[organisation, identifiers] for organisation, identifiers in facts.sent],
        ]
    )


def opened(sealer: Sealer, row: Any, known: dict[bytes, Facts] | None = None) -> Stored:
    """Return the version in ``row``. Raises Problem("SEC-901") when the blob was altered or moved.

    ``known`` keeps the facts of one kind by their line: rows of a page mostly have the same.
    """
    kind, id, version = NAMES[row["type"]], row["id"], row["ver"]  # noqa: A001 - FHIR's word
    line, _, body = sealer.open(row["body"], _place(kind, id, version)).partition(_END)
    facts = None if known is None else known.get(line)
    if facts is None:
        facts = _facts(kind, line)
        if known is not None:
            known[line] = facts
    return Stored(kind, id, version, row["ts"], row["deleted"], body, facts)


@lru_cache(maxsize=64)
def moment(at: datetime) -> datetime:
    """Return ``at`` in UTC, cut to the millisecond that meta.lastUpdated shows; all rows of a commit share one."""
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _facts(kind: str, line: bytes) -> Facts:
    elder, controllers, klass, level, labels, handed_to, sent = orjson.loads(line)
    return Facts(
        kind,
        elder,
        tuple(controllers),
        klass,
        level,
        tuple(labels),
        tuple(handed_to),
        tuple((organisation, tuple(identifiers)) for organisation, identifiers in sent),
    )


def _place(kind: str, id: str, version: int) -> bytes:  # noqa: A002
    return f"resource|{kind}|{id}|{version}".encode()
