"""Rows by kind and id, asked for only where they can be: of fifteen partitions a statement names those of its kinds.

PostgreSQL opens and locks every partition that a statement names, with its indexes, though it then reads none of it:
a look-up of one row in all of them takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from gateway.store.postgres.kinds import NUMBERS, PARTITIONS, partition

KEPT = 1_000
"""Statements kept, one a set of partitions; some dozens are met (design default)."""


def by_keys(columns: tuple[str, ...], keys: Iterable[tuple[str, str]]) -> tuple[str, list[list[int] | list[str]]]:
    """Return the statement that gives ``columns`` of the rows that have one of ``keys`` (kind, id), and its values."""
    wanted: dict[str, tuple[list[int], list[str]]] = {}
    for kind, id in keys:  # noqa: A001 - FHIR's word
        numbers, ids = wanted.setdefault(partition(kind), ([], []))
        numbers.append(NUMBERS[kind])
        ids.append(id)
    tables = tuple(table for table in PARTITIONS if table in wanted)
    return _statement(columns, tables), [values for table in tables for values in wanted[table]]


@lru_cache(maxsize=KEPT)
def _statement(columns: tuple[str, ...], tables: tuple[str, ...]) -> str:
    selected = ", ".join(f"r.{column}" for column in columns)
    parts = (
        f"SELECT {selected} FROM unnest(${2 * place + 1}::smallint[], ${2 * place + 2}::text[]) w(type, id)"  # noqa: S608 - our own names
        f" JOIN {table} r ON r.type = w.type AND r.id = w.id"
        for place, table in enumerate(tables)
    )
    return " UNION ALL ".join(parts)
