"""One rule of a map: an expression and the element it feeds, to an `ir.Leaf`.

Refused (`Slip`): a value of another type than the element's, a list where none is, a code outside a required value set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import yaml

from gateway.mapping import ir, values
from gateway.mapping.model import PRIMITIVES, Element
from gateway.mapping.paths import Name
from gateway.mapping.rules import Rules
from gateway.mapping.source import line_of, member, scalar
from gateway.mapping.syntax import Slip, near
from gateway.mapping.transforms import SIGNATURES

LONG: Final = frozenset({"from", "when", "each", "required", "on_error", "note"})
"""Keys of a rule's long form."""
POLICIES: Final[dict[str, ir.OnError]] = {
    "reject": "reject",
    "drop-element": "drop-element",
    "drop-resource": "drop-resource",
}


@dataclass(slots=True)
class Here:
    """Where the walk stands: names in scope, the target's pattern with its open list positions, the error policy."""

    scope: dict[str, Name]
    target: str
    on_error: ir.OnError = "reject"
    fragments: tuple[str, ...] = ()

    def child(self, target: str) -> Here:
        """Return the same place, deeper."""
        return Here(self.scope, target, self.on_error, self.fragments)


def policy_of(node: yaml.MappingNode, other: ir.OnError) -> ir.OnError:
    """Return the policy that ``node`` names, ``other`` when it names none; `Slip` for an unknown one."""
    policy = member(node, "on_error")
    if policy is None:
        return other
    found = POLICIES.get(str(policy.value)) if isinstance(policy, yaml.ScalarNode) else None
    if found is None:
        raise Slip(f"on_error is one of {', '.join(POLICIES)}")
    return found


