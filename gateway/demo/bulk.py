"""A county as FHIR resources, fast enough to fill a store: what the maps and the workflow make of each elder's year.

In: how many elders, a seed. Out: `(kind, id, body)` of each resource, the same bytes for the same seed; about
`PER_ELDER` of each elder, more than 20,000 a second on one core, nothing kept but the people. The real maps run once
on `VARIANTS` model stays; each document then becomes a stencil, so its shape, size and profiles are those of the
real path. Bodies are as a client would send them: the hub still adds labels, versions and times.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random  # noqa: TID251 - a seeded fiction must repeat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from gateway.config import data_root
from gateway.demo.county import CENTRE, HOSPITAL, STATION, County, Elder, card_number, county
from gateway.demo.records import DIAGNOSES, DRUGS, FULL_SCORES, Stay, assessment, care_plan, consent, discharge
from gateway.demo.stencil import Stencil, holes
from gateway.demo.year import CHINA
from gateway.fhir import codec
from gateway.formats import read
from gateway.intake.elder import patient_of, tentative_id, with_elder
from gateway.intake.feeds import Feeds
from gateway.mapping.runtime import Context
from gateway.workflow.handover import handover_of, is_high_risk, resources_of

TODAY = date(2026, 11, 25)
"""The day after the last record, when the caller names none: figures of two runs compare."""
PER_ELDER = 120
"""Resources of an elder, about; organisations and staff apart."""
VARIANTS = 12
"""Model stays of each of the two ways of leaving."""
READINGS = 18
"""Blood pressures that are read at home after each stay (design default)."""
SHARED = frozenset({"Organization", "Practitioner"})
"""Kinds that many elders' records name: written once."""
MODEL_DAY = date(2026, 3, 12)
_TOLD = ("raw", "sha1", "size")
"""What an original and its DocumentReference tell of the message's bytes."""
_ID = "model-id.%04d."

Doc = dict[str, Any]


class Made(NamedTuple):
    """One resource: its kind, its id, its JSON."""

    kind: str
    id: str
    body: bytes


def resources(
    elders: int, seed: int, *, today: date = TODAY, mappings: Path | None = None
) -> Iterator[tuple[str, str, bytes]]:
    """Yield ``(kind, id, body)`` of a county of ``elders``; what is referred to comes before what refers to it.

    For a million resources ask for 1,000,000 / PER_ELDER elders, or break off when there are enough. Each body passes
    `gateway.fhir.gate.accept`. Starting once costs some two seconds: every map is compiled.
    """
    place = county(seed=seed, elders=elders, today=today)
    models = _models(mappings or data_root("mappings"))
    written: set[str] = set()
    for elder in place.elders:
        for made in _life(elder, models, random.Random(f"{seed}/{elder.number}"), place):  # noqa: S311
            if made.kind in SHARED:
                if made.id in written:
                    continue
                written.add(made.id)
            yield made


@dataclass(frozen=True, slots=True)
class _Document:
    """The stencil of one resource; of an original and of what names it also the message's, whose bytes it tells."""

    kind: str
    id: Stencil
    text: Stencil
    raw: Stencil | None


@dataclass(frozen=True, slots=True)
class _Model:
    """Everything that one stay leaves behind, and what its ids are minted from."""

    documents: tuple[_Document, ...]
    ids: tuple[tuple[str, str, Stencil], ...]


@dataclass(frozen=True, slots=True)
class _Models:
    community: tuple[_Model, ...]
    home: tuple[_Model, ...]


def _life(elder: Elder, models: _Models, rng: random.Random, place: County) -> Iterator[Made]:
    """Yield the resources of one to four stays, the first of them to the community; nothing twice."""
    seen: set[str] = set()
    day = place.today.toordinal() - 360 + rng.randint(0, 30)
    for stay in range(rng.randint(1, 4)):
        community = stay == 0 or rng.random() < 0.5
        model = rng.choice(models.community if community else models.home)
        values = _values(elder, day)
        for name, kind, parts in model.ids:
            values[name] = _id(place.seed, kind, parts.fill(values, day=day))
        for document in model.documents:
            id_ = document.id.fill(values, day=day).decode()
            if f"{document.kind}/{id_}" not in seen:
                seen.add(f"{document.kind}/{id_}")
                yield Made(document.kind, id_, _body(document, values, day))
        day += rng.randint(70, 88)


def _body(document: _Document, values: dict[str, bytes], day: int) -> bytes:
    if document.raw is None:
        return document.text.fill(values, day=day)
    raw = document.raw.fill(values, day=day)
    told = zip(_TOLD, (base64.b64encode(raw), _sha1(raw), b'"size":%d' % len(raw)), strict=True)
    return document.text.fill(values | dict(told), day=day)


