"""The consents in force: periods, withdrawal, purposes, exclusions, several of one elder."""

from __future__ import annotations

from typing import Any

import pytest

from security.consent import ConsentBook
from security.consent.book import ANY_CLASS
from security.consent.parse import FOREVER
from tests.security.town import ALL_CLASSES, CENTRE, ELDER, HOSPITAL, OTHER_CENTRE, STATION, Clock, consent

NOW = Clock().moment.timestamp()
DAY = 86_400


class Book:
    """A book and short words to ask it."""

    def __init__(self) -> None:
        self.book = ConsentBook({"PSY": frozenset({"PSY"}), "HIV": frozenset({"HIV"})})
        self._version = 0

    def learn(self, doc: dict[str, Any] | None, key: str = "", *, owner: str = HOSPITAL) -> frozenset[str]:
        self._version += 1
        return self.book.learn(key or doc["id"], self._version, doc, elder=ELDER, owner=owner)  # type: ignore[index]

    def classes(self, who: str = CENTRE, purpose: str = "TREAT", moment: float = NOW) -> set[str]:
        return set(self.book.grants(who, ELDER, purpose, moment).classes) - ANY_CLASS


@pytest.fixture
def book() -> Book:
    return Book()


def test_without_a_consent_nothing_is_in_force(book: Book) -> None:
    assert not book.book.in_force(CENTRE, ELDER, NOW)
    assert book.book.grants(CENTRE, ELDER, "TREAT", NOW) == (frozenset(), frozenset())
    assert book.book.version(ELDER) == ""


def test_an_active_consent_grants_its_classes_and_what_goes_with_any(book: Book) -> None:
    assert book.learn(consent(classes=["DIAGNOSIS"])) == {CENTRE, STATION}
    assert book.book.grants(CENTRE, ELDER, "TREAT", NOW).classes == {"DIAGNOSIS", "SAFETY", "HANDOVER", "CONSENT"}


def test_whom_it_does_not_name_gets_nothing(book: Book) -> None:
    book.learn(consent())
    assert not book.book.in_force(OTHER_CENTRE, ELDER, NOW)


def test_another_elder_has_not_consented(book: Book) -> None:
    book.learn(consent())
    assert not book.book.in_force(CENTRE, "another", NOW)


def test_a_purpose_that_is_not_named_gets_nothing(book: Book) -> None:
    book.learn(consent(purposes=["CAREMGT"]))
    assert book.classes(purpose="TREAT") == set()
    assert book.classes(purpose="CAREMGT") == set(ALL_CLASSES)


def test_a_period_begins_and_ends_by_itself(book: Book) -> None:
    book.learn(consent(period=("2026-03-13", "2026-03-20")))
    assert not book.book.in_force(CENTRE, ELDER, NOW)
    assert book.book.in_force(CENTRE, ELDER, NOW + DAY)
    assert not book.book.in_force(CENTRE, ELDER, NOW + 9 * DAY)


def test_the_next_change_is_the_next_edge_of_a_period(book: Book) -> None:
    book.learn(consent(period=("2026-03-13", "2026-03-20")))
    first = book.book.next_change(CENTRE, NOW)
    assert NOW < first <= NOW + DAY
    assert book.book.in_force(CENTRE, ELDER, first)
    last = book.book.next_change(CENTRE, first)
    assert not book.book.in_force(CENTRE, ELDER, last)
    assert book.book.next_change(CENTRE, last) == FOREVER


def test_withdrawing_the_same_resource_ends_it(book: Book) -> None:
    book.learn(consent())
    assert book.learn(consent(status="inactive")) == {CENTRE, STATION}
    assert not book.book.in_force(CENTRE, ELDER, NOW)


def test_withdrawing_by_the_same_number_ends_it(book: Book) -> None:
    book.learn(consent(), "first")
    book.learn(consent(status="inactive", given="2026-03-10T09:00:00+08:00"), "second")
    assert not book.book.in_force(CENTRE, ELDER, NOW)


