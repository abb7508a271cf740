"""Mixed records of a fictional county, in the order in which each elder's systems would send them; seeded.

Independent of `gateway.demo`: templates are the sample records, and every message carries a tag of its own in a free
text, so that what is stored can be traced to the message that said it. Elders' lives are independent of each other.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, Literal

RECORDS = Path(__file__).parent.parent / "fixtures" / "records"
HOSPITAL, CENTRE, STATION = "12410000MB00000010", "12410100MB00000028", "52410102MJ0000003J"
CARD = "urn:oid:2.16.156.10011.1.3"
HIS, DOCTOR, LINE = "hospital-his", "centre-doctor", "mllp:his-a03"
"""Who sends: two clients over HTTP, one HL7 v2 system over MLLP, as the inbox names them."""

What = Literal["consent", "discharge", "a03", "accept", "assessment", "plan"]
Expect = Literal["AA", "AE", "AR"]
Doc = dict[str, Any]
_FEEDS: Final[dict[What, str]] = {
    "consent": "sharing-consent",
    "discharge": "json-discharge",
    "a03": "adt-a03",
    "accept": "",
    "assessment": "assessment",
    "plan": "care-plan",
}

KINDS: Final[dict[What, str]] = {
    "consent": "Consent",
    "discharge": "Encounter",
    "a03": "Encounter",
    "assessment": "QuestionnaireResponse",
    "plan": "CarePlan",
}
"""What a message becomes, found by its business number."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: who sends it by which feed under which id, its bytes, and what a sender must be told.

    ``number`` is the business key of what it says (stay, plan, assessment, consent), ``tag`` a text of this message
    alone, ``again`` says that the same message was sent before. To accept a referral is no message but a FHIR update.
    """

    elder: int
    what: What
    sender: str
    id: str
    body: bytes
    expect: Expect
    card: str
    number: str = ""
    tag: str = ""
    again: bool = False

    @property
    def feed(self) -> str:
        """Return the feed it goes to."""
        return _FEEDS[self.what]

    @property
    def by_line(self) -> bool:
        """Tell whether it goes over MLLP."""
        return self.what == "a03"


@dataclass(frozen=True, slots=True)
class Load:
    """The lives of ``elders``: one list of messages each, to be sent one after the other."""

    seed: int
    lives: tuple[tuple[Message, ...], ...]
    handed_over: frozenset[str] = field(default=frozenset())
    """Numbers of the stays that end with 离院方式 3."""

    def __len__(self) -> int:
        """Count the messages; to accept a referral is none."""
        return sum(_records(life) for life in self.lives)


def make_load(seed: int, count: int) -> Load:
    """Return ``count`` messages or a few more, the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311 - fiction, not a secret
    lives: list[tuple[Message, ...]] = []
    handed_over: set[str] = set()
    sent = 0
    while sent < count:
        elder = _Elder(len(lives), rng, seed)
        life = tuple(_with_noise(elder, list(elder.life()), rng))
        lives.append(life)
        handed_over |= elder.handed_over
        sent += _records(life)
    return Load(seed, tuple(lives), frozenset(handed_over))


def _records(life: Sequence[Message]) -> int:
    return sum(message.what != "accept" for message in life)


