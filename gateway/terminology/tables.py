"""The tables read: one question a function, nothing remembered. Values reach the server beside the text."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from gateway.store.postgres.pool import HeldPool
from gateway.terminology.loading import NEWEST
from gateway.terminology.values import Code, Concept, Designation, Known, MapElement, Member, folded

_KNOWN = (
    "id, kind, url, version, logical_id, name, title, language, content, case_sensitive, status, source, target, own, "
    "entries, problem"
)
_WALK = """
WITH RECURSIVE walk(code, depth) AS (
  SELECT $2::text, 0
  UNION
  SELECT {next}, walk.depth + 1 FROM walk JOIN concept c ON c.system = $1 AND {on}
  WHERE walk.depth < 64 AND {next} <> ''
)
SELECT DISTINCT code FROM walk
"""
_BELOW = _WALK.format(next="c.code", on="c.parent = walk.code")
_ABOVE = _WALK.format(next="c.parent", on="c.code = walk.code")


async def known(pool: HeldPool, kind: str, *, url: str = "", version: str = "", logical: str = "") -> Known | None:
    """Return the resource ``kind`` at ``url`` (or of the ``logical`` id); without ``version`` the one that counts."""
    column, value = ("logical_id", logical) if logical else ("url", url)
    sql = (
        f"SELECT {_KNOWN} FROM terminology WHERE kind = $1 AND {column} = $2 AND ($3 = '' OR version = $3) "  # noqa: S608
        f"ORDER BY {NEWEST} LIMIT 1"
    )
    rows = await pool.fetch_held(sql, kind, value, version)
    return Known(*rows[0]) if rows else None


async def all_known(pool: HeldPool, kind: str = "") -> list[Known]:
    """Return everything that is loaded, by kind, url and version, the version that counts first."""
    sql = f"SELECT {_KNOWN} FROM terminology WHERE $1 = '' OR kind = $1 ORDER BY kind, url, {NEWEST}"  # noqa: S608
    return [Known(*row) for row in await pool.fetch_held(sql, kind)]


async def concept(pool: HeldPool, system: Known, code: str) -> Concept | None:
    """Return a concept; where case does not matter to the system, in whichever case."""
    sql = "SELECT code, display, parent, props FROM concept WHERE system = $1 AND code = $2"
    rows = await pool.fetch_held(sql, system.key, code)
    if not rows and not system.case_sensitive:
        sql = "SELECT code, display, parent, props FROM concept WHERE system = $1 AND lower(code) = lower($2) LIMIT 1"
        rows = await pool.fetch_held(sql, system.key, code)
    if not rows:
        return None
    found, display, parent, props = rows[0]
    words = await pool.fetch_held(
        "SELECT language, use, value FROM designation WHERE system = $1 AND code = $2 ORDER BY place",
        system.key,
        found,
    )
    return Concept(found, display, parent, tuple(Designation(*word) for word in words), orjson.loads(props or "{}"))


async def children(pool: HeldPool, system: Known, code: str, *, limit: int) -> tuple[str, ...]:
    """Return the codes right below ``code``."""
    sql = "SELECT code FROM concept WHERE system = $1 AND parent = $2 ORDER BY place LIMIT $3"
    return tuple(row[0] for row in await pool.fetch_held(sql, system.key, code, limit))


async def below(pool: HeldPool, system: Known, code: str) -> frozenset[str]:
    """Return ``code`` and every code below it."""
    return frozenset(row[0] for row in await pool.fetch_held(_BELOW, system.key, code))


async def above(pool: HeldPool, system: Known, code: str) -> frozenset[str]:
    """Return ``code`` and every code above it."""
    return frozenset(row[0] for row in await pool.fetch_held(_ABOVE, system.key, code))


async def member(pool: HeldPool, value_set: Known, system: str, code: str) -> Member | None:
    """Return one member, None when it is none. Without ``system`` that of any system, if it is one only."""
    sql = (
        "SELECT system, code, display, sought FROM vs_member WHERE vs = $1 AND code = $2 AND ($3 = '' OR system = $3) "
        "LIMIT 2"
    )
    rows = await pool.fetch_held(sql, value_set.key, code, system)
    return Member(*rows[0]) if len(rows) == 1 else None


async def page(pool: HeldPool, from_: Known, *, text: str, offset: int, count: int) -> tuple[tuple[Member, ...], int]:
    """Return the members from ``offset`` on of a value set, or the concepts of a code system, and how many match.

    Each word of ``text`` has to be in what is sought; those whose display begins with it come first.
    """
    words = folded(text).split()
    inner, values = _rows_of(from_, words)
    rows = await pool.fetch_held(f"SELECT count(*) FROM ({inner}) AS found", *values)  # noqa: S608
    total = rows[0][0]
    if count == 0 or offset >= total:
        return (), total
    place = len(values)
    order = f"NOT starts_with(sought_from, ${place + 1}), place" if words else f"${place + 1} = '', place"
    sql = (
        f"SELECT system, code, display, sought FROM ({inner}) AS found ORDER BY {order} "  # noqa: S608
        f"OFFSET ${place + 2} LIMIT ${place + 3}"
    )
    found = await pool.fetch_held(sql, *values, " ".join(words), offset, count)
    return tuple(Member(*row) for row in found), total


def _rows_of(from_: Known, words: Sequence[str]) -> tuple[str, list[object]]:
    """Return the statement of all rows that match, and its values."""
    seeking = "".join(f" AND sought LIKE ${number + 3} ESCAPE '!'" for number in range(len(words)))
    begin = "substr(sought, length(code) + 2) AS sought_from"
    if from_.kind == "ValueSet":
        sql = f"SELECT system, code, display, sought, place, {begin} FROM vs_member WHERE vs = $1 AND $2 <> ''{seeking}"  # noqa: S608
    else:
        sql = (
            f"SELECT $2::text AS system, code, display, sought, place, {begin} FROM concept "  # noqa: S608
            f"WHERE system = $1{seeking}"
        )
    return sql, [from_.key, from_.url, *(f"%{_escaped(word)}%" for word in words)]


def _escaped(word: str) -> str:
    """Return ``word`` as LIKE finds it and nothing else."""
    return word.replace("!", "!!").replace("%", "!%").replace("_", "!_")


async def translations(pool: HeldPool, map_: Known, system: str, code: str) -> tuple[MapElement, ...]:
    """Return what a map says of a code, in its order."""
    sql = (
        "SELECT source_system, source, target_system, target, display, equivalence FROM map_element "
        "WHERE map = $1 AND source_system = $2 AND source = $3 ORDER BY place"
    )
    return tuple(MapElement(*row) for row in await pool.fetch_held(sql, map_.key, system, code))


async def reverse(pool: HeldPool, map_: Known, system: str, code: str) -> tuple[MapElement, ...]:
    """Return the lines of a map that lead to a code."""
    sql = (
        "SELECT source_system, source, target_system, target, display, equivalence FROM map_element "
        "WHERE map = $1 AND target_system = $2 AND target = $3 ORDER BY place"
    )
    return tuple(MapElement(*row) for row in await pool.fetch_held(sql, map_.key, system, code))


async def pairs(pool: HeldPool, value_set: Known) -> frozenset[Code]:
    """Return all codes of a value set."""
    rows = await pool.fetch_held("SELECT system, code FROM vs_member WHERE vs = $1", value_set.key)
    return frozenset((row[0], row[1]) for row in rows)
