"""Answers one question about an object fast: has R4 surely nothing to say about it, not even a warning?

True means that `validate.faults_of` finds nothing; False means nothing: the long way must be asked. So there is still
one validator, and this is its short cut for what is right: one closure a type over two tables, no places, no lists of
faults. What is rare is left to the long way: contained resources, extensions of values in a list. Tests hold both
against each other. `layouts` asks single questions of it, `straight` everything where it has no function of its own.
Source: as `validate`; docs/decisions/0012-a-short-way-for-what-is-usual.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from gateway.fhir import definitions
from gateway.fhir.evaluate import Scope
from gateway.fhir.guards import Guard, guard_of, has_guard
from gateway.fhir.invariants import Rule
from gateway.fhir.narrative import forbidden_in
from gateway.fhir.primitives import Test
from gateway.fhir.references import RELATIVE, Target, target_of
from gateway.fhir.shapes import ABSOLUTE, MAX_ITEMS, Binding, Member, Shape, shape_of

Json = dict[str, Any]
Check = Callable[[Any, Json], bool]
"""Tells whether a value has no fault; the second argument is the resource it stands in."""


def _resource(doc: Any, _: Json) -> bool:
    """Check a resource that stands by itself."""
    kind = doc.get("resourceType") if doc.__class__ is dict else None
    return kind.__class__ is str and kind in definitions.kinds() and object_of(kind)(doc, doc)


def never(_: Any, __: Json) -> bool:
    """Say no."""
    return False


class _Deep(dict[str, Check]):
    """The members of a type that are more than one plain value, by name; each made when it is first met."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def __missing__(self, name: str) -> Check:
        made = _check_of(self.shape, name)
        if made is not never:
            self[name] = made
        return made


def _check_of(shape: Shape, name: str) -> Check:
    member = shape.members.get(name)
    if member is not None:
        return _list(value_of(member)) if member.many else value_of(member)
    twin = shape.members.get(name[1:]) if name[:1] == "_" else None
    return never if twin is None or twin.test is None or twin.many else object_of("Element")


@cache
def object_of(type_: str) -> Check:
    """Return the check of values that should be objects of ``type_``."""
    shape = shape_of(type_)
    members = _members(shape)
    further = _further(shape)
    if not further:
        return members

    def check(node: Any, resource: Json) -> bool:
        if not members(node, resource):
            return False
        for each in further:  # noqa: SIM110 - faster than all() on the few there are
            if not each(node, resource):
                return False
        return True

    return check


def _members(shape: Shape) -> Check:
    """Return the check of each member of an object by itself."""
    plain = _plain(shape).get
    deep = _Deep(shape)

    def check(node: Any, resource: Json) -> bool:
        if node.__class__ is not dict or not node:
            return False
        for name, value in node.items():
            test = plain(name)
            if test is not None:
                if not test(value):
                    return False
            elif not deep[name](value, resource):
                return False
        return True

    return check


def _further(shape: Shape) -> list[Check]:
    """Return the checks of an object whose members are good: what must be there, choices, rules."""
    rules = _rules(shape.rules, shape.type)
    return [*presence_of(shape), rules] if rules is not None else presence_of(shape)


def presence_of(shape: Shape) -> list[Check]:
    """Return the checks that the names of an object's members decide: what must be there, one form of a choice."""
    found: list[Check] = []
    single = frozenset(names[0] for _, names in shape.required if len(names) == 1)
    if single:
        found.append(lambda node, _: node.keys() >= single)
    found += [_one_of(names) for _, names in shape.required if len(names) > 1]
    choices = {name: m.label for form, m in shape.members.items() if m.choice for name in (form, f"_{form}")}
    if shape.type == "Extension":
        found.append(_value_or_extensions(frozenset(choices)))
    elif choices:
        found.append(_chosen(choices))
    return found


def _one_of(names: tuple[str, ...]) -> Check:
    # The first is the element itself, the others its forms or extensions.
    first, all_ = names[0], frozenset(names)
    return lambda node, _: first in node or not node.keys().isdisjoint(all_)


def _chosen(choices: dict[str, str]) -> Check:
    def run(node: Json, _: Json) -> bool:
        taken = [choices[name] for name in node if name in choices]
        return len(taken) < 2 or len(taken) == len(set(taken))

    return run


def _value_or_extensions(values: frozenset[str]) -> Check:
    """Return the check of ext-1, which the definitions leave out."""

    def run(node: Json, _: Json) -> bool:
        taken = 0
        for name in node:
            if name in values:
                taken += 1
        return taken == ("extension" not in node)

    return run


def _plain(shape: Shape) -> dict[str, Test]:
    """Return the members that one test of the value decides."""
    tests: dict[str, Test] = {name: m.test for name, m in shape.members.items() if m.plain and m.test is not None}
    for name, member in shape.members.items():
        if member.codes and not member.many and not member.rules and member.test is not None:
            tests[name] = _among(member.codes, member.test)
    if shape.is_resource:
        tests["resourceType"] = lambda _: True
    return tests


def _among(codes: frozenset[str], test: Test) -> Test:
    good = frozenset(code for code in codes if test(code))
    return lambda value: value.__class__ is str and value in good


