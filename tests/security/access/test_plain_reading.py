"""Every answer of the gate about a generated county is the plain reading's: decided one by one, and as a search.

In memory, without a database: test_brute_force.py asks the same of the engine and of PostgreSQL.
"""

from __future__ import annotations

import random
from datetime import timedelta
from functools import cache
from typing import Final, NamedTuple

from gateway.fhir.predicate import holds
from security.gate import Action
from tests.security.access.brute_force import Key, World
from tests.security.access.callers import ACTIONS, CALLERS, MOMENTS, who
from tests.security.access.county import Item, county
from tests.security.town import Clock, Town

SEED: Final = 41
CASES: Final = 3_000


class Case(NamedTuple):
    """A caller, an interaction, a resource, and what the plain reading says."""

    caller: int
    action: Action
    key: Key
    allow: bool


@cache
def prepared() -> tuple[list[Item], dict[int, list[Case]]]:
    """Return a county, and for each moment cases of which half are allowed; nothing of the gate is asked."""
    items, pick = county(SEED, elders=8), random.Random(SEED)  # noqa: S311 - a repeatable test, no secret
    world = World((item.doc, item.writers) for item in items)
    keys = [item.key for item in items]
    return items, {days: _cases(world, keys, days, pick) for days in MOMENTS}


def _cases(world: World, keys: list[Key], days: int, pick: random.Random) -> list[Case]:
    moment = Clock().moment + timedelta(days=days)
    made, reached = [], {}
    for number, caller in enumerate(CALLERS):
        for action in ACTIONS:
            reached[number, action] = world.reached(who(caller), action, moment)
    some = [(pair, sorted(found)) for pair, found in reached.items() if found]
    for _ in range(CASES // len(MOMENTS) // 2):
        (number, action), found = pick.choice(some)
        made.append(Case(number, action, pick.choice(found), allow=True))
        number, action, key = pick.randrange(len(CALLERS)), pick.choice(ACTIONS), pick.choice(keys)
        made.append(Case(number, action, key, key in reached[number, action]))
    return made


def test_each_decision_and_each_search_is_the_plain_readings() -> None:
    items, cases = prepared()
    town = Town()
    facts = {item.key: town.put(item.doc, *item.writers) for item in items}

    wrong = []
    for days, asked in cases.items():
        town.clock.moment = Clock().moment + timedelta(days=days)
        for case in asked:
            caller = CALLERS[case.caller]
            if town.gate.decide(caller, case.action, facts[case.key]).allow != case.allow:
                wrong.append((days, case, "decide"))
            if case.action == "search":
                found = holds(town.gate.narrow(caller, "search", case.key[0]), facts[case.key])
                if found != case.allow:
                    wrong.append((days, case, "narrow"))

    assert wrong == []


def test_both_answers_are_common_in_these_cases() -> None:
    answers = [case.allow for asked in prepared()[1].values() for case in asked]

    assert len(answers) == CASES
    assert 0.4 <= sum(answers) / CASES <= 0.7
