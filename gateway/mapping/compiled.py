"""A map, ready to run: one record and a context in, a `MapResult` out.

The checked program becomes Python functions once (`generate`); a run calls them in order and then looks for two
different things under one id. Nothing here reads a clock, a file or a setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gateway.fhir.problem import Problem
from gateway.formats import Record
from gateway.formats.record import Format
from gateway.mapping import ir
from gateway.mapping.generate import Step, generate
from gateway.mapping.joining import conflict, merge
from gateway.mapping.reading import at, segment, text_of
from gateway.mapping.runtime import Context, Drift, Leaf, Resource, Run


@dataclass(frozen=True, slots=True)
class MapResult:
    """What a record became.

    ``resources`` in map order, the Patient without id; ``issues`` every fault and remark, an issue of severity error
    means: park the record; ``provenance`` the traced leaves, only where a trace was asked for; ``deleted`` places of
    HL7 v2's explicit `""`; ``drift`` codes that a table lacks.
    """

    resources: list[Resource]
    issues: tuple[Problem, ...]
    provenance: tuple[Leaf, ...] = ()
    deleted: tuple[str, ...] = ()
    drift: tuple[Drift, ...] = ()


class Map:
    """One compiled map; safe to share between threads."""

    def __init__(self, program: ir.Program, *, file: str) -> None:
        """Compile ``program``; ``file`` names it in tracebacks."""
        self.program = program
        self.file = file
        self.format: Format = program.format
        self._steps: list[Step] = generate(program, file=file)

    @cached_property
    def _tracing(self) -> list[Step]:
        return generate(self.program, file=self.file, trace=True)

    @property
    def message_path(self) -> str:
        """Return the source path of the message id, "" when the map names none."""
        return _path(self.program.message)

    def message_id(self, record: Record) -> str:
        """Return the sender's id of the message, "" when the record has none."""
        return _read(self.program.message, record)

    def stay(self, record: Record) -> str:
        """Return the business key that `inbox show` tells, "" when the map names none."""
        return _read(self.program.stay, record)

    def run(self, record: Record, *, context: Context, trace: bool = False) -> MapResult:
        """Return everything that ``record`` became and everything that is wrong with it."""
        run = Run(self.program, record, context)
        for step in self._tracing if trace else self._steps:
            step(record.body, run)
        if len({(row["resourceType"], row.get("id")) for row in run.resources}) < len(run.resources):
            run.resources = _unique(run)
        return MapResult(run.resources, tuple(run.issues), tuple(run.leaves), tuple(run.deleted), tuple(run.drift))


def _unique(run: Run) -> list[Resource]:
    """Return the resources with those of one id joined where they do not contradict each other, else noted."""
    found: dict[tuple[str, Any], Resource] = {}
    for row in run.resources:
        key = row["resourceType"], row.get("id")
        known = found.get(key)
        if known is None:
            found[key] = row
            continue
        if key[1] is None:  # its missing id is told already
            continue
        if conflict(known, row):
            run.add("MAP-050", target=f"{row['resourceType']}.id", kind=row["resourceType"], rule=run.map)
        found[key] = merge(row["resourceType"], known, row, keys={}, outranks=False)
    return list(found.values())


def _path(access: ir.Access | None) -> str:
    return access.place.pattern if isinstance(access, (ir.JsonPath, ir.V2Path)) else ""


def _read(access: ir.Access | None, record: Record) -> str:
    """Return the text at ``access``, "" when there is none or it is no single value."""
    value: Any = None
    if isinstance(access, ir.V2Path):
        found = segment(record.body, access.segment, access.picked)
        value = found.get(access.index, access.component, access.subcomponent) if found and access.index else None
    elif isinstance(access, ir.JsonPath):
        value = record.body
        for key in access.keys:
            value = _step(value, key)
    return text_of(value)


def _step(value: Any, key: str | int) -> Any:
    if isinstance(key, int):
        return at(value, key)
    return value.get(key) if isinstance(value, Mapping) else None
