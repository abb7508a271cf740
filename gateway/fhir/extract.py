"""Draws from a resource the values that search finds it by: one generated function per kind, made on first use.

In: kind and a valid resource. Out: `index.Entry` values for every R4 search parameter of the kind that has an
expression, but composites and `_id`, `_lastUpdated`. Source: R4 search.html#3.1.1.4. The generated text holds only
names and URLs of the R4 definitions, each written with `repr`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from gateway.fhir import definitions, index
from gateway.fhir.paths import Path, Step, paths
from gateway.fhir.spans import span

Json = dict[str, Any]
Add = Callable[[index.Entry], None]
Extractor = Callable[[Json], list[index.Entry]]

_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_BUILT = frozenset(("token", "reference", "date", "string", "uri", "number", "quantity", "special"))
_ASIDE = frozenset(("_id", "_lastUpdated"))
"""What a store knows of a row without being told."""
_NAME_PARTS = ("text", "family", "given", "prefix", "suffix")
_ADDRESS_PARTS = ("text", "line", "city", "district", "state", "postalCode", "country")


def extract(kind: str, doc: Json) -> tuple[index.Entry, ...]:
    """Return what ``doc``, a valid resource of ``kind``, is found by; KeyError for an unknown kind."""
    return tuple(_extractor(kind)(doc))


def values_of(kind: str, param: str, doc: Json) -> tuple[index.Entry, ...]:
    """Return those of `extract` that come of the parameter ``param`` of ``kind``, a KeyError when it has none."""
    return tuple(_extractor(kind, param)(doc))


def elements_of(kind: str, param: str, doc: Json) -> list[tuple[str, Any]]:
    """Return (type, JSON value) of every element that ``param`` searches in ``doc``; a KeyError when it has none."""
    return _walker(kind, param)(doc)


def components_of(kind: str, param: str, doc: Json) -> Iterator[tuple[tuple[index.Entry, ...], ...]]:
    """Yield, of each element of ``doc`` that the composite ``param`` asks, the values of its components in order."""
    components = definitions.search_parameters(kind)[param].components
    for type_, value in elements_of(kind, param, doc):
        yield tuple(tuple(_component(type_, component)(value)) for component in components)


@cache
def _component(type_: str, component: definitions.Component) -> Extractor:
    return _made(type_, [definitions.SearchParameter(*component, ())])


def converter_of(path: Path, search_type: str) -> str:
    """Return the name of the converter for values of ``path`` under a parameter of ``search_type``, "" for none."""
    name = _CONVERTERS.get((search_type, path.type), "")
    return "flag" if path.as_flag else name


@cache
def _walker(kind: str, param: str) -> Callable[[Json], list[tuple[str, Any]]]:
    lines = ["def walk(r):", " out = []", " add = out.append"]
    for path in paths(definitions.search_parameters(kind)[param].expression, kind):
        call = f"add(({path.type!r}, {{}}))"
        lines += _loops(path, call.format)
    names: dict[str, Any] = {"refers": _refers}
    exec(compile("\n".join([*lines, " return out"]), f"<elements {kind}>", "exec"), names)  # noqa: S102 - see above
    made: Callable[[Json], list[tuple[str, Any]]] = names["walk"]
    return made


@cache
def _extractor(kind: str, param: str = "") -> Extractor:
    known = definitions.search_parameters(kind)
    return _made(kind, [known[param]] if param else list(known.values()))


def _made(kind: str, parameters: list[definitions.SearchParameter]) -> Extractor:
    """Return the function that draws the values of ``parameters`` from an object of the type ``kind``."""
    lines = ["def extract(r):", " out = []", " add = out.append"]
    for parameter in parameters:
        if parameter.type in _BUILT and parameter.expression and parameter.name not in _ASIDE:
            lines += _parameter_lines(parameter, kind)
    names: dict[str, Any] = {name: value for name, value in globals().items() if name.startswith("_put_")}
    names["refers"] = _refers
    exec(compile("\n".join([*lines, " return out"]), f"<search {kind}>", "exec"), names)  # noqa: S102 - see above
    made: Extractor = names["extract"]
    return made


def _parameter_lines(parameter: definitions.SearchParameter, kind: str) -> Iterator[str]:
    found = paths(parameter.expression, kind)
    if any(path.as_flag for path in found):
        yield " n = len(out)"
    for path in found:
        if converter := converter_of(path, parameter.type):
            system = _implied_system(path)
            given = f", {system!r}" if system else ""
            call = f"_put_{converter}({parameter.name!r}, {{}}, add{given})"
            yield from _loops(path, call.format)
    if any(path.as_flag for path in found):
        yield f" if len(out) == n: _put_flag({parameter.name!r}, False, add)"


def _loops(path: Path, call: Callable[[str], str]) -> Iterator[str]:
    """Yield nested loops and tests down ``path``, and what ``call`` makes of the name of the value at its end."""
    indent, value = " ", "r"
    for depth, step in enumerate(path.steps):
        following = f"v{depth}"
        yield from (indent + line for line in _step_lines(step, value, following))
        indent += " "
        value = following if step.op in ("get", "each", "extension") else value
    yield indent + call(value)


def _step_lines(step: Step, value: str, following: str) -> tuple[str, ...]:
    name = repr(step.name)
    match step.op:
        case "get":
            return f"{following} = {value}.get({name})", f"if {following} is not None:"
        case "each":
            return (f"for {following} in {value}.get({name}, ()):",)
        case "extension":
            return (f"for {following} in [e for e in {value}.get('extension', ()) if e.get('url') == {name}]:",)
        case "equals":
            return (f"if {value}.get({name}) == {step.value!r}:",)
        case "marked":
            return (f"if any(e.get('url') == {name} for e in {value}.get('extension', ())):",)
        case _:
            return (f"if refers({value}, {name}):",)


def _implied_system(path: Path) -> str:
    """Return the one code system of a required binding on a code: R4 search.html#token lets it be named."""
    if path.type != "code" or path.element is None or not path.element.binding:
        return ""
    systems = definitions.systems(path.element.binding) or {}
    return next(iter(systems)) if len(systems) == 1 else ""


