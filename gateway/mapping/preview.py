"""A record beside what becomes of it, leaf by leaf: for the author of a map, values masked as the map declares."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from gateway.formats import read
from gateway.mapping.cases import case_context
from gateway.mapping.compiled import Map, MapResult
from gateway.mapping.feed import load_feed
from gateway.mapping.ir import Field
from gateway.mapping.masking import shown
from gateway.mapping.runtime import Context, Leaf

_POSITION = re.compile(r"\[\d+\]")
_UNKNOWN = Field("", "", "text")


@dataclass(frozen=True, slots=True)
class Row:
    """One source leaf and one target element that it feeds; ``target`` is "" where the map leaves it out.

    ``resource`` numbers the resources of the output from 0 (-1: none), ``line`` is the map's.
    """

    source: str
    label: str
    value: str
    target: str = ""
    resource: int = -1
    line: int = 0
    rule: str = ""


def preview(folder: Path, raw: bytes, *, context: Context | None = None) -> tuple[list[Row], MapResult]:
    """Return the rows of ``raw`` in source order, then what comes from no source, and the result itself.

    Raises Problems of MAP-001 (the map), Problem FMT-nnn (the bytes). Without a context that of a case is used.
    """
    map_ = load_feed(folder).map
    record = read(map_.format, raw)
    result = map_.run(record, context=context or case_context(map_, record), trace=True)
    fed: dict[str, list[Leaf]] = defaultdict(list)
    for leaf in result.provenance:
        for place in leaf.source.split(", "):
            fed[_whole(map_, place)].append(leaf)
    rows: list[Row] = []
    for place, value in record.leaves():
        field = field_of(map_, place)
        text = shown(value, field.mask) if isinstance(value, (str, int)) or hasattr(value, "adjusted") else '""'
        rows += [_row(place, field.zh, text, leaf) for leaf in fed.get(place, ())] or [Row(place, field.zh, text)]
    rows += [_row("", "", "", leaf) for leaf in fed.get("", ())]
    return rows, result


def _row(source: str, label: str, value: str, leaf: Leaf) -> Row:
    return Row(source, label, value, leaf.target, leaf.resource, leaf.line, leaf.rule)


def field_of(map_: Map, place: str) -> Field:
    """Return the declared field of a place in a record; one that nobody declared is masked as text."""
    fields = map_.program.fields
    if map_.format == "hl7v2":
        name = _POSITION.sub("", place)
        return fields.get(name) or fields.get(name.removesuffix(".1")) or fields.get(name.split(".")[0]) or _UNKNOWN
    return fields.get(_POSITION.sub("[]", place), _UNKNOWN)


def _whole(map_: Map, place: str) -> str:
    """Return a traced place as `Record.leaves` names it: an HL7 v2 field means its first component."""
    return f"{place}.1" if map_.format == "hl7v2" and place and "." not in place.split("-")[-1] else place
