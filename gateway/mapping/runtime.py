"""What one run of a compiled map carries along: the context, the ids minted, and everything that was found wrong.

The compiled functions report here and go on, so one walk finds every fault of a record. Pure: the clock, the ids and
the registry's word come in with the `Context`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, NamedTuple

from gateway.fhir.problem import Problem, Severity
from gateway.formats import Record
from gateway.formats.hl7v2 import Message, Segment
from gateway.mapping import ir, reading
from gateway.mapping.masking import shown
from gateway.mapping.paths import selector
from gateway.mapping.reading import is_filled, text_of
from gateway.mapping.scorers import SCORERS, Unscorable
from gateway.mapping.transforms import org_code
from gateway.mapping.values import Bad, Unmapped, plain

Resource = dict[str, Any]
ELDER: Final = "urn:yiyang:elder"
"""Stands for the elder in a map's output until identity has decided who it is."""
MAX_ISSUES: Final = 200
"""Most issues of a record (design default): more say nothing new."""
CONTENT_TYPES: Final = {"json": "application/json", "hl7v2": "x-application/hl7-v2+er7"}
NOTHING: Final[dict[str, Any]] = {}
Spots = tuple[Any, ...]
_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[([^\]]+)\])?(?:-(\d+)(?:\[([^\]]+)\])?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Context:
    """What a map knows beside the record: the sender's credit code, the instant of arrival, the message id.

    ``make_id(kind, *parts)`` mints ids (same parts, same id), ``is_registered`` answers for a credit code.
    """

    make_id: Callable[..., str]
    organisation: str
    is_registered: Callable[[str], bool]
    received: datetime
    message: str


class Drift(NamedTuple):
    """A code that its table lacks, kept as text: which table, which code (masked unless it looks like one), where."""

    table: str
    code: str
    source: str


class Leaf(NamedTuple):
    """One leaf of the output, traced: the resource's number, target element, source place, line of the map."""

    resource: int
    target: str
    source: str
    line: int
    rule: str