def _refers(reference: Json, kind: str) -> bool:
    """Tell whether ``reference`` points to ``kind``, by its ``type`` or its text; nothing is fetched."""
    if "type" in reference:
        return bool(reference["type"] == kind)
    parts = str(reference.get("reference", "")).split("/_history/")[0].rsplit("/", 2)
    return len(parts) > 1 and parts[-2] == kind


def _put_codeable(param: str, value: Json, add: Add) -> None:
    coded = False
    for coding in value.get("coding", ()):
        code = coding.get("code")
        if code is not None:
            coded = True
            add(index.Token(param, coding.get("system"), code))
    if not coded:
        add(index.Present(param))


def _put_coding(param: str, value: Json, add: Add) -> None:
    code = value.get("code")
    add(index.Present(param) if code is None else index.Token(param, value.get("system"), code))


def _put_code(param: str, value: str | None, add: Add, system: str | None = None) -> None:
    if value is not None:
        add(index.Token(param, system, value))


def _put_boolean(param: str, value: bool | None, add: Add) -> None:  # noqa: FBT001 - a JSON value
    if value is not None:
        add(index.Token(param, None, "true" if value else "false"))


def _put_flag(param: str, value: object, add: Add) -> None:
    add(index.Token(param, None, "false" if value is False else "true"))


def _put_identifier(param: str, value: Json, add: Add) -> None:
    text = value.get("value")
    add(index.Present(param) if text is None else index.Identifier(param, value.get("system"), text))


def _put_contact(param: str, value: Json, add: Add) -> None:
    text = value.get("value")
    add(index.Present(param) if text is None else index.Identifier(param, None, text))


def _put_reference(param: str, value: Json, add: Add) -> None:
    text = value.get("reference")
    if text is None:
        add(index.Present(param))
    else:
        _put_target(param, text, add)
    if "identifier" in value:
        _put_identifier(f"{param}:identifier", value["identifier"], add)


def _put_target(param: str, text: str, add: Add) -> None:
    relative = _RELATIVE.fullmatch(text)
    if relative:
        add(index.Reference(param, relative[1], relative[2]))
    else:
        add(index.Present(param) if text.startswith("#") else index.Reference(param, "", text))


def _put_canonical(param: str, value: str | None, add: Add) -> None:
    """Take a canonical address as it is, and without its version too (R4 search.html#versions)."""
    if value is not None:
        _put_target(param, value, add)
        address, bar, _ = value.partition("|")
        if bar:
            _put_target(param, address, add)


def _put_address_of(param: str, value: str | None, add: Add) -> None:
    if value is not None:
        _put_target(param, value, add)


def _put_attachment(param: str, value: Json, add: Add) -> None:
    add(index.Reference(param, "", value["url"]) if "url" in value else index.Present(param))


def _put_date(param: str, value: str | None, add: Add) -> None:
    found = span(value) if value is not None else None
    if found is not None:
        add(index.Date(param, *found))


def _put_period(param: str, value: Json, add: Add) -> None:
    start, end = (span(value[name]) if name in value else None for name in ("start", "end"))
    if start is not None or end is not None:
        add(index.Date(param, start[0] if start else None, end[1] if end else None))


def _put_timing(param: str, value: Json, add: Add) -> None:
    spans = [found for event in value.get("event", ()) if event is not None and (found := span(event)) is not None]
    if spans:
        add(index.Date(param, min(low for low, _ in spans), max(high for _, high in spans)))
    bounds = value.get("repeat", {}).get("boundsPeriod")
    if bounds is not None:
        _put_period(param, bounds, add)


def _put_text(param: str, value: str | None, add: Add) -> None:
    if value is not None:
        add(index.Text(param, value))


