"""Which slice an item belongs to, by the discriminators of R4: value, pattern, exists, type, profile.

In: a node of `profile_tree`. Out: a function of an item and its type to the name of its slice, put into
``Node.choose``. Raises ValueError when a discriminator finds nothing in a slice to decide by.
Source: R4 profiling.html#discriminator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.fhir.navigate import add_children
from gateway.fhir.operators import Items, key_of
from gateway.fhir.profile_node import Expected, Node
from gateway.fhir.references import target_of
from gateway.fhir.value_sets import Systems

Json = dict[str, Any]
Match = Callable[[Any, str], bool]
Choose = Callable[[Any, str], str | None]

_RESOLVE = "resolve()"


def compile_slices(node: Node, urls: Mapping[str, str]) -> None:
    """Give every sliced node below ``node`` its ``choose``; ``urls`` is the extension url of each extension profile."""
    if node.slices:
        node.choose = _chooser(node, urls)
    for inner in (*node.slices.values(), *node.children.values()):
        compile_slices(inner, urls)


def _chooser(node: Node, urls: Mapping[str, str]) -> Choose:
    tests = _discriminators(node)
    if len(tests) == 1 and tests[0][0] in ("value", "pattern"):
        steps = _steps(tests[0][1])
        constants = {name: _constant(slice_, steps, urls) for name, slice_ in node.slices.items()}
        if all(isinstance(value, str) for value in constants.values()):
            return _by_text({value: name for name, value in constants.items()}, steps)
        if all(_is_one_coding(value) for value in constants.values()):
            codes = {(v["coding"][0]["system"], v["coding"][0]["code"]): name for name, v in constants.items()}
            return _by_coding(codes, steps)
    named = {name: _all([_test(slice_, *test, urls) for test in tests]) for name, slice_ in node.slices.items()}
    return lambda value, kind: next((name for name, matches in named.items() if matches(value, kind)), None)


def _by_text(names: Mapping[str, str], steps: list[str]) -> Choose:
    """Choose by one primitive, the way of nearly every slice: one look-up."""
    only = steps[0] if len(steps) == 1 else ""

    def run(value: Any, kind: str) -> str | None:
        text = value.get(only) if value.__class__ is dict else None
        if text.__class__ is str:
            return names.get(text)
        found = (names.get(item) for item, _ in _along(value, kind, steps) if isinstance(item, str))
        return next((name for name in found if name is not None), None)

    return run


def _by_coding(names: Mapping[tuple[str, str], str], steps: list[str]) -> Choose:
    """Choose by the coding of a concept."""

    def run(value: Any, kind: str) -> str | None:
        for concept, _ in _along(value, kind, steps):
            codings = concept.get("coding") if concept.__class__ is dict else None
            for coding in codings if isinstance(codings, list) else ():
                if coding.__class__ is dict:
                    name = names.get((str(coding.get("system")), str(coding.get("code"))))
                    if name is not None:
                        return name
        return None

    return run


def _constant(slice_: Node, steps: list[str], urls: Mapping[str, str]) -> Any:
    """Return the value that an item of the slice has at ``steps``, None when it is not one constant."""
    if steps == ["url"] and slice_.shapes:
        return urls[slice_.shapes[0]]
    expected = _expected(slice_, steps)
    return None if expected is None else expected.value


def _is_one_coding(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"coding"}
        and len(value["coding"]) == 1
        and value["coding"][0].keys() == {"system", "code"}
    )


def _steps(path: str) -> list[str]:
    return [step for step in path.split(".") if step != "$this"]


def _discriminators(node: Node) -> tuple[tuple[str, str], ...]:
    if node.discriminators:
        return node.discriminators
    if all(slice_.kinds for slice_ in node.slices.values()):
        return (("type", "$this"),)  # a choice cut by its types, as `value[x]:valueQuantity`
    raise ValueError(f"the slices of {node.label} have no discriminator")


def _all(tests: list[Match]) -> Match:
    return tests[0] if len(tests) == 1 else lambda value, kind: all(test(value, kind) for test in tests)


def _test(slice_: Node, type_: str, path: str, urls: Mapping[str, str]) -> Match:
    steps = _steps(path)
    match type_:
        case "value" | "pattern":
            return _by_value(slice_, steps, urls)
        case "exists":
            return _by_presence(slice_, steps)
        case "type":
            return _by_type(slice_, steps)
        case "profile":
            return _by_profile(slice_, steps, urls)
    raise ValueError(f"the discriminator {type_} is not built")


def _by_value(slice_: Node, steps: list[str], urls: Mapping[str, str]) -> Match:
    if steps == ["url"] and slice_.shapes:
        wanted = urls[slice_.shapes[0]]
        return lambda value, kind: value.__class__ is dict and value.get("url") == wanted
    decides = _decider(slice_, steps)
    return lambda value, kind: any(decides(item) for item, _ in _along(value, kind, steps))


def _decider(slice_: Node, steps: list[str]) -> Callable[[Any], bool]:
    """Return what a value at ``steps`` must be: as fixed, as the pattern, or of the bound codes."""
    expected = _expected(slice_, steps)
    if expected is not None:
        return lambda value: agrees(value, expected)
    node = _below(slice_, steps)
    if node.binding is None:
        raise ValueError(f"nothing to tell the slice {slice_.label} by")
    systems = node.binding.systems
    return lambda value: bound(value, systems)


def _expected(slice_: Node, steps: list[str]) -> Expected | None:
    """Return the value at ``steps`` by the first fixed value or pattern on the way, None when there is none."""
    node = slice_
    for at in range(len(steps) + 1):
        if node.expected is not None:
            return Expected(_dug(node.expected.value, steps[at:]), node.expected.exact)
        if at == len(steps) or steps[at] not in node.children:
            return None
        node = node.children[steps[at]]
    return None


def _dug(pattern: Any, steps: list[str]) -> Any:
    for step in steps:
        inner = pattern[0] if isinstance(pattern, list) else pattern
        pattern = inner[step]
    return pattern


def _by_presence(slice_: Node, steps: list[str]) -> Match:
    node = slice_
    for step in steps:
        node = node.children[step]
    if node.max == 0:
        return lambda value, kind: not _along(value, kind, steps)
    if node.min == 0:
        raise ValueError(f"{node.label} is neither required nor forbidden")
    return lambda value, kind: bool(_along(value, kind, steps))


def _by_type(slice_: Node, steps: list[str]) -> Match:
    node = _below(slice_, steps)
    if steps and steps[-1] == _RESOLVE:
        return _by_target(node.targets, steps[:-1])
    kinds = node.kinds
    if not kinds:
        raise ValueError(f"the slice {slice_.label} has no type")
    return lambda value, kind: any(found in kinds for _, found in _along(value, kind, steps))


def _by_profile(slice_: Node, steps: list[str], urls: Mapping[str, str]) -> Match:
    """Match by the kind that a reference tells, an extension's url, or what a resource claims: nothing is fetched."""
    node = _below(slice_, steps)
    if steps and steps[-1] == _RESOLVE:
        return _by_target(node.targets, steps[:-1])
    if not node.shapes:
        raise ValueError(f"the slice {slice_.label} has no profile")
    claims, extensions = frozenset(node.shapes), frozenset(urls.get(url, "") for url in node.shapes)

    def run(value: Any, kind: str) -> bool:
        return any(
            item.__class__ is dict and (item.get("url") in extensions or not claims.isdisjoint(claims_of(item)))
            for item, _ in _along(value, kind, steps)
        )

    return run


