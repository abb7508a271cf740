"""A canary in every element of every kind: what the catalogue forbids a role never appears, the rest does."""

from __future__ import annotations

import json
from functools import cache

import pytest

from security.caller import Role
from security.labels.catalogue import Element
from security.labels.masks import NAMED
from security.labels.view import SUBSETTED, View
from security.labels.views import Views
from tests.security.labels.canaries import WHO, Canary, Full, full
from tests.security.town import ALL_CLASSES, CENTRE, STATION, Town, about, caller, rules

_, CATALOGUE = rules()
KINDS = sorted(name for name, row in CATALOGUE.kinds.items() if not row.own_only)
ROLES = CATALOGUE.roles
SEEN = [(role, kind) for role in ROLES for kind in KINDS if kind in CATALOGUE.shown[role]]
UNSEEN = [(role, kind) for role in ROLES for kind in KINDS if kind not in CATALOGUE.shown[role]]
NUMBER_KEEPS = frozenset({"use", "type", "system", "period"})
"""What `number` leaves of an Identifier."""


@cache
def _full(kind: str) -> Full:
    return full(kind)


def _view(role: str, kind: str) -> View | None:
    return Views(CATALOGUE).of_others(kind, role, frozenset(ALL_CLASSES) | {"SAFETY", "HANDOVER", "CONSENT"})


def _wanted(canary: Canary, role: str, kind: str, *, strict: bool) -> bool:
    """Say, from the catalogue alone, whether ``role`` may see ``canary``."""
    element = CATALOGUE.kinds[kind].elements[canary.element]
    letter = element.see[ROLES.index(role)]
    # An identifier beside a reference says who the target is, like the target's own.
    if strict and canary.inner[-1:] == (WHO,):
        return False
    if letter == "F":
        return True
    return letter == "P" and _partly(canary, element)


def _partly(canary: Canary, element: Element) -> bool:
    if canary.inner == ("_twin",):
        return False
    if element.keep:
        return canary.inner[0] in element.keep
    if element.drop:
        return not any(canary.inner[: len(path.split("."))] == tuple(path.split(".")) for path in element.drop)
    assert element.mask in {*NAMED, "advice"}
    return element.mask == "number" and canary.inner[0] in NUMBER_KEEPS


@pytest.mark.parametrize(("role", "kind"), SEEN)
def test_each_role_sees_exactly_what_the_catalogue_says(role: str, kind: str) -> None:
    doc, canaries = _full(kind)
    before = json.dumps(doc)
    view = _view(role, kind)
    text = json.dumps(view.show(doc) if view else doc)
    strict = view is not None and not view.plain
    wrong = [each for each in canaries if (each.word in text) is not _wanted(each, role, kind, strict=strict)]
    assert wrong == []
    assert json.dumps(doc) == before, "a view never changes the document"


@pytest.mark.parametrize(("role", "kind"), SEEN)
def test_what_is_subsetted_says_so(role: str, kind: str) -> None:
    view = _view(role, kind)
    whole = all(element.see[ROLES.index(role)] == "F" for element in CATALOGUE.kinds[kind].elements.values())
    assert (view is None or view.plain) is whole
    if view is not None and not view.plain:
        assert SUBSETTED in view.show(_full(kind).doc)["meta"]["tag"]


@pytest.mark.parametrize(("role", "kind"), UNSEEN)
def test_a_kind_that_a_role_never_sees_is_denied(role: str, kind: str) -> None:
    town = Town().in_care()
    facts = town.put(about(kind))
    who = caller(Role(role), CENTRE if role.startswith("centre") else STATION)
    assert not town.sees(who, facts)


@pytest.mark.parametrize("kind", sorted(name for name, row in CATALOGUE.kinds.items() if row.own_only))
@pytest.mark.parametrize("role", ROLES)
def test_a_kind_that_never_leaves_is_denied_to_every_other_organisation(role: str, kind: str) -> None:
    town = Town().in_care()
    facts = town.put(about(kind))
    who = caller(Role(role), CENTRE if role.startswith("centre") else STATION)
    assert not town.sees(who, facts)


def test_the_canaries_are_many_and_masks_take_some() -> None:
    view = _view("station-carer", "Patient")
    assert view is not None
    words = [each.word for each in _full("Patient").canaries]
    text = json.dumps(view.show(_full("Patient").doc))
    gone = [word for word in words if word not in text]
    assert 40 < len(gone) < len(words)
