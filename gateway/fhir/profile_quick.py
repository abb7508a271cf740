"""Answers one question about a value and a node of a profile fast: is there surely nothing to say, not even a warning?

The short cut of `profiles`, as `quick` is that of `validate`: True means that the walk finds nothing, False means
nothing. Asked only of what is clean by R4. One closure for each node of a profile and each type that its value may
have, made on first use. What is rare is left to the walk: contained resources, resources in a resource. `layouts` asks
single questions of it, `straight` everything where it has no function of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.fhir.evaluate import Scope
from gateway.fhir.guards import Guard, guard_of
from gateway.fhir.invariants import Rule
from gateway.fhir.primitives import Test
from gateway.fhir.profile_node import Expected, Form, Node
from gateway.fhir.shapes import MAX_ITEMS
from gateway.fhir.slices import agrees, kind_of_target
from gateway.fhir.value_sets import Systems

Json = dict[str, Any]

CARD = "urn:oid:2.16.156.10011.1.3"
"""The system of identity card numbers (domain.md §2)."""
Check = Callable[[Any, Any, Json], bool]
"""Tells whether a value, with its twin, in a resource, has no fault."""
Element = Callable[[Json, Json], bool]
"""Tells whether an element of an object, in a resource, has no fault."""
Slice = Callable[[Any, Any, Json, list[str]], bool]
"""Tells the same of one value of an element, and notes the name of its slice in the list."""


class Quick:
    """The short cut of a set of profiles; ``trees`` are their nodes by URL."""

    def __init__(self, trees: Mapping[str, Node]) -> None:
        """Hold the trees."""
        self._trees = trees
        self._made: dict[tuple[str, str], Check] = {}

    def _profile(self, url: str, kind: str) -> Check:
        made = self._made.get((url, kind))
        if made is None:
            made = self._made[url, kind] = self.item(self._trees[url], kind) or _fine
        return made

    def item(self, node: Node, kind: str) -> Check | None:
        """Return the check of a value of ``kind`` against ``node``, None when there is nothing to check."""
        if kind == "Resource" or (node.kinds and kind not in node.kinds):
            return _never
        checks = [*own_checks_of(node), *self._rules(node, kind), *(self._shape(url, kind) for url in node.shapes)]
        if node.children:
            checks.append(self._children(node, kind))
        return _all(checks) if checks else None

    def _shape(self, url: str, kind: str) -> Check:
        return lambda value, twin, resource: self._profile(url, kind)(value, twin, resource)

    def _rules(self, node: Node, kind: str) -> list[Check]:
        return [rule_check_of(rule, kind) for rule in node.rules]

    def _children(self, node: Node, kind: str) -> Check:
        of_object = self._object(node, kind)
        of_twin = self._object(node, "Element")

        def run(value: Any, twin: Any, resource: Json) -> bool:
            if value.__class__ is dict:
                return of_object(value, resource)
            return of_twin(twin if twin.__class__ is dict else {}, resource)

        return run

    def _object(self, node: Node, kind: str) -> Element:
        plan = node.plan(kind)
        required = [names for _, names in plan.required]
        elements = [self.element(child, forms) for child, forms in plan.walked]

        def run(holder: Json, resource: Json) -> bool:
            for names in required:
                if holder.keys().isdisjoint(names):
                    return False
            for element in elements:  # noqa: SIM110 - faster than all() on the few there are
                if not element(holder, resource):
                    return False
            return True

        return run

    def element(self, node: Node, forms: tuple[Form, ...]) -> Element:
        """Return the check of an element: how often it is there, each of its values, its slices."""
        if len(forms) > 1:
            return self._choice(node, forms)
        if not forms:
            return lambda holder, resource: counter_of(node)(0, [])
        name, twin_name, kind = forms[0]
        check = self._one(node, kind)
        fits = counter_of(node)

        def run(holder: Json, resource: Json) -> bool:
            value = holder.get(name)
            twin = holder.get(twin_name) if twin_name else None
            if value.__class__ is list:
                if twin is not None:
                    return False
            elif value is None and twin is None:
                value = ()
            else:
                value = (value,)
            taken: list[str] = []
            if check is not None:
                for item in value:
                    if not check(item, twin, resource, taken):
                        return False
            return fits(len(value), taken)

        return run

    def _choice(self, node: Node, forms: tuple[Form, ...]) -> Element:
        """Return the check of an element that has several forms: of each object only what it has is looked at."""
        kinds = {name: kind for name, _, kind in forms}
        twins = frozenset(twin for _, twin, _ in forms if twin)
        made: dict[str, Slice | None] = {}
        fits = counter_of(node)

        def run(holder: Json, resource: Json) -> bool:
            number = 0
            taken: list[str] = []
            for name, value in holder.items():
                if name in kinds:
                    if name not in made:
                        made[name] = self._one(node, kinds[name])
                    check = made[name]
                    number += 1
                    if value.__class__ is list or (check is not None and not check(value, None, resource, taken)):
                        return False
                elif name in twins:
                    return False
            return fits(number, taken)

        return run

    def _one(self, node: Node, kind: str) -> Slice | None:
        """Return the check of one value of an element, by the element and by its slice, which it notes."""
        check = self.item(node, kind)
        if node.choose is None:
            return None if check is None else lambda value, twin, resource, _: check(value, twin, resource)
        choose, closed = node.choose, node.closed
        slices = {name: self.item(slice_, kind) for name, slice_ in node.slices.items()}

        def run(value: Any, twin: Any, resource: Json, taken: list[str]) -> bool:
            if check is not None and not check(value, twin, resource):
                return False
            name = choose(value, kind)
            if name is None:
                return not closed
            taken.append(name)
            inner = slices[name]
            return inner is None or inner(value, twin, resource)

        return run


def counter_of(node: Node) -> Callable[[int, list[str]], bool]:
    """Return whether an element may be there so many times, and its slices as often as they were taken."""
    low, high = node.min, MAX_ITEMS if node.max is None else node.max
    bounds = [(name, slice_.min, slice_.max) for name, slice_ in node.slices.items()]
    if not bounds:
        return lambda number, _: low <= number <= high

    def run(number: int, taken: list[str]) -> bool:
        if not low <= number <= high:
            return False
        for name, least, most in bounds:
            times = taken.count(name)
            if times < least or (most is not None and times > most):
                return False
        return True

    return run


def own_checks_of(node: Node) -> list[Check]:
    """Return the checks of a value itself: what it may point to, what it is, of which codes."""
    return [*_target_checks(node), *content_checks_of(node)]


def _target_checks(node: Node) -> list[Check]:
    if not (node.kinds and node.targets):
        return []
    test = target_test_of(node.targets)
    return [lambda value, twin, resource: test(value)]


def content_checks_of(node: Node) -> list[Check]:
    """Return the same without what it may point to."""
    found: list[Check] = []
    if node.expected is not None:
        agrees_ = _agreeing(node.expected)
        found.append(lambda value, twin, resource: agrees_(value))
    if node.binding is not None:
        bound_ = _bound_by(node.binding.systems)
        found.append(lambda value, twin, resource: bound_(value))
    return found


def _agreeing(expected: Expected) -> Test:
    """Return `agrees` as a function of a value that is clean by R4."""
    if expected.exact:
        return lambda value: agrees(value, expected)
    return _holding(expected.value)


def _holding(pattern: Any) -> Test:
    if isinstance(pattern, str):
        return lambda value: value == pattern
    if isinstance(pattern, dict):
        inner = [(name, _holding(value)) for name, value in pattern.items()]
        return _each_of(inner)
    if isinstance(pattern, list):
        return _some_for_each([_holding(value) for value in pattern])
    return lambda value: agrees(value, Expected(pattern, exact=False))


def _each_of(tests: list[tuple[str, Test]]) -> Test:
    def run(value: Any) -> bool:
        if value.__class__ is not dict:
            return False
        for name, test in tests:  # noqa: SIM110 - faster than all() on the few there are
            if name not in value or not test(value[name]):
                return False
        return True

    return run


def _some_for_each(tests: list[Test]) -> Test:
    def run(value: Any) -> bool:
        if value.__class__ is not list:
            return False
        for test in tests:
            for item in value:
                if test(item):
                    break
            else:
                return False
        return True

    return run


def _bound_by(systems: Systems) -> Test:
    """Return `bound` as a function of a value that is clean by R4."""
    every = frozenset(code for codes in systems.values() for code in codes)

    def run(value: Any) -> bool:
        if value.__class__ is not dict:
            return value in every
        codings = value.get("coding", ()) if "coding" in value or "text" in value else (value,)
        for coding in codings:
            codes = systems.get(coding.get("system", ""))
            if codes is not None and coding.get("code") in codes:
                return True
        return False

    return run


def target_test_of(targets: frozenset[str]) -> Test:
    """Return whether a reference tells none or one of the kinds ``targets``."""
    allowed = targets | {""}

    def run(value: Any) -> bool:
        text = value.get("reference") if value.__class__ is dict else None
        # What is good R4 and starts so is a reference on this server.
        return (text is not None and text.partition("/")[0] in targets) or kind_of_target(value) in allowed

    return run


def rule_check_of(rule: Rule, kind: str) -> Check:
    """Return the check of a rule of a profile on a value of ``kind``."""
    guard = _IN_CODE.get(rule.key) or guard_of([rule.expression], kind)

    def run(value: Any, twin: Any, resource: Json) -> bool:
        if guard is not None and value.__class__ is dict and guard(value):
            return True
        return not rule.broken(value, kind, Scope(resource, resource, (value, kind), {}))

    return run


def _cards(patient: Json) -> list[str]:
    return [str(i["value"]) for i in patient.get("identifier", ()) if i.get("system") == CARD and "value" in i]


def _born_as_the_card_says(patient: Json) -> bool:
    cards, born = _cards(patient), str(patient.get("birthDate", "")).replace("-", "")
    return len(cards) == 1 and born != "" and cards[0][6:14] == born


def _of_the_sex_that_the_card_says(patient: Json) -> bool:
    cards, sex = _cards(patient), patient.get("gender")
    return len(cards) == 1 and cards[0][16:17] in {"male": tuple("13579"), "female": tuple("02468")}.get(str(sex), ())


# Of these rules the FHIRPath is long, and nearly every elder keeps them.
_IN_CODE: dict[str, Guard] = {"yy-pat-birth": _born_as_the_card_says, "yy-pat-sex": _of_the_sex_that_the_card_says}


def _fine(_: Any, __: Any, ___: Json) -> bool:
    return True


def _never(_: Any, __: Any, ___: Json) -> bool:
    return False


def _all(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]

    def run(value: Any, twin: Any, resource: Json) -> bool:
        for check in checks:  # noqa: SIM110 - faster than all() on the few there are
            if not check(value, twin, resource):
                return False
        return True

    return run
