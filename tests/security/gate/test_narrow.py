"""A search finds exactly what a read would show: `narrow` and `decide` of one gate, over a generated county."""

from __future__ import annotations

import random
from collections import Counter
from typing import Final

from gateway.fhir.predicate import Facts, holds
from security.access.relations import Relations
from security.caller import Caller, Role
from security.labels import Catalogue
from tests.security.town import (
    ALL_CLASSES,
    CENTRE,
    HOSPITAL,
    OTHER_CENTRE,
    OTHER_STATION,
    STATION,
    Doc,
    Town,
    caller,
    care_plan,
    consent,
    referral,
)

CASES: Final = 6_000
ELDERS: Final = tuple(f"elder-{number}" for number in range(12))
PLACES: Final = (HOSPITAL, CENTRE, STATION, OTHER_CENTRE, OTHER_STATION)
LABELS: Final = ("PSY", "HIV", "DEM")
STATES: Final = ("received", "accepted", "rejected", "awaiting-consent", "in-care")
CALLERS: Final = (
    caller(Role.CENTRE_DOCTOR, CENTRE),
    caller(Role.CENTRE_NURSE, OTHER_CENTRE),
    caller(Role.STATION_DOCTOR, STATION),
    caller(Role.STATION_CARER, STATION),
    caller(Role.STATION_CARER, OTHER_STATION),
    caller(Role.AUDITOR, HOSPITAL),
    caller(Role.HISFEED, HOSPITAL),
    Caller.system("workflow"),
    Caller.system("cli"),
)


def _of(elder: str, doc: Doc) -> Doc:
    """Return ``doc`` about ``elder`` under an id of its own."""
    for name in ("for", "subject", "patient"):
        if name in doc:
            doc[name] = {"reference": f"Patient/{elder}"}
    return {**doc, "id": f"{elder}-{doc['id']}"}


def _county(pick: random.Random) -> Town:
    """Return a gate that has learnt consents, referrals and plans of every sort for ELDERS."""
    town = Town()
    for elder in ELDERS:
        for number in range(pick.choice((0, 1, 1, 2))):
            given = consent(
                *pick.sample(PLACES[1:], pick.choice((1, 2, 4))),
                classes=pick.sample(ALL_CLASSES, pick.choice((3, 5, 6))),
                purposes=pick.choice((("TREAT", "CAREMGT"), ("TREAT",), ("CAREMGT",))),
                period=pick.choice((("2026-03-01", "2027-02-28"), ("2026-03-01", "2026-03-20"), ("2026-04", "2027"))),
                status=pick.choice(("active", "active", "active", "inactive")),
                number=f"C-{elder}-{number}",
                excluded=[{"code": "PSY"}] if pick.random() < 0.3 else [],
            )
            town.put(_of(elder, given))
        for owner in (CENTRE, OTHER_CENTRE):
            town.put(_of(elder, referral(pick.choice(STATES), owner)))
        named = pick.sample((STATION, OTHER_STATION), pick.choice((1, 2)))
        town.put(_of(elder, care_plan(*named, status=pick.choice(("active", "active", "revoked")))), CENTRE)
    return town


def _facts(pick: random.Random, catalogue: Catalogue) -> Facts:
    kind = pick.choice([*catalogue.kinds, "Coverage", "Patient", "Condition", "CarePlan"])
    return Facts(
        kind=kind,
        elder=pick.choice(("", *ELDERS)),
        controllers=tuple(sorted(pick.sample(PLACES, pick.choice((1, 1, 2))))),
        klass=pick.choice(sorted(catalogue.classes(kind))),
        level=pick.choice((1, 3, 4, 4, 4, 4, 5)),
        labels=tuple(sorted(pick.sample(LABELS, pick.choice((0, 0, 1))))),
        handed_to=tuple(pick.sample(PLACES, pick.choice((0, 0, 1)))),
    )


def test_a_search_finds_what_a_read_shows_and_nothing_else() -> None:
    pick, catalogue = random.Random(7), Catalogue.load()  # noqa: S311 - a repeatable test, no secret
    town, answers = _county(pick), Counter[bool]()
    for number in range(CASES):
        if number % 1_000 == 0:
            town.clock.forward(days=11)
        who, facts = pick.choice(CALLERS), _facts(pick, catalogue)
        decision = town.gate.decide(who, "search", facts)
        found = holds(town.gate.narrow(who, "search", facts.kind), facts)
        assert found == decision.allow, (who, facts, decision)
        answers[found] += 1

    assert min(answers.values()) > CASES // 10


def test_the_restriction_follows_what_is_learnt() -> None:
    town = Town()
    who, facts = caller(Role.CENTRE_DOCTOR, CENTRE), Facts("Condition", "elder", (HOSPITAL,), "DIAGNOSIS")

    def finds() -> bool:
        return holds(town.gate.narrow(who, "search", "Condition"), facts)

    town.put(consent())
    before = finds()
    town.put(referral("received"))
    received = finds()
    town.put(referral("rejected", status="rejected"))
    rejected = finds()
    town.put(referral("accepted"))
    accepted = finds()
    town.put(consent(status="inactive", given="2026-03-11"))

    assert (before, received, rejected, accepted, finds()) == (False, True, False, True, False)


def test_a_kept_restriction_ends_with_the_period() -> None:
    town = Town()
    who, facts = caller(Role.CENTRE_DOCTOR, CENTRE), Facts("Condition", "elder", (HOSPITAL,), "DIAGNOSIS")
    town.put(consent(period=("2026-03-14", "2026-03-15")))
    town.put(referral("received"))
    # Asked on the 12th, 13th, ... at noon in China.
    seen = []
    for _ in range(6):
        seen.append(holds(town.gate.narrow(who, "search", "Condition"), facts))
        town.clock.forward(days=1)

    assert seen == [False, False, True, True, False, False]


def test_a_restriction_is_kept_while_nothing_changes() -> None:
    town = Town().in_care()
    who = caller(Role.CENTRE_DOCTOR, CENTRE)

    first = town.gate.narrow(who, "search", "Condition")

    assert town.gate.narrow(who, "search", "Condition") is first


def test_every_kind_of_relation_is_learnt_from_what_the_gate_asks_for() -> None:
    assert {"Consent", *Relations.KINDS} == Town().gate.LEARNS
