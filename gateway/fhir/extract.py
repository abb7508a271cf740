"""Draws from a resource the values that search finds it by: one generated function per kind, made on first use.

In: kind and a valid resource. Out: `index.Entry` values for every R4 search parameter of the kind but `_…`,
composite and special ones. Source: R4 search.html#3.1.1.4. The generated text holds only names and URLs of the
R4 definitions, each written with `repr`.
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
_BUILT = frozenset(("token", "reference", "date", "string", "uri", "number", "quantity"))
_NAME_PARTS = ("text", "family", "given", "prefix", "suffix")
_ADDRESS_PARTS = ("text", "line", "city", "district", "state", "postalCode", "country")


def extract(kind: str, doc: Json) -> tuple[index.Entry, ...]:
    """Return what ``doc``, a valid resource of ``kind``, is found by; KeyError for an unknown kind."""
    return tuple(_extractor(kind)(doc))


def values_of(kind: str, param: str, doc: Json) -> tuple[index.Entry, ...]:
    """Return those of `extract` that come of the parameter ``param`` of ``kind``, a KeyError when it has none."""
    return tuple(_extractor(kind, param)(doc))


def converter_of(path: Path, search_type: str) -> str:
    """Return the name of the converter for values of ``path`` under a parameter of ``search_type``, "" for none."""
    name = _CONVERTERS.get((search_type, path.type), "")
    return "flag" if path.as_flag else name


@cache
def _extractor(kind: str, param: str = "") -> Extractor:
    lines = ["def extract(r):", " out = []", " add = out.append"]
    known = definitions.search_parameters(kind)
    for parameter in (known[param],) if param else known.values():
        if parameter.type in _BUILT and parameter.expression and not parameter.name.startswith("_"):
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
            yield from _loops(path, f"_put_{converter}", parameter.name)
    if any(path.as_flag for path in found):
        yield f" if len(out) == n: _put_flag({parameter.name!r}, False, add)"


def _loops(path: Path, converter: str, param: str) -> Iterator[str]:
    """Yield nested loops and tests down ``path`` and the call at its end."""
    indent, value = " ", "r"
    for depth, step in enumerate(path.steps):
        following = f"v{depth}"
        yield from (indent + line for line in _step_lines(step, value, following))
        indent += " "
        value = following if step.op in ("get", "each", "extension") else value
    system = _implied_system(path)
    yield f"{indent}{converter}({param!r}, {value}, add{f', {system!r}' if system else ''})"


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
    for coding in value.get("coding", ()):
        _put_coding(param, coding, add)


def _put_coding(param: str, value: Json, add: Add) -> None:
    code = value.get("code")
    if code is not None:
        add(index.Token(param, value.get("system"), code))


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
    if text is not None:
        add(index.Identifier(param, value.get("system"), text))


def _put_contact(param: str, value: Json, add: Add) -> None:
    text = value.get("value")
    if text is not None:
        add(index.Identifier(param, None, text))


def _put_reference(param: str, value: Json, add: Add) -> None:
    text = value.get("reference")
    if text is not None:
        _put_target(param, text, add)
    if "identifier" in value:
        _put_identifier(f"{param}:identifier", value["identifier"], add)


def _put_target(param: str, text: str, add: Add) -> None:
    relative = _RELATIVE.fullmatch(text)
    if relative:
        add(index.Reference(param, relative[1], relative[2]))
    elif not text.startswith("#"):
        add(index.Reference(param, "", text))


def _put_attachment(param: str, value: Json, add: Add) -> None:
    if "url" in value:
        add(index.Reference(param, "", value["url"]))


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


def _put_number(param: str, value: object, add: Add) -> None:
    add(index.Amount(param, str(value)))


def _put_quantity(param: str, value: Json, add: Add) -> None:
    if "value" in value:
        add(
            index.Amount(
                param, str(value["value"]), value.get("system", ""), value.get("code") or value.get("unit", "")
            )
        )


def _put_money(param: str, value: Json, add: Add) -> None:
    if "value" in value:
        add(index.Amount(param, str(value["value"]), "urn:iso:std:iso:4217", value.get("currency", "")))


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
    ("reference", "Reference"): "reference",
    ("reference", "canonical"): "target",
    ("reference", "uri"): "target",
    ("reference", "Attachment"): "attachment",
    ("date", "date"): "date",
    ("date", "dateTime"): "date",
    ("date", "instant"): "date",
    ("date", "Period"): "period",
    ("date", "Timing"): "timing",
    ("string", "string"): "text",
    ("string", "markdown"): "text",
    ("string", "HumanName"): "name",
    ("string", "Address"): "address",
    ("uri", "uri"): "uri",
    ("uri", "url"): "uri",
    ("number", "integer"): "number",
    ("number", "decimal"): "number",
    ("quantity", "Quantity"): "quantity",
    ("quantity", "Age"): "quantity",
    ("quantity", "Duration"): "quantity",
    ("quantity", "Money"): "money",
}
