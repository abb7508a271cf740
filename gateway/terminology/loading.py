"""Resources into the tables, all or nothing: what was loaded before under the same url and version is replaced.

In: `Loadable` values. Out: rows, and each value set that is touched listed anew, because a set names systems that come
and go. A set that cannot be listed is kept with the reason. The generation moves in the same transaction, so that
processes drop what they remember of before. Source: docs/decisions/0122-terminology-in-tables.md.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import asyncpg
import orjson

from gateway.fhir.problem import Problem
from gateway.store.postgres.pool import GONE, HeldPool
from gateway.terminology import composing
from gateway.terminology.shipped import Shipped
from gateway.terminology.values import (
    CodeSystem,
    Concept,
    ConceptMap,
    Designation,
    Loadable,
    Member,
    ValueSet,
)

Connection = asyncpg.pool.PoolConnectionProxy
_LOCK = 949267
"""Any number that nothing else in the database locks: one load at a time."""
MAX_DEPTH = 32
"""Value sets within value sets (design default)."""
COLUMNS = (
    "id", "kind", "url", "version", "logical_id", "name", "title", "language", "content", "case_sensitive", "status",
    "source", "target", "own", "entries", "definition",
)  # fmt: skip
Place = tuple[str, str, str]
"""Kind, url and version."""
NEWEST = "own, id DESC"
"""Which version counts when none is named: what an operator loaded before what came with the program, then the last."""


async def load(pool: HeldPool, resources: Sequence[Loadable]) -> None:
    """Put ``resources`` of an operator into the tables. Raises Problem TRM-012 (of the program), STO-503."""
    try:
        async with pool.acquire() as connection, connection.transaction():
            await _begin(connection)
            taken = await _places(connection)
            if own := next((one for one in resources if taken.get(_place(one))), None):
                raise Problem("TRM-012", url=own.head.url)
            await _put(connection, list({_place(one): one for one in resources}.values()), own=False)
            await _listed(connection, {one.head.url for one in resources})
    except GONE:
        raise Problem("STO-503") from None


async def load_shipped(pool: HeldPool, found: Shipped) -> bool:
    """Put what comes with the program in the place of what came with another; tell whether there was anything to do."""
    try:
        async with pool.acquire() as connection, connection.transaction():
            await _begin(connection)
            if await connection.fetchval("SELECT program FROM terminology_state") == found.mark:
                return False
            await connection.execute("DELETE FROM terminology WHERE own")
            taken = await _places(connection)
            await _put(connection, [one for one in found.resources if _place(one) not in taken], own=True)
            await connection.execute("UPDATE terminology_state SET program = $1", found.mark)
            await _listed(connection, None)
            return True
    except GONE:
        raise Problem("STO-503") from None


async def remove(pool: HeldPool, key: int) -> None:
    """Take one version of an operator away. Raises Problem TRM-012, TRM-013, STO-503."""
    try:
        async with pool.acquire() as connection, connection.transaction():
            await _begin(connection)
            row = await connection.fetchrow("SELECT url, own FROM terminology WHERE id = $1", key)
            if row is None:
                raise Problem("TRM-013", url=str(key))
            if row["own"]:
                raise Problem("TRM-012", url=row["url"])
            await connection.execute("DELETE FROM terminology WHERE id = $1", key)
            await _listed(connection, {row["url"]})
    except GONE:
        raise Problem("STO-503") from None


async def _begin(connection: Connection[Any]) -> None:
    await connection.execute("SET LOCAL statement_timeout = 0")
    await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    await connection.execute("UPDATE terminology_state SET generation = generation + 1")


async def _places(connection: Connection[Any]) -> dict[Place, bool]:
    """Return what is loaded, and whether it came with the program."""
    rows = await connection.fetch("SELECT kind, url, version, own FROM terminology")
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def _place(one: Loadable) -> Place:
    return _kind(one), one.head.url, one.head.version


async def _put(connection: Connection[Any], resources: Sequence[Loadable], *, own: bool) -> None:
    """Write rows of ``resources``: a few statements for all, as hundreds come with the program."""
    places = [_place(one) for one in resources]
    await connection.execute(
        "DELETE FROM terminology USING unnest($1::text[], $2::text[], $3::text[]) AS new(kind, url, version) "
        "WHERE (terminology.kind, terminology.url, terminology.version) = (new.kind, new.url, new.version)",
        *([list(column) for column in zip(*places, strict=True)] if places else ([], [], [])),
    )
    sql = "SELECT nextval(pg_get_serial_sequence('terminology', 'id'))::int FROM generate_series(1, $1)"
    keyed = list(zip([row[0] for row in await connection.fetch(sql, len(resources))], resources, strict=True))
    await connection.copy_records_to_table(
        "terminology", records=[_row(*one, own=own) for one in keyed], columns=COLUMNS
    )
    systems = [(key, one) for key, one in keyed if isinstance(one, CodeSystem)]
    maps = [(key, one) for key, one in keyed if isinstance(one, ConceptMap)]
    await connection.copy_records_to_table("concept", records=[row for one in systems for row in _concept_rows(*one)])
    await connection.copy_records_to_table("designation", records=[row for one in systems for row in _word_rows(*one)])
    lines = [(key, place, *line) for key, one in maps for place, line in enumerate(one.elements)]
    await connection.copy_records_to_table("map_element", records=lines)


def _row(key: int, one: Loadable, *, own: bool) -> tuple[object, ...]:
    head = one.head
    named = (head.url, head.version, head.id, head.name, head.title, head.language)
    system = (one.content, one.case_sensitive) if isinstance(one, CodeSystem) else ("", True)
    definition = orjson.dumps(one.compose).decode() if isinstance(one, ValueSet) else ""
    between = (one.source, one.target) if isinstance(one, ConceptMap) else ("", "")
    return (key, _kind(one), *named, *system, head.status, *between, own, _entries(one), definition)


def _concept_rows(key: int, system: CodeSystem) -> Iterator[tuple[object, ...]]:
    for place, one in enumerate(system.concepts):
        props = json.dumps(one.props, ensure_ascii=False) if one.props else ""
        yield key, one.code, place, one.display, one.parent, props, one.sought


def _word_rows(key: int, system: CodeSystem) -> Iterator[tuple[object, ...]]:
    for one in system.concepts:
        for place, designation in enumerate(one.designations):
            yield key, one.code, place, *designation


async def _listed(connection: Connection[Any], changed: Collection[str] | None) -> None:
    """List the value sets that are made of what is at ``changed`` (None: all), and those that are made of them."""
    sql = f"SELECT id, url, definition FROM terminology WHERE kind = 'ValueSet' ORDER BY {NEWEST}"  # noqa: S608
    rows = await connection.fetch(sql)
    sets = {row["id"]: (row["url"], orjson.loads(row["definition"])) for row in rows}
    touched = _touched(sets, changed)
    needed = {url for key in touched for url in _reached(sets, key)}
    source = _Source(sets, await _concepts(connection, needed))
    members: list[tuple[object, ...]] = []
    told: list[tuple[int, int, str]] = []
    for key in touched:
        url, compose = sets[key]
        try:
            found: Sequence[Member] = composing.members(url, compose, source)
            problem = ""
        except Problem as error:
            found, problem = (), orjson.dumps(error.detail).decode()
        members += [(key, one.system, one.code, place, one.display, one.sought) for place, one in enumerate(found)]
        told.append((key, len(found), problem))
    await connection.execute("DELETE FROM vs_member WHERE vs = ANY($1)", touched)
    await connection.copy_records_to_table("vs_member", records=members)
    await connection.executemany("UPDATE terminology SET entries = $2, problem = $3 WHERE id = $1", told)


Sets = Mapping[int, tuple[str, dict[str, Any]]]


def _touched(sets: Sets, changed: Collection[str] | None) -> list[int]:
    if changed is None:
        return list(sets)
    reached = set(changed)
    found: dict[int, None] = {}
    while True:
        more = [
            key
            for key, (url, compose) in sets.items()
            if key not in found and (url in reached or not reached.isdisjoint(composing.named(compose)))
        ]
        if not more:
            return list(found)
        found.update(dict.fromkeys(more))
        reached.update(sets[key][0] for key in more)


def _reached(sets: Sets, key: int) -> set[str]:
    """Return every url that the listing of ``key`` may ask for."""
    found: set[str] = set()
    ahead = list(composing.named(sets[key][1]))
    while ahead:
        url = ahead.pop()
        if url not in found:
            found.add(url)
            ahead += [name for at, compose in sets.values() if at == url for name in composing.named(compose)]
    return found


Systems = dict[str, dict[str, dict[str, Concept]]]


async def _concepts(connection: Connection[Any], urls: Collection[str]) -> Systems:
    """Return the concepts of the code systems ``urls`` by url and version; "" is the version that counts."""
    sql = f"SELECT id, url, version FROM terminology WHERE kind = 'CodeSystem' AND url = ANY($1) ORDER BY {NEWEST}"  # noqa: S608
    systems = await connection.fetch(sql, list(urls))
    keys = [row["id"] for row in systems]
    words: dict[tuple[int, str], list[Designation]] = {}
    for row in await connection.fetch(
        "SELECT system, code, language, use, value FROM designation WHERE system = ANY($1) ORDER BY place", keys
    ):
        words.setdefault((row[0], row[1]), []).append(Designation(row[2], row[3], row[4]))
    codes: dict[int, dict[str, Concept]] = {key: {} for key in keys}
    for key, code, display, parent, props in await connection.fetch(
        "SELECT system, code, display, parent, props FROM concept WHERE system = ANY($1) ORDER BY place", keys
    ):
        known = tuple(words.get((key, code), ()))
        codes[key][code] = Concept(code, display, parent, known, orjson.loads(props or "{}"))
    found: Systems = {}
    for key, url, version in systems:
        versions = found.setdefault(url, {})
        versions.setdefault("", codes[key])
        versions.setdefault(version, codes[key])
    return found


class _Source:
    """What value sets are made of, while they are listed."""

    def __init__(self, sets: Sets, systems: Mapping[str, Mapping[str, Mapping[str, Concept]]]) -> None:
        self._systems = systems
        self._sets: dict[str, tuple[str, dict[str, Any]]] = {}
        for url, compose in sets.values():
            self._sets.setdefault(url, (url, compose))
        self._open: list[str] = []
        self._known: dict[str, Sequence[Member] | None] = {}

    def concepts(self, system: str, version: str) -> Mapping[str, Concept] | None:
        return self._systems.get(system, {}).get(version)

    def members(self, url: str) -> Sequence[Member] | None:
        plain = url.partition("|")[0]
        if plain not in self._known:
            self._known[plain] = self._made(plain)
        return self._known[plain]

    def _made(self, url: str) -> Sequence[Member] | None:
        if url not in self._sets or url in self._open or len(self._open) >= MAX_DEPTH:
            return None  # a set that is made of itself cannot be listed
        self._open.append(url)
        try:
            return composing.members(url, self._sets[url][1], self)
        except Problem:
            return None
        finally:
            self._open.pop()


def _kind(one: Loadable) -> str:
    return type(one).__name__


def _entries(one: Loadable) -> int:
    return len(one.concepts) if isinstance(one, CodeSystem) else len(one.elements) if isinstance(one, ConceptMap) else 0
