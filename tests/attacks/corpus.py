"""The corpus: attacks as data, each beside its twin; and the check that one entry holds.

In: `*.yaml` of this folder, one file per leak class. Out: `Entry`s, and for one entry in a world the list of what is
wrong with it (empty = it holds). README.md says what each word of a file means.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from security.audit import Filter, find
from tests.attacks.asking import Answer, ask, filled
from tests.attacks.world import World

HERE: Final = Path(__file__).parent
ABSENT: Final = "nothing-is-called-so"
"""Stands for the attacked id in the request that `alike` compares with: nobody ever had it."""
_REQUEST: Final = ("ask", "headers", "token", "assertion", "form", "record", "json", "body", "mllp", "then", "worker")
_WORDS: Final = {
    *(*_REQUEST, "by", "given", "answer", "alike", "never", "twin", "changes", "unaudited", "why"),
}
_TWIN: Final = {*_REQUEST, "by", "given", "meets", "answer"}
_VOLATILE: Final = frozenset({"x-request-id", "date", "last-modified", "content-length"})
_TIMES: Final = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]{5})")
_BLINDED: Final = re.compile(rb"bx1:[0-9a-f]+")
RECENT: Final = 40
"""Entries of the journal in which a request's own is looked for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One attack: ``name`` is `file/entry`, ``spec`` what the file says."""

    name: str
    spec: Mapping[str, Any]


@cache
def entries() -> tuple[Entry, ...]:
    """Return every entry, by file and place. AssertionError for a word that nobody understands."""
    return tuple(entry for path in sorted(HERE.glob("*.yaml")) for entry in _read(path))


def _read(path: Path) -> Iterator[Entry]:
    whole = yaml.safe_load(path.read_text("utf-8"))
    assert whole.keys() == {"attack", "source", "entries"}, path.name
    for name, spec in whole["entries"].items():
        where = f"{path.stem}/{name}"
        assert spec.keys() <= _WORDS, (where, spec.keys() - _WORDS)
        assert {"by", "answer", "twin"} <= spec.keys(), where
        assert spec["twin"].keys() <= _TWIN, (where, spec["twin"].keys() - _TWIN)
        assert spec["twin"].get("meets"), where
        yield Entry(where, spec)


async def faults(world: World, entry: Entry) -> list[str]:
    """Return what is wrong: the attack got something or was answered otherwise, or the twin did not get its canary."""
    return [*await attack_faults(world, entry), *await twin_faults(world, entry)]


async def attack_faults(world: World, entry: Entry) -> list[str]:
    """Return what is wrong with how the attack was answered."""
    spec, by = entry.spec, entry.spec["by"]
    known = await _given(world, spec, by)
    await world.changed()
    answer = await ask(world, _request(spec), known, by)
    found = list(_answered(spec["answer"], answer))
    allowed = world.entitled(by) if by in world.clients else set()
    found += [f"met {_place(world, secret)}" for secret in sorted(answer.meets(world.plan) - allowed)]
    found += [f"says {word!r}" for word in filled(spec.get("never", []), known) if word in answer.text]
    if "alike" in spec:
        found += await _alike(world, spec, known, answer)
    if not spec.get("changes"):
        await world.quiet()
        found += [f"changed {key}" for key in await world.changed()]
    if answer.status >= 400 and not spec.get("unaudited") and not await _audited(world, answer.request):
        found.append("the refusal left no entry")
    return found


async def twin_faults(world: World, entry: Entry) -> list[str]:
    """Return what is wrong with how the entitled caller was answered."""
    twin = {**_request(entry.spec), **_request(entry.spec["twin"])}
    twin = {name: value for name, value in twin.items() if value is not None}
    by = entry.spec["twin"].get("by", entry.spec["by"])
    given = entry.spec["twin"].get("given", entry.spec.get("given", []))
    known = await _given(world, {"given": given}, by)
    answer = await ask(world, twin, known, by)
    met = answer.meets(world.plan)
    found = [f"twin: {fault}" for fault in _answered(entry.spec["twin"].get("answer", "2xx|0"), answer)]
    for wanted in entry.spec["twin"]["meets"]:
        if wanted.startswith("="):
            if filled(wanted[1:], known) not in answer.text:
                found.append(f"twin does not read {wanted[1:]!r}: {answer.status} {answer.text[:300]}")
        elif world.plan.at(wanted).secret not in met:
            found.append(f"twin does not meet {wanted}: {answer.status} {answer.text[:300]}")
    await world.quiet()
    return found


async def _given(world: World, spec: Mapping[str, Any], by: str) -> dict[str, str]:
    """Make the requests that go before, and return all names with what they kept."""
    known = {**world.places, "absent.id": ABSENT}
    for step in spec.get("given", ()):
        answer = await ask(world, _request(step), known, step.get("by", by))
        for name, where in step.get("keep", {}).items():
            known[name] = _kept(answer, where)
    return known


def _kept(answer: Answer, where: str) -> str:
    kind, _, name = where.partition(":")
    if where == "body":
        return answer.text
    if kind == "header":
        return answer.headers[name.lower()]
    doc: Any = json.loads(answer.body)
    if kind == "link":
        url: str = next(link["url"] for link in doc["link"] if link["relation"] == name)
        return url.partition("?")[2]
    for step in name.split("."):
        doc = doc[int(step) if step.isdigit() else step]
    return doc if isinstance(doc, str) else json.dumps(doc, ensure_ascii=False)


def _request(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: spec[name] for name in _REQUEST if name in spec}


def _answered(wanted: object, answer: Answer) -> Iterator[str]:
    """Yield a fault unless the answer is one of those ``wanted``: `404 SEC-404|403`; a fault of ours never is."""
    if answer.status >= 500:
        yield f"{answer.status}: {answer.text[:300]}"
        return
    for choice in str(wanted).split("|"):
        status, _, code = choice.strip().partition(" ")
        fits = status[:1] == str(answer.status)[:1] if status.endswith("xx") else status == str(answer.status)
        if fits and (not code or code in answer.codes()):
            return
    yield f"answered {answer.status} {sorted(answer.codes())}, not {wanted}: {answer.text[:300]}"


def _place(world: World, secret: str) -> str:
    return f"{world.plan.canaries[secret].place} ({secret})"


async def _alike(world: World, spec: Mapping[str, Any], known: Mapping[str, str], answer: Answer) -> list[str]:
    """Compare with the same request about what never was: nothing but ids and times may differ."""
    hidden = spec["alike"]
    other = await ask(world, _request(spec), {**known, hidden: ABSENT}, spec["by"])
    one, two = _plain(answer, known[hidden]), _plain(other, ABSENT)
    return [] if one == two else [f"differs from absent: {one} != {two}"]


def _plain(answer: Answer, hidden: str) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = sorted((name, value) for name, value in answer.headers.items() if name not in _VOLATILE)
    body = answer.body.replace(hidden.encode(), b"(id)").replace(answer.request.encode(), b"(request)")
    return answer.status, headers, _BLINDED.sub(b"(blinded)", _TIMES.sub(b"(time)", body))


async def _audited(world: World, request: str) -> bool:
    rooms = world.app.rooms
    page = await find(rooms.pool, rooms.keys, Filter(), limit=RECENT)
    return any(entry.request == request for entry in page.entries)
