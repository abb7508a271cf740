"""Finds every fault of a document against R4: structure, cardinality, values, bindings, references, invariants.

In: a parsed resource. Out: problems in document order, each with its FHIRPath (`Bundle.entry[3].resource.status`),
at most `MAX_FAULTS`. What a value was is never said. Source: R4 validation.html, json.html; fhir-core.md §5.
"""

from __future__ import annotations

from typing import Any

from gateway.fhir import definitions
from gateway.fhir.evaluate import Scope
from gateway.fhir.invariants import Rule
from gateway.fhir.narrative import forbidden_in
from gateway.fhir.problem import Problem, Severity
from gateway.fhir.references import Target, locals_of, target_of
from gateway.fhir.rule_texts import ZH
from gateway.fhir.shapes import ABSOLUTE, MAX_ITEMS, Member, Shape, shape_of
from gateway.fhir.straight import R4
from gateway.fhir.wire import shown

Json = dict[str, Any]

MAX_FAULTS = 100
"""Faults told of one document (design default): a longer list helps nobody and would make the reply the attack."""


def faults(doc: Json) -> list[Problem]:
    """Return what is wrong with ``doc``, a resource of any kind, errors and warnings; never raises.

    About 15 µs for 1 kB without a fault.
    """
    if R4.is_clean(doc):
        return []
    return faults_of(doc)


def faults_of(doc: Json) -> list[Problem]:
    """Return the same the long way, which alone can tell what is wrong and where."""
    walk = _Walk(doc)
    try:
        walk.resource(doc, str(doc.get("resourceType", "Resource")))
    except _Enough:
        return walk.found
    except RecursionError:
        walk.found.append(Problem("FHIR-023", reason="it is nested too deeply"))
    return walk.found


class _Enough(Exception):  # noqa: N818 - ends the walk, never leaves this module
    """So many faults that no more are looked for."""


