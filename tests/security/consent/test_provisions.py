"""Provisions inside a provision: what they inherit, and that a denial never grants."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from security.consent.parse import FOREVER, Grant, parse
from tests.security.town import CODES, consent

LABELS = {"PSY": frozenset({"PSY"})}
Doc = dict[str, Any]


def _grants(*inner: Doc, period: Doc | None = None, classes: tuple[str, ...] = ("DIAGNOSIS",)) -> set[Grant]:
    doc = consent(classes=classes, purposes=("TREAT",))
    doc["provision"]["provision"] = list(inner)
    if period is not None:
        doc["provision"]["period"] = period
    return set(parse(doc, labels=LABELS).grants)


def _classes(*codes: str) -> Doc:
    return {"class": [{"system": f"{CODES}/yy-data-class", "code": code} for code in codes]}


def _granted(grants: set[Grant]) -> frozenset[str]:
    return frozenset[str]().union(*(grant.classes for grant in grants))


def test_a_denial_of_a_label_in_a_class_does_not_grant_that_class() -> None:
    deny = {"type": "deny", "securityLabel": [{"code": "PSY"}], **_classes("MEDICATION")}

    assert _granted(_grants(deny)) == {"DIAGNOSIS"}


def test_a_denial_without_a_class_takes_what_an_inner_permit_gives_as_well() -> None:
    permit = {"type": "permit", **_classes("MEDICATION")}

    assert _granted(_grants(permit)) == {"DIAGNOSIS", "MEDICATION"}
    assert _granted(_grants(permit, {"type": "deny"})) == frozenset()


def test_without_a_start_it_holds_from_ever_on() -> None:
    assert {grant.start for grant in _grants(period={"end": "2026-12-31"})} == {0.0}


def test_an_inner_permit_inherits_both_ends_of_the_period() -> None:
    found = _grants({"type": "permit", **_classes("MEDICATION")}, period={"start": "2026-03-01", "end": "2026-03-31"})

    start, end = (datetime.fromisoformat(f"2026-{day}T00:00:00+08:00").timestamp() for day in ("03-01", "04-01"))
    assert {(grant.start, grant.end) for grant in found} == {(start, end)}


def test_an_inner_permit_without_an_end_anywhere_lasts() -> None:
    found = _grants({"type": "permit", **_classes("MEDICATION")}, period={"start": "2026-03-01"})

    assert {grant.end for grant in found} == {FOREVER}
