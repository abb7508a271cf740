"""The form of an answer and of what is sent: JSON or XML, indented, packed; the same resource in each."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

from gateway.fhir import xml_reader, xml_writer
from tests.harness import World, codes, condition

XML = {"Accept": "application/fhir+xml"}


def told(response: httpx.Response) -> Any:
    assert response.headers["content-type"] == "application/fhir+xml; charset=utf-8"
    if "content-encoding" not in response.headers:
        assert int(response.headers["content-length"]) == len(response.content)
    return json.loads(xml_reader.to_json(response.content))


@pytest.mark.parametrize(
    "path", ["Patient/elder", "Patient/elder/_history", "Condition?patient=Patient/elder", "Patient/nobody", "metadata"]
)
async def test_every_answer_says_the_same_in_xml(world: World, path: str) -> None:
    plain = await world.fhir("centre-doctor", "GET", path)
    written = await world.fhir("centre-doctor", "GET", path, headers=XML)

    assert written.status_code == plain.status_code
    assert told(written) == plain.json()


async def test_a_masked_view_is_masked_in_xml(world: World) -> None:
    plain = await world.fhir("station-carer", "GET", "Patient/elder")
    written = await world.fhir("station-carer", "GET", "Patient/elder", headers=XML)

    assert told(written) == plain.json()


@pytest.mark.parametrize(
    ("query", "accept", "expected"),
    [
        ("?_format=xml", "application/fhir+json", "xml"),
        ("?_format=application/fhir%2Bxml", "", "xml"),
        ("?_format=json", "application/fhir+xml", "json"),
        ("?%5Fformat=xml", "", "xml"),
        ("", "application/fhir+xml;q=0.5, application/fhir+json", "json"),
        ("", "application/fhir+xml, application/fhir+json;q=0.5", "xml"),
        ("", "application/fhir+xml, application/fhir+json", "json"),
        ("", "application/xml;q=0.9, */*;q=0.8", "xml"),
        ("", "application/fhir+xml;q=0.1, */*;q=0.8", "json"),
    ],
)
async def test_the_form_is_what_is_wanted_most(world: World, query: str, accept: str, expected: str) -> None:
    response = await world.fhir("centre-doctor", "GET", f"Patient/elder{query}", headers={"Accept": accept})

    assert response.status_code == 200
    assert response.headers["content-type"] == f"application/fhir+{expected}; charset=utf-8"


@pytest.mark.parametrize("form", ["json", "xml"])
async def test_a_pretty_answer_is_the_same_one_indented(world: World, form: str) -> None:
    plain = await world.fhir("centre-doctor", "GET", f"Patient/elder?_format={form}")
    pretty = await world.fhir("centre-doctor", "GET", f"Patient/elder?_format={form}&_pretty=true")

    assert pretty.content.count(b"\n  ") > 5
    assert b"\n  " not in plain.content
    same = (lambda text: json.loads(xml_reader.to_json(text))) if form == "xml" else json.loads
    assert same(pretty.content) == same(plain.content)


async def test_head_tells_the_size_of_the_form_that_was_asked_for(world: World) -> None:
    whole = await world.fhir("centre-doctor", "GET", "Patient/elder", headers=XML)
    head = await world.fhir("centre-doctor", "HEAD", "Patient/elder", headers=XML)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_a_resource_sent_in_xml_is_stored_like_any_other(world: World, coding: str) -> None:
    doc = {name: value for name, value in condition("elder", note="甲 & 乙").items() if name != "id"}
    body = xml_writer.write(doc)
    sent = {"Content-Type": "application/fhir+xml", "Content-Encoding": coding}

    response = await world.fhir(
        "centre-doctor", "POST", "Condition", headers=sent, content=gzip.compress(body) if coding == "gzip" else body
    )

    assert response.status_code == 201
    stored = await world.read("centre-doctor", f"Condition/{response.json()['id']}")
    assert {name: stored[name] for name in doc if name != "meta"} == {n: v for n, v in doc.items() if n != "meta"}


async def test_what_is_wrong_in_xml_is_told_in_xml_with_its_path(world: World) -> None:
    body = b'<Condition xmlns="http://hl7.org/fhir"><code><text value="x"/><word value="y"/></code></Condition>'

    response = await world.fhir(
        "centre-doctor", "POST", "Condition", headers={**XML, "Content-Type": "application/fhir+xml"}, content=body
    )

    issue = told(response)["issue"][0]
    assert response.status_code == 400
    assert (issue["details"]["coding"][0]["code"], issue["expression"]) == ("FHIR-010", ["Condition.code"])


async def test_a_script_in_the_narrative_of_xml_is_refused(world: World) -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></div>'
    doc = {**condition("elder"), "text": {"status": "additional", "div": div}}

    response = await world.fhir(
        "centre-doctor",
        "POST",
        "Condition",
        headers={"Content-Type": "application/fhir+xml"},
        content=xml_writer.write(doc),
    )

    assert (response.status_code, codes(response)) == (422, ["FHIR-021"])


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (gzip.compress(b"a" * 10_000_000), 413, "API-012"),
        (gzip.compress(b"{}")[:-4], 400, "API-040"),
        (gzip.compress(b"{}") + b"more", 400, "API-040"),
        (b"{}", 400, "API-040"),
        (gzip.compress(b"{}"), 400, "FHIR-005"),
    ],
)
async def test_what_is_packed_is_unpacked_within_bounds(world: World, content: bytes, status: int, code: str) -> None:
    sent = {"Content-Type": "application/fhir+json", "Content-Encoding": "gzip"}

    response = await world.fhir("centre-doctor", "POST", "Condition", headers=sent, content=content)

    assert (response.status_code, codes(response)) == (status, [code])


async def test_a_large_answer_is_packed_for_who_takes_it(world: World) -> None:
    plain = await world.fhir("centre-doctor", "GET", "metadata", headers={"Accept-Encoding": "identity"})
    packed = await world.fhir("centre-doctor", "GET", "metadata", headers={"Accept-Encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert (packed.headers["content-encoding"], packed.content) == ("gzip", plain.content)
    assert int(packed.headers["content-length"]) < len(plain.content) / 4
    assert "Accept-Encoding" in packed.headers["vary"]


async def test_a_small_answer_is_not_packed(world: World) -> None:
    response = await world.fhir("centre-doctor", "GET", "Patient/elder", headers={"Accept-Encoding": "gzip"})

    assert "content-encoding" not in response.headers
