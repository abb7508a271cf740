"""A feed's cases: what arrives, what is stored or answered instead, with a fixed clock and readable ids.

In: `cases/<what-it-shows>/in.json|in.hl7` and optionally `context.yaml`. Out: `out.json` when the record is stored,
`problems.json` when anything was found; a record with an error has no `out.json`. Source: docs/guides/maps.md §10.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from gateway.fhir.codec import dump_exact
from gateway.fhir.problem import Problem
from gateway.formats import Record, read
from gateway.mapping.compiled import Map, MapResult
from gateway.mapping.feed import Feed, load_feed
from gateway.mapping.runtime import Context

HOSPITAL: Final = "12410000MB00000010"
"""Sender of a case that names none: the fictional hospital of domain.md §2.1."""
REGISTERED: Final = (HOSPITAL, "12410100MB00000028", "52410102MJ0000003J")
RECEIVED: Final = "2026-03-12T16:31:00+08:00"
MAX_ID: Final = 64
"""Longest id in characters (R4 datatypes.html#id)."""
_NOT_ID = re.compile(r"[^A-Za-z0-9.\-]+")


@dataclass(frozen=True, slots=True)
class Case:
    """One case and how it went: ``diff`` is empty when everything is as recorded."""

    name: str
    folder: Path
    diff: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Return whether the map still does what the case says."""
        return not self.diff


def test_cases(folder: Path, record: bool = False) -> list[Case]:  # noqa: FBT001, PT028 - the word of the command
    """Run every case of the feed in ``folder``; with ``record`` write what came out, the diff still told.

    Raises Problems of MAP-001 when the map does not compile.
    """
    feed = load_feed(folder)
    places = sorted(path.parent for path in feed.folder.glob("cases/*/in.*"))
    return [_case(feed, place, record=record) for place in places]


test_cases.__test__ = False  # type: ignore[attr-defined]  # not a pytest function


def run_case(feed: Feed, folder: Path) -> dict[str, str]:
    """Return the files that the case in ``folder`` should have besides its input: name to text."""
    raw = next(folder.glob("in.*")).read_bytes()
    try:
        record = read(feed.map.format, raw)
    except Problem as unreadable:
        return {"problems.json": _json([_told(unreadable)])}
    result = feed.map.run(record, context=case_context(feed.map, record, _settings(folder)))
    return _files(result)


def _files(result: MapResult) -> dict[str, str]:
    files = {}
    if not any(issue.severity in ("error", "fatal") for issue in result.issues):
        files["out.json"] = _json({"resources": result.resources})
    if result.issues:
        files["problems.json"] = _json([_told(issue) for issue in result.issues])
    return files


def _case(feed: Feed, folder: Path, *, record: bool) -> Case:
    made = run_case(feed, folder)
    diff: list[str] = []
    for name in ("out.json", "problems.json"):
        path = folder / name
        before = path.read_text("utf-8") if path.exists() else ""
        diff += _difference(before, made.get(name, ""), f"{folder.name}/{name}")
        if record and before != made.get(name, ""):
            _write(path, made.get(name))
    return Case(folder.name, folder, tuple(diff))


def _difference(before: str, after: str, name: str) -> Sequence[str]:
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (now)", lineterm=""))


def _write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
    else:
        path.write_text(text, "utf-8")


def case_context(map_: Map, record: Record, settings: Mapping[str, Any] | None = None) -> Context:
    """Return the context of a case: fixed sender, clock and registry unless ``settings`` say otherwise."""
    said = settings or {}
    registered = frozenset(said.get("registered", REGISTERED))
    return Context(
        make_id=readable_id,
        organisation=str(said.get("organisation", HOSPITAL)),
        is_registered=registered.__contains__,
        received=datetime.fromisoformat(str(said.get("received", RECEIVED))),
        message=str(said.get("message", "")) or map_.message_id(record),
    )


def readable_id(kind: str, *parts: str) -> str:
    """Return an id that shows its parts after the sender; what an id cannot hold or bear is told by a digest."""
    text = ".".join((kind, *parts[1:]))
    shown = _NOT_ID.sub("", text)
    if shown == text and len(shown) <= MAX_ID:
        return shown
    digest = hashlib.sha256("\x1f".join((kind, *parts)).encode()).hexdigest()[:8]
    return f"{shown[: MAX_ID - 9].rstrip('.')}-{digest}"


def _settings(folder: Path) -> Mapping[str, Any]:
    path = folder / "context.yaml"
    if not path.exists():
        return {}
    found = yaml.load(path.read_text("utf-8"), Loader=yaml.CBaseLoader)  # noqa: S506 - knows only texts, lists, mappings
    return found if isinstance(found, dict) else {}


def _told(problem: Problem) -> dict[str, str]:
    return {
        "code": problem.code,
        "severity": problem.severity,
        "where": problem.where,
        "source": problem.source,
    }


def _json(document: Any) -> str:
    return msgspec.json.format(dump_exact(document), indent=2).decode() + "\n"
