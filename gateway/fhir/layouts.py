"""One Python function for the objects of one layout: the same members in the same order, in the same place.

In: a place and a layout. Out: the function that checks such an object; it reads the values at once and has no question
left that the names alone answer: what must be there, choices, most rules. The source is generated and holds only names
and constants of the definitions and of the profiles that come with this program; a member they do not know makes no
function. Source: as `validate` and `profiles`; docs/decisions/0015-one-function-a-layout.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from gateway.fhir import guards, primitives, quick
from gateway.fhir.invariants import Rule
from gateway.fhir.profile_node import Form, Node
from gateway.fhir.profile_quick import (
    Element,
    content_checks_of,
    counter_of,
    own_checks_of,
    rule_check_of,
    target_test_of,
)
from gateway.fhir.quick import Check, never
from gateway.fhir.references import RELATIVE
from gateway.fhir.shapes import MAX_ITEMS, Member, shape_of

Json = dict[str, Any]
Layout = tuple[str, ...]
"""The names of an object's members, in its order."""
_NAMES: Final[Mapping[str, object]] = {**primitives.NAMES, **guards.NAMES, "relative": RELATIVE.fullmatch}


class Place(dict[Layout, Check]):
    """The objects that stand in one place, by layout: their type, what their element and profiles say of them.

    ``member`` is None where the element says nothing more than the type.
    """

    __slots__ = ("_make", "general", "kind", "member", "nodes")

    def __init__(
        self, kind: str, member: Member | None, nodes: tuple[Node, ...], make: Callable[[Place, Layout], Check]
    ) -> None:
        """Hold what is said; ``make`` returns the check of a layout that is met for the first time."""
        super().__init__()
        self.kind = kind
        self.member = member
        self.nodes = nodes
        self.general: Check | None = None
        self._make = make

    def __missing__(self, layout: Layout) -> Check:
        return self._make(self, layout)


class Around(Protocol):
    """What a function needs of those around it: `straight.Straight`."""

    @property
    def trees(self) -> Mapping[str, Node]:
        """Return the profiles by URL."""
        ...

    def place(self, kind: str, member: Member | None, nodes: tuple[Node, ...]) -> Place:
        """Return the place of objects of the type ``kind`` in ``member``, about which ``nodes`` say more."""
        ...

    def resource(self, doc: Any, _: Json) -> bool:
        """Check a resource that stands by itself."""
        ...

    def element(self, node: Node, forms: tuple[Form, ...]) -> Element:
        """Return the check of an element of a profile that is asked of the whole object."""
        ...


class _Never(Exception):  # noqa: N818 - ends the writing, never leaves this module
    """No object of this layout is for the short way."""


def function_of(around: Around, place: Place, layout: Layout) -> Check:
    """Return the check of objects of ``layout`` at ``place``; `never` when it would always say no. About 0.5 ms."""
    try:
        return _Writer(around, place, layout).function()
    except _Never:
        return never


def is_known(kind: str, layout: Layout) -> bool:
    """Tell whether R4 has all members of ``layout`` in objects of ``kind``."""
    members = shape_of(kind).members
    return all(name.removeprefix("_") in members or name == "resourceType" for name in layout)


