"""What the store's tests write and ask, in few words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.fhir import search as parameters
from gateway.fhir.predicate import EVERYTHING, Facts, Predicate
from gateway.fhir.query import Query
from gateway.store.protocol import ANY_VERSION, Batch, FhirStore, Page, Stored, Write

START = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
CARD = "urn:oid:2.16.156.10011.1.3"
Doc = dict[str, Any]


class Clock:
    """A time that goes on by a millisecond a look, and that a test moves."""

    def __init__(self) -> None:
        """Start on a spring morning."""
        self.at = START

    def __call__(self) -> datetime:
        """Return the time."""
        self.at += timedelta(milliseconds=1)
        return self.at


def patient(id: str = "p1", **changes: Any) -> Doc:
    found = {
        "resourceType": "Patient",
        "id": id,
        "identifier": [{"system": CARD, "value": f"card-{id}"}],
        "birthDate": "1943-03-05",
    }
    return {**found, **changes}


def observation(id: str, at: str | None = None, elder: str = "p1", code: str = "8480-6") -> Doc:
    found = {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{elder}"},
    }
    return found if at is None else {**found, "effectiveDateTime": at}


def write(doc: Doc, *, expect: int = ANY_VERSION, **facts: Any) -> Write:
    kind = doc["resourceType"]
    elder = doc["id"] if kind == "Patient" else doc.get("subject", {}).get("reference", "").partition("/")[2]
    known = Facts(kind, **{"elder": elder, "controllers": ("H1",), "klass": "NURSING", **facts})
    body = json.dumps(doc, ensure_ascii=False).encode()
    return Write(kind, doc["id"], body, known, parameters.extract(kind, doc), expect=expect)


def deletion(doc: Doc, *, expect: int = ANY_VERSION) -> Write:
    return replace(write(doc, expect=expect), deleted=True, body=b"")


async def put(store: FhirStore, *docs: Doc, **facts: Any) -> None:
    await store.commit(Batch(tuple(write(doc, **facts) for doc in docs)))


async def current(store: FhirStore, kind: str, id: str) -> Stored:
    row = await store.read(kind, id)
    assert row is not None
    return row


def asked(kind: str, text: str = "") -> Query:
    pairs = [(name, value) for name, _, value in (part.partition("=") for part in text.split("&") if part)]
    query, _ = parameters.parse(kind, pairs, strict=True)
    return query


async def find(
    store: FhirStore, kind: str, text: str = "", restriction: Predicate = EVERYTHING, **options: Any
) -> Page:
    return await store.search(asked(kind, text), restriction, **options)


async def walk(store: FhirStore, query: Query, restriction: Predicate = EVERYTHING) -> list[str]:
    """Return the ids of all pages in order."""
    found: list[str] = []
    while True:
        page = await store.search(query, restriction)
        found += ids(page.rows)
        if not page.next:
            return found
        query = replace(query, cursor=page.next)


def ids(rows: tuple[Stored, ...]) -> list[str]:
    return [row.id for row in rows]