def _by_target(targets: frozenset[str], steps: list[str]) -> Match:
    if not targets:
        raise ValueError("a slice by resolve() names no target")
    return lambda value, kind: any(kind_of_target(item) in targets for item, _ in _along(value, kind, steps))


def _below(node: Node, steps: list[str]) -> Node:
    for step in steps:
        if step != _RESOLVE:
            node = node.children[step]
    return node


def _along(value: Any, kind: str, steps: list[str]) -> Items:
    """Return every value at ``steps`` below ``value``."""
    items: Items = [(value, kind)]
    for step in steps:
        found: Items = []
        for inner, type_ in items:
            if inner.__class__ is dict:
                add_children(inner, type_, step, found)
        items = found
    return items


def agrees(value: Any, expected: Expected) -> bool:
    """Tell whether ``value`` is as fixed, or holds at least the pattern."""
    if expected.exact:
        return bool(key_of(value) == key_of(expected.value))
    return _holds(value, expected.value)


def _holds(value: Any, pattern: Any) -> bool:
    if isinstance(pattern, str):
        return bool(value == pattern)
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(name in value and _holds(value[name], pattern[name]) for name in pattern)
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(_holds(item, inner) for item in value) for inner in pattern)
    return bool(key_of(value) == key_of(pattern))


def bound(value: Any, systems: Systems) -> bool:
    """Tell whether a code, Coding, Quantity or CodeableConcept is of ``systems``; of a concept one coding is enough."""
    if value.__class__ is dict:
        codings = value.get("coding", ()) if "coding" in value or "text" in value else (value,)
        return isinstance(codings, list | tuple) and any(_coded(coding, systems) for coding in codings)
    return isinstance(value, str) and any(value in codes for codes in systems.values())


def _coded(coding: Any, systems: Systems) -> bool:
    if coding.__class__ is not dict or not isinstance(coding.get("code"), str):
        return False
    return coding["code"] in systems.get(str(coding.get("system")), frozenset())


def kind_of_target(reference: Any) -> str:
    """Return the kind that a Reference tells by its text, else by its type; "" when it tells none."""
    if reference.__class__ is not dict:
        return ""
    text, type_ = reference.get("reference"), reference.get("type")
    target = target_of(text) if isinstance(text, str) else None
    return (target.kind if target else "") or (type_ if isinstance(type_, str) else "")


def claims_of(resource: Json) -> list[str]:
    """Return the profiles that ``resource`` claims, as written."""
    meta = resource.get("meta")
    claimed = meta.get("profile") if isinstance(meta, dict) else None
    return [url for url in claimed if isinstance(url, str)] if isinstance(claimed, list) else []
