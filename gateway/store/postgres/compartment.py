"""The rows of one elder's compartment, of several kinds at once, as one statement.

In: the elder, the kinds with the caller's restriction on each, where the page before ended. Out: opened rows in the
order of kind and age. A compartment is read by its own B-tree, whatever kinds are asked for. What was found by the hash
of a reference is decided again on the opened body.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import orjson

from gateway.fhir import search as parameters
from gateway.fhir.index import Reference
from gateway.fhir.predicate import NOTHING, Facts, Predicate
from gateway.fhir.query import ReferenceTerm
from gateway.store.postgres import cursors
from gateway.store.postgres.hashing import Hash
from gateway.store.postgres.indexing import patient_text, reference_text
from gateway.store.postgres.kinds import NUMBERS
from gateway.store.postgres.pool import HeldPool
from gateway.store.postgres.restrict import Restrictions
from gateway.store.postgres.sealed import opened
from gateway.store.postgres.sql import Statement
from gateway.store.protocol import Compartment, Page, Sealer, Stored

KEPT = 10_000
"""Restrictions kept made, as many as the gate keeps: an asker has one a kind."""
_COLUMNS = "r.type, r.id, r.ver, r.ts, r.deleted, r.body, r.rid"


class Compartments:
    """Answer for the compartments of one database."""

    def __init__(self, pool: HeldPool, sealer: Sealer, make: Hash) -> None:
        """Hold the pool, what opens bodies, and the keyed hash."""
        self._pool = pool
        self._sealer = sealer
        self._make = make
        self._restrictions = Restrictions(make, keep=KEPT)

    async def page(self, asked: Compartment, cursor: str, bind: str) -> Page:
        """Return the page of ``asked`` behind ``cursor``. One query. Raises Problem STO-400."""
        place = _place(asked, bind)
        after = cursors.read(self._sealer, cursor, place=place) if cursor else []
        statement = Statement(self._make)
        text = self._text(asked, statement, after)
        if not text:
            return Page(())
        rows = await self._pool.fetch_held(text, *statement.values)
        shown = rows[: asked.count]
        onward = ""
        if len(rows) > asked.count:
            onward = cursors.write(self._sealer, [shown[-1]["type"], shown[-1]["rid"]], place=place)
        # Rows of one kind mostly have the same facts; those of another kind with the same line have others.
        known: defaultdict[int, dict[bytes, Facts]] = defaultdict(dict)
        found = [opened(self._sealer, row, known[row["type"]]) for row in shown]
        return Page(tuple(row for row in found if asked.about is None or _is_about(row, asked, asked.about)), onward)

    def _text(self, asked: Compartment, statement: Statement, after: list[Any]) -> str:
        """Return the statement, "" where nothing is open to the caller."""
        groups = self._groups(asked)
        if not groups:
            return ""
        place = statement.hash(patient_text(asked.elder))
        numbers = sorted(number for _, kinds in groups for number in kinds)
        parts = [f"r.pat = {place}", f"r.type = ANY({statement.bind(numbers, 'smallint[]')})", "NOT r.deleted"]
        open_ = [
            f"(r.type = ANY({statement.bind(kinds, 'smallint[]')})"
            f" AND {self._restrictions.condition(restriction, statement)})"
            for restriction, kinds in groups
        ]
        parts.append(f"({' OR '.join(open_)})")
        if asked.since is not None:
            parts.append(f"r.ts >= {statement.bind(asked.since, 'timestamptz')}")
        if asked.about is not None:
            names = {name for kind in asked.kinds for name in asked.by.get(kind, ())}
            parts.append(f"r.keys && {statement.hashes(reference_text(name, asked.about) for name in names)}")
        if after:
            kind, rid = statement.bind(after[0], "smallint"), statement.bind(after[1], "bigint")
            parts.append(f"(r.type, r.rid) > ({kind}, {rid})")
        limit = statement.bind(asked.count + 1, "bigint")
        where = " AND ".join(parts)
        return f"SELECT {_COLUMNS} FROM res r WHERE {where} ORDER BY r.type, r.rid LIMIT {limit}"  # noqa: S608 - no outer text

    def _groups(self, asked: Compartment) -> list[tuple[Predicate, list[int]]]:
        """Return the numbers of the kinds, together where the same is left to ask of their rows."""
        groups: dict[int, tuple[Predicate, list[int]]] = {}
        for kind, restriction in asked.kinds.items():
            left = self._restrictions.folded(restriction, kind, asked.elder)
            if left != NOTHING:
                groups.setdefault(id(left), (left, []))[1].append(NUMBERS[kind])
        return list(groups.values())


def _is_about(row: Stored, asked: Compartment, about: ReferenceTerm) -> bool:
    doc = orjson.loads(row.body)
    return any(
        isinstance(entry, Reference) and (entry.kind, entry.id) == (about.kind, about.id)
        for name in asked.by.get(row.kind, ())
        for entry in parameters.values_of(row.kind, name, doc)
    )


def _place(asked: Compartment, bind: str) -> bytes:
    return f"compartment|{bind}|{asked.elder}|{sorted(asked.kinds)}|{asked.since}|{asked.about}".encode()
