"""YAML nodes of `resources` to typed objects and leaves, checked against the R4 definitions on the way.

Every mistake is noted and the walk goes on, so that an author sees all of them at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

import yaml

from gateway.mapping import ir, syntax
from gateway.mapping.leaves import Here, Leaves, policy_of
from gateway.mapping.model import PRIMITIVES, Element, Model, required_groups
from gateway.mapping.paths import Alias, LoopVar, Name, Scope
from gateway.mapping.rules import Rules
from gateway.mapping.source import line_of, member, scalar
from gateway.mapping.syntax import Slip, near

WORDS: Final = frozenset({"each", "when", "on_error"})
"""Keys of an object that belong to the language; a list under `when` is FHIR's own element."""
_SELECTED = re.compile(r"\[[^\]%]*\]$")
T = TypeVar("T")
Note = Callable[[yaml.Node, str], None]


@dataclass(frozen=True, slots=True)
class Fragment:
    """A shared piece of a data type."""

    type: str
    args: tuple[str, ...]
    body: yaml.MappingNode


@dataclass(slots=True)
class Trees:
    """Build the objects of one map."""

    model: Model
    rules: Rules
    note: Note
    fragments: dict[str, Fragment] = field(default_factory=dict)
    loops: int = 0
    can_drop: bool = False
    leaves: Leaves = field(init=False)

    def __post_init__(self) -> None:
        """Share the rules with the leaves."""
        self.leaves = Leaves(self.rules)

    def resource(self, kind_node: yaml.Node, node: yaml.Node, scope: Scope) -> ir.Resource | None:
        """Return one resource, None when its frame is unusable."""
        kind = str(kind_node.value)
        if not self.model.is_resource(kind):
            self.note(kind_node, f"{kind!r} is no R4 resource")
            return None
        if not isinstance(node, yaml.MappingNode):
            self.note(node, f"{kind} is a mapping of its elements")
            return None
        here = Here(dict(scope), kind)
        self.can_drop = False
        loop, when = self._frame(node, here)
        self._policy(node, here)
        body = self.object(node, kind, here)
        self._identity(kind, body, kind_node)
        return ir.Resource(line_of(kind_node), kind, body, loop, when, self.can_drop)

    def _identity(self, kind: str, body: ir.Object, node: yaml.Node) -> None:
        id_ = next((child.node for child in body.children if child.name == "id"), None)
        if kind == "Patient" and id_ is not None:
            self.note(node, "Patient has no id in a map: identity mints it")
        if kind != "Patient" and id_ is None:
            self.note(node, f"{kind} needs an id: value | uuid({kind}, ...)")
        for call in id_.value.calls if isinstance(id_, ir.Leaf) else ():
            if call.name == "uuid" and call.texts[0] != kind:
                self.note(node, f"the id of {kind} is minted with uuid({kind}, ...), not {call.texts[0]}")

    def _frame(self, node: yaml.MappingNode, here: Here) -> tuple[ir.Loop | None, ir.Condition | None]:
        """Read `each` and `when`; the loop's name joins the scope."""
        loop = None
        each = member(node, "each")
        if each is not None:
            loop = self._try(each, lambda: self.loop(each, here.scope))
        when = member(node, "when")
        if when is None or isinstance(when, yaml.SequenceNode):  # a list is FHIR's own element `when`
            return loop, None
        return loop, self._try(when, lambda: self.rules.condition(scalar(when), here.scope))

    def loop(self, node: yaml.Node, scope: dict[str, Name]) -> ir.Loop:
        """Read `path as name` and put the name into ``scope``."""
        path, name = syntax.each(scalar(node))
        self.loops += 1
        var = f"x{self.loops}"
        path = self.rules.paths.expand(path, scope)
        entries = path.endswith("{}")
        if path == "$resources":
            access: ir.Access = ir.FromContext("resources")
            scope[name] = LoopVar(var, "resources", "$resources", ir.Place("$resources"))
            self.rules.paths.fields.setdefault("$resources", ir.Field("$resources", "resources", "none"))
            return ir.Loop(var, "resources", access, line_of(node))
        access = self.rules.paths.resolve(path.removesuffix("{}"), scope)
        if not isinstance(access, (ir.JsonPath, ir.V2Path)):
            raise Slip("each walks over a list of the record")
        kind = self._loop_kind(access, entries=entries)
        if isinstance(access, ir.JsonPath):
            pattern = access.field.path.removesuffix("[]") + ("{}" if entries else "[]")
            place = ir.Place(access.place.pattern + ("['%s']" if entries else "[%d]"), (*access.place.spots, var))
        else:
            pattern = _v2_pattern(access)
            place = ir.Place(_SELECTED.sub("", access.place.pattern) + "[%d]", (*access.place.spots, var))
        scope[name] = LoopVar(var, kind, pattern, place)
        return ir.Loop(var, kind, access, line_of(node))

    @staticmethod
    def _loop_kind(access: ir.Access, *, entries: bool) -> str:
        if isinstance(access, ir.JsonPath):
            return "entries" if entries else "json"
        if not isinstance(access, ir.V2Path) or entries:
            raise Slip("{} reads the entries of a JSON object")
        return "repetition" if access.index else "segment"

    def _policy(self, node: yaml.MappingNode, here: Here) -> None:
        here.on_error = self._try(node, lambda: policy_of(node, here.on_error)) or here.on_error
        self.can_drop = self.can_drop or here.on_error == "drop-resource"

    def object(self, node: yaml.MappingNode, type_: str, here: Here) -> ir.Object:
        """Return an object of ``type_``."""
        children = self.model.children(type_) or {}
        pairs, here = self._expanded(node, type_, here)
        built: dict[str, ir.Child] = {}
        for key, value in pairs:
            name = str(key.value)
            if name in WORDS and not (name == "when" and isinstance(value, yaml.SequenceNode)):
                continue
            if name in built:
                self.note(key, f"{name!r} is there twice")
                continue
            child = self._element(key, value, type_, children, here)
            if child is not None:
                built[name] = child
        self._one_choice(node, children, built)
        needed = self._needed(node, children, built, here)
        return ir.Object(line_of(node), type_, tuple(built.values()), needed, here.target)

    def _expanded(
        self, node: yaml.MappingNode, type_: str, here: Here
    ) -> tuple[list[tuple[yaml.Node, yaml.Node]], Here]:
        """Return the object's pairs, those of a fragment it uses first; keys beside `use` win."""
        use = member(node, "use")
        called = syntax.call(use.value) if isinstance(use, yaml.ScalarNode) and not use.value.startswith("=") else None
        if called is None or use is None:
            return list(node.value), here
        name, args = called
        fragment = self.fragments.get(name)
        if fragment is None:
            self.note(use, f"unknown fragment {name!r}{near(name, self.fragments)}")
            return [], here
        if fragment.type != type_ or len(args) != len(fragment.args) or name in here.fragments:
            self.note(
                use, f"fragment {name} makes a {fragment.type} of {len(fragment.args)} arguments, not inside itself"
            )
            return [], here
        scope = dict(here.scope)
        for parameter, argument in zip(fragment.args, args, strict=True):
            scope[parameter] = Alias(self.rules.paths.expand(argument, here.scope))
        beside = [(key, value) for key, value in node.value if value is not use]
        taken = {key.value for key, _ in beside}
        inside = [(key, value) for key, value in fragment.body.value if key.value not in taken]
        return inside + beside, Here(scope, here.target, here.on_error, (*here.fragments, name))

    def _element(
        self, key: yaml.Node, value: yaml.Node, type_: str, children: Mapping[str, Element], here: Here
    ) -> ir.Child | None:
        name = str(key.value)
        element = children.get(name)
        twin = children.get(name[1:]) if name.startswith("_") else None
        if twin is not None and twin.type in PRIMITIVES and not twin.is_list:
            element = Element("Element", is_list=False, required=False, codes=None, choice=name)
        if element is None or element.type == "Resource":
            self.note(key, f"{type_} has no element {name!r}{near(name, children)}")
            return None
        node = self.node(value, element, here.child(f"{here.target}.{name}"))
        return None if node is None else ir.Child(name, node)

    def _one_choice(self, node: yaml.Node, children: Mapping[str, Element], built: dict[str, ir.Child]) -> None:
        seen: dict[str, str] = {}
        for name in built:
            choice = children[name].choice if name in children else name
            if choice in seen and not _exclusive(built[name], built[seen[choice]]):
                self.note(node, f"{seen[choice]} and {name} are one choice: give both a when, or drop one")
            seen[choice] = name

    def _needed(
        self, node: yaml.Node, children: Mapping[str, Element], built: dict[str, ir.Child], here: Here
    ) -> tuple[tuple[str, ...], ...]:
        needed = []
        for group in required_groups(children):
            present = tuple(name for name in group if name in built)
            if not present:
                self.note(node, f"{here.target}.{group[0]} is required by R4 and never fed")
            needed.append(present)
        return tuple(group for group in needed if group)

    def node(self, value: yaml.Node, element: Element, here: Here) -> ir.Node | None:
        """Return the tree of one element's value."""
        if isinstance(value, yaml.SequenceNode):
            if not element.is_list:
                self.note(value, f"{here.target} is no list")
                return None
            return self._items(value, element, here)
        if isinstance(value, yaml.MappingNode) and member(value, "from") is None:
            if element.is_list:
                self.note(value, f"{here.target} is a list: write [ ] or - around it")
                return None
            return self._mapping(value, element, here)
        return self._try(value, lambda: self._leaf(value, element, here, in_list=False))

    def _items(self, node: yaml.SequenceNode, element: Element, here: Here) -> ir.Items:
        one = element._replace(is_list=False)
        items: list[ir.Item] = []
        for position, value in enumerate(node.value):
            inner = Here(dict(here.scope), f"{here.target}[{position}]", here.on_error, here.fragments)
            loop = when = None
            if isinstance(value, yaml.MappingNode):
                loop, when = self._frame(value, inner)
            moves = loop is not None or any(item.loop or item.when or _may_vanish(item.node) for item in items)
            if moves:
                inner.target = f"{here.target}[%d]"
            built = self._item(value, one, inner)
            if built is not None:
                items.append(ir.Item(built, loop, when, moves))
        return ir.Items(line_of(node), tuple(items))

    def _item(self, value: yaml.Node, element: Element, here: Here) -> ir.Node | None:
        if isinstance(value, yaml.SequenceNode):
            self.note(value, "a list inside a list: FHIR has none")
            return None
        if isinstance(value, yaml.MappingNode) and member(value, "from") is None:
            return self._mapping(value, element, here, in_list=True)
        return self._try(value, lambda: self._leaf(value, element, here, in_list=True))

    def _mapping(
        self, node: yaml.MappingNode, element: Element, here: Here, *, in_list: bool = False
    ) -> ir.Node | None:
        if element.type in PRIMITIVES:
            self.note(node, f"{here.target} is a {element.type}: one rule, or the long form with from")
            return None
        here = Here(here.scope, here.target, here.on_error, here.fragments)
        self._policy(node, here)
        built = self.object(node, element.type, here)
        when = member(node, "when")
        if in_list or when is None or isinstance(when, yaml.SequenceNode):
            return built
        condition = self._try(when, lambda: self.rules.condition(scalar(when), here.scope))
        return ir.Object(built.line, built.type, built.children, built.needed, built.target, condition)

    def _leaf(self, node: yaml.Node, element: Element, here: Here, *, in_list: bool) -> ir.Leaf:
        leaf = self.leaves.leaf(node, element, here, in_list=in_list)
        self.can_drop = self.can_drop or self.leaves.table[leaf.rule].on_error == "drop-resource"
        return leaf

    def _try(self, node: yaml.Node, work: Callable[[], T]) -> T | None:
        """Run ``work``; a Slip is noted at ``node`` and None comes out."""
        try:
            return work()
        except Slip as slip:
            self.note(node, str(slip))
            return None


def _exclusive(one: ir.Child, other: ir.Child) -> bool:
    return all(getattr(child.node, "when", None) is not None for child in (one, other))


def _may_vanish(node: ir.Node) -> bool:
    if isinstance(node, ir.Leaf):
        return not (node.value.is_constant and all(isinstance(one, ir.Constant) for one in node.value.accesses()))
    return True


def _v2_pattern(access: ir.V2Path) -> str:
    """Return the fields' pattern of one step of a loop over ``access``, without selectors."""
    name = access.segment or access.place.pattern.split("[")[0].split("-")[0]
    return f"{name}-{access.index}" if access.index else name