def _put_name(param: str, value: Json, add: Add) -> None:
    _put_parts(param, value, _NAME_PARTS, add)
    family, given = value.get("family"), value.get("given")
    if family and given and "text" not in value and not family.isascii() and None not in given:
        # A Chinese name is asked for as a whole, whether or not it is written so.
        _put_text(param, family + "".join(given), add)


def _put_address(param: str, value: Json, add: Add) -> None:
    _put_parts(param, value, _ADDRESS_PARTS, add)


def _put_parts(param: str, value: Json, parts: tuple[str, ...], add: Add) -> None:
    for part in parts:
        found = value.get(part, ())
        for text in (found,) if isinstance(found, str) else found:
            _put_text(param, text, add)


def _put_uri(param: str, value: str | None, add: Add) -> None:
    if value is not None:
        add(index.Uri(param, value))


def _put_canonical_uri(param: str, value: str | None, add: Add) -> None:
    """Take a canonical address as it is, and without its version too (R4 references.html#canonical)."""
    if value is not None:
        add(index.Uri(param, value))
        address, bar, _ = value.partition("|")
        if bar:
            add(index.Uri(param, address))


def _put_number(param: str, value: object, add: Add) -> None:
    if value is not None:
        add(index.Amount(param, str(value), str(value)))


def _put_quantity(param: str, value: Json, add: Add) -> None:
    if "value" not in value:
        add(index.Present(param))
        return
    text, comparator = str(value["value"]), value.get("comparator", "")
    low, high = "" if "<" in comparator else text, "" if ">" in comparator else text
    add(index.Amount(param, low, high, *_unit(value)))


def _put_range(param: str, value: Json, add: Add) -> None:
    """Take a Range as what lies between its limits; R4 demands one unit of both (rng-2 compares them)."""
    ends = [value.get(name, {}) for name in ("low", "high")]
    low, high = (str(end["value"]) if "value" in end else "" for end in ends)
    units = [_unit(end) for end in ends if "value" in end]
    if units and units[0] == units[-1]:
        add(index.Amount(param, low, high, *units[0]))
    else:
        add(index.Present(param))


def _unit(value: Json) -> tuple[str, str, str]:
    return value.get("system", ""), value.get("code", ""), value.get("unit", "")


def _put_money(param: str, value: Json, add: Add) -> None:
    if "value" not in value:
        add(index.Present(param))
        return
    text = str(value["value"])
    add(index.Amount(param, text, text, "urn:iso:std:iso:4217", value.get("currency", "")))


def _put_position(param: str, value: Json, add: Add) -> None:
    if "latitude" in value and "longitude" in value:
        add(index.Position(param, str(value["latitude"]), str(value["longitude"])))


def _put_extension_text(param: str, value: Json, add: Add) -> None:
    _put_text(param, value.get("valueString"), add)


def _put_extension_code(param: str, value: Json, add: Add) -> None:
    if "valueIdentifier" in value:
        _put_identifier(param, value["valueIdentifier"], add)
    elif "valueCodeableConcept" in value:
        _put_codeable(param, value["valueCodeableConcept"], add)
    elif "valueCoding" in value:
        _put_coding(param, value["valueCoding"], add)


def _put_extension_reference(param: str, value: Json, add: Add) -> None:
    if "valueReference" in value:
        _put_reference(param, value["valueReference"], add)


_CONVERTERS = {
    ("token", "CodeableConcept"): "codeable",
    ("token", "Coding"): "coding",
    ("token", "code"): "code",
    ("token", "boolean"): "boolean",
    ("token", "id"): "code",
    ("token", "string"): "code",
    ("token", "uri"): "code",
    ("token", "Identifier"): "identifier",
    ("token", "ContactPoint"): "contact",
    ("token", "Extension"): "extension_code",
    ("reference", "Reference"): "reference",
    ("reference", "canonical"): "canonical",
    ("reference", "uri"): "address_of",
    ("reference", "Attachment"): "attachment",
    ("reference", "Extension"): "extension_reference",
    ("date", "date"): "date",
    ("date", "dateTime"): "date",
    ("date", "instant"): "date",
    ("date", "Period"): "period",
    ("date", "Timing"): "timing",
    ("string", "string"): "text",
    ("string", "markdown"): "text",
    ("string", "HumanName"): "name",
    ("string", "Address"): "address",
    ("string", "Extension"): "extension_text",
    ("uri", "uri"): "uri",
    ("uri", "url"): "uri",
    ("uri", "canonical"): "canonical_uri",
    ("number", "integer"): "number",
    ("number", "decimal"): "number",
    ("number", "Range"): "range",
    ("quantity", "Quantity"): "quantity",
    ("quantity", "Age"): "quantity",
    ("quantity", "Duration"): "quantity",
    ("quantity", "Range"): "range",
    ("quantity", "Money"): "money",
    ("special", "Location.position"): "position",
}
