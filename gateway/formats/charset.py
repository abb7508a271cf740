"""Bytes of an HL7 v2 message to text, never by guessing: names would be corrupted in silence.

MSH-18 decides (HL7 v2.5.1 §2.15.9.18, table 0211, and the spellings that Chinese senders use). Only where it is
empty: strict UTF-8, then GB18030. Bytes that are invalid under the rule are refused, FMT-003; an unknown name, FMT-011.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.fhir.problem import Problem

_GB = "gb18030"
NAMES = {
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "UNICODE": "utf-8",
    "GB 18030-2000": _GB,
    "GB 18030-2005": _GB,
    "GB18030": _GB,
    "GB 18030": _GB,
    "GBK": _GB,
    "GB2312": _GB,
    "GB 2312-80": _GB,
    "CP936": _GB,
    "ASCII": "ascii",
}
"""MSH-18 by its name in capitals -> Python codec; GBK and GB2312 are subsets of GB18030."""
MSH_CHARSET = 17
"""Index of MSH-18 after splitting the line at the field separator."""


class Decoded(NamedTuple):
    """Text, the codec that read it and MSH-18 as the sender wrote it ("" when empty)."""

    text: str
    codec: str
    declared: str


def decode(raw: bytes) -> Decoded:
    """Return ``raw`` as text; Problem FMT-003 or FMT-011."""
    body = raw.removeprefix(b"\xef\xbb\xbf")
    declared = _declared(body)
    if not declared:
        return _undeclared(body)
    codec = NAMES.get(declared.upper())
    if codec is None:
        raise Problem("FMT-011", source="MSH-18", charset=declared[:20] if declared.isascii() else "?")
    try:
        return Decoded(body.decode(codec), codec, declared)
    except UnicodeDecodeError as error:
        raise Problem("FMT-003", source="MSH-18", charset=declared, at=error.start) from None


def _undeclared(body: bytes) -> Decoded:
    for codec in ("utf-8", _GB):
        try:
            return Decoded(body.decode(codec), codec, "")
        except UnicodeDecodeError:
            continue
    raise Problem("FMT-003", source="MSH-18", charset="UTF-8, GB18030", at=0)


def _declared(body: bytes) -> str:
    """Return MSH-18; the header is decoded first, because a GB18030 character may hold the separator's byte."""
    header = body.split(b"\r", 1)[0].split(b"\n", 1)[0]
    for codec in ("utf-8", _GB, "latin-1"):
        try:
            line = header.decode(codec)
            break
        except UnicodeDecodeError:
            continue
    fields = line.split(line[3:4] or "|")
    if len(fields) <= MSH_CHARSET:
        return ""
    encoding = fields[1]
    repetition = encoding[1:2] or "~"
    return fields[MSH_CHARSET].split(repetition)[0].strip()