class _Writer:
    """Writes one function."""

    def __init__(self, around: Around, place: Place, layout: Layout) -> None:
        self._around = around
        self._place = place
        self._layout = layout
        self._shape = shape_of(place.kind)
        self._lines: list[str] = []
        self._names: dict[str, object] = {}
        self._variables = {name: f"v{at}" for at, name in enumerate(layout)}
        self._nodes = [*_with_shapes(place.nodes, around.trees)]
        self._below: dict[str, list[Node]] = {}

    def function(self) -> Check:
        """Return the function."""
        self._decided_by_names()
        self._divided()
        for name in self._layout:
            if self._shape.type != "Reference" or name != "reference":
                self._member(name)
        if self._shape.type == "Reference":
            self._reference()
        self._further()
        body = "\n ".join((f"{', '.join(self._variables.values())}, = node.values()", *self._lines, "return True"))
        names = {**_NAMES, **self._names}
        code = compile(f"def check(node, resource):\n {body}", f"<{self._shape.type}>", "exec")
        exec(code, names)  # noqa: S102 - names and constants of the definitions
        made: Check = names["check"]  # type: ignore[assignment]
        return made

    def _bind(self, value: object) -> str:
        """Return the name under which the function finds ``value``."""
        name = f"x{len(self._names)}"
        self._names[name] = value
        return name

    def _unless(self, test: str, indent: str = "") -> None:
        self._lines.append(f"{indent}if not ({test}): return False")

    def _decided_by_names(self) -> None:
        """Refuse a layout with a member that nobody knows, without one that must be there, with two of a choice."""
        empty: dict[str, Any] = dict.fromkeys(self._layout)
        if not self._layout or not all(check(empty, empty) for check in quick.presence_of(self._shape)):
            raise _Never

    def _divided(self) -> None:
        """Find what the profiles say of each member; what cannot be said there is asked of the whole object."""
        for node in self._nodes:
            if node.kinds and self._shape.type not in node.kinds:
                raise _Never
            plan = node.plan(self._shape.type) if node.children else None
            if plan is None:
                continue
            if any(set(names).isdisjoint(self._layout) for _, names in plan.required):
                raise _Never
            for child, forms in plan.walked:
                self._child(child, forms)

    def _child(self, child: Node, forms: tuple[Form, ...]) -> None:
        taken = [form for form in forms if form[0] in self._variables]
        if any(twin in self._variables for _, twin, _ in forms) or not all(self._is_plain(child, f) for f in taken):
            self._unless(f"{self._bind(self._around.element(child, forms))}(node, resource)")
        elif taken:
            self._below.setdefault(taken[0][0], []).append(child)
        elif not counter_of(child)(0, []):
            raise _Never

    def _is_plain(self, child: Node, form: Form) -> bool:
        """Tell whether what ``child`` says is asked of each value by itself."""
        name, twin, kind = form
        if child.choose is not None and not self._shape.members[name].many:
            return False
        if twin or kind == "Resource":
            return not (child.children or child.shapes or child.slices or kind == "Resource")
        sliced = [*self._below.get(name, ()), child]
        return sum(node.choose is not None for node in sliced) < 2

    def _member(self, name: str) -> None:
        """Write the check of one member."""
        value, member = self._variables[name], self._shape.members.get(name)
        if member is None:
            if name == "resourceType" and self._shape.is_resource:
                return
            twin = self._shape.members.get(name[1:]) if name[:1] == "_" else None
            if twin is None or twin.test is None or twin.many:
                raise _Never
            self._unless(self._is_good(value, self._around.place("Element", None, ())))
            return
        children = self._below.get(name, [])
        if any(child.kinds and member.type not in child.kinds for child in children):
            raise _Never
        if not member.many:
            if not all(child.min <= 1 and (child.max is None or child.max >= 1) for child in children):
                raise _Never
            self._value(member, children, value, "")
            return
        self._unless(f"{value}.__class__ is list and 0 < len({value}) <= {MAX_ITEMS}")
        sliced = next((child for child in children if child.choose is not None), None)
        if sliced is not None:
            self._lines.append("taken = []")
        self._lines.append(f"for item in {value}:")
        self._value(member, children, "item", " ")
        for child in children:
            self._counted(child, value)

    def _counted(self, child: Node, value: str) -> None:
        """Write how often an element of a profile and its slices may be there."""
        if child.choose is not None:
            self._unless(f"{self._bind(counter_of(child))}(len({value}), taken)")
        elif child.min > 1 or child.max is not None:
            most = MAX_ITEMS if child.max is None else child.max
            self._unless(f"{child.min} <= len({value}) <= {most}")

    def _value(self, member: Member, children: list[Node], value: str, indent: str) -> None:
        """Write the check of one value of ``member``."""
        if member.test is not None:
            self._primitive(member, children, value, indent)
            return
        if member.type == "Resource":
            if member.label == "contained":
                raise _Never
            self._unless(f"{self._bind(self._around.resource)}({value}, resource)", indent)
            return
        nodes = tuple(children)
        sliced = next((child for child in children if child.choose is not None), None)
        if sliced is None:
            self._unless(self._is_good(value, self._around.place(member.type, member, nodes)), indent)
            return
        places: dict[str | None, Place] = {
            name: self._around.place(member.type, member, (*nodes, slice_)) for name, slice_ in sliced.slices.items()
        }
        if not sliced.closed:
            places[None] = self._around.place(member.type, member, nodes)
        choose, among = self._bind(sliced.choose), self._bind(places)
        self._unless(f"{value}.__class__ is dict", indent)
        self._lines.append(f"{indent}name = {choose}({value}, {member.type!r})")
        if sliced.closed:
            self._unless("name is not None", indent)
            self._lines.append(f"{indent}taken.append(name)")
        else:
            self._lines.append(f"{indent}if name is not None: taken.append(name)")
        self._unless(f"{among}[name][(*{value},)]({value}, resource)", indent)

    def _is_good(self, value: str, place: Place) -> str:
        return f"{value}.__class__ is dict and {self._bind(place)}[(*{value},)]({value}, resource)"

    def _primitive(self, member: Member, children: list[Node], value: str, indent: str) -> None:
        """Write the check of one primitive value, by R4 and by the profiles."""
        fixed = next((text for child in children if (text := _fixed(child, member)) is not None), None)
        if fixed is not None:
            self._unless(f"{value} == {self._bind(fixed)}", indent)
        elif member.rules or member.type == "xhtml":
            self._unless(f"{self._bind(quick.value_of(member))}({value}, resource)", indent)
        elif member.codes is not None:
            good = frozenset(code for code in member.codes if member.test is not None and member.test(code))
            self._unless(f"{value}.__class__ is str and {value} in {self._bind(good)}", indent)
        else:
            self._unless(primitives.source_of(member.type, value), indent)
        for child in children:
            own = [] if fixed is not None and _fixed(child, member) == fixed else own_checks_of(child)
            for check in (*own, *(rule_check_of(rule, member.type) for rule in child.rules)):
                self._unless(f"{self._bind(check)}({value}, None, resource)", indent)

    def _reference(self) -> None:
        """Write where a Reference may point to, by R4 and by the profiles."""
        member = self._place.member
        targets = member.targets if member is not None else frozenset()
        further = [node.targets for node in self._nodes if node.kinds and node.targets]
        points = [self._bind(quick.points_to(targets)), *(self._bind(target_test_of(more)) for more in further)]
        asked = " and ".join(f"{one}(node)" for one in points)
        text = self._variables.get("reference")
        if text is None or "type" in self._variables or "reference" in self._below:
            if text is not None:
                self._member("reference")
            self._unless(asked)
            return
        allowed = self._bind(quick.allowed_of(targets).intersection(*further))
        good = primitives.source_of("string", text)
        self._lines.append(f"found = relative({text}) if {text}.__class__ is str else None")
        self._unless(f"({good}) and {asked} if found is None else found[1] in {allowed}")

    def _further(self) -> None:
        """Write what is asked of the whole object once its members are good: codes, addresses, rules, patterns."""
        member, type_ = self._place.member, self._shape.type
        if member is not None and type_ != "Reference":
            if member.binding is not None:
                self._unless(f"{self._bind(quick.bound_by(member.binding, type_))}(node)")
            elif member.absolute:
                url = self._variables["url"]
                self._unless(f"{url}.startswith('http://') or {self._bind(quick.is_absolute)}({url})")
        self._rules([*self._shape.rules, *(member.rules if member is not None else ())])
        for node in self._nodes:
            for check in content_checks_of(node) if type_ == "Reference" else own_checks_of(node):
                self._unless(f"{self._bind(check)}(node, None, resource)")
            for rule in node.rules:
                source = guards.source_of(rule.expression, type_, self._variables)
                asked = f"{self._bind(rule_check_of(rule, type_))}(node, None, resource)"
                if source != "True":
                    self._unless(asked if source in (None, "False") else f"({source}) or {asked}")

    def _rules(self, rules: list[Rule]) -> None:
        """Write the rules of R4 that the names do not answer; each is asked itself where it is not surely kept."""
        for rule in dict.fromkeys(rules):
            source = guards.source_of(rule.expression, self._shape.type, self._variables)
            if source != "True":
                asked = f"{self._bind(quick.unbroken(rule, self._shape.type))}(node, resource)"
                self._unless(asked if source in (None, "False") else f"({source}) or {asked}")


def _fixed(node: Node, member: Member) -> str | None:
    """Return the text that ``node`` fixes for a primitive of ``member``, when it says no more and the text is good."""
    expected = node.expected
    if expected is None or not isinstance(expected.value, str) or node.binding is not None or member.rules:
        return None
    is_good = member.test is not None and member.test(expected.value) and member.type != "xhtml"
    return expected.value if is_good and (member.codes is None or expected.value in member.codes) else None


def _with_shapes(nodes: tuple[Node, ...], trees: Mapping[str, Node]) -> Iterator[Node]:
    """Yield ``nodes`` and the profiles that they ask for, such as those of extensions."""
    for node in nodes:
        yield node
        yield from _with_shapes(tuple(trees[url] for url in node.shapes), trees)
