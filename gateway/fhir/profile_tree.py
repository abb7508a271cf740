"""A profile as a tree: what a differential says about each element, in the form that `profiles` walks by.

In: StructureDefinitions with a differential, no snapshot. Out: the root `Node` of each. Raises ValueError for whatever
is not understood: half a profile would let bad data pass. Source: R4 profiling.html, elementdefinition.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.fhir.check_digits import has_card_check, is_credit_code
from gateway.fhir.evaluate import Run, Scope, compiled
from gateway.fhir.invariants import Rule
from gateway.fhir.operators import Items, truth
from gateway.fhir.profile_node import Binding, Expected, Node
from gateway.fhir.value_sets import ValueSets

Json = dict[str, Any]

CORE = "http://hl7.org/fhir/StructureDefinition/"
# What a rule of a differential may consist of; texts for people are passed over, all else is refused.
_TEXTS = frozenset(("id", "path", "sliceName", "short", "definition", "comment", "requirements", "alias", "mapping"))
_HINTS = frozenset(("mustSupport", "isModifier", "isModifierReason", "isSummary", "example", "orderMeaning"))
_READ = frozenset(("min", "max", "type", "binding", "constraint", "slicing"))
_URL = (("value", "url"),)
_BACKBONE = frozenset(("BackboneElement", "Element"))


def tree_of(url: str, all_: Mapping[str, Json], value_sets: ValueSets) -> Node:
    """Return the tree of the profile ``url``, with what it inherits from profiles in ``all_``."""
    definition = all_[url]
    root = Node(definition["type"], definition["type"])
    for owner in _lineage(url, all_):
        for element in owner["differential"]["element"]:
            try:
                _apply(_node_at(root, element["id"]), element, all_, value_sets)
            except (KeyError, ValueError) as error:
                raise ValueError(f"{owner['url']}: {element.get('id')}: {error}") from error
    return root


def _lineage(url: str, all_: Mapping[str, Json]) -> list[Json]:
    """Return the profile and those it derives from, the oldest first."""
    found = [all_[url]]
    while (base := found[0]["baseDefinition"]) in all_:
        found.insert(0, all_[base])
    if base != CORE + found[0]["type"]:
        raise ValueError(f"{url}: its base {base} is not loaded")
    return found


def _node_at(root: Node, id_: str) -> Node:
    """Return the node that the element id names (`Patient.identifier:idcard.system`), making what is not there yet."""
    node = root
    for step in id_.split(".")[1:]:
        name, _, slice_ = step.partition(":")
        name = name.removesuffix("[x]")
        node = node.children.setdefault(name, Node(name, name))
        if slice_:
            node = node.slices.setdefault(slice_, Node(name, f"{name}:{slice_}"))
    return node


def _apply(node: Node, element: Json, all_: Mapping[str, Json], value_sets: ValueSets) -> None:
    unknown = [key for key in element.keys() - _READ - _TEXTS - _HINTS if not key.startswith(("fixed", "pattern"))]
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} is not built")
    node.min = element.get("min", node.min)
    if "max" in element:
        node.max = None if element["max"] == "*" else int(element["max"])
    for key, value in element.items():
        if key.startswith(("fixed", "pattern")):
            node.expected = Expected(value, exact=key.startswith("fixed"))
    if element.get("binding", {}).get("strength") == "required":
        url = element["binding"]["valueSet"]
        node.binding = Binding(url, value_sets.systems(url))
    node.rules += tuple(_rule(row) for row in element.get("constraint", ()))
    _types(node, element.get("type", ()), all_)
    _slicing(node, element.get("slicing"))


def _rule(row: Json) -> Rule:
    run = compiled(row["expression"])
    return Rule(row["key"], row["severity"], row["human"], _IN_CODE.get(row["key"], run), row["expression"])


def _on_value(decide: Callable[[str], bool]) -> Run:
    """Return the rule that ``decide`` is about the ``value`` of an Identifier."""

    def run(focus: Items, scope: Scope) -> Items:
        value = focus[0][0].get("value") if focus[0][0].__class__ is dict else None
        return truth(decide(value)) if isinstance(value, str) else []

    return run


# Rules whose FHIRPath is long arithmetic; a test holds the code against the expression.
_IN_CODE = {"yy-idcard": _on_value(has_card_check), "yy-uscc": _on_value(is_credit_code)}


def _types(node: Node, types: Iterable[Json], all_: Mapping[str, Json]) -> None:
    rows = list(types)
    if not rows:
        return
    # The walk names a backbone element by its path, and there is no choice among those.
    node.kinds = frozenset(row["code"] for row in rows) - _BACKBONE
    targets = frozenset(_kind(url, all_) for row in rows for url in row.get("targetProfile", ()))
    node.targets = frozenset() if "Resource" in targets else targets
    node.shapes = tuple(url for row in rows for url in row.get("profile", ()))
    for url in node.shapes:
        if url not in all_:
            raise ValueError(f"the profile {url} is not loaded")


def _kind(url: str, all_: Mapping[str, Json]) -> str:
    if url in all_:
        return str(all_[url]["type"])
    if not url.startswith(CORE):
        raise ValueError(f"the profile {url} is not loaded")
    return url.removeprefix(CORE)


def _slicing(node: Node, slicing: Json | None) -> None:
    if slicing is not None:
        if slicing.get("ordered"):
            raise ValueError("ordered slices are not built")
        node.discriminators = tuple((row["type"], row["path"]) for row in slicing.get("discriminator", ()))
        node.closed = slicing["rules"] == "closed"
    elif node.name == "extension" and not node.discriminators:
        node.discriminators = _URL  # what R4 says of every extension element