@dataclass(slots=True)
class Leaves:
    """Build the rules of one map; ``table`` holds what the runtime knows of each."""

    rules: Rules
    table: list[ir.Rule] = field(default_factory=list)

    def leaf(self, node: yaml.Node, element: Element, here: Here, *, in_list: bool) -> ir.Leaf:
        """Return one rule; `Slip` when it does not fit its element."""
        text, required, when, on_error = self._long(node, here, in_list=in_list)
        value = self.rules.value(text, here.scope)
        calls = tuple(call for call in value.calls if call.name != "required")
        required = required or len(calls) != len(value.calls)
        value = ir.Value(value.operands, calls)
        if here.target.endswith(".id") and here.target.count(".") == 1:
            required = True
        check, as_reference, is_list = self._fit(value, element, here.target)
        value = self._typed(value, element, check)
        rule = self._rule(node, text, value, here.target, on_error)
        if required and value.is_constant and all(isinstance(one, ir.Constant) for one in value.accesses()):
            required = False
        return ir.Leaf(line_of(node), value, check, rule, required, when, is_list, as_reference, here.target)

    def _long(self, node: yaml.Node, here: Here, *, in_list: bool) -> tuple[str, bool, ir.Condition | None, ir.OnError]:
        if isinstance(node, yaml.ScalarNode):
            return node.value, False, None, here.on_error
        if not isinstance(node, yaml.MappingNode):
            raise Slip("one rule is expected here")
        for key, _ in node.value:
            if key.value not in LONG:
                raise Slip(f"{key.value!r} is no key of the long form ({', '.join(sorted(LONG))})")
        policy = policy_of(node, here.on_error)
        required = member(node, "required")
        when = member(node, "when")
        condition = None
        if when is not None and not in_list:
            condition = self.rules.condition(scalar(when), here.scope)
        if required is not None and required.value not in ("true", "false"):
            raise Slip("required is true or false")
        wanted = required is not None and required.value == "true"
        return scalar(member(node, "from")), wanted, condition, policy

    def _fit(self, value: ir.Value, element: Element, target: str) -> tuple[str, bool, bool]:
        """Return (checker, wrap as Reference, is a list) for ``value`` at ``element``."""
        made = SIGNATURES[value.calls[-1].name].out if value.calls else frozenset()
        elder = len(value.operands) == 1 and value.operands[0] == ir.FromContext("elder") and not value.calls
        if element.is_list and "list" not in made:
            raise Slip(f"{target} is a list: write [ ] or - around it")
        if element.type == "Reference":
            if not elder and "reference" not in made and not _is_resource_reference(value):
                raise Slip(f"{target} is a Reference: ref(Type, ...) or a mapping")
            _pointed(value, element, elder=elder)
            return "", True, False
        if elder or "reference" in made:
            if element.type not in ("string", "uri", "url"):
                raise Slip(f"{target} is a {element.type}, not a reference")
            return "", False, False
        if element.type in PRIMITIVES:
            if (
                made
                and not made & {element.type, "list"}
                and not (made & {"date", "dateTime"} and element.type == "string")
            ):
                raise Slip(f"{target} is a {element.type}, {value.calls[-1].name} makes {' or '.join(sorted(made))}")
            if made & {element.type} and element.type != "xhtml":
                return "", False, False  # the transform has checked it
            return element.type, False, "list" in made and element.is_list
        if element.type not in made:
            hint = {"CodeableConcept": "concept(table)", "Coding": "coding(table)"}.get(element.type, "a mapping")
            raise Slip(f"{target} is a {element.type}: write {hint}")
        return "", False, False

    def _typed(self, value: ir.Value, element: Element, check: str) -> ir.Value:
        """Check codes against a required binding and give a lone literal the target's type."""
        for call in value.calls:
            if call.table is not None and element.codes is not None:
                for row in call.table.rows.values():
                    _allowed(row.code, element)
                if call.table.on_unmapped == "passthrough":
                    raise Slip(f"table {call.table.name} lets any code pass, this element has a required value set")
        literals = [one for one in value.operands if isinstance(one, ir.Constant)]
        for one in literals:
            if not value.calls and element.codes is not None:
                _allowed(one.value, element)
        if len(value.operands) == 1 and literals and not value.calls:
            return ir.Value((ir.Constant(_literal(literals[0].value, check)),))
        return value

    def _rule(self, node: yaml.Node, text: str, value: ir.Value, target: str, on_error: ir.OnError) -> int:
        read = [one for one in value.accesses() if isinstance(one, (ir.JsonPath, ir.V2Path))]
        field_ = read[0].field if read else ir.Field("", "", "none")
        place = read[0].place if read else ir.Place("")
        if len(value.operands) == 1 and isinstance(value.operands[0], ir.Template) and len(read) > 1:
            spots = tuple(spot for one in read for spot in one.place.spots)
            place = ir.Place(", ".join(one.place.pattern for one in read), spots)
        self.table.append(ir.Rule(line_of(node), target, place, field_, on_error, text))
        return len(self.table) - 1


def _is_resource_reference(value: ir.Value) -> bool:
    """Tell whether ``value`` is what `each: $resources as r` walks over."""
    one = value.operands[0]
    return isinstance(one, ir.JsonPath) and one.field.path == "$resources" and not value.calls


def _pointed(value: ir.Value, element: Element, *, elder: bool) -> None:
    """Refuse a reference to a kind that R4 does not allow here."""
    kind = "Patient" if elder else value.calls[-1].texts[0] if value.calls else ""
    if kind and element.targets and kind not in element.targets and "Resource" not in element.targets:
        raise Slip(f"a reference to {kind} is not allowed here, only to {', '.join(sorted(element.targets))}")


def _allowed(code: str, element: Element) -> None:
    if element.codes is not None and code not in element.codes:
        hint = near(code, element.codes)
        raise Slip(f"code {code!r} is not in the required value set ({', '.join(sorted(element.codes)[:12])}){hint}")


def _literal(text: object, check: str) -> object:
    if not check:
        return text
    try:
        found = values.CHECKS[check](text)
    except values.Bad:
        raise Slip(f"{text!r} is no {check}") from None
    if found is None:
        raise Slip("an empty literal")
    return found
