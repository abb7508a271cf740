"""Every case of `cases/`: the clause of R4 that it shows is in its own line; asked over HTTP, so on any store."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.conformance import cases
from tests.conformance.cases import Exchange, Search, Step, at, named
from tests.conformance.conftest import Server
from tests.harness import BASE

pytestmark = pytest.mark.asyncio(loop_scope="module")
FILES = cases.files()
_AS_WRITTEN = "".join(chr(code) for code in range(33, 127))
_PAGES = 20


@pytest.mark.parametrize(
    ("file", "search"),
    [
        pytest.param(file, search, id=f"{file}:{name}")
        for file, found in FILES.items()
        for name, search in found.searches.items()
    ],
)
async def test_a_search_finds(server: Server, file: str, search: Search) -> None:
    ids = server.ids[file]
    names = {id_: name for name, id_ in ids.items()}
    asked = named(search.ask, ids)
    if "_count" not in asked:
        asked += f"{'&' if '?' in asked else '?'}_count=200"
    found: list[str] = []
    pages, address = 0, asked
    while address:
        bundle = (await _request(server, "GET", address)).json()
        assert bundle["resourceType"] == "Bundle", f"{search.clause}: {bundle}"
        rows = [row for row in bundle.get("entry", ()) if row["search"]["mode"] == "match"]
        found += [names[row["resource"]["id"]] for row in rows if row["resource"]["id"] in names]
        address = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
        pages += 1
        assert pages < _PAGES, "the pages do not end"

    assert (found if search.ordered else sorted(found)) == (search.finds if search.ordered else sorted(search.finds)), (
        search.clause
    )
    assert pages == search.pages or not search.pages


@pytest.mark.parametrize(
    "exchange",
    [
        pytest.param(exchange, id=f"{file}:{name}")
        for file, found in FILES.items()
        for name, exchange in found.exchanges.items()
    ],
)
async def test_an_exchange_goes(server: Server, exchange: Exchange, request: pytest.FixtureRequest) -> None:
    file = request.node.callspec.id.partition(":")[0]
    ids = dict(server.ids[file])
    ids |= await server.put(exchange.given, f"x{uuid4().hex[:12]}")
    for step in exchange.steps:
        ids |= step.known
        answer = await _step(server, step, ids)
        _check(step, ids, answer, exchange.clause)
        for name, place in step.keep.items():
            ids[name] = _kept(answer, place)


async def test_there_are_cases_of_every_page(tell: Callable[[str], None]) -> None:
    clauses = {
        each.clause for found in FILES.values() for each in (*found.searches.values(), *found.exchanges.values())
    }
    tell(f"conformance: {cases.counted(FILES)} cases of {len(clauses)} clauses in {len(FILES)} files")
    assert cases.counted(FILES) > 0


async def _step(server: Server, step: Step, ids: Mapping[str, str]) -> httpx.Response:
    method, _, path = named(step.ask, ids).partition(" ")
    headers = dict(step.headers)
    content: bytes | None = None
    if step.json is not None:
        headers.setdefault("Content-Type", "application/fhir+json")
        content = json.dumps(named(step.json, ids), ensure_ascii=False).encode()
    elif step.raw is not None:
        headers.setdefault("Content-Type", "application/fhir+json")
        content = cases.known(step.raw, ids).encode()
    elif step.form:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        pairs = named(step.form, ids).items()
        content = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs).encode()
    return await _request(server, method, path, by=step.by, headers=headers, content=content)


async def _request(
    server: Server,
    method: str,
    path: str,
    *,
    by: str = "centre-doctor",
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> httpx.Response:
    """Ask for ``path`` below the base, or a whole address, as it is written."""
    given = dict(headers or {})
    if by != "nobody":
        given["Authorization"] = f"Bearer {server.world.token(by)}"
    split = urlsplit(path)
    place = f"{split.path}?{split.query}" if split.scheme and split.query else split.path if split.scheme else ""
    address = place or f"/fhir/{path}".rstrip("/")
    sent = server.world.http.build_request(method, "/", headers=given, content=content)
    # As written: a client library would mend percent signs and bars.
    sent.url = sent.url.copy_with(raw_path=quote(address, safe=_AS_WRITTEN).encode())
    return await server.world.http.send(sent)


def _check(step: Step, ids: Mapping[str, str], answer: httpx.Response, clause: str) -> None:
    said = f"{clause}: {step.ask} answered {answer.status_code} {answer.text[:600]}"
    if isinstance(step.status, str):
        assert re.fullmatch(step.status.replace("x", "[0-9]"), str(answer.status_code)), said
    else:
        assert answer.status_code == step.status, said
    for name, wanted in named(step.has, ids).items():
        _same(answer.headers.get(name), wanted, f"{name}: {said}")
    assert not answer.content or not step.empty, said
    assert step.text in answer.text, said
    if step.body or step.unlike or step.codes or step.where or step.issues or step.size is not None:
        _check_body(step, ids, answer.json(), said)


def _check_body(step: Step, ids: Mapping[str, str], doc: Any, said: str) -> None:
    for path, wanted in named(step.body, ids).items():
        _same(at(doc, path), wanted, f"{path}: {said}")
    for path, unwanted in named(step.unlike, ids).items():
        assert at(doc, path) != unwanted, f"{path}: {said}"
    issues = doc.get("issue", [])
    codes = {coding["code"] for issue in issues for coding in issue.get("details", {}).get("coding", ())}
    assert set(step.codes) <= codes, said
    told = [place for issue in issues for place in issue.get("expression", ())]
    assert not step.where or any(place.startswith(step.where) for place in told), said
    assert len(issues) >= step.issues, said
    assert step.size is None or len(doc.get("entry", [])) == step.size, said


def _same(found: Any, wanted: Any, said: str) -> None:
    """Compare; a text that begins with `~` is an expression that has to be found."""
    if isinstance(wanted, str) and wanted.startswith("~"):
        assert found is not None, said
        assert re.search(wanted[1:], str(found)), said
    else:
        assert found == wanted, said


def _kept(answer: httpx.Response, place: str) -> str:
    """Return a `header X` or what stands at a path of the body; of an address of ours what is below the base."""
    kind, _, name = place.partition(" ")
    found = answer.headers[name] if kind == "header" else at(answer.json(), place)
    return str(found).removeprefix(f"{BASE}/")
