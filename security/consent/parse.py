"""Read a sharing Consent (profile yy-consent-sharing) into one Rule; anything unclear grants nothing.

Permits name recipients, data classes, purposes and a period; nested provisions inherit what they do not say. A deny
with labels excludes them, a deny with classes takes those away, any other deny takes everything away. A day without
a time is a day in China. Source: FHIR R4 consent.html; PIPL 14, 15, 23; security.md CON-02, CON-07.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final, NamedTuple

DATA_CLASS: Final = "https://yiyang-gateway.example/fhir/CodeSystem/yy-data-class"
CLASSES: Final = frozenset({"DEMOGRAPHIC", "DISCHARGE_SUMMARY", "DIAGNOSIS", "MEDICATION", "NURSING", "CARE_PLAN"})
"""What can be consented to; anything else (the original, say) is no class of sharing."""
CHINA: Final = timezone(timedelta(hours=8), "CST")
"""The time zone of a date without one: China keeps one zone and no summer time."""
FOREVER: Final = float("inf")

Doc = Mapping[str, Any]


class Grant(NamedTuple):
    """What one recipient may do for one purpose: ``classes`` less ``excluded`` labels, in [start, end), timestamps."""

    recipient: str
    purpose: str
    classes: frozenset[str]
    excluded: frozenset[str]
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Rule:
    """One consent: its ``number`` (system|value, "" where it has none), whether active, when given, what it grants."""

    number: str
    active: bool
    given: float
    grants: tuple[Grant, ...]


def parse(doc: Doc, *, labels: Mapping[str, frozenset[str]]) -> Rule:
    """Return the rule of ``doc``.

    ``labels`` maps every code or word of an exclusion that is understood to the labels it denies. An exclusion that
    is not understood cannot be honoured, so the consent then grants nothing. Raises KeyError, TypeError,
    AttributeError or ValueError for a shape that is no Consent.
    """
    numbers = [f"{each.get('system', '')}|{each['value']}" for each in doc.get("identifier", ())]
    active = doc["status"] == "active"
    grants = tuple(_grants(doc.get("provision", {}), labels)) if active else ()
    return Rule(number=numbers[0] if numbers else "", active=active, given=_start(doc["dateTime"]), grants=grants)


class _Part(NamedTuple):
    """A provision with what it inherits filled in."""

    type: str
    recipients: frozenset[str]
    purposes: frozenset[str]
    classes: frozenset[str]
    start: float
    end: float
    labels: tuple[tuple[str, ...], ...]
    explicit: bool


def _grants(provision: Doc, labels: Mapping[str, frozenset[str]]) -> Iterator[Grant]:
    top = _part(provision, None)
    parts = [top, *(_part(inner, top) for inner in provision.get("provision", ()))]
    denies = [part for part in parts if part.type != "permit"]
    for part in parts:
        if part.type == "permit":
            for recipient in part.recipients:
                yield from _for(recipient, part, denies, labels)


def _for(recipient: str, part: _Part, denies: list[_Part], labels: Mapping[str, frozenset[str]]) -> Iterator[Grant]:
    for purpose in part.purposes:
        classes, excluded = part.classes, frozenset[str]()
        for deny in denies:
            if recipient in deny.recipients and purpose in deny.purposes:
                classes, excluded = _less(classes, excluded, deny, labels)
        if classes:
            yield Grant(recipient, purpose, classes, excluded, part.start, part.end)


def _less(
    classes: frozenset[str], excluded: frozenset[str], deny: _Part, labels: Mapping[str, frozenset[str]]
) -> tuple[frozenset[str], frozenset[str]]:
    """Return ``classes`` and ``excluded`` after ``deny``; its period is ignored, which is the strict side."""
    if not deny.labels:
        return (classes - deny.classes if deny.explicit else frozenset(), excluded)
    for names in deny.labels:
        known = [labels[name] for name in names if name in labels]
        if not known:
            return frozenset(), excluded
        excluded = excluded.union(*known)
    return classes, excluded


def _part(provision: Doc, parent: _Part | None) -> _Part:
    period = provision.get("period", {})
    return _Part(
        # A provision without a type grants nothing (consent.html: the base policy, which is to deny, holds).
        type=provision.get("type", "deny"),
        recipients=frozenset(_recipients(provision.get("actor", ()))) or (parent.recipients if parent else frozenset()),
        purposes=frozenset(each["code"] for each in provision.get("purpose", ()))
        or (parent.purposes if parent else frozenset()),
        classes=frozenset(_classes(provision.get("class", ()))) or (parent.classes if parent else frozenset()),
        start=_start(period["start"]) if "start" in period else (parent.start if parent else 0.0),
        end=_end(period["end"]) if "end" in period else (parent.end if parent else FOREVER),
        labels=tuple(_names(each) for each in provision.get("securityLabel", ())),
        explicit="class" in provision,
    )


def _recipients(actors: Iterable[Doc]) -> Iterator[str]:
    """Yield the organisations that an actor with role IRCP names."""
    for actor in actors:
        reference = actor["reference"].get("reference", "")
        roles = {coding.get("code") for coding in actor["role"].get("coding", ())}
        if "IRCP" in roles and reference.startswith("Organization/"):
            yield reference.removeprefix("Organization/")


def _classes(codings: Iterable[Doc]) -> Iterator[str]:
    return (each["code"] for each in codings if each.get("system") == DATA_CLASS and each["code"] in CLASSES)


def _names(label: Doc) -> tuple[str, ...]:
    return tuple(label[name] for name in ("code", "display") if name in label)


def _start(text: str) -> float:
    """Return the first moment of an R4 date or dateTime."""
    return _span(text)[0]


def _end(text: str) -> float:
    """Return the moment after the last of an R4 date or dateTime (a period's end is inclusive)."""
    return _span(text)[1]


def _span(text: str) -> tuple[float, float]:
    if "T" in text:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("a dateTime with a time needs a zone (R4 datatypes.html#dateTime)")
        return moment.timestamp(), moment.timestamp() + 1
    year, month, day = (*map(int, text.split("-")), 0, 0)[:3]
    first = datetime(year, month or 1, day or 1, tzinfo=CHINA)
    if day:
        after = first + timedelta(days=1)
    elif month:
        after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=CHINA)
    else:
        after = datetime(year + 1, 1, 1, tzinfo=CHINA)
    return first.timestamp(), after.timestamp()
