"""Reading a sharing consent: what it grants to whom, and that whatever is unclear grants nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from security.consent.parse import FOREVER, Grant, parse
from tests.security.town import ALL_CLASSES, CENTRE, CODES, HL7, STATION, consent

LABELS = {"PSY": frozenset({"PSY"}), "精神卫生记录": frozenset({"PSY"}), "HIV": frozenset({"HIV"})}


def _grants(doc: dict[str, Any]) -> tuple[Grant, ...]:
    return parse(doc, labels=LABELS).grants


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_one_grant_for_each_recipient_and_purpose() -> None:
    found = _grants(consent())
    assert {(grant.recipient, grant.purpose) for grant in found} == {
        (CENTRE, "TREAT"), (CENTRE, "CAREMGT"), (STATION, "TREAT"), (STATION, "CAREMGT"),
    }  # fmt: skip
    assert {grant.classes for grant in found} == {frozenset(ALL_CLASSES)}


def test_a_day_is_a_day_in_china_and_the_last_one_counts() -> None:
    (first, *_) = _grants(consent(period=("2026-03-01", "2026-03-31")))
    assert first.start == _moment("2026-02-28T16:00:00+00:00")
    assert first.end == _moment("2026-03-31T16:00:00+00:00")


@pytest.mark.parametrize(
    ("end", "after"),
    [
        ("2026", "2027-01-01T00:00:00+08:00"),
        ("2026-12", "2027-01-01T00:00:00+08:00"),
        ("2026-02", "2026-03-01T00:00:00+08:00"),
        ("2026-12-31", "2027-01-01T00:00:00+08:00"),
        ("2026-03-12T10:00:00+08:00", "2026-03-12T10:00:01+08:00"),
    ],
)
def test_the_end_of_a_period_is_inclusive(end: str, after: str) -> None:
    assert _grants(consent(period=("2026-01-01", end)))[0].end == _moment(after)


def test_a_period_without_an_end_lasts() -> None:
    doc = consent()
    del doc["provision"]["period"]["end"]
    assert _grants(doc)[0].end == FOREVER


@pytest.mark.parametrize("status", ["draft", "proposed", "inactive", "rejected", "entered-in-error"])
def test_only_an_active_consent_grants(status: str) -> None:
    rule = parse(consent(status=status), labels=LABELS)
    assert (rule.active, rule.grants) == (False, ())


def _without(name: str) -> dict[str, Any]:
    doc = consent()
    del doc["provision"][name]
    return doc


@pytest.mark.parametrize("name", ["type", "actor", "purpose", "class"])
def test_what_names_nothing_grants_nothing(name: str) -> None:
    assert _grants(_without(name)) == ()


def test_an_actor_who_is_no_recipient_is_none() -> None:
    doc = consent(CENTRE)
    doc["provision"]["actor"][0]["role"]["coding"][0]["code"] = "CST"
    assert _grants(doc) == ()


def test_a_class_of_another_system_or_unheard_of_is_none() -> None:
    doc = consent(CENTRE)
    doc["provision"]["class"] = [
        {"system": "http://else.example", "code": "DIAGNOSIS"},
        {"system": f"{CODES}/yy-data-class", "code": "ORIGINAL"},
    ]
    assert _grants(doc) == ()


def test_an_exclusion_becomes_denied_labels() -> None:
    doc = consent(CENTRE, excluded=[{"system": f"{HL7}/v3-ActCode", "code": "PSY", "display": "精神卫生记录"}])
    assert {grant.excluded for grant in _grants(doc)} == {frozenset({"PSY"})}
    assert {grant.classes for grant in _grants(doc)} == {frozenset(ALL_CLASSES)}


def test_an_exclusion_is_known_by_its_word_too() -> None:
    assert _grants(consent(CENTRE, excluded=[{"display": "精神卫生记录"}]))[0].excluded == {"PSY"}


def test_an_exclusion_that_is_not_understood_takes_the_consent_away() -> None:
    assert _grants(consent(excluded=[{"code": "UNHEARD-OF"}])) == ()


def _with_inner(**inner: Any) -> dict[str, Any]:
    doc = consent(CENTRE)
    doc["provision"]["provision"] = [inner]
    return doc


def test_a_deny_with_a_class_takes_it_away() -> None:
    denied = [{"system": f"{CODES}/yy-data-class", "code": "MEDICATION"}]
    found = _grants(_with_inner(type="deny", **{"class": denied}))
    assert {grant.classes for grant in found} == {frozenset(ALL_CLASSES) - {"MEDICATION"}}


def test_a_deny_without_anything_takes_everything_away() -> None:
    assert _grants(_with_inner(type="deny")) == ()


def test_an_inner_provision_without_a_type_denies() -> None:
    assert _grants(_with_inner()) == ()


def test_a_deny_for_one_purpose_leaves_the_other() -> None:
    found = _grants(_with_inner(type="deny", purpose=[{"code": "CAREMGT"}]))
    assert {grant.purpose for grant in found} == {"TREAT"}


def test_a_deny_is_honoured_whatever_its_period() -> None:
    assert _grants(_with_inner(type="deny", period={"start": "2099-01-01"})) == ()


def test_an_inner_permit_may_be_narrower_in_time() -> None:
    found = _grants(_with_inner(type="permit", period={"end": "2026-03-31"}))
    assert {grant.end for grant in found} == {
        _moment("2027-02-28T16:00:00+00:00"),
        _moment("2026-03-31T16:00:00+00:00"),
    }


def test_the_number_carries_its_system() -> None:
    assert parse(consent(number="C-7"), labels=LABELS).number == "urn:consents|C-7"


@pytest.mark.parametrize("broken", [{"status": "active"}, {"status": "active", "dateTime": 7}, {"dateTime": "2026"}])
def test_what_is_no_consent_raises(broken: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, AttributeError, ValueError)):
        parse(broken, labels=LABELS)


def test_a_time_without_a_zone_is_no_moment() -> None:
    with pytest.raises(ValueError, match="zone"):
        parse(consent(given="2026-03-01T09:00:00"), labels=LABELS)


def test_the_given_moment_orders_consents() -> None:
    assert parse(consent(), labels=LABELS).given == datetime(2026, 3, 1, 1, tzinfo=UTC).timestamp()