def _id(seed: int, kind: str, parts: bytes) -> bytes:
    """Return an id of the length and shape of `Keys.make_id`."""
    text = hmac.digest(seed.to_bytes(8, "big", signed=True) + kind.encode(), parts, "sha256").hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}".encode()


def _values(elder: Elder, day: int) -> dict[str, bytes]:
    return {name: text.encode() for name, text in _texts(elder, date.fromordinal(day))}


def _texts(elder: Elder, day: date) -> list[tuple[str, str]]:
    """Return what an elder's documents say of them, by name: the words of the model, the values of the others."""
    male = elder.gender == "1"
    return [
        ("card", elder.card),
        ("name", elder.name),
        ("birth", elder.birth.isoformat()),
        ("phone", elder.phone),
        ("son", elder.son),
        ("son-phone", elder.son_phone),
        ("patient-no", elder.patient_no),
        ("health-record-no", elder.health_record_no),
        ("house", f"{elder.number + 1}号院"),
        ("bed-of", f'"bedNo":"{elder.number + 1}"'),
        ("bed", f"神内一病区 {elder.number + 1}"),
        ("stay", _stay_number(elder, day)),
        ("consent-no", f"TY{day:%Y%m%d}-D{elder.number:04d}"),
        ("assess-no", f"PG{day + timedelta(days=2):%Y%m%d}-D{elder.number:04d}"),
        ("plan-no", f"JH{day + timedelta(days=3):%Y%m%d}-D{elder.number:04d}"),
        ("station", elder.station),
        ("centre", elder.centre),
        ("gender", '"gender":"male"' if male else '"gender":"female"'),
        ("sex", '"code":"1","display":"男"' if male else '"code":"2","display":"女"'),
        ("sex-of", f'"sexCode":"{elder.gender}"'),
    ]


def _stay_number(elder: Elder, day: date) -> str:
    return f"ZD{day:%Y%m%d}{elder.number:04d}"


@lru_cache(maxsize=1)
def _models(mappings: Path) -> _Models:
    feeds, rng = Feeds.load(mappings), random.Random("models")  # noqa: S311
    return _Models(
        tuple(_model(feeds, rng, way="3") for _ in range(VARIANTS)),
        tuple(_model(feeds, rng, way="1") for _ in range(VARIANTS)),
    )


def _model(feeds: Feeds, rng: random.Random, *, way: str) -> _Model:
    """Run one model stay through the maps and the workflow and cut what they made."""
    elder, minted = _model_elder(), _Minted()
    names = holes(_texts(elder, MODEL_DAY))
    documents: list[_Document] = []
    for feed, organisation, message in _messages(elder, _model_stay(elder, rng, way), rng):
        raw = orjson.dumps(message)
        source = Stencil(raw.decode(), names, day=MODEL_DAY)
        docs = _mapped(feeds, feed, organisation, raw, minted)
        told = names | minted.names() | _told(raw)
        documents += [_cut(doc, told, source) for doc in docs]
        if feed == "json-discharge":
            follow = _readings(docs, minted, rng) + _workflow(docs, minted)
            documents += [_cut(doc, told | minted.names(), source) for doc in follow]
    return _Model(tuple(documents), minted.stencils(names))


def _cut(doc: Doc, words: dict[str, str], source: Stencil) -> _Document:
    text = codec.dump_exact(doc).decode()
    tells = any(word in text for word, name in words.items() if name in _TOLD)
    id_, body = (Stencil(each, words, day=MODEL_DAY) for each in (doc["id"], text))
    return _Document(doc["resourceType"], id_, body, source if tells else None)


def _told(raw: bytes) -> dict[str, str]:
    words = base64.b64encode(raw).decode(), _sha1(raw).decode(), f'"size":{len(raw)}'
    return holes(list(zip(_TOLD, words, strict=True)))


def _sha1(raw: bytes) -> bytes:
    """Return what R4 `Attachment.hash` holds; it guards nothing."""
    return base64.b64encode(hashlib.sha1(raw, usedforsecurity=False).digest())


class _Minted:
    """Mints words for ids, and remembers what they stand for."""

    def __init__(self) -> None:
        self._words: dict[tuple[str, ...], str] = {}

    def __call__(self, kind: str, *parts: str) -> str:
        return self._words.setdefault((kind, *parts), _ID % len(self._words))

    def names(self) -> dict[str, str]:
        return {word: word for word in self._words.values()}

    def stencils(self, names: dict[str, str]) -> tuple[tuple[str, str, Stencil], ...]:
        """Return word, kind and what the id is minted from; an id may be minted from those before it."""
        known = names | self.names()
        return tuple(
            (word, kind, Stencil("\x1f".join(parts), known, day=MODEL_DAY))
            for (kind, *parts), word in self._words.items()
        )


