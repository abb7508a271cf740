"""Answers one question about a document fast: has R4 surely nothing to say about it, not even a warning?

True means that `validate.faults_of` finds nothing; False means nothing: the long way must be asked. So there is still
one validator, and this is its short cut for what is right: one closure a type over two tables, no places, no lists of
faults. What is rare is left to the long way: contained resources, extensions of values in a list. Tests hold both
against each other. Source: as `validate`; docs/decisions/0012-a-short-way-for-what-is-usual.md.
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
from gateway.fhir.shapes import ABSOLUTE, MAX_ITEMS, Member, Shape, shape_of

Json = dict[str, Any]
Check = Callable[[Any, Json], bool]
"""Tells whether a value has no fault; the second argument is the resource it stands in."""


def is_clean(doc: Json) -> bool:
    """Tell whether ``doc``, a resource of any kind, has surely no fault; never raises."""
    try:
        return _resource(doc, doc)
    except RecursionError:
        return False


def _resource(doc: Any, _: Json) -> bool:
    """Check a resource that stands by itself."""
    kind = doc.get("resourceType") if doc.__class__ is dict else None
    return kind.__class__ is str and kind in definitions.kinds() and _object(kind)(doc, doc)


def _never(_: Any, __: Json) -> bool:
    return False


class _Deep(dict[str, Check]):
    """The members of a type that are more than one plain value, by name; each made when it is first met."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def __missing__(self, name: str) -> Check:
        made = _check_of(self.shape, name)
        if made is not _never:
            self[name] = made
        return made


def _check_of(shape: Shape, name: str) -> Check:
    member = shape.members.get(name)
    if member is not None:
        return _list(_value(member)) if member.many else _value(member)
    twin = shape.members.get(name[1:]) if name[:1] == "_" else None
    return _never if twin is None or twin.test is None or twin.many else _object("Element")


@cache
def _object(type_: str) -> Check:
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
    rules = _rules(shape.rules, shape.type)
    return [*found, rules] if rules is not None else found


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


def _value(member: Member) -> Check:
    """Return the check of one value of ``member``."""
    if member.test is not None:
        return _primitive(member, member.test)
    if member.type == "Resource":
        return _never if member.label == "contained" else _resource
    if member.type == "Reference":
        check = _reference(member.targets)
    elif member.binding is not None:
        check = _bound(_object(member.type), member)
    elif member.absolute:
        check = _absolute(_object(member.type))
    else:
        check = _object(member.type)
    rules = _rules(member.rules, member.type)
    return check if rules is None else lambda value, resource: check(value, resource) and rules(value, resource)


def _primitive(member: Member, test: Test) -> Check:
    codes, rules = member.codes, _rules(member.rules, member.type)
    if codes is not None:
        test = _among(codes, test)
    if member.type == "xhtml":
        return lambda value, _: test(value) and not forbidden_in(value)
    if rules is not None:
        return lambda value, resource: test(value) and rules(value, resource)
    return lambda value, _: test(value)


def _bound(check: Check, member: Member) -> Check:
    binding, type_ = member.binding, member.type
    assert binding is not None  # noqa: S101 - asked by the caller
    return lambda value, resource: check(value, resource) and binding.holds(value, type_)


def _absolute(check: Check) -> Check:
    def run(value: Any, resource: Json) -> bool:
        if not check(value, resource):
            return False
        url = value.get("url")
        return url.__class__ is str and (url.startswith("http://") or ABSOLUTE.fullmatch(url) is not None)

    return run


def _reference(targets: frozenset[str]) -> Check:
    check = _object("Reference")
    kinds = definitions.kinds()
    allowed = (targets & kinds) or (frozenset() if targets else kinds)

    def run(value: Any, resource: Json) -> bool:
        if value.__class__ is dict and len(value) == 1:
            text = value.get("reference")
            relative = RELATIVE.fullmatch(text) if text.__class__ is str else None
            if relative is not None:  # `{"reference": "Patient/x"}`, as nearly all are
                return relative[1] in allowed
        if not check(value, resource):
            return False
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