class Run:
    """State of one run."""

    def __init__(self, program: ir.Program, record: Record, context: Context) -> None:
        """Hold the record and the context."""
        self.context = context
        self.resources: list[Resource] = []
        self.issues: list[Problem] = []
        self.drift: list[Drift] = []
        self.deleted: dict[str, None] = {}
        self.leaves: list[Leaf] = []
        self.memo: dict[int, str] = {}
        self.scores: dict[str, Mapping[str, Any]] = {}
        self.organisation = context.organisation
        self.message = context.message
        self.map = f"{program.feed}@{program.version}"
        self.contentType = CONTENT_TYPES[program.format]  # the name in the language
        self.size = len(record.raw)
        self.elder = ELDER
        self._raw = record.raw
        self._body = record.body
        self._ids: dict[tuple[Any, ...], str] = {}
        self._seen: set[tuple[str, ...]] = set()
        self._failed: list[str] = []
        self._shapeless: list[str] = []
        self._segments: dict[str, Sequence[Segment]] = {}
        self._registered: dict[str, bool] = {}
        self._dropped = False
        self._mark = (0, 0)

    @cached_property
    def received(self) -> str:
        """Return the instant of arrival."""
        return self.context.received.isoformat(timespec="milliseconds")

    @cached_property
    def sha256(self) -> str:
        """Return the digest of the raw bytes in hex."""
        return hashlib.sha256(self._raw).hexdigest()

    @cached_property
    def sha1(self) -> str:
        """Return the digest that R4 `Attachment.hash` asks for, base64; it guards nothing."""
        return base64.b64encode(hashlib.sha1(self._raw, usedforsecurity=False).digest()).decode()

    @cached_property
    def original(self) -> str:
        """Return the raw bytes in base64."""
        return base64.b64encode(self._raw).decode()

    def uuid(self, value: Any, kind: str, *parts: Any) -> str:
        """Return the id of ``kind`` minted from the sender and the parts."""
        text = value.strip() if value.__class__ is str else plain(value).strip()
        key = (kind, text, *map(text_of, parts)) if parts else (kind, text)
        found = self._ids.get(key)
        if found is None:
            found = self._ids[key] = self.context.make_id(kind, self.organisation, *key[1:])
        return found

    def ref(self, value: Any, kind: str, *parts: Any) -> str:
        """Return the reference to the id minted from the same parts; an organisation's id is its credit code."""
        return f"{kind}/{org_code(value) if kind == 'Organization' else self.uuid(value, kind, *parts)}"

    def references(self) -> list[str]:
        """Return the references of all resources so far, each once."""
        found = (
            ELDER if row["resourceType"] == "Patient" else f"{row['resourceType']}/{row.get('id', '')}"
            for row in self.resources
        )
        return list(dict.fromkeys(found))

    def registered(self, value: Any) -> bool:
        """Tell whether the registry knows the organisation; asked once a record."""
        text = text_of(value).upper()
        if text not in self._registered:
            self._registered[text] = bool(text) and self.context.is_registered(text)
        return self._registered[text]

    def segments(self, key: str, name: str, picked: ir.Selector | None) -> Sequence[Segment]:
        """Return the segments that a selector picks; ``key`` stands for name and selector."""
        found = self._segments.get(key)
        if found is None:
            found = self._segments[key] = reading.segments(self._body, name, picked)
        return found

    def segment(self, key: str, name: str, picked: ir.Selector | None) -> Segment | None:
        """Return the first segment that a selector picks."""
        found = self.segments(key, name, picked)
        return found[0] if found else None

    def gone(self, place: ir.Place, spots: Spots) -> None:
        """Note an explicit deletion of HL7 v2; the value counts as empty."""
        self.deleted[self.located(place, spots)] = None

    def shape(self, value: Any, place: ir.Place, spots: Spots) -> dict[str, Any]:
        """Return an empty object for what is none; anything but emptiness is a fault."""
        if is_filled(value):
            source = self.located(place, spots)
            self._shapeless.append(source)
            self.add("MAP-006", source=source, found=type(value).__name__)
        return NOTHING

    def fail(
        self, rule: ir.Rule, bad: Bad, raw: Any, spots: Spots, positions: Spots, check: Callable[[Any], Any] | None
    ) -> Any:
        """Note that a leaf's value was refused; return what stands in for it."""
        if not is_filled(raw) and raw is not None:
            return None
        source = self.located(rule.source, spots)
        target = rule.target % positions
        value = shown(raw, rule.field.mask)
        if not isinstance(bad, Unmapped):
            self._leaf_issue(bad.code, rule, target, source, value=value, **bad.detail)
            return None
        self.drift.append(Drift(bad.detail["table"], value, source))
        self.add(bad.code, target=target, source=source, severity="warning", label=rule.field.zh,
                  rule=self._rule(rule.line), value=value, **bad.detail)  # fmt: skip
        return self._stand_in(rule, bad, raw, spots, positions, check)

    def _stand_in(
        self, rule: ir.Rule, bad: Unmapped, raw: Any, spots: Spots, positions: Spots, check: Callable[[Any], Any] | None
    ) -> Any:
        if check is None or not isinstance(bad.result, str):
            return bad.result
        try:
            return check(bad.result)
        except Bad as worse:
            return self.fail(rule, worse, raw, spots, positions, None)

    def missing(self, rule: ir.Rule, spots: Spots, positions: Spots) -> None:
        """Note that a required value is empty."""
        target = rule.target % positions
        source = self.located(rule.source, spots)
        if any(source.startswith(f"{place}.") for place in self._shapeless):
            self._failed.append(target)
        elif target not in self._failed:
            self._leaf_issue("MAP-004", rule, target, source)

    def _leaf_issue(self, code: str, rule: ir.Rule, target: str, source: str, **detail: str) -> None:
        self._failed.append(target)
        severity: Severity = "error" if rule.on_error == "reject" else "warning"
        self._dropped = self._dropped or rule.on_error == "drop-resource"
        label = rule.field.zh or target
        self.add(
            code, target=target, source=source, severity=severity, label=label, rule=self._rule(rule.line), **detail
        )

    def incomplete(self, target: str, positions: Spots, names: Sequence[str], line: int) -> None:
        """Note that an object came out without a required child, unless that child's own fault is told already."""
        where = target % positions
        wanted = [f"{where}.{name}" for name in names]
        if any(failed.startswith(one) for one in wanted for failed in self._failed):
            return
        self.add("MAP-005", target=wanted[0], element=wanted[0], rule=self._rule(line))

    def check_failed(self, check: ir.Check, spots: Spots) -> None:
        """Note that a cross-field check does not hold."""
        self.add("MAP-040", target=check.where, source=self.located(check.at, spots), severity=check.severity,
                  zh=check.zh, en=check.en, rule=self._rule(check.line))  # fmt: skip

    def score(self, score: ir.Score, items: Any, flags: tuple[bool, bool, int], total: Any, level: Any) -> None:
        """Score the items and compare with what the sender declared; ``flags``: coma, dementia, risk events."""
        source = score.items.place.pattern if isinstance(score.items, (ir.JsonPath, ir.V2Path)) else ""
        try:
            found = SCORERS[score.scorer](
                items if items.__class__ is dict else NOTHING,
                coma=flags[0],
                dementia_or_mental=flags[1],
                risk_events=flags[2],
            )
        except Unscorable as wrong:
            names = ", ".join(shown(item, "none") for item in wrong.items)
            self.add("MAP-030", source=source, items=names, rule=self._rule(score.line))
            self.scores[score.name] = NOTHING
            return
        self.scores[score.name] = found.as_fields()
        self._compare(score, score.total, total, found.total, ("总分", "total"))
        self._compare(score, score.level, level, found.level, ("等级", "level"))

    def _compare(
        self, score: ir.Score, access: ir.Access | None, declared: Any, computed: int, what: tuple[str, str]
    ) -> None:
        if not is_filled(declared) or text_of(declared) == str(computed):
            return
        source = access.place.pattern if isinstance(access, (ir.JsonPath, ir.V2Path)) else ""
        self.add("MAP-031", source=source, what=what[0], what_en=what[1], declared=shown(declared, "none"),
                  computed=computed, rule=self._rule(score.line))  # fmt: skip

    def begin(self) -> None:
        """Remember where a resource that may be dropped begins."""
        self._dropped = False
        self._mark = (len(self.issues), len(self.leaves))

    def keep(self, resource: Resource | None) -> None:
        """Keep a finished resource unless a fault drops it; then its gaps are no faults of the record."""
        if resource is not None and not self._dropped:
            self.resources.append(resource)
            return
        issues, leaves = self._mark
        self.issues[issues:] = [issue for issue in self.issues[issues:] if issue.code != "MAP-005"]
        del self.leaves[leaves:]

    def trace(self, rule: ir.Rule, spots: Spots, positions: Spots) -> None:
        """Note a leaf that came out."""
        self.leaves.append(
            Leaf(len(self.resources), rule.target % positions, self.located(rule.source, spots), rule.line, rule.text)
        )

    def add(
        self, code: str, *, target: str = "", source: str = "", severity: Severity = "error", **detail: str | int
    ) -> None:
        """Note a problem once: the same fault of one source value is not told again for its next target."""
        key = (code, severity, source or target, str(detail.get("zh", "")), str(detail.get("what", "")))
        if key in self._seen or len(self.issues) > MAX_ISSUES:
            return
        self._seen.add(key)
        if len(self.issues) == MAX_ISSUES:
            self.issues.append(Problem("MAP-051", limit=MAX_ISSUES))
            return
        self.issues.append(Problem(code, where=target, source=source, severity=severity, **detail))

    def _rule(self, line: int) -> str:
        return f"{self.map}#{line}"

    def located(self, place: ir.Place, spots: Spots) -> str:
        """Return a place of the source with its positions filled in."""
        text = place.pattern % spots
        return numbered(self._body, text) if isinstance(self._body, Message) else text


def numbered(message: Message, place: str) -> str:
    """Return an HL7 v2 place with selectors replaced by the numbers of what they pick; the first bears none."""
    return ", ".join(_PLACE.sub(lambda found: _numbered(message, found), one) for one in place.split(", "))


def _numbered(message: Message, found: re.Match[str]) -> str:
    name, picked, index, repetition = found.groups()
    choice = selector(picked)
    segment = reading.segment(message, name, choice)
    out = name + (f"[{segment.number}]" if segment is not None and segment.number > 1 else "")
    if not index:
        return out
    return f"{out}-{index}" + _repetition(segment, int(index), repetition)


def _repetition(segment: Segment | None, index: int, picked: str | None) -> str:
    if picked is None or segment is None:
        return ""
    wanted = reading.repetitions(segment, index, selector(picked))
    all_of_them = segment.repetitions(index)
    number = all_of_them.index(wanted[0]) + 1 if wanted else 1
    return f"[{number}]" if number > 1 else ""
