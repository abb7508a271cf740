"""What real senders do besides what they should: the odd that must be taken, the bad that must be parked or refused.

In: a record of the county. Out: the messages that a system would send of it, each with the answer that it must get.
Every kind has a name, and a county of any size has each at least once. Source: issue, "Data"; architecture §2 and §7.
"""

from __future__ import annotations

import copy
import random  # noqa: TID251 - a seeded fiction must repeat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import orjson

from gateway.demo.county import Elder
from gateway.demo.records import Record

Answer = Literal["AA", "AE", "AR"]
State = Literal["stored", "parked", "refused"]
RARE_NAMES: Final = ("𠮷示㛃", "阿依示·买买提", "龘示靐", "䶮示𠅤", "欧阳示𫍽", "买合木提示·吐尔逊江")
"""Characters beyond GB 2312 and beyond the basic plane, names with a middle dot, long names."""
UNREGISTERED: Final = "12410100MB0000006A"
"""Well formed, and nobody of the county."""
STATES: Final[Mapping[Answer, State]] = {"AA": "stored", "AE": "parked", "AR": "refused"}


@dataclass(frozen=True, slots=True)
class Sending:
    """One message as it goes over the wire, and what must come of it.

    ``organisation`` sends it to ``feed``; HL7 v2 goes over MLLP without framing here, everything else over HTTP.
    ``message`` is its id ("" where none can be read), ``elder`` the number of the elder, ``oddity`` "" for a plain one.
    """

    feed: str
    organisation: str
    message: str
    elder: int
    raw: bytes
    answer: Answer = "AA"
    oddity: str = ""

    @property
    def state(self) -> State:
        """Return where the message stands once everything is worked off."""
        return STATES[self.answer]


Spoil = Callable[[Sending, random.Random], Iterator[Sending]]
"""Yield what is sent in the place of a good message: often a bad one first, then the good one after all."""


@dataclass(frozen=True, slots=True)
class Oddity:
    """One kind: of which feeds, and how."""

    feeds: frozenset[str]
    spoil: Spoil


def _kinds() -> Iterator[tuple[str, Oddity]]:
    json_feeds = frozenset({"json-discharge", "sharing-consent", "assessment", "care-plan"})
    discharge, hl7 = frozenset({"json-discharge"}), frozenset({"adt-a03"})
    yield "sent-twice", Oddity(json_feeds | hl7, _twice)
    yield "sent-again-under-a-new-id", Oddity(discharge, _again)
    yield "other-content-under-a-known-id", Oddity(discharge, _conflict)
    yield "code-that-decides-nothing-unknown", Oddity(discharge, _changed("AA", "patient", maritalCode="77"))
    yield "optional-parts-missing", Oddity(discharge, _without("procedures", "allergies", "nursing", "courseText"))
    yield "numbers-as-text", Oddity(discharge, _numbers_as_text)
    yield "wrong-check-digit", Oddity(discharge, _wrong_check_digit)
    yield "no-identity", Oddity(discharge, _before("AE", "patient", idCardNo="", idCardType="", patId=""))
    yield "sex-unknown", Oddity(discharge, _before("AE", "patient", sexCode="7"))
    yield "way-of-discharge-unknown", Oddity(discharge, _before("AE", "encounter", dischargeWayCode="8"))
    yield "patient-type-unknown", Oddity(discharge, _before("AE", "encounter", admTypeCode="8"))
    yield "discharge-time-missing", Oddity(discharge, _before("AE", "encounter", dischargeTime=""))
    yield "date-impossible", Oddity(discharge, _before("AE", "encounter", dischargeTime="20260231160000"))
    yield "discharge-before-admission", Oddity(discharge, _before("AE", "encounter", dischargeTime="20200101090000"))
    yield (
        "receiver-unregistered",
        Oddity(discharge, _before("AE", "encounter", dischargeWayCode="3", receivingOrgCode=UNREGISTERED)),
    )
    yield "declared-sum-differs", Oddity(frozenset({"assessment"}), _wrong_total)
    yield "json-in-gb18030", Oddity(json_feeds, _gb18030_json)
    yield "json-cut-off", Oddity(json_feeds, _cut)
    yield "json-with-a-key-twice", Oddity(json_feeds, _key_twice)
    yield "message-id-missing", Oddity(json_feeds, _no_message_id)
    yield "hl7-in-gb18030", Oddity(hl7, _hl7_gb18030("|GB18030|"))
    yield "hl7-in-gb18030-undeclared", Oddity(hl7, _hl7_gb18030("||"))
    yield "hl7-charset-untrue", Oddity(hl7, _hl7_untrue)
    yield "hl7-sender-unknown", Oddity(hl7, _hl7_stranger)
    yield "hl7-way-of-discharge-unknown", Oddity(hl7, _hl7_unknown_way)
    yield "hl7-segments-missing", Oddity(hl7, _hl7_bare)


def _twice(sending: Sending, rng: random.Random) -> Iterator[Sending]:
    yield sending
    yield sending


def _again(sending: Sending, rng: random.Random) -> Iterator[Sending]:
    yield sending
    yield _with(sending, _read(sending), id=f"{sending.message}-2")


def _conflict(sending: Sending, rng: random.Random) -> Iterator[Sending]:
    yield sending
    other = _read(sending)
    other["data"]["conditionText"] = f"病情平稳，复诊 {rng.randint(1, 9)} 次"
    yield replace(_with(sending, other), answer="AE")