def test_of_equal_dates_the_withdrawal_holds(book: Book) -> None:
    book.learn(consent(status="inactive"), "second")
    book.learn(consent(), "first")
    assert not book.book.in_force(CENTRE, ELDER, NOW)


@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")], ids=lambda order: order[0])
def test_of_equal_permissions_one_holds_in_whatever_order_they_are_learnt(order: tuple[str, str], book: Book) -> None:
    # Two processes, or one before and after a restart, must not give different answers.
    given = {"first": consent(CENTRE, classes=["DIAGNOSIS"]), "second": consent(CENTRE, classes=["MEDICATION"])}
    for name in order:
        book.learn(given[name], name)
    assert book.classes() == {"MEDICATION"}


def test_a_later_signature_revives_it(book: Book) -> None:
    book.learn(consent(status="inactive"), "first")
    book.learn(consent(given="2026-03-11T09:00:00+08:00"), "second")
    assert book.book.in_force(CENTRE, ELDER, NOW)


def test_an_earlier_one_does_not(book: Book) -> None:
    book.learn(consent(status="inactive", given="2026-03-10T09:00:00+08:00"), "first")
    book.learn(consent(given="2026-03-01T09:00:00+08:00"), "second")
    assert not book.book.in_force(CENTRE, ELDER, NOW)


def test_a_number_is_unique_within_one_organisation_only(book: Book) -> None:
    book.learn(consent(), "first", owner=HOSPITAL)
    book.learn(consent(status="inactive", given="2026-03-10T09:00:00+08:00"), "second", owner=OTHER_CENTRE)
    assert book.book.in_force(CENTRE, ELDER, NOW)


def test_consents_without_a_number_stand_each_for_itself(book: Book) -> None:
    first, second = (consent(CENTRE, classes=[name]) for name in ("DIAGNOSIS", "MEDICATION"))
    for name, doc in (("first", first), ("second", second)):
        book.learn({key: value for key, value in doc.items() if key != "identifier"}, name)
    assert book.classes() == {"DIAGNOSIS", "MEDICATION"}


def test_two_consents_add_up(book: Book) -> None:
    book.learn(consent(CENTRE, classes=["DIAGNOSIS"], number="C-1"))
    book.learn(consent(CENTRE, classes=["MEDICATION"], number="C-2"))
    assert book.classes() == {"DIAGNOSIS", "MEDICATION"}
    book.learn(consent(CENTRE, status="inactive", number="C-2"))
    assert book.classes() == {"DIAGNOSIS"}


def test_of_two_consents_every_exclusion_holds(book: Book) -> None:
    book.learn(consent(CENTRE, number="C-1", excluded=[{"code": "PSY"}]))
    book.learn(consent(CENTRE, number="C-2", excluded=[{"code": "HIV"}]))
    assert book.book.grants(CENTRE, ELDER, "TREAT", NOW).excluded == {"PSY", "HIV"}


def test_deleting_takes_it_away(book: Book) -> None:
    book.learn(consent())
    assert book.learn(None, "C-1") == {CENTRE, STATION}
    assert not book.book.in_force(CENTRE, ELDER, NOW)
    assert book.book.version(ELDER) == ""


def test_a_version_that_cannot_be_read_takes_away_what_the_one_before_gave(book: Book) -> None:
    book.learn(consent())
    book.learn({"status": "active", "provision": 7}, "C-1")
    assert not book.book.in_force(CENTRE, ELDER, NOW)


def test_the_version_names_what_was_in_force(book: Book) -> None:
    book.learn(consent(number="C-1"))
    book.learn(consent(number="C-2"))
    assert book.book.version(ELDER) == "Consent/C-1@1,Consent/C-2@2"


def test_a_recipient_who_is_no_longer_named_loses_it(book: Book) -> None:
    book.learn(consent(CENTRE, STATION))
    assert book.learn(consent(CENTRE)) == {CENTRE, STATION}
    assert not book.book.in_force(STATION, ELDER, NOW)
    assert list(book.book.elders(STATION)) == []
