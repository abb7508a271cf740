"""What the hospital's consent map really stores, read by the book with the labeler's own words for exclusions."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from security.consent import ConsentBook, Grants
from security.consent.book import ANY_CLASS
from security.labels import Labeler
from tests.security.town import ALL_CLASSES, CENTRE, HOSPITAL, OTHER_CENTRE, STATION, rules

CASES: Final = Path(__file__).parents[3] / "mappings" / "hospital" / "sharing-consent" / "cases"
ACTIVE: Final = ("son-signs-for-his-mother", "elder-signs-herself", "no-exclusions", "no-identity-card")
EXCLUSIONS: Final = Labeler(rules()[1]).exclusions
IN_FORCE: Final = "2026-06-01T00:00:00+08:00"


def _mapped(case: str) -> dict[str, Any]:
    resources = json.loads((CASES / case / "out.json").read_bytes())["resources"]
    found: dict[str, Any] = next(each for each in resources if each["resourceType"] == "Consent")
    return found


def _book(*cases: str, owner: str = HOSPITAL, owners: tuple[str, ...] = ()) -> ConsentBook:
    """Return a book that learnt each of ``cases`` as a resource of its own."""
    book = ConsentBook(EXCLUSIONS)
    for number, case in enumerate(cases):
        who = owners[number] if owners else owner
        book.learn(f"c{number}", 1, _mapped(case), elder="e", owner=who)
    return book


def _grants(book: ConsentBook, who: str = CENTRE, purpose: str = "TREAT", moment: str = IN_FORCE) -> Grants:
    return book.grants(who, "e", purpose, datetime.fromisoformat(moment).timestamp())


@pytest.mark.parametrize("case", ACTIVE)
@pytest.mark.parametrize("recipient", [CENTRE, STATION])
@pytest.mark.parametrize("purpose", ["TREAT", "CAREMGT"])
def test_each_recipient_gets_every_class_for_the_carers_and_the_doctors_purpose(
    case: str, recipient: str, purpose: str
) -> None:
    assert _grants(_book(case), recipient, purpose).classes == frozenset(ALL_CLASSES) | ANY_CLASS


@pytest.mark.parametrize("recipient", [HOSPITAL, OTHER_CENTRE, ""])
def test_nobody_else_gets_anything(recipient: str) -> None:
    assert _grants(_book("elder-signs-herself"), recipient) == (frozenset(), frozenset())


@pytest.mark.parametrize("purpose", ["HRESCH", "HOPERAT", ""])
def test_no_other_purpose_gets_anything(purpose: str) -> None:
    assert _grants(_book("elder-signs-herself"), purpose=purpose) == (frozenset(), frozenset())


def test_a_class_that_is_left_out_is_not_granted() -> None:
    assert _grants(_book("without-medication")).classes == (frozenset(ALL_CLASSES) - {"MEDICATION"}) | ANY_CLASS


def test_an_exclusion_denies_its_labels_and_leaves_the_classes() -> None:
    grants = _grants(_book("son-signs-for-his-mother"))

    assert grants.excluded == {"PSY"}
    assert grants.classes == frozenset(ALL_CLASSES) | ANY_CLASS
    assert _grants(_book("no-exclusions")).excluded == frozenset()


@pytest.mark.parametrize(
    ("moment", "in_force"),
    [
        ("2026-03-11T23:59:59+08:00", False),
        ("2026-03-12T00:00:00+08:00", True),
        ("2027-03-11T23:59:59+08:00", True),
        ("2027-03-12T00:00:00+08:00", False),
    ],
)
def test_it_holds_from_the_first_day_in_china_to_the_end_of_the_last(moment: str, *, in_force: bool) -> None:
    book = _book("elder-signs-herself")

    assert book.in_force(CENTRE, "e", datetime.fromisoformat(moment).timestamp()) is in_force
    assert bool(_grants(book, moment=moment).classes) is in_force


@pytest.mark.parametrize("order", [("elder-signs-herself", "withdrawn"), ("withdrawn", "elder-signs-herself")])
def test_a_withdrawal_is_the_same_number_with_status_2_in_whatever_order_it_comes(order: tuple[str, str]) -> None:
    assert _mapped("withdrawn")["identifier"] == _mapped("elder-signs-herself")["identifier"]

    assert _grants(_book(*order)) == (frozenset(), frozenset())


def test_the_withdrawal_of_another_hospitals_number_changes_nothing() -> None:
    book = _book("elder-signs-herself", "withdrawn", owners=(HOSPITAL, OTHER_CENTRE))

    assert _grants(book).classes == frozenset(ALL_CLASSES) | ANY_CLASS


def test_of_two_hospitals_consents_the_classes_add_up_and_every_exclusion_holds() -> None:
    book = _book("without-medication", "son-signs-for-his-mother", owners=(HOSPITAL, OTHER_CENTRE))

    assert _grants(book).classes == frozenset(ALL_CLASSES) | ANY_CLASS
    assert "PSY" in _grants(book).excluded


def test_every_active_case_of_the_map_is_understood() -> None:
    for path in sorted(CASES.glob("*/out.json")):
        case = path.parent.name
        granted = bool(_grants(_book(case)).classes)
        assert granted is (case != "withdrawn"), case
