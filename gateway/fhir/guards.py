"""Turns a rule into a quick question: "is it surely kept?", asked before the rule itself is run.

In: FHIRPath expressions and the type of their focus. Out: a Python function of the object, true only where all rules
hold; where it is not, nothing is known. The object must be valid R4, rules aside. Most rules say "absent or ...", and
most objects lack the element. The source is generated and holds only names and constants of the definitions and
profiles that come with this program, each written with `repr`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from gateway.fhir import definitions
from gateway.fhir.fhirpath import Binary, Call, Index, Literal, Member, Node, parse
from gateway.fhir.navigate import forms, json_names

Json = dict[str, Any]
Guard = Callable[[Json], bool]
Source = str | None
"""A Python expression, None when nothing can be asked."""

_DATES = frozenset(("date", "dateTime", "instant"))
_ABSENT = "None"
_OPPOSITE = {"True": "False", "False": "True"}
# What gives nothing when there is nothing to apply it to.
_STRICT = frozenset(("where", "select", "first", "tail", "ofType", "as", "resolve", "trace"))


def guard_of(expressions: Iterable[str], type_: str) -> Guard | None:
    """Return a function of an object that is true only if all ``expressions`` hold; None when it would never be."""
    sources = [_true(parse(expression), _Focus("n", type_)) for expression in expressions]
    if None in sources:
        return None
    text = " and ".join(f"({source})" for source in dict.fromkeys(sources)) or "True"
    made: Guard = eval(f"lambda n: {text}", dict(NAMES))  # noqa: S307 - see above
    return made


def source_of(expression: str, type_: str, members: Mapping[str, str]) -> Source:
    """Return the source of the same question about an object of which it is known what it holds: ``members`` names the
    variable of each of its members. "True" and "False" where that alone decides. What else it needs is in `NAMES`.
    """
    return _true(parse(expression), _Focus("n", type_, members))


def has_guard(expression: str, type_: str) -> bool:
    """Tell whether `guard_of` makes something of ``expression``."""
    return _true(parse(expression), _Focus("n", type_)) is not None


class _Focus(NamedTuple):
    """What an expression is about: a variable of the generated source, and the type of the object in it.

    ``members`` are the variables of all that the object holds, where that is known.
    """

    name: str
    type: str
    members: Mapping[str, str] | None = None

    def single(self, member: str) -> str:
        """Return the source of the element ``member`` when it is one primitive value, else ""."""
        found = forms(self.type, member)
        plain = len(found) == 1 and found[0][2] and not definitions.elements(self.type)[member].many
        if plain and self.members is not None:
            return self.members.get(member, _ABSENT)
        return f"{self.name}.get({member!r})" if plain else ""

    def holds(self, form: str) -> str:
        """Return the source that tells whether the object has the member ``form``."""
        return f"{form!r} in {self.name}" if self.members is None else str(form in self.members)

    def has(self, member: str) -> str:
        """Return the source that tells whether the element ``member`` is there."""
        found: Source = "False"
        for form in json_names(self.type, member):
            found = _either(found, self.holds(form))
        return str(found)

    def lacks(self, member: str) -> str:
        """Return the source that tells whether the element ``member`` is not there."""
        return _OPPOSITE.get(self.has(member), f"not {self.has(member)}")

    def items(self, member: str) -> str:
        """Return the source of the objects in the element ``member``."""
        many = definitions.elements(self.type)[member].many
        if self.members is not None:
            found = self.members.get(member, "()")
            return found if many or found == "()" else f"({found},)"
        if many:
            return f"{self.name}.get({member!r}, ())"
        return f"(({self.name}[{member!r}],) if {member!r} in {self.name} else ())"


class _Loop(NamedTuple):
    """A loop over objects: its clauses, and what each of them is called."""

    clauses: str
    focus: _Focus
    is_empty: bool = False

    def any(self, test: str) -> str:
        """Return the source that tells whether ``test`` is true of one of the objects."""
        return "False" if self.is_empty or test == "False" else f"any({test} for {self.clauses})"

    def none(self, test: str) -> str:
        """Return the source that tells whether ``test`` is true of none of them."""
        return _OPPOSITE.get(self.any(test), f"not {self.any(test)}")


def _true(node: Node, at: _Focus) -> Source:
    """Return when ``node`` is surely true."""
    match node:
        case Binary(operator, left, right):
            return _true_binary(operator, left, right, at)
        case Call(of, "not", ()) if of is not None:
            return _false(of, at)
        case Call(of, "exists", ()) if of is not None:
            return _some(of, at)
        case Call(of, "empty", ()) if of is not None:
            return _none(of, at)
    return None


def _true_binary(operator: str, left: Node, right: Node, at: _Focus) -> Source:  # noqa: PLR0911 - one for each operator
    match operator:
        case "or":
            return _either(_true(left, at), _true(right, at))
        case "and":
            return _both(_true(left, at), _true(right, at))
        case "implies":
            return _either(_false(left, at), _true(right, at))
        case "<=":
            return _ordered(left, right, at)
        case "=":
            return _compared(left, right, at, "==")
        case ">" if right == Literal(0):
            return _counted(left, at)
        case ">=" if isinstance(left, Member) and left.of is None and right == Literal(0):
            value = at.single(left.name)
            return "False" if value == _ABSENT else f"not_negative({value})" if value else None
    return None


def _false(node: Node, at: _Focus) -> Source:  # noqa: PLR0911 - one for each kind of node
    """Return when ``node`` is surely false, not only without an answer."""
    match node:
        case Binary("or", left, right):
            return _both(_false(left, at), _false(right, at))
        case Binary("and", left, right):
            return _either(_false(left, at), _false(right, at))
        case Binary("implies", left, right):
            return _both(_true(left, at), _false(right, at))
        case Binary("=", Member(None, name) as left, right):
            return _both(_compared(left, right, at, "!="), at.holds(name))
        case Call(of, "not", ()) if of is not None:
            return _true(of, at)
        case Call(of, "exists" | "hasValue", _) if of is not None:
            return _none(of, at)
        case Call(of, "empty", ()) if of is not None:
            return _some(of, at)
    return None


def _untrue(node: Node, at: _Focus) -> Source:
    """Return when ``node`` is surely not true: false, or without an answer."""
    match node:
        case Binary("and", left, right):
            return _either(_untrue(left, at), _untrue(right, at))
        case Binary("or", left, right):
            return _both(_untrue(left, at), _untrue(right, at))
        case Binary("=", left, right):
            return _compared(left, right, at, "!=")
    return _false(node, at)


def _compared(left: Node, right: Node, at: _Focus, sign: str) -> Source:
    """Compare one value of the focus with a text; a missing one is unequal."""
    if not isinstance(left, Member) or left.of is not None or not isinstance(right, Literal):
        return None
    value = at.single(left.name)
    if not value or not isinstance(right.value, str):
        return None
    return str(sign == "!=") if value == _ABSENT else f"{value} {sign} {right.value!r}"


def _none(node: Node, at: _Focus) -> Source:  # noqa: PLR0911 - one for each kind of node
    """Return when ``node`` is surely empty."""
    match node:
        case Member(None, name):
            return at.lacks(name)
        case Member(of, name) if of is not None and (loop := _loop(of, at, _untrue)) is not None:
            return loop.none(loop.focus.has(name))
        case Call(_, "where", _) if (loop := _loop(node, at, _untrue)) is not None:
            return loop.none("True")
        case Call(None, "where", (criterion,)):
            return _untrue(criterion, at)
        case Member(of, _) | Index(of, Literal(int())):
            return _none(of, at) if of is not None else None
        case Call(of, name, _) if of is not None and name in _STRICT:
            return _none(of, at)
    return None


def _some(node: Node, at: _Focus) -> Source:
    """Return when ``node`` is surely not empty."""
    match node:
        case Member(None, name):
            return at.has(name)
        case Member(of, name) if of is not None and (loop := _loop(of, at, _true)) is not None:
            return loop.any(loop.focus.has(name))
        case Call(_, "where", _) if (loop := _loop(node, at, _true)) is not None:
            return loop.any("True")
    return None


def _loop(node: Node, at: _Focus, decide: Callable[[Node, _Focus], Source]) -> _Loop | None:
    """Return the loop over the objects that ``node`` gives, for `_true` those surely, for `_untrue` those perhaps."""
    match node:
        case Member(None, name):
            return _step(None, name, at)
        case Member(of, name) if of is not None:
            above = _loop(of, at, decide)
            return None if above is None else _step(above, name, above.focus)
        case Call(of, "where", (criterion,)) if of is not None:
            above = _loop(of, at, decide)
            source = None if above is None else decide(criterion, above.focus)
            if above is None or source is None:
                return None
            asked = source if decide is _true else f"not ({source})"
            return _Loop(f"{above.clauses} if {asked}", above.focus, above.is_empty)
    return None


def _step(above: _Loop | None, name: str, at: _Focus) -> _Loop | None:
    """Return the loop over the objects of the element ``name``, None for a primitive or a choice."""
    found = forms(at.type, name)
    if len(found) != 1 or found[0][2] or found[0][1] == "Resource":
        return None
    variable, items = f"{at.name}_{name}", at.items(name)
    clauses = f"{above.clauses} for " if above is not None else ""
    is_empty = items == "()" or (above is not None and above.is_empty)
    return _Loop(f"{clauses}{variable} in {items}", _Focus(variable, found[0][1]), is_empty)


def _counted(node: Node, at: _Focus) -> Source:
    """Return when a sum of counts is surely not zero."""
    match node:
        case Binary("+", left, right):
            return _either(_counted(left, at), _counted(right, at))
        case Call(of, "count", ()) if of is not None:
            return _some(of, at)
    return None


def _ordered(left: Node, right: Node, at: _Focus) -> Source:
    names = [side.name for side in (left, right) if isinstance(side, Member) and side.of is None]
    dates = [at.single(name) for name in names if forms(at.type, name) and forms(at.type, name)[0][1] in _DATES]
    if len(dates) != 2 or not all(dates):
        return None
    return "False" if _ABSENT in dates else f"in_order({dates[0]}, {dates[1]})"


def _in_order(one: Any, other: Any) -> bool:
    """Tell whether of two dates of the same form and offset the first is surely not the later one."""
    if one.__class__ is not str or other.__class__ is not str or len(one) != len(other):
        return False
    same_offset = len(one) <= len("2026-03-04") or one[-1:] == other[-1:] == "Z" or one[-6:] == other[-6:]
    return same_offset and bool(one <= other)


def _not_negative(value: Any) -> bool:
    return value.__class__ in (int, float, Decimal) and bool(value >= 0)


def _either(one: Source, other: Source) -> Source:
    if "True" in (one, other):
        return "True"
    if one in (None, "False") or other in (None, "False"):
        return one if other is None else other if one in (None, "False") else one
    return f"({one} or {other})"


def _both(one: Source, other: Source) -> Source:
    if one is None or other is None:
        return None
    if "False" in (one, other):
        return "False"
    if "True" in (one, other):
        return other if one == "True" else one
    return f"({one} and {other})"


NAMES: Final[Mapping[str, object]] = {"in_order": _in_order, "not_negative": _not_negative}
"""What the sources call."""