class _Elder:
    """One elder and what is sent about them."""

    def __init__(self, number: int, rng: random.Random, seed: int) -> None:
        self.number = number
        self.rng = rng
        self.seed = seed
        self.birth = date(1930, 1, 1) + timedelta(days=rng.randrange(365 * 25))
        self.sex = rng.choice("12")
        self.card = card_number(self.birth, number * 2 + (1 if self.sex == "1" else 2) + 100)
        self.handed_over: set[str] = set()
        self._serial = 0

    def life(self) -> Iterator[Message]:
        """Yield what is sent, in order."""
        kind = self.rng.choices(("chain", "silent", "home"), weights=(6, 2, 2))[0]
        if kind == "chain":
            yield self.consent()
        stay, way = self._number("ZY"), "1" if kind == "home" else "3"
        if way == "3":
            self.handed_over.add(stay)
        for _ in range(self.rng.choice((1, 1, 2))):
            yield self.discharge(stay, way)
        if self.rng.random() < 0.6:
            yield self.a03(stay, way)
        if self.rng.random() < 0.3:
            other = self._number("ZY")
            self.handed_over.add(other)
            yield self.a03(other, "3")
        if kind == "chain":
            # Before that the centre may not write.
            yield Message(self.number, "accept", DOCTOR, self._id("R"), b"", "AA", self.card, stay)
            assessed = self._number("PG")
            for _ in range(self.rng.randint(1, 2)):
                yield self.assessment(assessed)
            plan = self._number("JH")
            for _ in range(self.rng.randint(1, 4)):
                yield self.plan(plan)

    def consent(self) -> Message:
        """Return a sharing consent that names the centre and the station."""
        number, tag = self._number("TY"), self._tag()
        doc = _record("16_sharing_consent.json")
        doc["data"] |= {"consentNo": number, "impact": f"接收机构可查看上述类别的记录 {tag}"}
        self._patient(doc["data"]["patient"])
        return self._json("consent", HIS, doc, number, tag)

    def discharge(self, stay: str, way: str) -> Message:
        """Return a discharge of ``stay``; the ward names the message."""
        tag = self._tag()
        doc = _record("04_discharge.json")
        encounter = doc["data"]["encounter"]
        encounter |= {"inpatNo": stay, "admNo": f"ADM{stay}", "wardName": f"病区 {tag}", "dischargeWayCode": way}
        if way != "3":
            del encounter["receivingOrgCode"], encounter["receivingOrgName"]
        doc["data"]["diagnoses"] = doc["data"]["diagnoses"][: self.rng.randint(1, 3)]
        doc["data"]["medications"] = doc["data"]["medications"][: self.rng.randint(0, 3)]
        self._patient(doc["data"]["patient"])
        return self._json("discharge", HIS, doc, stay, tag)

    def a03(self, stay: str, way: str) -> Message:
        """Return the HL7 v2 shape of a discharge."""
        id, tag = self._id("A"), self._tag()
        text = (RECORDS / "01_adt_a03.hl7").read_text(encoding="utf-8").replace("\n", "\r")
        text = text.replace("A03202603120001", id).replace("ZY20260305017", stay).replace("P0008812", self.patient_no)
        text = text.replace("410199194303051027", self.card).replace("19430305|2", f"{self.birth:%Y%m%d}|{self.sex}")
        text = text.replace("41019910100100017", self.record_no).replace("SNK^1203^15", f"{tag}^1203^15")
        if way != "3":
            text = text.replace(f"|3|{CENTRE}^20260312160000|", "|1||")
        return Message(self.number, "a03", LINE, id, text.encode(), "AA", self.card, stay, tag)

    def assessment(self, number: str) -> Message:
        """Return an ability assessment; the informant names the message."""
        tag = self._tag()
        doc = _record("07_ability_assessment.json")
        doc["data"]["assessNo"] = number
        doc["data"]["informant"]["name"] = f"张示 {tag}"
        self._patient(doc["data"]["patient"])
        return self._json("assessment", DOCTOR, doc, number, tag)

    def plan(self, number: str) -> Message:
        """Return a care plan; a service names the message."""
        tag = self._tag()
        doc = _record("08_care_plan.json")
        doc["data"]["planNo"] = number
        doc["data"]["services"][-1]["name"] = f"巡访 {tag}"
        self._patient(doc["data"]["patient"])
        return self._json("plan", DOCTOR, doc, number, tag)

    @property
    def patient_no(self) -> str:
        """Return the hospital's own number."""
        return f"P{self.seed % 1000:03d}{self.number:05d}"

    @property
    def record_no(self) -> str:
        """Return the number of the health record."""
        return f"410199101001{self.number:05d}"

    def _patient(self, block: Doc) -> None:
        own = {"patId": self.patient_no, "idCardNo": self.card, "sexCode": self.sex, "birthDate": str(self.birth)}
        block |= own | ({"healthRecordNo": self.record_no} if "healthRecordNo" in block else {})

    def _json(self, what: What, sender: str, doc: Doc, number: str, tag: str) -> Message:
        doc["msgId"] = self._id(what[0].upper())
        return Message(self.number, what, sender, doc["msgId"], _bytes(doc), "AA", self.card, number, tag)

    def _id(self, letter: str) -> str:
        self._serial += 1
        return f"{letter}{self.seed}-{self.number:04d}-{self._serial:02d}"

    def _number(self, letters: str) -> str:
        self._serial += 1
        return f"{letters}{self.seed % 10_000:04d}{self.number:05d}{self._serial:02d}"

    def _tag(self) -> str:
        return f"T{self.number:04d}x{self._serial:02d}{self.rng.randrange(10**6):06d}"


def _with_noise(elder: _Elder, life: list[Message], rng: random.Random) -> Iterator[Message]:
    """Yield ``life`` with repeats of the same message, and with messages that must be refused or parked."""
    sent: list[Message] = []
    for message in life:
        if message.what == "accept":
            yield message
            continue
        if rng.random() < 0.08:
            yield _bad(elder, message, rng)
        yield message
        sent.append(message)
        if rng.random() < 0.12:
            yield replace(rng.choice(sent), again=True)
        if rng.random() < 0.03 and not message.by_line:
            yield _other_content(message)


def _bad(elder: _Elder, like: Message, rng: random.Random) -> Message:
    """Return a message that must not be accepted, in the shape of ``like``."""
    if like.by_line:
        body = like.body.replace(b"|HIS|", b"|NOBODY|", 1) if rng.random() < 0.5 else b"MSH|broken"
        return replace(like, body=body, id=elder._id("X"), expect="AR", number="", tag="")
    doc = json.loads(like.body)
    if rng.random() < 0.4:
        return replace(like, body=like.body[:-20], id=elder._id("X"), expect="AR", number="", tag="")
    doc["msgId"] = elder._id("B")
    doc["data"]["patient"]["sexCode"] = "7"
    return replace(like, body=_bytes(doc), id=doc["msgId"], expect="AE", number="", tag="")


def _other_content(message: Message) -> Message:
    """Return other content under the id of ``message``: parked."""
    doc = json.loads(message.body)
    doc["msgTime"] = "20260401000000"
    return replace(message, body=_bytes(doc), expect="AE", number="", tag="")


def card_number(birth: date, sequence: int) -> str:
    """Return a well-formed identity number of the unassigned district 410199 (GB 11643: ISO 7064 mod 11-2)."""
    body = f"410199{birth:%Y%m%d}{sequence % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]


def _record(name: str) -> Doc:
    found: Doc = copy.deepcopy(_TEMPLATES[name])
    return found


def _bytes(doc: Doc) -> bytes:
    return json.dumps(doc, ensure_ascii=False).encode()


_TEMPLATES: Final[dict[str, Doc]] = {path.name: json.loads(path.read_bytes()) for path in RECORDS.glob("*.json")}