def _list(check: Check) -> Check:
    def run(items: Any, resource: Json) -> bool:
        if items.__class__ is not list or not 0 < len(items) <= MAX_ITEMS:
            return False
        for item in items:  # noqa: SIM110 - three times as fast as all() on one or two items
            if not check(item, resource):
                return False
        return True

    return run


def value_of(member: Member) -> Check:
    """Return the check of one value of ``member``."""
    if member.test is not None:
        return primitive(member, member.test)
    if member.type == "Resource":
        return never if member.label == "contained" else _resource
    if member.type == "Reference":
        check = _reference(member.targets)
    elif member.binding is not None:
        check = _bound(object_of(member.type), member)
    elif member.absolute:
        check = _absolute(object_of(member.type))
    else:
        check = object_of(member.type)
    rules = _rules(member.rules, member.type)
    return check if rules is None else lambda value, resource: check(value, resource) and rules(value, resource)


def primitive(member: Member, test: Test) -> Check:
    """Return the check of one primitive value of ``member``, ``test`` being that of its type."""
    codes, rules = member.codes, _rules(member.rules, member.type)
    if codes is not None:
        test = _among(codes, test)
    if member.type == "xhtml":
        return lambda value, _: test(value) and not forbidden_in(value)
    if rules is not None:
        return lambda value, resource: test(value) and rules(value, resource)
    return lambda value, _: test(value)


def _bound(check: Check, member: Member) -> Check:
    assert member.binding is not None  # noqa: S101 - asked by the caller
    holds = bound_by(member.binding, member.type)
    return lambda value, resource: check(value, resource) and holds(value)


def bound_by(binding: Binding, type_: str) -> Test:
    """Return the test of `Binding.holds` on objects of ``type_`` that are good in themselves."""
    systems = binding.systems

    def of_concept(value: Json) -> bool:
        for coding in value.get("coding", ()):
            codes = systems.get(coding.get("system", ""))
            if codes is not None and coding.get("code") in codes:
                return True
        return False

    def of_coding(value: Json) -> bool:
        return "code" not in value or value["code"] in systems.get(value.get("system", ""), ())

    return of_concept if type_ == "CodeableConcept" else of_coding


def _absolute(check: Check) -> Check:
    return lambda value, resource: check(value, resource) and is_absolute(value.get("url"))


def is_absolute(url: Any) -> bool:
    """Tell whether ``url`` is absolute, as that of an extension must be which stands in no other."""
    return url.__class__ is str and (url.startswith("http://") or ABSOLUTE.fullmatch(url) is not None)


def allowed_of(targets: frozenset[str]) -> frozenset[str]:
    """Return the kinds that a reference may tell; without ``targets`` every one."""
    kinds = definitions.kinds()
    return (targets & kinds) or (frozenset() if targets else kinds)


def _reference(targets: frozenset[str]) -> Check:
    check, points, allowed = object_of("Reference"), points_to(targets), allowed_of(targets)

    def run(value: Any, resource: Json) -> bool:
        if value.__class__ is dict and len(value) == 1:
            text = value.get("reference")
            relative = RELATIVE.fullmatch(text) if text.__class__ is str else None
            if relative is not None:  # `{"reference": "Patient/x"}`, as nearly all are
                return relative[1] in allowed
        return check(value, resource) and points(value)

    return run


def points_to(targets: frozenset[str]) -> Test:
    """Return the test of where a Reference, good in itself, points; not of `#x`, which only its container knows."""
    kinds, allowed = definitions.kinds(), allowed_of(targets)

    def run(value: Json) -> bool:
        text, type_ = value.get("reference"), value.get("type")
        target = Target("") if text is None else target_of(text)
        if target is None or target.local:
            return False
        named = type_ if type_ in kinds else ""
        found = target.kind or named
        return (not target.kind or not named or target.kind == named) and (not found or found in allowed)

    return run


def _rules(rules: tuple[Rule, ...], type_: str) -> Check | None:
    """Return the check of ``rules``: first of all whether they are surely kept, one by one only where that is open."""
    if not rules:
        return None
    unguarded = [rule for rule in rules if not has_guard(rule.expression, type_)]
    guard = guard_of([rule.expression for rule in rules if rule not in unguarded], type_)
    apart: list[tuple[Rule, Guard | None]] = []

    def open_rules(value: Json) -> list[Rule]:
        """Return the rules that are not surely kept, for a value that does not keep all of them at a glance."""
        if not apart:
            apart.extend((rule, guard_of([rule.expression], type_)) for rule in rules)
        return [rule for rule, one in apart if one is None or not one(value)]

    def run(value: Any, resource: Json) -> bool:
        if value.__class__ is not dict:
            asked = list(rules)
        elif guard is not None and guard(value):
            asked = unguarded
        else:
            asked = open_rules(value)
        if not asked:
            return True
        scope = Scope(resource, resource, (value, type_), {})
        return not any(rule.broken(value, type_, scope) for rule in asked)

    return run


def unbroken(rule: Rule, type_: str) -> Check:
    """Return whether ``rule`` is kept by a value of ``type_``."""
    return lambda value, resource: not rule.broken(value, type_, Scope(resource, resource, (value, type_), {}))