def _changed(answer: Answer, part: str, **change: str) -> Spoil:
    """Return the kind that sends the message with ``change`` of a part, under its own id."""

    def spoil(sending: Sending, rng: random.Random) -> Iterator[Sending]:
        record = _read(sending)
        record["data"][part] |= change
        yield replace(_with(sending, record), answer=answer)

    return spoil


def _before(answer: Answer, part: str, **change: str) -> Spoil:
    """Return the kind that first sends a spoilt message under an id of its own, then the good one."""

    def spoil(sending: Sending, rng: random.Random) -> Iterator[Sending]:
        record = _read(sending)
        record["data"][part] |= change
        yield replace(_with(sending, record, id=f"{sending.message}-0"), answer=answer)
        yield replace(sending, oddity="")

    return spoil


def _without(*parts: str) -> Spoil:
    def spoil(sending: Sending, rng: random.Random) -> Iterator[Sending]:
        record = _read(sending)
        record["data"] = {name: value for name, value in record["data"].items() if name not in parts}
        yield _with(sending, record)

    return spoil


def _numbers_as_text(sending: Sending, rng: random.Random) -> Iterator[Sending]:
    record = _read(sending)
    nursing = record["data"]["nursing"]
    record["data"]["nursing"] = {
        name: str(value) if isinstance(value, int) else value for name, value in nursing.items()
    }
    yield _with(sending, record)


def _wrong_check_digit(sending: Sending, rng: random.Random) -> Iterator[Sending]:
    card = _read(sending)["data"]["patient"]["idCardNo"]
    yield from _before("AE", "patient", idCardNo=card[:-1] + ("1" if card[-1] != "1" else "2"))(sending, rng)


def _wrong_total(sending: Sending, rng: random.Random) -> Iterator[Sending]:
    record = _read(sending)
    record["data"]["total"] += 1
    yield replace(_with(sending, record, id=f"{sending.message}-0"), answer="AE")
    yield replace(sending, oddity="")


def _gb18030_json(sending: Sending, rng: random.Random) -> Iterator[Sending]:
    yield _refused(sending, sending.raw.decode().encode("gb18030"))
    yield replace(sending, oddity="")


def _cut(sending: Sending, rng: random.Random) -> Iterator[Sending]:
    yield _refused(sending, sending.raw[: rng.randint(len(sending.raw) // 2, len(sending.raw) - 1)])
    yield replace(sending, oddity="")


def _key_twice(sending: Sending, rng: random.Random) -> Iterator[Sending]:
    yield _refused(sending, b'{"msgId":"other",' + sending.raw[1:])
    yield replace(sending, oddity="")


def _no_message_id(sending: Sending, rng: random.Random) -> Iterator[Sending]:
    record = _read(sending)
    del record["msgId"]
    yield _refused(sending, orjson.dumps(record))
    yield replace(sending, oddity="")


def _hl7_gb18030(charset: str) -> Spoil:
    def spoil(sending: Sending, rng: random.Random) -> Iterator[Sending]:
        text = sending.raw.decode().replace("|UNICODE UTF-8|", charset)
        yield replace(sending, raw=text.encode("gb18030"))

    return spoil


def _hl7_untrue(sending: Sending, rng: random.Random) -> Iterator[Sending]:
    yield _refused(sending, sending.raw.decode().encode("gb18030"))
    yield replace(sending, oddity="")


def _hl7_stranger(sending: Sending, rng: random.Random) -> Iterator[Sending]:
    yield _refused(sending, sending.raw.replace(b"MSH|^~\\&|HIS|", b"MSH|^~\\&|NOBODY|"))
    yield replace(sending, oddity="")


def _hl7_unknown_way(sending: Sending, rng: random.Random) -> Iterator[Sending]:
    lines = sending.raw.split(b"\r")
    visit = next(at for at, line in enumerate(lines) if line.startswith(b"PV1|"))
    fields = lines[visit].split(b"|")
    fields[36] = b"8"  # PV1-36, discharge disposition
    lines[visit] = b"|".join(fields)
    spoilt = b"\r".join(lines).replace(sending.message.encode(), f"{sending.message}-0".encode())
    yield replace(sending, raw=spoilt, message=f"{sending.message}-0", answer="AE")
    yield replace(sending, oddity="")


def _hl7_bare(sending: Sending, rng: random.Random) -> Iterator[Sending]:
    kept = [line for line in sending.raw.split(b"\r") if not line.startswith((b"NK1|", b"OBX|"))]
    yield replace(sending, raw=b"\r".join(kept))


def _read(sending: Sending) -> Record:
    found: dict[str, Any] = orjson.loads(sending.raw)
    return copy.deepcopy(found)


def _with(sending: Sending, record: Record, *, id: str = "") -> Sending:  # noqa: A002 - the record's word
    record["msgId"] = id or sending.message
    return replace(sending, raw=orjson.dumps(record), message=record["msgId"])


def _refused(sending: Sending, raw: bytes) -> Sending:
    return replace(sending, raw=raw, message="", answer="AR")


ODDITIES: Final[Mapping[str, Oddity]] = dict(_kinds())
"""Every kind by its name, in the order in which a county gets them."""
RARE_NAME: Final = "rare-name"
LATE_STAY: Final = "older-stay-after-a-newer"
LATE_CONSENT: Final = "consent-after-the-discharge"
"""Kinds that are of an elder or of an order, not of one message."""


def named_rarely(elder: Elder, rng: random.Random) -> Elder:
    """Return ``elder`` under a name with rare characters."""
    return replace(elder, name=rng.choice(RARE_NAMES))
