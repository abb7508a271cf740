"""Bytes of a named format to a record. It stands apart because both parsers need `Record`."""

from __future__ import annotations

from gateway.formats import hl7v2, json
from gateway.formats.record import Format, Record


def read(kind: Format, raw: bytes) -> Record:
    """Return the record in ``raw``; Problem FMT-nnn when it is not one of its ``kind``."""
    return json.read(raw) if kind == "json" else hl7v2.read(raw)