def _mapped(feeds: Feeds, feed: str, organisation: str, raw: bytes, minted: _Minted) -> list[Doc]:
    found = feeds.get(feed)
    record = read(found.map.format, raw)
    received = datetime.combine(MODEL_DAY, time(18, 0), CHINA)
    context = Context(
        make_id=minted,
        organisation=organisation,
        is_registered=lambda _: True,
        received=received,
        message=found.map.message_id(record),
    )
    docs = found.map.run(record, context=context).resources
    return with_elder(docs, tentative_id(patient_of(docs), make_id=minted, today=MODEL_DAY))


def _workflow(docs: list[Doc], minted: _Minted) -> list[Doc]:
    handover = next((found for doc in docs if doc["resourceType"] == "Encounter" and (found := handover_of(doc))), None)
    if handover is None:
        return []
    now = handover.discharged + timedelta(minutes=31)
    return resources_of(handover, released=True, high_risk=is_high_risk(docs), now=now, make_id=minted)


def _readings(docs: list[Doc], minted: _Minted, rng: random.Random) -> list[Doc]:
    """Return blood pressures of the weeks after a stay, as a device at home would send them (yy-vital-bp)."""
    elder = next(doc["id"] for doc in docs if doc["resourceType"] == "Patient")
    return [_blood_pressure(elder, place, minted, rng) for place in range(READINGS)]


def _blood_pressure(elder: str, place: int, minted: _Minted, rng: random.Random) -> Doc:
    at = datetime.combine(MODEL_DAY + timedelta(days=1 + 3 * place), time(7, rng.randint(0, 59)), CHINA)
    return {
        "resourceType": "Observation",
        "id": minted("Observation", "bp", str(place), _stay_number(_model_elder(), MODEL_DAY)),
        "meta": {"profile": ["https://yiyang-gateway.example/fhir/StructureDefinition/yy-vital-bp"]},
        "status": "final",
        "category": [_coded("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")],
        "code": _coded("http://loinc.org", "85354-9") | {"text": "血压"},
        "subject": {"reference": f"Patient/{elder}"},
        "effectiveDateTime": at.isoformat(),
        "component": [_pressure("8480-6", rng.randint(105, 178)), _pressure("8462-4", rng.randint(58, 98))],
    }


def _pressure(code: str, value: int) -> Doc:
    unit = {"value": value, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
    return {"code": _coded("http://loinc.org", code), "valueQuantity": unit}


def _coded(system: str, code: str) -> Doc:
    return {"coding": [{"system": system, "code": code}]}


def _messages(elder: Elder, stay: Stay, rng: random.Random) -> Iterator[tuple[str, str, Doc]]:
    """Yield feed, sender and record of one stay; the discharge first, whose Patient has all parts."""
    out = stay.discharged
    yield "json-discharge", HOSPITAL, discharge(elder, stay)
    if stay.way == "3":
        recipients = (elder.centre, elder.station)
        yield "sharing-consent", HOSPITAL, consent(elder, at=out - timedelta(hours=1), recipients=recipients)
        scores = {item: rng.randint(most // 2, most) for item, most in FULL_SCORES.items()}
        yield "assessment", elder.centre, assessment(elder, at=out + timedelta(days=2), scores=scores)
        yield "care-plan", elder.centre, care_plan(elder, at=out + timedelta(days=3))


def _model_stay(elder: Elder, rng: random.Random, way: str) -> Stay:
    return Stay(
        number=_stay_number(elder, MODEL_DAY),
        admitted=datetime.combine(MODEL_DAY - timedelta(days=rng.randint(4, 14)), time(9, 20), CHINA),
        discharged=datetime.combine(MODEL_DAY, time(16, 0), CHINA),
        diagnoses=tuple(rng.sample(sorted(DIAGNOSES), rng.randint(1, 3))),
        drugs=tuple(rng.sample(sorted(DRUGS), rng.randint(1, 5))),
        barthel=rng.randrange(20, 101, 5),
        braden=rng.randint(10, 23),
        morse=rng.randrange(0, 100, 5),
        way=way,
        receiver=elder.centre if way == "3" else "",
    )


def _model_elder() -> Elder:
    """Return somebody whose every word stands in the documents for that one thing."""
    birth = date(1931, 7, 19)
    return Elder(
        number=987_654,
        name="莫示型老",
        gender="2",
        birth=birth,
        card=card_number(birth, 886),
        phone="13800000071",
        son="莫示子",
        son_phone="13800000072",
        station=STATION,
        centre=CENTRE,
    )