class _Walk:
    """One pass over a document.

    ``current`` is the resource being walked, ``root`` its container (or itself), ``inside`` the kinds of what the
    root contains, by id.
    """

    def __init__(self, doc: Json) -> None:
        self.found: list[Problem] = []
        self.current: Json = doc
        self.root: Json = doc
        self.inside: dict[str, str] = {}

    def add(self, code: str, where: str, severity: Severity = "error", **detail: str) -> None:
        self.found.append(Problem(code, where=where, severity=severity, **detail))
        if len(self.found) >= MAX_FAULTS:
            raise _Enough

    def resource(self, doc: Any, where: str) -> None:
        """Walk a resource that stands by itself: the document, or one in an entry or a parameter."""
        if doc is not self.root and R4.is_clean(doc):
            return  # one bad entry of a Bundle does not send the others the long way
        kind = self.kind_of(doc, where)
        if not kind:
            return
        before = self.root, self.current, self.inside
        contained = doc.get("contained")
        self.root, self.current, self.inside = doc, doc, _kinds_by_id(contained)
        self.object(doc, shape_of(kind), where)
        if isinstance(contained, list):
            self.contained(doc, contained, where)
        self.root, self.current, self.inside = before

    def kind_of(self, doc: Any, where: str) -> str:
        """Return the kind of the resource ``doc``, "" after telling why it has none."""
        if doc.__class__ is not dict:
            self.add("FHIR-012", where, expected="a resource")
            return ""
        kind = doc.get("resourceType")
        if kind is None:
            self.add("FHIR-011", where, name="resourceType")
        elif kind not in definitions.kinds() if isinstance(kind, str) else True:
            self.add("FHIR-006", where, kind=shown(kind))
        else:
            return str(kind)
        return ""

    def contained(self, root: Json, resources: list[Any], where: str) -> None:
        """Check what R4 asks of contained resources: an id of their own, and somebody who refers to them (dom-3)."""
        seen: set[str] = set()
        used = set(locals_of(root))
        for at, inner in enumerate(resources):
            id_ = inner.get("id") if isinstance(inner, dict) else None
            if not isinstance(id_, str):
                self.add("FHIR-011", f"{where}.contained[{at}]", name="id")
                continue
            if id_ in seen:
                self.add("FHIR-022", f"{where}.contained[{at}].id", name="contained.id")
            elif f"#{id_}" not in used and "#" not in set(locals_of(inner)):
                human = "a contained resource must be referred to from within its container"
                self.broken("dom-3", human, f"{where}.contained[{at}]")
            seen.add(id_)

    def inner(self, doc: Any, where: str) -> None:
        """Walk a contained resource: its `#x` are looked up in the container."""
        kind = self.kind_of(doc, where)
        if kind:
            before, self.current = self.current, doc
            self.object(doc, shape_of(kind), where)
            self.current = before

    def object(self, node: Json, shape: Shape, where: str) -> None:
        """Walk one object; ``where`` is its FHIRPath."""
        if not node:
            self.add("FHIR-015", where)
            return
        chosen = self.members(node, shape, where)
        for label, names in shape.required:
            if node.keys().isdisjoint(names):
                self.add("FHIR-011", f"{where}.{label}", name=label)
        if shape.rules:
            self.rules(shape.rules, node, shape.type, where)
        # Every extension has this rule, and nothing else has it (the definitions leave it out).
        if shape.type == "Extension" and ("value" in chosen) == ("extension" in node):
            self.broken("ext-1", "must have either extensions or value[x], not both", where)

    def members(self, node: Json, shape: Shape, where: str) -> dict[str, str]:
        """Walk the members of one object and return the form that was taken of each choice."""
        chosen: dict[str, str] = {}
        for name, value in node.items():
            member = shape.members.get(name)
            if member is None:
                member = self.twin_of(node, name, shape, where)
                if member is None:
                    continue
            elif member.test is not None:
                # The short way of nearly every value: single, no code list, no rule.
                if not member.plain or not member.test(value):
                    self.primitive(node, name, value, member, where)
            else:
                self.complex(value, member, where)
            if member.choice and chosen.setdefault(member.label, name.removeprefix("_")) != name.removeprefix("_"):
                self.add("FHIR-016", f"{where}.{member.label}", name=member.label)
        return chosen

    def twin_of(self, node: Json, name: str, shape: Shape, where: str) -> Member | None:
        """Check a member that is no element, `resourceType` or `_x` beside a primitive `x`; return the `x` of the last.

        All else is a fault.
        """
        if name == "resourceType" and shape.is_resource:
            return None
        member = shape.members.get(name[1:]) if name[:1] == "_" else None
        if member is None or member.test is None:
            self.add("FHIR-010", f"{where}.{shown(name)}", type=shape.type, name=shown(name))
            return None
        if member.many:
            self.twins(node, name, member, where)
        else:
            self.twin(node[name], f"{where}.{member.label}")
        return member

    def twin(self, value: Any, where: str) -> None:
        if value.__class__ is dict:
            self.object(value, shape_of("Element"), where)
        else:
            self.add("FHIR-012", where, expected="an object with id or extension")

    def twins(self, node: Json, name: str, member: Member, where: str) -> None:
        """Check `_x` of a list: objects or null, as many as `x` has values (R4 json.html#null)."""
        value, values = node[name], node.get(name[1:])
        if not isinstance(value, list) or not value:
            self.add("FHIR-012", f"{where}.{member.label}", expected="a list")
            return
        if isinstance(values, list) and len(values) != len(value):
            self.add("FHIR-023", f"{where}.{member.label}", reason=f"{member.label} and its twin differ in length")
        for at, item in enumerate(value):
            if item is not None:
                self.twin(item, f"{where}.{member.label}[{at}]")
            elif not isinstance(values, list) or at >= len(values) or values[at] is None:
                self.add("FHIR-015", f"{where}.{member.label}[{at}]")

    def primitive(self, node: Json, name: str, value: Any, member: Member, where: str) -> None:
        if not member.many:
            self.value(value, member, where, "")
            return
        if value.__class__ is not list:
            self.add("FHIR-012", f"{where}.{member.label}", expected="a list")
            return
        if not value or len(value) > MAX_ITEMS:
            self.length(value, f"{where}.{member.label}")
            return
        twins = node.get(f"_{name}")
        for at, item in enumerate(value):
            # A null stands for a value that has only extensions, which its twin holds.
            if item is not None or not isinstance(twins, list) or at >= len(twins) or twins[at] is None:
                self.value(item, member, where, f"[{at}]")

    def value(self, value: Any, member: Member, where: str, at: str) -> None:
        """Check one primitive value."""
        test = member.test
        if test is not None and not test(value):
            here = f"{where}.{member.label}{at}"
            if value is None or value == "":
                self.add("FHIR-015", here)
            elif value.__class__ is dict or value.__class__ is list:
                self.add("FHIR-012", here, expected=f"one {member.type}")
            else:
                self.add("FHIR-013", here, type=member.type)
            return
        if member.codes is not None and value not in member.codes:
            url = member.binding.url if member.binding else ""
            self.add("FHIR-014", f"{where}.{member.label}{at}", valueset=url)
        if member.type == "xhtml" and (what := forbidden_in(value)):
            self.add("FHIR-021", f"{where}.{member.label}{at}", what=what)
        if member.rules:
            self.rules(member.rules, value, member.type, f"{where}.{member.label}{at}")

    def complex(self, value: Any, member: Member, where: str) -> None:
        here = f"{where}.{member.label}"
        if not member.many:
            self.item(value, member, here)
        elif value.__class__ is not list:
            self.add("FHIR-012", here, expected="a list")
        elif not value or len(value) > MAX_ITEMS:
            self.length(value, here)
        else:
            for at, item in enumerate(value):
                self.item(item, member, f"{here}[{at}]")

    def length(self, items: list[Any], where: str) -> None:
        if items:
            self.add("FHIR-023", where, reason=f"a list has at most {MAX_ITEMS} items")
        else:
            self.add("FHIR-015", where)

    def item(self, item: Any, member: Member, where: str) -> None:
        """Check one value of a complex type."""
        if member.type == "Resource":
            if member.label == "contained":
                self.inner(item, where)
            else:
                self.resource(item, where)
            return
        if item.__class__ is not dict:
            if item is None:
                self.add("FHIR-015", where)
            else:
                self.add("FHIR-012", where, expected=f"one {member.type}")
            return
        self.object(item, shape_of(member.type), where)
        if member.type == "Reference":
            self.reference(item, member.targets, where)
        elif member.binding is not None and not member.binding.holds(item, member.type):
            self.add("FHIR-014", where, valueset=member.binding.url)
        elif member.absolute and not ABSOLUTE.fullmatch(str(item.get("url", "a:b"))):
            self.add("FHIR-013", f"{where}.url", type="absolute uri")
        if member.rules:
            self.rules(member.rules, item, member.type, where)

    def rules(self, rules: tuple[Rule, ...], value: Any, type_: str, where: str) -> None:
        scope = Scope(self.current, self.root, (value, type_), {})
        for rule in rules:
            if rule.broken(value, type_, scope):
                self.broken(rule.key, rule.human, where, rule.severity)

    def broken(self, key: str, human: str, where: str, severity: Severity = "error") -> None:
        self.add("FHIR-020", where, severity, key=key, human=human, zh=ZH.get(key, human))

    def reference(self, node: Json, targets: frozenset[str], where: str) -> None:
        """Check where a Reference points: its text, its `type`, what the element allows, and `#x` in the container."""
        text, type_ = node.get("reference"), node.get("type")
        target = target_of(text) if isinstance(text, str) else Target("")
        if target is None:
            self.add("FHIR-017", f"{where}.reference")
            return
        kind = target.kind
        if target.local:
            kind = self.local(target.local, where)
        named = type_ if isinstance(type_, str) and type_ in definitions.kinds() else ""
        if kind and named and kind != named:
            self.add("FHIR-017", f"{where}.type")
        found = kind or named
        if found and targets and found not in targets:
            self.add("FHIR-018", where, found=found, allowed=", ".join(sorted(targets)))

    def local(self, id_: str, where: str) -> str:
        """Return the kind of the contained resource ``id_``, "" after telling that there is none (ref-1)."""
        if id_ in self.inside:
            return self.inside[id_]
        self.add("FHIR-019", f"{where}.reference")
        return ""


def _kinds_by_id(contained: Any) -> dict[str, str]:
    found = contained if isinstance(contained, list) else ()
    return {str(r.get("id")): str(r.get("resourceType")) for r in found if isinstance(r, dict)}
